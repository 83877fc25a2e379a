"""Checks of the data as they reach the network: sizes of inputs and targets, rows that match."""

from whygrad.doctor.evidence import Evidence
from whygrad.doctor.faults import BOTH, fault
from whygrad.doctor.finding import Finding, Remedy
from whygrad.doctor.own_evidence import OwnEvidence
from whygrad.doctor.thresholds import (
    BENGIO,
    CHECKER,
    HARMLESS,
    LARGE_INPUT,
    LECUN,
    SMALL_INPUT,
    UNLIKE_COLUMNS,
    decades,
    sure,
)


@fault("prep_x", "input", f"{LECUN}, section 4.3", of=BOTH, if_learning=HARMLESS)
def unscaled_inputs(evidence: Evidence) -> Finding | None:
    """Inputs far from size 1, or columns of very unlike sizes."""
    scale = evidence.input_scale
    if scale is None:
        return None
    size, ratio = scale.size, scale.ratio
    by_size = sure(0.3, 0.28, decades(size, LARGE_INPUT)) if size > LARGE_INPUT else 0.0
    by_ratio = sure(0.45, 0.25, decades(ratio, UNLIKE_COLUMNS)) if ratio > UNLIKE_COLUMNS else 0.0
    is_small = size < SMALL_INPUT
    by_smallness = sure(0.3, 0.3, decades(SMALL_INPUT, max(size, 1e-12))) if is_small else 0.0
    confidence = max(by_size, by_ratio, by_smallness)
    if not confidence:
        return None
    numbers = {"size": size, "ratio": ratio}
    remedies = (Remedy("inputs_standard", "prep_x", {"input_scaling": "standard"}),)
    said = "says_columns" if by_ratio else "says"
    return Finding("unscaled_inputs", confidence, numbers, remedies, scale.layer, said=said)


SCALING = f"{CHECKER}; {BENGIO}; {LECUN}, section 4.3"


@fault("prep_y", "upstream", SCALING, of=BOTH, if_learning=HARMLESS)
def unscaled_targets(evidence: Evidence) -> Finding | None:
    """Quantities to tell that are far from size 1: the way is long, the loss their square."""
    scale = evidence.target_scale
    if scale is None:
        return None
    size, spread = scale.size, scale.spread
    by_size = sure(0.25, 0.2, decades(size, scale.large)) if size > scale.large else 0.0
    is_narrow = 0 < spread < scale.narrow
    by_smallness = sure(0.4, 0.2, decades(scale.narrow, spread)) if is_narrow else 0.0
    confidence = max(by_size, by_smallness)
    if not confidence:
        return None
    numbers = {"loss": scale.loss, "low": scale.low, "high": scale.high}
    numbers |= {"size": size, "spread": spread}
    standard = Remedy("targets_standard", "prep_y", {"target_coding": "standard"})
    unit = Remedy("targets_unit", "prep_y", {"target_coding": "unit"})
    remedies = (standard, unit) if evidence.output_activation == "identity" else (unit,)
    return Finding("unscaled_targets", confidence, numbers, remedies, scale.layer)


@fault("data", "agreement", CHECKER, is_certain_before=True)
def rows_apart(evidence: OwnEvidence) -> Finding | None:
    """Inputs and targets shuffled each on their own: every input meets somebody else's target."""
    if evidence.setup.settings.shuffle != "apart":
        return None
    remedies = (Remedy("rows_together", "data", {"shuffle": "together"}),)
    return Finding("rows_apart", 0.97, {}, remedies)
