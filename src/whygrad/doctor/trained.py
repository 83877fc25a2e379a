"""What is known of a run of whygrad's own, or of a network and data before any run."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from whygrad.core.nn.losses import as_matrix
from whygrad.core.nn.network import Network
from whygrad.data.table import Data
from whygrad.doctor.baseline import baseline_of
from whygrad.doctor.evidence import rows_of
from whygrad.doctor.own_evidence import OwnEvidence
from whygrad.doctor.setup import Setup
from whygrad.doctor.states import moved_by, states_of
from whygrad.doctor.trials import measure_all
from whygrad.settings import Settings
from whygrad.training.loop import check_size, prepare
from whygrad.training.trained import TrainedRun


def setup_of(
    network: Network, data: Data, settings: Settings, origin: Mapping[str, Any] | None = None
) -> Setup:
    """Return the set-up of a network that is to be trained on data.

    Args:
        origin: how the network was asked for: ``{"network": {"init": ...}}``. Without it trials
            start from the very weights of ``network``; with it every seed draws its own.

    Raises:
        InputError: network, data and settings do not fit together.
    """
    check_size(network, data, settings)
    task = prepare(network, data, settings)
    asked = (origin or {}).get("network", {})
    targets = as_matrix(jnp.asarray(data.train.y), network.sizes[-1], jnp.dtype("float32"))
    return Setup(
        x=np.asarray(data.train.x),
        y=np.asarray(targets),
        labels=np.asarray(data.train.y),
        task=data.task,
        sizes=network.sizes,
        activations=tuple(dense.activation for dense in network.dense),
        inits=_starts(asked.get("init"), [np.asarray(d.weight) for d in network.dense]),
        bias_inits=_starts(asked.get("bias_init"), [_bias(d) for d in network.dense]),
        dropout=tuple(dense.dropout for dense in network.dense[:-1]),
        settings=replace(task.settings, record_every=0),
        has_bias=network.dense[0].bias is not None,
        weights=task.weights,
    )


def _bias(dense: Any) -> np.ndarray:
    return np.zeros(dense.n_out, np.float32) if dense.bias is None else np.asarray(dense.bias)


def _starts(asked: Any, drawn: Sequence[np.ndarray]) -> tuple[Any, ...]:
    if asked is None:
        return tuple(drawn)
    return (asked,) * len(drawn) if isinstance(asked, str) else tuple(asked)


def evidence_of(run: TrainedRun) -> OwnEvidence:
    """Return what a run recorded, as a check reads it."""
    start, end = run.checkpoint(0).state.network, run.network
    setup = setup_of(start, run.data, run.settings, run.description.get("origin"))
    epochs = [line["train_loss"] for line in run.history_lines if "train_loss" in line]
    steps = [line["loss"] for line in run.history_lines]
    losses = np.asarray(epochs if len(epochs) > 1 else steps or [np.nan], float)
    failed = run.blew_up
    is_sound = all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(end)) and not failed
    return OwnEvidence(
        setup=setup,
        baseline=baseline_of(setup),
        measures=(-np.inf,) if failed else measure_all(setup, [end]),
        starts=states_of(setup, [start]),
        ends=states_of(setup, [end]) if is_sound else (None,),
        losses=losses[None],
        moved=(moved_by(start, end),),
        first_bad_step=(run.description["steps"],) if failed else (None,),
        validation=[
            line["validation_loss"] for line in run.history_lines if "validation_loss" in line
        ],
        rows={name: rows_of(run, name) for name in run.layers},
    )
