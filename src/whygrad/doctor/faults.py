"""The table of faults, and the one rule that says what a finding is: an alarm, a note, or nothing.

A row stands beside its check, and is entered by ``@fault``: one row a kind, for whygrad's own
networks, for models that are watched, or for both. The checks are in ``doctor/checks``; importing
``whygrad.doctor`` fills the table, in the order of its modules.

A network that learns raises no alarm: what is odd about it is a note. Whether it learns is measured
for whygrad's own networks, against the baseline. Of a watched model only the loss is known, so
there each row of the table says by ``if_learning`` what its finding is worth while the loss falls:
less confidence, down to a note, or 0: nothing before the loss is at rest.

Where a network does not learn, what may be the cause is told. A symptom is none where a cause was
found, a consequence is told after the causes, a vague fault only where nothing else was found, and
what is only ever worth a note stays one.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from whygrad.doctor.thresholds import ALARM, LEAST_WEIGHT, MOST_FINDINGS, ODD

if TYPE_CHECKING:
    from whygrad.doctor.evidence import Evidence
    from whygrad.doctor.finding import Finding

    Check = Callable[[Any], Finding | None]
    Findings = tuple[Finding, ...]

OWN = ("own",)
WATCHED = ("watched",)
BOTH = (*OWN, *WATCHED)

CAUSE = "cause"
SYMPTOM = "symptom"  # follows from something else, and is no cause where that was found
CONSEQUENCE = "consequence"  # told last: something else may have led to it
VAGUE = "vague"  # says nothing that another finding does not
NOTE = "note"  # no cause of not learning, however sure


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
        factor: which factor of the movement fails first; ``optimizer`` for the stages after them;
            None where all of them may be healthy.
        source: where the check, its threshold and its remedy come from.
        of: the networks that can have it: ``own``, ``watched``, or both.
        role: how its findings rank among others, see :func:`triage`.
        if_learning: confidence at most where the loss of a watched model falls all the same, or it
            is too early to say; None where it counts as much.
        yields_to: kinds beside which it is not told.
        is_there_before: whether it shows before the first step, unless its check says when.
        is_certain_before: whether it is certain before the first step, as no training undoes it.
        check: looks for it in own networks, or in all.
        check_watched: looks for it in watched models, where these show something else.
    """

    kind: str
    component: str
    factor: str | None
    source: str
    of: tuple[str, ...] = OWN
    role: str = CAUSE
    if_learning: float | None = None
    yields_to: tuple[str, ...] = ()
    is_there_before: bool = True
    is_certain_before: bool = False
    check: "Check | None" = None
    check_watched: "Check | None" = None

    @property
    def is_alike(self) -> bool:
        """Whether both kinds of networks can have it, and show it to one check."""
        return self.of == BOTH and self.check_watched is None

    def watched(self, check: "Check") -> "Check":
        """Take a second check, for watched models, which show the fault in another way."""
        self.check_watched = check
        return check

    def __call__(self, evidence: "Evidence") -> "Finding | None":
        """Return what the check finds, as :func:`triage` counts it."""
        check = (self.check_watched if evidence.is_watched else None) or self.check
        is_known = ("watched" if evidence.is_watched else "own") in self.of
        found = check(evidence) if check is not None and is_known else None
        if found is None:
            return None
        if evidence.is_watched:
            return self._of_watched(found, evidence.may_learn)
        is_early = found.step is None and self.is_there_before
        return replace(found, step=0) if is_early else found

    def _of_watched(self, found: "Finding", may_learn: bool) -> "Finding | None":
        confidence = found.confidence
        if may_learn and self.if_learning is not None:
            confidence = min(confidence, self.if_learning)
        return replace(found, confidence=confidence, can_be_tried=False) if confidence else None


FAULTS: dict[str, Fault] = {}


def fault(
    component: str, factor: str | None, source: str, **more: Any
) -> "Callable[[Check], Fault]":
    """Enter the check below as the next row of the table, under its own name.

    Args:
        component, factor, source, more: as :class:`Fault` has them.
    """

    def enter(check: "Check") -> Fault:
        return row(check.__name__, component, factor, source, check=check, **more)

    return enter


def row(kind: str, component: str, factor: str | None, source: str, **more: Any) -> Fault:
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


def triage(found: Sequence["Finding"], learns: bool | None) -> "tuple[Findings, Findings]":
    """Return what is an alarm, most likely first, and what is a note.

    Args:
        found: what the checks found, the surest first.
        learns: whether the network learns; None of a watched model, where nobody measured it.
    """
    if learns is None:
        return _of_watched(found)
    if learns:
        return (), tuple(finding for finding in found if finding.confidence >= ODD)
    return likely_causes(found), tuple(finding for finding in found if finding.role == NOTE)


def is_odd(found: Sequence["Finding"]) -> bool:
    """Return whether a check is sure enough of a cause that it is told in any case."""
    return any(finding.confidence >= ODD for finding in found if finding.role != NOTE)


def likely_causes(found: Sequence["Finding"]) -> "Findings":
    """Return what is told of a network that does not learn, the most likely first."""
    causes = [f for f in found if f.role != NOTE and f.weight >= LEAST_WEIGHT]
    return tuple(causes[:MOST_FINDINGS])


def _of_watched(found: Sequence["Finding"]) -> "tuple[Findings, Findings]":
    severe = [finding for finding in found if finding.weight >= ALARM]
    causes = [f for f in severe if f.role == CAUSE and f.confidence >= ODD]
    alarms = [f for f in severe if not causes or f.role not in (SYMPTOM, VAGUE)]
    kinds = {finding.kind for finding in alarms}
    alarms = [finding for finding in alarms if not kinds.intersection(finding.yields_to)]
    for vague in [finding for finding in reversed(alarms) if finding.role == VAGUE]:
        alarms = [finding for finding in alarms if finding is not vague] or alarms
    alarms.sort(key=lambda finding: (finding.role == CONSEQUENCE, -finding.confidence))
    return tuple(alarms), tuple(finding for finding in found if finding not in severe)
