"""The words for a fault, a finding and a remedy."""

import re
from collections.abc import Iterator, Mapping, Sequence
from keyword import iskeyword
from typing import TYPE_CHECKING, Any

from whygrad.doctor.faults import FAULTS
from whygrad.errors import unknown_name
from whygrad.words import catalogue, number, percent, t

if TYPE_CHECKING:
    from whygrad.doctor.faults import Fault
    from whygrad.doctor.finding import Finding, Remedy

SHARES = ("outside", "share", "below", "moved")  # told as percentages
GENERAL = ("loss", "init", "hidden", "rate", "adam")  # remedies told by one sentence each
PLACE = re.compile("0|[1-9][0-9]*")  # in an nn.Sequential
PACKED = re.compile(r"\[\d+:\d+\]$")  # rows of projections that are packed in one parameter


def name_of(finding: "Finding") -> str:
    """Return the short name of a finding's fault."""
    return t(f"doctor.{finding.kind}.name")


def sentence(finding: "Finding") -> str:
    """Return what a finding says, with its numbers."""
    told = _told(finding.evidence) | {"layer": finding.layer or ""}
    advice = told_together(finding.remedies[:1])
    return t(f"doctor.{finding.kind}.{finding.said}", **told, advice=advice)


def in_short(finding: "Finding") -> str:
    """Return a finding in one line."""
    return t("doctor.in_short", name=name_of(finding), says=sentence(finding))


def remedy_sentence(remedy: "Remedy") -> str:
    """Return what to change, so that it can be done by hand."""
    general = remedy.name.partition("_")[0]
    own = f"doctor.remedy.{remedy.name}"
    key = own if own in catalogue("en") or general not in GENERAL else f"doctor.remedy.{general}"
    return t(key, **_told(remedy.changes))


def told_together(remedies: "Sequence[Remedy]") -> str:
    """Return what to change at the same time, as one sentence after the other."""
    return t("doctor.space").join(map(remedy_sentence, remedies))


def share_text(share: float | None) -> str:
    """Return a share as a percentage; what is below nothing is nothing."""
    if share is None:
        return "?"
    return percent(min(max(share, 0.0), 1.0))


def line_to_change(finding: "Finding") -> str:
    """Return what to change in the program; what stands between backticks is Python."""
    layer = finding.layer or ""
    told = {name: _as_code(value) for name, value in finding.evidence.items()}
    told |= {"layer": layer, "module": module_of(layer)}
    return t(f"doctor.{finding.kind}.line", **told)


def line_in_general(kind: str) -> str:
    """Return what a fault asks to change, in a program that is not at hand."""
    key = f"doctor.{kind}.line"
    gaps = dict.fromkeys(re.findall(r"\{(\w+)", catalogue("en")[key]), "…")
    gaps |= {**dict.fromkeys(("layer", "where", "last"), "LAYER"), "module": "model.LAYER"}
    gaps["passes"] = "N"  # code, in which no ellipsis may stand
    return t(key, **gaps)


def explain(kind: str) -> str:
    """Return what a fault is, how it shows, its check and threshold, and what to do.

    Raises:
        OptionError: there is no such fault.
    """
    if kind not in FAULTS:
        raise unknown_name("fault", kind, list(FAULTS))
    fault = FAULTS[kind]
    parts: list[str] = [t(f"doctor.{kind}.name")]
    parts += [f"{title}\n  {text}" for title, text in described(kind)]
    parts.append(to_change(fault))
    parts.append(t("doctor.explain.source", source=fault.source))
    return "\n\n".join(parts)


def to_change(fault: "Fault") -> str:
    """Return which component a fault asks to change, and which factor it makes fail first."""
    component = t(f"doctor.component.{fault.component}")
    if fault.factor is None:
        return t("doctor.explain.component.healthy", component=component)
    factor = t(f"doctor.factor.{fault.factor}")
    return t("doctor.explain.component", component=component, factor=factor)


def described(kind: str) -> Iterator[tuple[str, str]]:
    """Yield what the catalogue says of a fault, each part with its title."""
    fault = FAULTS[kind]
    parts = ("is", "shows", "check", "remedy") if "own" in fault.of else ("is", "check")
    for part in parts:
        yield t(f"doctor.explain.{part}"), t(f"doctor.{kind}.{part}")
    if "watched" in fault.of:
        yield t("doctor.explain.watched"), line_in_general(kind)


def module_of(layer: str) -> str:
    """Return the Python that leads from ``model`` to a layer: ``model.blocks[0].linear1``.

    A key of an ``nn.ModuleDict`` may be anything; what is no name in Python is asked for as text.
    """
    path = PACKED.sub("", layer)
    parts = path.split(".")
    if not all(PLACE.fullmatch(part) or _is_name(part) for part in parts):
        return f"model.get_submodule({path!r})"
    return "model" + "".join(f"[{part}]" if PLACE.fullmatch(part) else f".{part}" for part in parts)


def _is_name(part: str) -> bool:
    return part.isidentifier() and not iskeyword(part)


def _as_code(value: Any) -> str:
    """Return a number as Python has it: with its own minus sign, and a count in full."""
    return repr(float(f"{value:.3g}")) if isinstance(value, float) else str(value)


def _told(values: Mapping[str, Any]) -> dict[str, str]:
    told = {
        name: share_text(value) if name in SHARES else _value(value)
        for name, value in values.items()
    }
    if isinstance(values.get("moved"), float):  # weights may go farther than they are long
        told["moved"] = percent(values["moved"])
    return told


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
