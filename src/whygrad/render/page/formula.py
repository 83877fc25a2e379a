r"""Formulas with measured numbers in them: written once in LaTeX, shown as MathML and as text.

    with_numbers(r"\delta = u \cdot s = [[u]] \cdot [[s]]", {"u": 0.5, "s": -0.25})

puts the numbers in; :func:`as_mathml` is for pages, :func:`as_text` for the terminal. What a
converter to MathML leaves open is said in attributes, so that browsers set it well.

Source: MathML Core (W3C), the operator dictionary and the mapping of single letters to italics.
"""

import re
from collections.abc import Mapping
from numbers import Integral, Real
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from whygrad.render.page.plain import as_text
from whygrad.words import MINUS, number
from whygrad.words.markup import Markup, element

__all__ = ["as_mathml", "as_text", "with_numbers"]

MEASURED = "measured"  # class of a measured number, so that the stylesheet sets it apart

TOKEN = re.compile(r"\\[A-Za-z]+|\\.|\S")
SPACES = (r"\,", r"\;", r"\:", r"\!", r"\quad", r"\qquad", r"\ ")
# After these a minus sign can only be a sign: the number needs no brackets.
BEFORE_A_SIGN = frozenset("=<>([{&,:^_;") | {
    rf"\{name}"
    for name in (
        *("approx", "neq", "ne", "leq", "le", "geq", "ge", "equiv", "sim", "propto", "mapsto"),
        *("to", "rightarrow", "Rightarrow", "in", "mid", "lvert", "lVert", "left", "\\", "{"),
    )
}

ALIGNED = re.compile(r"\\(begin|end)\{(?:aligned|split|align)\}")

# of MathML
SIGNS = ("−", "+")
CLOSING = (")", "]", "}", "|", "‖", "!")
TIGHT = ("|", "‖", "/")  # operators without space on either side
THIN = "0.1667em"
UPRIGHT = ("∂", "∞", "⊤")
OVERLINE = "―"


def with_numbers(latex: str, values: Mapping[str, object]) -> str:
    r"""Return LaTeX with ``[[name]]`` replaced by its value.

    Negative numbers stand in brackets where they follow an operator or a factor; powers of ten are
    written out. What is no number is set as a word.

    Example:
        >>> with_numbers(r"u \cdot [[s]]", {"s": -0.25})
        'u \\cdot (\\class{measured}{-0.25})'
    """

    def fill(found: re.Match) -> str:
        value = values[found[1]]
        if isinstance(value, bool) or not isinstance(value, Real):
            return rf"\text{{{value}}}"
        written = _latex_of(value)
        before, after = latex[: found.start()], latex[found.end() :].lstrip()
        shown = rf"\class{{{MEASURED}}}{{{written}}}"
        return f"({shown})" if _needs_brackets(written, before, after) else f"{{{shown}}}"

    return re.sub(r"\[\[(\w+)\]\]", fill, latex)


def as_mathml(latex: str, *, inline: bool = False) -> Markup:
    """Return a formula as a MathML element, on a line of its own or inside one."""
    from latex2mathml.converter import convert

    converted = convert(ALIGNED.sub(r"\\\1{align*}", latex), display="block", xmlns="")
    root = ElementTree.fromstring(converted)
    for parent in [*root.iter()]:
        _space(parent)
        for child in parent:
            _mend(child)
    inside = "".join(ElementTree.tostring(part, "unicode") for part in root)
    display = None if inline else "block"
    return element("math", Markup(inside), display=display, alttext=as_text(latex))


def _latex_of(value: Real) -> str:
    """Return a number as LaTeX, with the digits that it has in sentences."""
    text = str(int(value)) if isinstance(value, Integral) else number(float(value))
    if "NaN" in text:
        return r"\text{NaN}"
    mantissa, _, exponent = text.replace(MINUS, "-").replace("∞", r"\infty").partition("e")
    return rf"{mantissa} \times 10^{{{exponent}}}" if exponent else mantissa


def _needs_brackets(written: str, before: str, after: str) -> bool:
    """Return whether a number between these would be misread without brackets."""
    is_negative, is_product = written.startswith("-"), r"\times" in written
    if after.startswith("^"):
        return is_negative or is_product
    tokens = [token for token in TOKEN.findall(before) if token not in SPACES]
    last = tokens[-1] if tokens else "="
    if last == "/":
        return is_negative or is_product
    if last == "|":  # an opening bar, or the closing one of what is multiplied
        return is_negative and tokens.count("|") % 2 == 0
    return is_negative and last not in BEFORE_A_SIGN


def _space(parent: Element) -> None:
    """Tell signs from operators, and space names of functions as in ln x, but not in log(x)."""
    children = [*parent]
    neighbours = zip([None, *children], children, [*children[1:], None], strict=False)
    for before, child, after in neighbours:
        text = child.text or ""
        if child.tag in ("mi", "mo") and text.isalpha() and len(text) > 1:
            is_call = after is None or (after.text or "").startswith("(")
            child.tag = "mo"  # browsers space no identifiers
            child.attrib |= {"lspace": THIN, "rspace": "0" if is_call else THIN}
        elif child.tag == "mo" and text in SIGNS:
            if before is None or (before.tag == "mo" and before.text not in CLOSING):
                child.set("form", "prefix")  # it belongs to what follows, and takes no space after


def _mend(one: Element) -> None:
    """Set operators, names and overlines as in print."""
    text = one.text or ""
    if one.tag == "mover" and len(one) == 2 and one[1].text == OVERLINE:
        one.tag = "mrow"  # the stylesheet draws the line: fonts seldom have one that grows
        one.set("class", "mean")
        one.remove(one[1])
    elif one.tag == "mo" and text in UPRIGHT:
        one.tag, one.text = "mi", "T" if text == "⊤" else text
        one.set("mathvariant", "normal")
    elif one.tag == "mo" and text in TIGHT:
        one.attrib |= {"lspace": "0", "rspace": "0"}
    elif one.tag == "mtext":
        one.text = text.replace("\\", "")  # what LaTeX escapes, such as a percent sign
    elif one.tag == "mi" and text == "′":
        one.tag = "mo"
    elif one.tag == "mi" and "Α" <= text <= "Ω":
        one.set("mathvariant", "normal")
