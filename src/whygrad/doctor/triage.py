"""What a finding is: an alarm, a note, or nothing. One rule for every kind of network.

A network that learns raises no alarm: what is odd about it is a note. Whether it learns is measured
for whygrad's own networks, against the baseline. Of a watched model only the loss is known, so
there each row of the table says by ``if_learning`` what its finding is worth while the loss falls:
less confidence, down to a note, or 0: nothing before the loss is at rest.

Where a network does not learn, what may be the cause is told. A symptom is none where a cause was
found, a consequence is told after the causes, a vague fault only where nothing else was found, and
what is only ever worth a note stays one.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from whygrad.doctor.thresholds import ALARM, LEAST_WEIGHT, MOST_FINDINGS, ODD

if TYPE_CHECKING:
    from whygrad.doctor.finding import Finding

CAUSE = "cause"
SYMPTOM = "symptom"  # follows from something else, and is no cause where that was found
CONSEQUENCE = "consequence"  # told last: something else may have led to it
VAGUE = "vague"  # says nothing that another finding does not
NOTE = "note"  # no cause of not learning, however sure

Findings = tuple["Finding", ...]


def triage(found: Sequence["Finding"], learns: bool | None) -> tuple[Findings, Findings]:
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


def likely_causes(found: Sequence["Finding"]) -> Findings:
    """Return what is told of a network that does not learn, the most likely first."""
    causes = [f for f in found if f.role != NOTE and f.weight >= LEAST_WEIGHT]
    return tuple(causes[:MOST_FINDINGS])


def _of_watched(found: Sequence["Finding"]) -> tuple[Findings, Findings]:
    severe = [finding for finding in found if finding.weight >= ALARM]
    causes = [f for f in severe if f.role == CAUSE and f.confidence >= ODD]
    alarms = [f for f in severe if not causes or f.role not in (SYMPTOM, VAGUE)]
    kinds = {finding.kind for finding in alarms}
    alarms = [finding for finding in alarms if not kinds.intersection(finding.yields_to)]
    for vague in [finding for finding in reversed(alarms) if finding.role == VAGUE]:
        alarms = [finding for finding in alarms if finding is not vague] or alarms
    alarms.sort(key=lambda finding: (finding.role == CONSEQUENCE, -finding.confidence))
    return tuple(alarms), tuple(finding for finding in found if finding not in severe)
