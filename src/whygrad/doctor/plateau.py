"""Where a network got stuck: at the base rate, at the reach of its output, or at a linear fit."""

import numpy as np

from whygrad.doctor.baseline import Baseline
from whygrad.doctor.checks.ends import RANGES
from whygrad.doctor.setup import Setup, standardised
from whygrad.doctor.thresholds import AT_PLATEAU, ROOM
from whygrad.doctor.trials import accuracy, explained


def plateau_of(setup: Setup, measure: float, baseline: Baseline) -> str | None:
    """Return at which of three plateaus a measure is: ``base_rate``, ``range``, ``linear``.

    None where it is at none of them, or at what can be learned anyway.
    """
    levels = {
        "base_rate": baseline.floor,
        "range": _reach(setup),
        "linear": _linear(setup),
    }
    for name, level in levels.items():
        if level is None or level >= baseline.level - ROOM:
            continue
        if abs(measure - level) < AT_PLATEAU:
            return name
    return None


def _reach(setup: Setup) -> float | None:
    """Return the r2 of telling every quantity as well as the output's range allows."""
    if setup.is_classifying or setup.activations[-1] not in RANGES:
        return None
    low, high = RANGES[setup.activations[-1]]
    return explained(setup, np.clip(np.asarray(setup.targets, np.float64), low, high))


def _linear(setup: Setup) -> float:
    """Return the measure of the best linear map on the training part."""
    inputs = np.column_stack([standardised(setup.inputs), np.ones(len(setup.inputs))])
    targets = np.asarray(setup.targets, np.float64)
    weights, *_ = np.linalg.lstsq(inputs, targets, rcond=None)
    return (accuracy if setup.is_classifying else explained)(setup, inputs @ weights)
