"""JSON read strictly: what is no JSON, or says one thing twice, is an error and not a guess."""

import json
import math
from typing import Any


def parse(text: "str | bytes") -> Any:
    """Return the value that a JSON text stands for.

    Raises:
        ValueError: it is none, nor are NaN and Infinity, which Python would read; or an object
            holds a name twice, of which Python would take the last.
        RecursionError: it is nested too deep.
    """
    text = text if isinstance(text, str) else text.decode()
    return _DECODER.decode(text)


def finite(content: Any) -> Any:
    """Return JSON-able data with None in place of every number that is not finite."""
    if isinstance(content, dict):
        return {str(name): finite(value) for name, value in content.items()}
    if isinstance(content, list | tuple):
        return [finite(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        raise ValueError("a name stands twice in an object")
    return content


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no number in JSON")


_DECODER = json.JSONDecoder(object_pairs_hook=_once_each, parse_constant=_refuse)
