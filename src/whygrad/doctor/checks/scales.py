"""Checks of the data as they reach the network: sizes of inputs and targets, rows that match."""

import numpy as np

from whygrad.doctor.checks.grades import decades, sure
from whygrad.doctor.evidence import Evidence
from whygrad.doctor.finding import Finding, Remedy
from whygrad.doctor.setup import Setup

LARGE_INPUT = 3.0  # root mean square; 1 is usual
UNLIKE_COLUMNS = 10.0  # largest spread of a column over the median one
LARGE_TARGET = 3.0
SMALL_TARGET = 0.02


def unscaled_inputs(evidence: Evidence) -> Finding | None:
    """Inputs far from size 1, or columns of very unlike sizes."""
    setup = evidence.setup
    inputs = setup.inputs.astype(np.float64)
    size = float(np.sqrt(np.mean(inputs**2)))
    spreads = inputs.std(axis=0)
    spreads = spreads[spreads > 0]
    ratio = float(spreads.max() / np.median(spreads)) if len(spreads) else 1.0
    by_size = sure(0.3, 0.28, decades(size, LARGE_INPUT)) if size > LARGE_INPUT else 0.0
    by_ratio = sure(0.45, 0.25, decades(ratio, UNLIKE_COLUMNS)) if ratio > UNLIKE_COLUMNS else 0.0
    by_smallness = sure(0.3, 0.3, decades(0.05, max(size, 1e-12))) if size < 0.05 else 0.0
    confidence = max(by_size, by_ratio, by_smallness)
    if not confidence:
        return None
    numbers = {"size": size, "ratio": ratio}
    remedies = (Remedy("inputs_standard", "prep_x", {"input_scaling": "standard"}),)
    return Finding("unscaled_inputs", confidence, numbers, remedies, setup.layers[0])


def unscaled_targets(evidence: Evidence) -> Finding | None:
    """Quantities to tell that are far from size 1: the way is long, the loss their square."""
    setup = evidence.setup
    if setup.task != "numbers" or setup.activations[-1] == "softmax":
        return None
    targets = setup.targets.astype(np.float64)
    size, spread = float(np.sqrt(np.mean(targets**2))), float(targets.std())
    by_size = sure(0.25, 0.2, decades(size, LARGE_TARGET)) if size > LARGE_TARGET else 0.0
    is_small = 0 < spread < SMALL_TARGET
    by_smallness = sure(0.4, 0.2, decades(SMALL_TARGET, spread)) if is_small else 0.0
    confidence = max(by_size, by_smallness)
    if not confidence:
        return None
    numbers = {"size": size, "spread": spread}
    return Finding("unscaled_targets", confidence, numbers, _target_remedies(setup), "output")


def _target_remedies(setup: Setup) -> tuple[Remedy, ...]:
    standard = Remedy("targets_standard", "prep_y", {"target_coding": "standard"})
    unit = Remedy("targets_unit", "prep_y", {"target_coding": "unit"})
    return (standard, unit) if setup.activations[-1] == "identity" else (unit,)


def rows_apart(evidence: Evidence) -> Finding | None:
    """Inputs and targets shuffled each on their own: every input meets somebody else's target."""
    if evidence.setup.settings.shuffle != "apart":
        return None
    remedies = (Remedy("rows_together", "data", {"shuffle": "together"}),)
    return Finding("rows_apart", 0.97, {}, remedies)
