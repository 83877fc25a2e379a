r"""Formulas of lessons: numbers put in, colours named, and ``=`` only where a calculator agrees.

A formula shows rounded numbers. Whoever types them into a calculator should find what is printed:

    −0.3775 · 0.235 = −0.08872     the calculator says −0.08871, so the page says ≈

:func:`filled` makes a formula ready to be shown; ``rendering.calculator`` finds what it gives.
"""

import re
from collections.abc import Iterator, Mapping
from numbers import Real

from whygrad.lessons.rendering.calculator import is_equal
from whygrad.render.page.formula import as_text, with_numbers

PLACE = re.compile(r"\[\[(\w+)(?:\|(\w+))?\]\]")
MEASURED = r"\class{measured}"
RELATIONS = ("=", r"\approx", r"\leq", r"\in", r"\cdots")
GAPS = (r"\quad", r"\qquad")
TOKEN = re.compile(r"\\[A-Za-z]+|\\.|.", re.DOTALL)


def filled(latex: str, values: Mapping[str, object]) -> str:
    r"""Return LaTeX with its numbers in it, ``≈`` where a calculator finds something else.

    Example:
        >>> filled(r"u \cdot 3 = [[product]]", {"product": 0.9997})
        'u \\cdot 3 = {\\class{measured}{0.9997}}'
    """
    kinds = iter(
        [kind for name, kind in PLACE.findall(latex) if _is_number(values[name])],
    )
    with_places = PLACE.sub(lambda found: f"[[{found[1]}]]", latex)
    pieces = with_numbers(with_places, values).split(MEASURED)
    coloured = pieces[0] + "".join(
        (rf"\class{{measured {kind}}}" if kind else MEASURED) + piece
        for kind, piece in zip(kinds, pieces[1:], strict=True)
    )
    return _compared(coloured)


def steps(latex: str) -> list[list[str]]:
    r"""Return filled equations in pieces, between which a narrow page may break the line.

    Example:
        >>> steps(r"z = w x = 2 \qquad a = f(z)")
        [['z ', '= w x ', '= 2 '], [' a ', '= f(z)']]
    """
    if r"\begin" in latex:
        return [[latex]]
    equations = [[""]]
    for part in _parts(latex):
        if part in GAPS:
            equations.append([""])
        elif part in RELATIONS:
            equations[-1].append(part)
        else:
            equations[-1][-1] += part
    pieces = ([piece for piece in one if piece.strip(" ,")] for one in equations)
    return [one for one in pieces if one]


def _is_number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _compared(latex: str) -> str:
    r"""Return LaTeX with ``\approx`` for each ``=`` between numbers that are only nearly equal."""
    parts = [*_parts(latex)]
    for place in range(1, len(parts) - 1):
        before, sign, after = parts[place - 1 : place + 2]
        if sign == "=" and is_equal(as_text(before), as_text(after)) is False:
            parts[place] = r"\approx "
    return "".join(parts)


def _parts(latex: str) -> Iterator[str]:
    """Yield sides of equations and what stands between them, in turn."""
    side, depth = "", 0
    for token in TOKEN.findall(latex):
        depth += (token in ("{", "(", r"\{")) - (token in ("}", ")", r"\}"))
        is_between = token in (*RELATIONS, ",", *GAPS) and depth == 0
        if is_between:
            yield side
            yield token
            side = ""
        else:
            side += token
    yield side
