r"""Names are data: what they hold is shown, and does nothing.

    visible("a\x1b]52;c;…")    gives    a\\x1b]52;c;…

A name that was read from a file may hold anything: orders to a terminal, marks that turn the
reading direction round, characters that nobody sees. Each of them is written as its escape, so that
it can be seen, and can neither act nor hide. What a name *is* never changes; JSON holds it exactly.

Source: Unicode Standard Annex 44, General_Category; section 5.21, Default_Ignorable_Code_Point;
Boucher and Anderson 2021, Trojan Source.
"""

import json
import math
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any
from unicodedata import category, east_asian_width

ACTING = ("Cc", "Cf", "Cs", "Zl", "Zp")  # controls, format, lone surrogates, separators of lines
# letters and marks without a picture; the rest of what is ignored by default is ``Cf``
UNSEEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u2800\u3164\ufe00-\ufe0f\uffa0\ufff0-\ufff8"
    "\U000e0000-\U000e0fff]"
)
UNUSUAL = re.compile(r"[^ -~]")


class Sentence(str):
    """Text that was made by our own functions: its names are clean, its line breaks are ours."""

    __slots__ = ()


def visible(text: str, keep: str = "") -> str:
    r"""Return text in which every character that acts or hides is written as its escape.

    Args:
        keep: characters that may stay, such as ``"\n"``.

    Example:
        >>> visible("a\x9b2J\u202eb\n")
        'a\\x9b2J\\u202eb\\n'
    """
    return UNUSUAL.sub(lambda found: found[0] if found[0] in keep else _shown(found[0]), text)


def cleaned(value: object) -> str:
    """Return a value as text that may stand in a sentence; only a :class:`Sentence` is clean.

    What has a ``__sentence__``, as our errors do, is asked for it.
    """
    text = value if isinstance(value, str) else getattr(value, "__sentence__", value.__str__)()
    return text if isinstance(text, Sentence) else visible(text)


def shortened(text: str, columns: int) -> str:
    """Return text that takes at most so many columns, its middle left out where it is longer."""
    if _columns(text) <= columns:
        return text
    start, end = "", ""
    for head, tail in zip(text, reversed(text), strict=True):
        if _columns(f"{start}{head}{tail}{end}…") > columns:
            break
        start, end = f"{start}{head}", f"{tail}{end}"
    return f"{start}…{end}"


def lines(parts: Iterable[object]) -> Sentence:
    """Return parts one below the other, cleaned where they are no sentences."""
    return Sentence("\n".join(map(cleaned, parts)))


def as_json(content: Any, *, indent: int | None = None, in_ascii: bool = False) -> str:
    r"""Return exact JSON in which no character acts or hides: those are written as ``\uXXXX``.

    Args:
        in_ascii: write every other character that is not ASCII likewise.

    Raises:
        ValueError: a number is not finite.
    """
    text = json.dumps(content, ensure_ascii=in_ascii, indent=indent, allow_nan=False)
    return UNUSUAL.sub(lambda found: _in_json(found[0]), text)


def finite(content: Any) -> Any:
    """Return JSON-able data with None in place of every number that is not finite.

    Where all are, that is known a hundred times sooner.
    """
    try:
        return json.loads(json.dumps(content, allow_nan=False))
    except ValueError:
        return _without_others(content)


def _without_others(content: Any) -> Any:
    if isinstance(content, dict):
        return {name: _without_others(value) for name, value in content.items()}
    if isinstance(content, list | tuple):
        return [_without_others(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content


def _columns(text: str) -> int:
    return sum(1 + (east_asian_width(character) in "WF") for character in text)


@lru_cache(4096)
def _shown(character: str) -> str:
    if category(character) not in ACTING and not UNSEEN.match(character):
        return character
    return character.encode("unicode_escape").decode("ascii")


@lru_cache(4096)
def _in_json(character: str) -> str:
    is_layout = character == "\n"  # JSON has no other line breaks than those of its indentation
    return character if is_layout or _shown(character) == character else json.dumps(character)[1:-1]
