"""Watching a run while it trains: a finding as soon as it is certain."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from whygrad.core.nn.network import Network
from whygrad.doctor.baseline import Yardstick
from whygrad.doctor.checks import Check, ends, hidden, scales, starts, steps
from whygrad.doctor.evidence import Evidence, Record, states_of
from whygrad.doctor.finding import Finding
from whygrad.doctor.setup import Setup
from whygrad.doctor.wording import sentence
from whygrad.training.folder import RunFolder
from whygrad.words import t

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
LAST = 3  # recorded steps, at least, in which a whole layer must be shut
STILL = 3  # epochs over which the loss must not have fallen
FALLEN = 0.01  # of the loss: less is not falling


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
    return [finding for finding in found if _is_certain(finding, evidence)]


def during_training(run: RunFolder, told: Iterable[Finding]) -> list[Finding]:
    """Return what is certain from what a run has recorded so far, and was not told yet."""
    known = {finding.layer for finding in told if finding.kind in ("dead", "closed_start")}
    still_since = _still_since(run.history_lines)
    if still_since is None:
        return []
    return [
        finding
        for layer in _can_shut(run)
        if layer not in known and (finding := _shut(layer, Record(*run.rows(layer)), still_since))
    ]


def says(finding: Finding) -> str:
    """Return what a finding says while training still goes on."""
    if finding.kind == "dead":  # the doctor's own sentence speaks of the end of the run
        return t("doctor.dead.says_now", **finding.evidence)
    return sentence(finding)


def _can_shut(run: RunFolder) -> list[str]:
    """Return the hidden layers whose flat regions have slope 0; from any others a way leads out."""
    layers = run.skeleton.layers[:-1]
    return [layer for layer in layers if run.skeleton[layer].rule.exactly_flat]


def _still_since(lines: Sequence[dict[str, Any]]) -> int | None:
    """Return the step from which on the loss has not fallen for some epochs, if it has not."""
    ends = [line for line in lines if "train_loss" in line][-STILL - 1 :]
    if len(ends) <= STILL:
        return None
    first, last = ends[0]["train_loss"], ends[-1]["train_loss"]
    return ends[0]["step"] if first - last <= FALLEN * abs(first) else None


def _shut(layer: str, record: Record, still_since: int) -> Finding | None:
    """Return the finding of a layer without an open neuron, for as long as the loss is still."""
    neurons = tuple(range(record.rows.shape[2]))
    since = record.first_shut(neurons) if len(record.steps) else None
    if since is None or since > still_since or np.sum(record.steps >= since) < LAST:
        return None
    numbers = {"share": 1.0, "neurons": len(neurons)}
    return Finding("dead", 0.95, numbers, (), layer, neurons, since)


def _is_certain(finding: Finding, evidence: Evidence) -> bool:
    rule = CONDITIONS.get(finding.kind, lambda finding, evidence: finding.confidence >= CERTAIN)
    return rule(finding, evidence)


def _stay_clones(finding: Finding, evidence: Evidence) -> bool:
    """Return whether a layer is (nearly) one neuron, without dropout, which parts its copies."""
    place = evidence.setup.layers.index(finding.layer or "output")
    are_all = finding.confidence >= CERTAIN or finding.evidence["width"] == 1
    return are_all and not evidence.setup.dropout[place]


def _stays_closed(finding: Finding, evidence: Evidence) -> bool:
    """Return whether a layer passes nothing on: a saturated neuron still moves, a shut relu not."""
    state = evidence.starts[0][finding.layer or "output"]
    return len(state.dead) == state.neurons


CONDITIONS: dict[str, Callable[[Finding, Evidence], bool]] = {  # of those that may be harmless
    "clones": _stay_clones,
    "closed_start": _stays_closed,
}
