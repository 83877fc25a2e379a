"""Sentences of lessons on a page: no line ends inside a formula.

    The push |δ| is w · x = 0.5 here.    keeps |δ| whole, and w · x = 0.5

A formula is what operators hold together, what holds bars or a fraction, or a number like 1e-7. One
that is too long for the line of a phone may break in front of its operators.
"""

import re

from whygrad.lessons.rendering.paragraph import HAN
from whygrad.words import t
from whygrad.words.markup import Markup, both, element, joined
from whygrad.words.visible import Sentence

OTHER = rf"\s{HAN}“”‘’…"  # what stands in no symbol
PART = rf"(?:\([^(){HAN}]{{1,24}}\)|[^{OTHER}])+(?: %)?"  # a symbol, a number, or a bracket
OPERATOR = "[=≈≠≤≥<>→+−·×÷/@∈]"
FORMULA = re.compile(rf"{PART}(?: {OPERATOR} {PART})+|[^{OTHER}]*(?:[|/]|\de-)[^{OTHER}]*(?: %)?")
BEFORE_AN_OPERATOR = re.compile(rf" (?={OPERATOR} )")
LONGEST = 28  # letters that fit the line of a phone


def sentence(key: str, /, **values: object) -> Markup:
    """Return a sentence of the catalogue in both languages, its formulas whole."""
    return both(lambda: with_whole_formulas(t(key, **values)))


def with_whole_formulas(text: str) -> Markup:
    """Return text in which no line ends inside a formula.

    Example:
        >>> with_whole_formulas("so |δ| < 1")
        'so <span class="whole">|δ| &lt; 1</span>'
    """
    parts, end = [], 0
    for found in FORMULA.finditer(text):
        parts += [Sentence(text[end : found.start()]), _whole(found[0])]
        end = found.end()
    return joined(parts, Sentence(text[end:]))


def _whole(formula: str) -> Markup:
    is_short = len(formula) <= LONGEST
    pieces = [formula] if is_short else BEFORE_AN_OPERATOR.split(formula)
    spans = [element("span", Sentence(piece), class_="whole") for piece in pieces]
    return joined(joined(" " if place else None, span) for place, span in enumerate(spans))
