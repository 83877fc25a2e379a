"""The doctor for models that somebody else trains: why a watched model does not learn."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from whygrad.doctor.watched import design, ends, loop, neurons
from whygrad.doctor.watched.evidence import WatchedEvidence
from whygrad.doctor.watched.finding import AILMENTS, WatchedFinding
from whygrad.errors import RunError
from whygrad.record.watched import WatchedFolder

Check = Callable[[WatchedEvidence], WatchedFinding | None]

CHECKS: tuple[Check, ...] = (
    loop.exception,
    ends.targets_out_of_range,
    ends.broadcast_targets,
    ends.softmax_twice,
    ends.sigmoid_twice,
    ends.not_log_probabilities,
    ends.one_column,
    ends.negated_loss,
    ends.summed_batch,
    ends.not_finite,
    loop.detached,
    loop.unreached,
    loop.made_in_forward,
    loop.in_eval_mode,
    design.unscaled_targets,
    design.out_of_range,
    design.closed_output,
    design.unscaled_inputs,
    design.linear_hidden,
    design.strong_dropout,
    design.small_start,
    design.large_start,
    design.strong_l2,
    neurons.clones,
    neurons.dead,
    neurons.saturated,
    neurons.vanishing,
    neurons.exploding,
    loop.zero_grad_missing,
    loop.zero_grad_too_late,
    loop.undivided_accumulation,
    ends.maximized_loss,
    loop.not_in_optimizer,
    loop.frozen,
    loop.rate_at_zero,
    loop.scheduler_first,
    neurons.steps_too_long,
    neurons.steps_too_short,
    ends.rising_loss,
    neurons.stuck,
)
# what follows from something else, and is no cause where that was found
SYMPTOMS = ("stuck", "rising_loss", "steps_too_long", "steps_too_short")
SYMPTOMS += ("vanishing", "exploding", "not_finite")
CONSEQUENCES = ("dead", "saturated")  # told last where something else may have led to them
CERTAIN = 0.6


@dataclass(frozen=True)
class WatchedDiagnosis:
    """What the doctor says of a watched model.

    Attributes:
        findings: causes before consequences, the surest first, then the first in the chain.
        notes: what is odd and harmless.
        steps: recorded steps that it rests on.
    """

    findings: tuple[WatchedFinding, ...]
    notes: tuple[WatchedFinding, ...]
    steps: int

    @property
    def is_healthy(self) -> bool:
        return not self.findings

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON-able data."""
        return {
            "findings": [finding.to_dict() for finding in self.findings],
            "notes": [note.to_dict() for note in self.notes],
            "steps": self.steps,
        }

    def __str__(self) -> str:
        from whygrad.doctor.watched.rendering import tell

        return tell(self)


def diagnose_watched(run: WatchedFolder) -> WatchedDiagnosis:
    """Say why a watched model does not learn, or that nothing speaks against it.

    Raises:
        RunError: nothing was recorded, or the run is damaged.
    """
    seen = WatchedEvidence(run)
    if not seen.facts and not seen.failure:
        raise RunError("error.watched_nothing", path=run.path)
    found = [finding for check in CHECKS if (finding := check(seen))]
    severe = [finding for finding in found if finding.is_severe]
    later = (*SYMPTOMS, *CONSEQUENCES)
    has_cause = any(f.kind not in later and f.confidence >= CERTAIN for f in severe)
    findings = [f for f in severe if not has_cause or f.kind not in SYMPTOMS]
    if any(f.kind in CONSEQUENCES for f in findings):  # longer steps open nothing that is closed
        findings = [f for f in findings if f.kind != "steps_too_short"]
    for vague in ("stuck", "rising_loss"):  # they say nothing that another does not
        findings = [f for f in findings if f.kind != vague] or findings
    order = list(AILMENTS)
    ranked = sorted(
        findings, key=lambda f: (f.kind in CONSEQUENCES, -f.confidence, order.index(f.kind))
    )
    notes = tuple(finding for finding in found if not finding.is_severe)
    return WatchedDiagnosis(tuple(ranked), notes, len(seen.facts))
