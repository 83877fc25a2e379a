"""The evidence of an own network: of a trial, and of a run."""

from collections.abc import Mapping

import numpy as np

from whygrad.core.nn.network import Network
from whygrad.doctor.baseline import Baseline, baseline_of
from whygrad.doctor.evidence import LayerRows, rows_of
from whygrad.doctor.own_evidence import OwnEvidence
from whygrad.doctor.setup import Setup, setup_of
from whygrad.doctor.states import is_finite, norm, states_of
from whygrad.doctor.trials import Outcome, measure_all
from whygrad.record.producers import blew_up
from whygrad.training.trained import TrainedRun


def gather(
    setup: Setup,
    baseline: Baseline,
    outcome: Outcome,
    rows: Mapping[str, LayerRows] | None = None,
) -> OwnEvidence:
    """Return what a trial shows, and what a run recorded."""
    networks, losses = outcome.trained.networks, outcome.trained.losses
    ends = states_of(setup, networks)
    bad = [np.flatnonzero(~np.isfinite(of_seed)) for of_seed in losses]
    return OwnEvidence(
        setup=setup,
        baseline=baseline,
        measures=outcome.measures,
        starts=states_of(setup, outcome.starts),
        ends=tuple(
            end if is_finite(network) else None for end, network in zip(ends, networks, strict=True)
        ),
        losses=losses.reshape(len(losses), setup.settings.epochs, -1).mean(axis=2),
        rows=rows or {},
        moved=tuple(map(_moved, outcome.starts, networks)),
        first_bad_step=tuple(int(steps[0]) if len(steps) else None for steps in bad),
    )


def evidence_of(run: TrainedRun) -> OwnEvidence:
    """Return what a run recorded, as a check reads it."""
    description, lines = run.description, run.history_lines
    start, end, failed = run.checkpoint(0).state.network, run.network, blew_up(description)
    setup = setup_of(start, run.data, run.settings, description.get("origin"))
    epochs = [line["train_loss"] for line in lines if "train_loss" in line]
    steps = [line["loss"] for line in lines]
    losses = np.asarray(epochs if len(epochs) > 1 else steps or [np.nan], float)
    return OwnEvidence(
        setup=setup,
        baseline=baseline_of(setup),
        measures=(-np.inf,) if failed else measure_all(setup, [end]),
        starts=states_of(setup, [start]),
        ends=states_of(setup, [end]) if is_finite(end) and not failed else (None,),
        losses=losses[None],
        moved=(_moved(start, end),),
        first_bad_step=(description["steps"],) if failed else (None,),
        validation=[line["validation_loss"] for line in lines if "validation_loss" in line],
        rows=rows_of(run),
    )


def _moved(before: Network, after: Network) -> float:
    """Return how far weights went, as a share of their size: the furthest layer."""
    return max(
        norm(b.weight - a.weight) / (norm(a.weight) or 1.0)
        for a, b in zip(before.dense, after.dense, strict=True)
    )
