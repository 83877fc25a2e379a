"""The words for an ailment, a finding and a remedy."""

from collections.abc import Mapping, Sequence
from typing import Any

from whygrad.doctor.finding import Finding, Remedy
from whygrad.words import catalogue, number, t

SHARES = ("outside", "share", "below", "moved")  # told as percentages
GENERAL = ("loss", "init", "hidden", "rate", "adam")  # remedies told by one sentence each


def name_of(finding: Finding) -> str:
    """Return the short name of a finding's ailment."""
    return t(f"doctor.{finding.kind}.name")


def sentence(finding: Finding) -> str:
    """Return what a finding says, with its numbers."""
    advice = told_together(finding.remedies[:1])
    return t(f"doctor.{finding.kind}.says", **_told(finding.evidence), advice=advice)


def remedy_sentence(remedy: Remedy) -> str:
    """Return what to change, so that it can be done by hand."""
    general = remedy.name.partition("_")[0]
    own = f"doctor.remedy.{remedy.name}"
    key = own if own in catalogue("en") or general not in GENERAL else f"doctor.remedy.{general}"
    return t(key, **_told(remedy.changes))


def told_together(remedies: Sequence[Remedy]) -> str:
    """Return what to change at the same time, as one sentence after the other."""
    return t("doctor.space").join(map(remedy_sentence, remedies))


def share_text(share: float | None) -> str:
    """Return a share as a percentage; what is below nothing is nothing."""
    if share is None:
        return "?"
    return f"{number(round(100 * min(max(share, 0.0), 1.0)))} %"


def _told(values: Mapping[str, Any]) -> dict[str, str]:
    return {
        name: share_text(value) if name in SHARES else _value(value)
        for name, value in values.items()
    }


def _value(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return str(value).lower() if value is not None else "0"
    if isinstance(value, int):
        return str(value)  # a count is told whole
    if isinstance(value, float):
        return number(value, 3)
    if isinstance(value, tuple | list):
        return ", ".join(map(_value, value))
    return str(value)
