"""What a JSON value may be: small checks, put together to one table a file.

A check is given a value and returns None, or the first fault in it: where it is, what was expected
there, and what came. Nothing is built while all is well, so checking costs less than parsing.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from whygrad.errors import RunError
from whygrad.settings import Range

LONGEST = 60  # characters of what came, in a message
LARGEST = 1.7976931348623157e308  # of doubles: a whole number may be larger, and is no float
DIGITS = 10  # of the number of a step
CHECKSUM = re.compile("[0-9a-f]{8}")
Place = tuple[str | int, ...]
Check = Callable[[Any], "Fault | None"]


@dataclass(frozen=True)
class Fault:
    """What is wrong with a value.

    Attributes:
        kind: what was expected: the end of a key under ``error.run_content``.
        actual: the value.
        place: where, from the outside in: names of objects, numbers in lists.
        told: what else the sentence says.
    """

    kind: str
    actual: Any = None
    place: Place = ()
    told: Mapping[str, Any] = field(default_factory=dict)

    def inside(self, *place: str | int) -> "Fault":
        """Return the fault as seen from outside."""
        return replace(self, place=(*place, *self.place))

    def error(self, path: "str | Path") -> RunError:
        """Return the fault as an error that names the file and the place in it."""
        told = {"path": path, "place": place_text(self.place), "actual": brief(self.actual)}
        return RunError(f"error.run_content.{self.kind}", **told, **self.told)


def sound(path: str | Path, check: Check, content: Any) -> Any:
    """Return the content of a file if it passes.

    Raises:
        RunError: it does not; file and place are named.
    """
    fault = check(content)
    if fault is not None:
        raise fault.error(path)
    return content


def sound_lines(path: Path, check: Check, lines: Iterable[Any]) -> Iterator[Any]:
    """Yield the lines of a file that pass, each with a later step than the one before.

    Raises:
        RunError: one does not; its number stands behind the file's name, counted from 1.
    """
    before = -1
    for number, line in enumerate(lines, 1):
        fault = check(line)
        if fault is None and line["step"] <= before:
            fault = disagrees(("step",), line["step"], f"> {before}", f"{path.name}:{number - 1}")
        if fault is not None:
            raise fault.error(f"{path}:{number}")
        before = line["step"]
        yield line


def disagrees(place: Place, actual: Any, expected: Any, other: str) -> Fault:
    """Return the fault of a value that contradicts another one."""
    return Fault("disagrees", actual, place, {"expected": expected, "other": other})


def place_text(place: Place) -> str:
    """Return a place as it is written in code: ``layers.fc.shape[0]``; ``.`` for the whole."""
    parts = [f"[{one}]" if isinstance(one, int) else f".{one}" for one in place]
    return "".join(parts).removeprefix(".") or "."


def brief(value: Any) -> str:
    """Return a value as JSON, cut to a length that a message can carry."""
    if isinstance(value, dict | list) and value:
        return "{…}" if isinstance(value, dict) else "[…]"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def anything(value: Any) -> Fault | None:
    return None


def text(value: Any) -> Fault | None:
    return None if type(value) is str else Fault("text", value)


def flag(value: Any) -> Fault | None:
    return None if type(value) is bool else Fault("flag", value)


def number(value: Any) -> Fault | None:
    """A finite number."""
    if type(value) in (float, int) and -LARGEST <= value <= LARGEST:
        return None
    return Fault("number", value, told={"range": ""})


def ranged(allowed: Range) -> Check:
    """A number in a range; null where the range has an "off"."""
    kind = "whole" if allowed.kind is int else "number"

    def check(value: Any) -> Fault | None:
        is_right = value is None or (type(value) in (float, int) and number(value) is None)
        if is_right and allowed.allows(value):
            return None
        return Fault(kind, value, told={"range": f" {allowed}"})

    return check


def whole(low: int, high: int) -> Check:
    """A whole number from ``low`` up to, not including, ``high``."""

    def check(value: Any) -> Fault | None:
        if type(value) is int and low <= value < high:
            return None
        return Fault("whole", value, told={"range": f" {Range(int, low, high)}"})

    return check


def one_of(known: Sequence[str]) -> Check:
    names = frozenset(known)

    def check(value: Any) -> Fault | None:
        if type(value) is str and value in names:
            return None
        return Fault("choice", value, told={"known": ", ".join(known)})

    return check


def maybe(inner: Check) -> Check:
    """What passes ``inner``, or null."""
    return lambda value: None if value is None else inner(value)


def either(lists: Check, others: Check) -> Check:
    """What passes the first check if it is a list, the second if not."""
    return lambda value: lists(value) if type(value) is list else others(value)


def list_of(inner: Check, least: int = 0, most: int | None = None) -> Check:
    def check(value: Any) -> Fault | None:
        if type(value) is not list:
            return Fault("list", value)
        if not least <= len(value) <= (len(value) if most is None else most):
            return Fault("length", len(value), told={"range": f"{least}–{most or '∞'}"})
        for position, one in enumerate(value):
            fault = inner(one)
            if fault is not None:
                return fault.inside(position)
        return None

    return check


def map_of(inner: Check) -> Check:
    """An object whose names are data."""

    def check(value: Any) -> Fault | None:
        if type(value) is not dict:
            return Fault("object", value)
        for name, one in value.items():
            fault = inner(one)
            if fault is not None:
                return fault.inside(name)
        return None

    return check


def by_step(inner: Check) -> Check:
    """An object whose names are numbers of steps."""
    every = map_of(inner)

    def check(value: Any) -> Fault | None:
        fault = every(value)
        for name in value if fault is None else ():
            if not (name.isdecimal() and name.isascii() and len(name) <= DIGITS):
                return Fault("step", place=(name,))
        return fault

    return check


def checksum(value: Any) -> Fault | None:
    is_one = type(value) is str and CHECKSUM.fullmatch(value)
    return None if is_one else Fault("checksum", value)


def record(
    needed: Mapping[str, Check],
    later: Mapping[str, Check] | None = None,
    *,
    others: Check | None = None,
    also: Sequence[Check] = (),
) -> Check:
    """An object whose names are fixed.

    Args:
        needed: what must be there.
        later: what may be: written as a run goes on, or not yet by older versions.
        others: of names that stand in neither; None: there must be none.
        also: what must hold of the whole, once all parts are what they should be.
    """
    known = {**needed, **(later or {})}

    def check(value: Any) -> Fault | None:
        if type(value) is not dict:
            return Fault("object", value)
        for name, one in value.items():
            inner = known.get(name, others)
            fault = Fault("unknown", one) if inner is None else inner(one)
            if fault is not None:
                return fault.inside(name)
        for name in needed:
            if name not in value:
                return Fault("missing", place=(name,))
        return next((fault for one in also if (fault := one(value)) is not None), None)

    return check


def agreeing(check: Callable[[Any], Iterator[Fault]]) -> Check:
    """A check of how parts of a whole agree, from a function that yields what does not."""
    return lambda value: next(check(value), None)
