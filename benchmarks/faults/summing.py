"""What a sweep shows: recall, silence, causes by component, and both over the thresholds."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from whygrad.doctor.faults import FAULTS, NOTE
from whygrad.doctor.thresholds import (
    LEARNS,
    LEARNS_BY_HEART,
    LEARNS_OF_REFERENCE,
    LEARNS_THOUGH_ODD,
    ODD,
)

Line = Mapping[str, Any]
THRESHOLDS = {
    "LEARNS": LEARNS,
    "LEARNS_OF_TWIN": LEARNS_OF_REFERENCE,  # as results are written
    "LEARNS_THOUGH_ODD": LEARNS_THOUGH_ODD,
}
GRID = tuple(round(float(share), 2) for share in np.linspace(0.4, 1.0, 31))
NOTHING = "healthy"  # what the doctor says where it finds nothing
SURE = 1.96  # standard deviations of a 95 % interval


def summed(lines: Sequence[Line]) -> dict[str, Any]:
    """Return everything that a sweep shows as plain data."""
    healthy, faulty = of_status(lines, "healthy"), of_status(lines, "faulty")
    return {
        "counts": counts(lines),
        "recall": share_of(faulty, is_flagged),
        "silence": share_of(healthy, lambda line: not is_flagged(line)),
        "cause": cause_at(faulty),
        "named": {status: named(lines, status) for status in ("faulty", "set_aside")},
        "by_component": by_component(faulty),
        "by_fault": by_fault(lines),
        "false_alarms": [alarm(line) for line in healthy if is_flagged(line)],
        "missed": [alarm(line) for line in faulty if not is_flagged(line)],
        "curves": curves(lines),
        "thresholds": THRESHOLDS,
    }


def of_status(lines: Sequence[Line], status: str) -> list[Line]:
    """Return the lines of networks that count as ``healthy`` or as ``faulty``."""
    return [line for line in lines if line["status"] == status]


def counts(lines: Sequence[Line]) -> dict[str, int]:
    """Return how many networks there are of every sort; whole and broken ones apart."""
    whole = [line for line in lines if line["fault"] is None]
    broken = [line for line in lines if line["fault"] is not None]
    return {
        "drawn": len(whole),
        "healthy": len(of_status(whole, "healthy")),
        "whole_set_aside": len(of_status(whole, "set_aside")),
        "failed": len(of_status(lines, "failed")),
        "broken": len(broken),
        "faulty": len(of_status(broken, "faulty")),
        "broken_set_aside": len(of_status(broken, "set_aside")),
    }


def is_flagged(line: Line) -> bool:
    return line["flagged"]


def share_of(lines: Sequence[Line], holds: Callable[[Line], bool]) -> dict[str, Any]:
    """Return how many of some lines hold, of how many, and the 95 % interval of the share.

    Source: Wilson 1927, Probable Inference.
    """
    many, held = len(lines), sum(map(holds, lines))
    if not many:
        return {"held": 0, "of": 0, "low": 0.0, "high": 1.0}
    share, scale = held / many, 1 + SURE**2 / many
    middle = (share + SURE**2 / (2 * many)) / scale
    reach = SURE * np.sqrt(share * (1 - share) / many + (SURE / (2 * many)) ** 2) / scale
    return {"held": held, "of": many, "low": float(middle - reach), "high": float(middle + reach)}


def hits(line: Line, depth: int) -> bool:
    """Return whether one of the first things that the doctor says names what was broken."""
    named = {FAULTS[kind].component for kind in line["told"][:depth]}
    return bool(named & set(line["components"]))


def cause_at(faulty: Sequence[Line]) -> dict[str, Any]:
    """Return cause@1 and cause@3; a faulty network that is not found counts as a miss."""
    return {str(depth): share_of(faulty, partial(hits, depth=depth)) for depth in (1, 3)}


def named(lines: Sequence[Line], status: str) -> dict[str, Any]:
    """Return how often the surest check names what was changed, whatever the verdict.

    The control of cause@1: where it is as high for changes that do no harm (set aside) as for
    those that do, the checks recognise a change, and do not tell whether it is the cause.
    """
    broken = [line for line in of_status(lines, status) if line["fault"] is not None]
    return share_of(broken, lambda line: _surest(line) in line["components"])


def _surest(line: Line) -> str | None:
    return line["findings"][0]["component"] if line["findings"] else None


def first_told(line: Line) -> str:
    """Return the first fault that the doctor names, or that there is none."""
    return line["told"][0] if line["told"] else NOTHING


def by_component(faulty: Sequence[Line]) -> dict[str, dict[str, Any]]:
    """Return recall, cause@1 and cause@3 of every component that was broken."""
    groups = sorted({line["components"][0] for line in faulty})
    parted = {name: [ln for ln in faulty if ln["components"][0] == name] for name in groups}
    return {
        name: {"recall": share_of(lines, is_flagged), **cause_at(lines)}
        for name, lines in parted.items()
    }


def by_fault(lines: Sequence[Line]) -> dict[str, dict[str, Any]]:
    """Return what the doctor says first of every fault: the confusion table."""
    names = sorted({line["fault"] for line in lines if line["fault"]})
    return {name: _of_fault([line for line in lines if line["fault"] == name]) for name in names}


def _of_fault(lines: Sequence[Line]) -> dict[str, Any]:
    faulty = of_status(lines, "faulty")
    return {
        "faulty": len(faulty),
        "set_aside": len(lines) - len(faulty),
        "flagged": sum(map(is_flagged, faulty)),
        "right": sum(hits(line, 1) for line in faulty),
        "first": dict(Counter(map(first_told, faulty)).most_common()),
    }


def alarm(line: Line) -> dict[str, Any]:
    """Return what one needs to look again at a network that was judged wrongly."""
    kept = ("number", "data", "fault", "optimizer", "learned", "of_twin", "by_heart", "told")
    return {name: line[name] for name in kept}


def is_flagged_at(line: Line, thresholds: Mapping[str, float]) -> bool:
    """Return whether the doctor would call a network ill with other thresholds."""
    if is_odd(line) and line["of_twin"] < thresholds["LEARNS_THOUGH_ODD"]:
        return True
    wanted = LEARNS_BY_HEART if line["by_heart"] else thresholds["LEARNS"]
    learns = line["learned"] >= wanted and line["of_twin"] >= thresholds["LEARNS_OF_TWIN"]
    return not (learns or line["on_its_way"])


def is_odd(line: Line) -> bool:
    """Return whether a check is sure enough of a cause to be told."""
    causes = [f for f in line["findings"] if FAULTS[f["kind"]].role != NOTE]
    return any(finding["confidence"] >= ODD for finding in causes)


def curves(lines: Sequence[Line]) -> dict[str, list[dict[str, float]]]:
    """Return recall and silence over each of the thresholds, the others as they stand."""
    return {name: [_point(lines, name, at) for at in GRID] for name in THRESHOLDS}


def _point(lines: Sequence[Line], name: str, at: float) -> dict[str, float]:
    thresholds = {**THRESHOLDS, name: at}

    def share(status: str) -> float:
        chosen = of_status(lines, status)
        return float(np.mean([is_flagged_at(line, thresholds) for line in chosen] or [0.0]))

    return {"at": at, "recall": share("faulty"), "silence": 1 - share("healthy")}


def as_text(result: Mapping[str, Any]) -> str:
    """Return the short table that is printed."""
    number = result["counts"]
    rows = [
        "networks: {drawn}, healthy: {healthy}, set aside: {whole_set_aside}, "
        "failed: {failed}".format(**number),
        "broken: {broken}, faulty: {faulty}, set aside: {broken_set_aside}".format(**number),
        f"recall  {_share(result['recall'])}",
        f"silence {_share(result['silence'])}",
        *(f"cause@{depth} {_share(of)}" for depth, of in result["cause"].items()),
        f"surest check names the change, faulty    {_share(result['named']['faulty'])}",
        f"surest check names the change, harmless  {_share(result['named']['set_aside'])}",
        "",
        f"{'component':12s} {'recall':>8s} {'cause@1':>8s} {'cause@3':>8s}",
        *(_component(name, of) for name, of in result["by_component"].items()),
        "",
        f"{'fault':20s} faulty  aside  flagged  right  first finding",
        *(_fault(name, of) for name, of in result["by_fault"].items()),
    ]
    return "\n".join(rows)


def _share(of: Mapping[str, Any]) -> str:
    if not of["of"]:
        return "none"
    return f"{of['held'] / of['of']:.1%} of {of['of']} (95 %: {of['low']:.1%} to {of['high']:.1%})"


def _component(name: str, of: Mapping[str, Any]) -> str:
    cells = (f"{share['held']}/{share['of']}" for share in of.values())
    return f"{name:12s} " + " ".join(f"{cell:>8s}" for cell in cells)


def _fault(name: str, of: Mapping[str, Any]) -> str:
    first = ", ".join(f"{kind} {many}" for kind, many in of["first"].items())
    numbers = f"{of['faulty']:6d} {of['set_aside']:6d} {of['flagged']:8d} {of['right']:6d}"
    return f"{name:20s} {numbers}  {first}"
