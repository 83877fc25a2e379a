"""Every check, in one table: evidence -> a finding, or None."""

from collections.abc import Callable

from whygrad.doctor.checks import data, ends, hidden, penalties, scales, starts, steps
from whygrad.doctor.evidence import Evidence
from whygrad.doctor.finding import Finding

Check = Callable[[Evidence], Finding | None]

CHECKS: tuple[Check, ...] = (
    scales.unscaled_inputs,
    scales.unscaled_targets,
    scales.rows_apart,
    ends.too_few_outputs,
    ends.one_unit_softmax,
    ends.out_of_range,
    ends.closed_output,
    ends.not_probabilities,
    ends.loss_of_one_unit,
    ends.loss_of_classes,
    ends.misfit_loss,
    ends.loss_of_quantities,
    ends.summed_loss,
    ends.broadcast_loss,
    starts.clones,
    starts.small_start,
    starts.large_start,
    starts.closed_start,
    hidden.linear_hidden,
    hidden.exploding_hidden,
    hidden.saturating_hidden,
    hidden.too_deep,
    hidden.too_narrow,
    hidden.dead,
    steps.flipped_sign,
    steps.rate_too_high,
    steps.rate_too_low,
    steps.slow_optimizer,
    steps.too_few_steps,
    steps.noisy_batch,
    steps.few_batches,
    penalties.strong_dropout,
    penalties.strong_l1,
    penalties.strong_l2,
    data.unrelated_targets,
    data.overfits,
)


def run_checks(evidence: Evidence) -> list[Finding]:
    """Return what the checks find, the surest first."""
    found = [finding for check in CHECKS if (finding := check(evidence))]
    return sorted(found, key=lambda finding: -finding.weight)
