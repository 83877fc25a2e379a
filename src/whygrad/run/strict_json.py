"""JSON read strictly: what is no JSON, or says one thing twice, is an error and not a guess."""

import json
from typing import Any

from whygrad.errors import InputError


def parse(text: "str | bytes") -> Any:
    """Return the value that a JSON text stands for.

    Raises:
        ValueError: it is none, nor are NaN and Infinity, which Python would read; an object holds a
            name twice, of which Python would take the last; or a string holds half a character.
        RecursionError: it is nested too deep.
    """
    text = text if isinstance(text, str) else text.decode()
    content = _DECODER.decode(text)
    if "\\ud" in text.lower():  # half a character cannot be printed: an error when encoded
        json.dumps(content, ensure_ascii=False).encode()
    return content


def as_bytes(text: str) -> bytes:
    """Return JSON as it is written to a file.

    Raises:
        InputError: a string holds half a character, as the name of a file that is no UTF-8 does.
    """
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        begin = text.rfind('"', 0, error.start) + 1
        came = text[begin : text.find('"', error.start)].rstrip("\\")  # JSON within JSON
        raise InputError("error.not_text", came=came) from None


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        raise ValueError("a name stands twice in an object")
    return content


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no number in JSON")


_DECODER = json.JSONDecoder(object_pairs_hook=_once_each, parse_constant=_refuse)
