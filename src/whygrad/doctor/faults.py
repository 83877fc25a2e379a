"""The table of faults: a row stands beside its check, and is entered by ``@fault``.

One row a kind, for whygrad's own networks, for models that are watched, or for both. The checks are
in ``doctor/checks``; importing ``whygrad.doctor`` fills the table, in the order of its modules.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from whygrad.doctor.triage import CAUSE

if TYPE_CHECKING:
    from whygrad.doctor.evidence import Evidence
    from whygrad.doctor.finding import Finding

    Check = Callable[[Any], Finding | None]

OWN = ("own",)
WATCHED = ("watched",)
BOTH = (*OWN, *WATCHED)
COMPONENTS = (
    "prep_x",
    "prep_y",
    "data",
    "layers",
    "init",
    "bias_init",
    "hidden_act",
    "output_act",
    "loss",
    "opt",
    "batch",
    "epochs",
    "dropout",
    "l1",
    "l2",
    "loop",
)


@dataclass(eq=False)
class Fault:
    """A row of the table; called with evidence it returns a finding, or None.

    Attributes:
        kind: its name, that of its check.
        component: what to change, one of :data:`COMPONENTS`.
        factor: which factor of the movement fails first; ``optimizer`` for the stages after them.
        source: where the check, its threshold and its remedy come from.
        of: the networks that can have it: ``own``, ``watched``, or both.
        role: how its findings rank among others, see :mod:`whygrad.doctor.triage`.
        if_learning: confidence at most where the loss of a watched model falls all the same; None
            where it counts as much.
        yields_to: kinds beside which it is not told.
        is_there_before: whether it shows before the first step, unless its check says when.
        is_certain_before: whether it is certain before the first step, as no training undoes it.
        check: looks for it in own networks, or in all.
        check_watched: looks for it in watched models, where these show something else.
    """

    kind: str
    component: str
    factor: str
    source: str
    of: tuple[str, ...] = OWN
    role: str = CAUSE
    if_learning: float | None = None
    yields_to: tuple[str, ...] = ()
    is_there_before: bool = True
    is_certain_before: bool = False
    check: "Check | None" = None
    check_watched: "Check | None" = None

    def watched(self, check: "Check") -> "Check":
        """Take a second check, for watched models, which show the fault in another way."""
        self.check_watched = check
        return check

    def __call__(self, evidence: "Evidence") -> "Finding | None":
        """Return what the check finds, as :mod:`whygrad.doctor.triage` counts it."""
        check = (self.check_watched if evidence.is_watched else None) or self.check
        is_known = ("watched" if evidence.is_watched else "own") in self.of
        found = check(evidence) if check is not None and is_known else None
        if found is None:
            return None
        if evidence.is_watched:
            return self._of_watched(found, evidence.has_improved)
        is_early = found.step is None and self.is_there_before
        return replace(found, step=0) if is_early else found

    def _of_watched(self, found: "Finding", has_improved: bool) -> "Finding | None":
        confidence = found.confidence
        if has_improved and self.if_learning is not None:
            confidence = min(confidence, self.if_learning)
        return replace(found, confidence=confidence, can_be_tried=False) if confidence else None


FAULTS: dict[str, Fault] = {}


def fault(component: str, factor: str, source: str, **more: Any) -> "Callable[[Check], Fault]":
    """Enter the check below as the next row of the table, under its own name.

    Args:
        component, factor, source, more: as :class:`Fault` has them.
    """

    def enter(check: "Check") -> Fault:
        return row(check.__name__, component, factor, source, check=check, **more)

    return enter


def row(kind: str, component: str, factor: str, source: str, **more: Any) -> Fault:
    """Enter a row, also one without a check, and return it."""
    FAULTS[kind] = Fault(kind, component, factor, source, **more)
    return FAULTS[kind]


def faults_of(producer: str) -> Iterator[Fault]:
    """Yield the rows of ``own`` networks, or of ``watched`` models."""
    return (fault for fault in FAULTS.values() if producer in fault.of)


def run_checks(evidence: "Evidence") -> "list[Finding]":
    """Return what the checks find, the surest first; of equals, in the order of the table."""
    found = [finding for fault in FAULTS.values() if (finding := fault(evidence))]
    return sorted(found, key=lambda finding: -finding.weight)
