"""Watching a run while it trains: a finding as soon as it is certain."""

from collections.abc import Iterable

import numpy as np

from whygrad.doctor.checks import Check, ends, hidden, scales, starts, steps
from whygrad.doctor.evidence import Evidence, Record, states_of
from whygrad.doctor.finding import Finding
from whygrad.doctor.setup import Setup
from whygrad.doctor.yardstick import Yardstick
from whygrad.network.model import Network
from whygrad.run.folder import RunFolder

CERTAIN = 0.9  # confidence
BEFORE: tuple[Check, ...] = (  # what is certain without a single step
    ends.one_unit_softmax,
    ends.too_few_outputs,
    ends.out_of_range,
    ends.not_probabilities,
    ends.loss_of_one_unit,
    ends.loss_of_classes,
    ends.misfit_loss,
    ends.broadcast_loss,
    steps.flipped_sign,
    scales.rows_apart,
    starts.clones,
    starts.closed_start,
    hidden.exploding_hidden,
)
LAST = 2  # recorded steps in which a whole layer must be shut


def before_training(setup: Setup, network: Network) -> list[Finding]:
    """Return what is certain of a network and its data before the first step."""
    state = states_of(setup, [network])
    evidence = Evidence(
        setup=setup,
        yardstick=Yardstick(0.0, 1.0, False),
        measures=(0.0,),
        starts=state,
        ends=state,
        losses=np.full((1, 1), np.nan),
        moved=(np.nan,),
        first_bad_step=(None,),
    )
    found = [finding for check in BEFORE if (finding := check(evidence))]
    return [finding for finding in found if finding.confidence >= CERTAIN]


def during_training(run: RunFolder, told: Iterable[Finding]) -> list[Finding]:
    """Return what is certain from what a run has recorded so far, and was not told yet."""
    known = {(finding.kind, finding.layer) for finding in told}
    return [
        finding
        for layer in run.skeleton.layers[:-1]
        if ("dead", layer) not in known and (finding := _shut(layer, Record(*run.rows(layer))))
    ]


def _shut(layer: str, record: Record) -> Finding | None:
    """Return the finding of a layer all of whose neurons are shut, for every sample of a batch."""
    neurons = tuple(range(record.rows.shape[2]))
    since = record.first_shut(neurons) if len(record.steps) >= LAST else None
    if since is None or since > record.steps[-LAST]:
        return None
    numbers = {"share": 1.0, "neurons": len(neurons)}
    return Finding("dead", 0.95, numbers, (), layer, neurons, since)
