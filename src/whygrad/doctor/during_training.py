"""Diagnose during training: a finding as soon as it is certain."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from whygrad.core.nn.network import Network
from whygrad.doctor.baseline import Baseline
from whygrad.doctor.evidence import LayerRows, rows_of
from whygrad.doctor.faults import FAULTS
from whygrad.doctor.finding import Finding
from whygrad.doctor.own_evidence import OwnEvidence
from whygrad.doctor.setup import Setup
from whygrad.doctor.states import states_of
from whygrad.doctor.thresholds import CERTAIN, SHUT_STEPS, STILL_EPOCHS, STILL_LOSS
from whygrad.record.folder import RunFolder


def before_training(setup: Setup, network: Network) -> list[Finding]:
    """Return what is certain of a network and its data before the first step."""
    state = states_of(setup, [network])
    evidence = OwnEvidence(
        setup=setup,
        baseline=Baseline(0.0, 1.0, False),
        measures=(0.0,),
        starts=state,
        ends=state,
        losses=np.full((1, 1), np.nan),
        moved=(np.nan,),
        first_bad_step=(None,),
    )
    rows = [row for row in FAULTS.values() if row.is_certain_before]
    found = [finding for row in rows if (finding := row(evidence))]
    return [
        finding
        for finding in found
        if (CONDITIONS.get(finding.kind) or _is_sure)(finding, evidence)
    ]


def during_training(run: RunFolder, told: Iterable[Finding]) -> list[Finding]:
    """Return what is certain from what a run has recorded so far, and was not told yet."""
    known = {finding.layer for finding in told if finding.kind in ("dead", "closed_start")}
    still_since = _still_since(run.history_lines)
    if still_since is None:
        return []
    *hidden, _ = rows_of(run).values()
    # where the flat regions of a layer have another slope than 0, a way leads out of them
    may_be_shut = [rows for rows in hidden if rows.spec.is_exactly_flat and rows.name not in known]
    return [finding for rows in may_be_shut if (finding := _shut(rows, still_since))]


def _still_since(lines: Sequence[dict[str, Any]]) -> int | None:
    """Return the step from which on the loss has not fallen for some epochs, if it has not."""
    ends = [line for line in lines if "train_loss" in line][-STILL_EPOCHS - 1 :]
    if len(ends) <= STILL_EPOCHS:
        return None
    first, last = ends[0]["train_loss"], ends[-1]["train_loss"]
    return ends[0]["step"] if first - last <= STILL_LOSS * abs(first) else None


def _shut(rows: LayerRows, still_since: int) -> Finding | None:
    """Return the finding of a layer without an open neuron, for as long as the loss is still."""
    neurons = tuple(range(rows.neurons))
    since = rows.first_shut(neurons) if len(rows.steps) else None
    if since is None or since > still_since or np.sum(rows.steps >= since) < SHUT_STEPS:
        return None
    numbers = {"share": 1.0, "neurons": len(neurons)}
    return Finding("dead", 0.95, numbers, (), rows.name, neurons, since, said="says_now")


def _is_sure(finding: Finding, evidence: OwnEvidence) -> bool:
    return finding.confidence >= CERTAIN


def _stay_clones(finding: Finding, evidence: OwnEvidence) -> bool:
    """Return whether a layer is (nearly) one neuron, without dropout, which parts its copies."""
    place = evidence.setup.layers.index(finding.layer or "output")
    are_all = finding.confidence >= CERTAIN or finding.evidence["width"] == 1
    return are_all and not evidence.setup.dropout[place]


def _stays_closed(finding: Finding, evidence: OwnEvidence) -> bool:
    """Return whether a layer passes nothing on: a saturated neuron still moves, a shut relu not."""
    state = evidence.starts[0][finding.layer or "output"]
    return len(state.dead) == state.neurons


CONDITIONS: dict[str, Callable[[Finding, OwnEvidence], bool]] = {  # of those that may be harmless
    "clones": _stay_clones,
    "closed_start": _stays_closed,
}
