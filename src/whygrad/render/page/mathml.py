"""MathML as browsers set it well: what a converter leaves open is said in attributes.

Source: MathML Core (W3C), the operator dictionary and the mapping of single letters to italics.
"""

from itertools import zip_longest
from xml.etree.ElementTree import Element

SIGNS = ("−", "+")
CLOSING = (")", "]", "}", "|", "‖", "!")
TIGHT = ("|", "‖", "/")  # operators without space on either side
THIN = "0.1667em"
UPRIGHT = ("∂", "∞", "⊤")
OVERLINE = "―"


def mended(root: Element) -> Element:
    """Return a formula with its operators, names and overlines set as in print."""
    for parent in [*root.iter()]:
        _signs(parent)
        _functions(parent)
        for child in parent:
            _mend(child)
    return root


def _functions(parent: Element) -> None:
    """Give names of functions a thin space: in ln x, but not in log(x)."""
    children = [*parent]
    for child, after in zip_longest(children, children[1:]):
        if child.tag == "mo" and (child.text or "").isalpha() and len(child.text or "") > 1:
            is_call = after is None or (after.text or "").startswith("(")
            child.attrib |= {"lspace": THIN, "rspace": "0" if is_call else THIN}


def _signs(parent: Element) -> None:
    """Say which plus and minus signs belong to what follows, and so take no space after."""
    before: Element | None = None
    for child in parent:
        is_sign = child.tag == "mo" and (child.text or "") in SIGNS
        after_operator = before is None or (before.tag == "mo" and before.text not in CLOSING)
        if is_sign and after_operator:
            child.set("form", "prefix")
        before = child


def _mend(one: Element) -> None:
    text = one.text or ""
    if one.tag == "mover" and len(one) == 2 and one[1].text == OVERLINE:
        _overline(one)
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


def _overline(one: Element) -> None:
    """Draw a line over what is a mean; fonts seldom have one that grows."""
    one.tag = "mrow"
    one.set("class", "mean")
    one.remove(one[1])
