"""Every equality between numbers that a text prints, found and worked out anew.

What stands on both sides of ``=`` and ``≈`` is typed into a calculator, Python's own arithmetic, as
it is printed. ``=`` holds where that shows the digits of the other side; ``≈`` where what was
rounded away from the printed numbers explains the difference. Sides with symbols in them are no
business of a calculator. Pages become text by :func:`text_of`, formulas by :func:`text_of_math`.
"""

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html import unescape
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

DIGITS = 4  # of a printed number, at least: 0.5 stands for 0.5000
DUST = 1e-6  # of the terms: what float32 leaves


def gelu(z: float) -> float:
    return z * (1 + math.erf(z / math.sqrt(2))) / 2


def selu(z: float) -> float:
    return 1.0507009873554805 * (z if z > 0 else 1.6732632423543772 * math.expm1(z))


FUNCTIONS: dict[str, Callable[..., float]] = {
    "identity": lambda z: z,
    "sigmoid": lambda z: 1 / (1 + math.exp(-z)),
    "tanh": math.tanh,
    "relu": lambda z: max(0.0, z),
    "leaky_relu": lambda z: z if z > 0 else 0.01 * z,
    "elu": lambda z: z if z > 0 else math.expm1(z),
    "selu": selu,
    "gelu": gelu,
    "silu": lambda z: z / (1 + math.exp(-z)),
    "softplus": lambda z: math.log1p(math.exp(-abs(z))) + max(0.0, z),
    "sign": lambda x: float((x > 0) - (x < 0)),
    "clip": lambda x, low, high: min(max(x, low), high),
    "min": min,
    "max": max,
    "abs": math.fabs,
    "sqrt": math.sqrt,
}
RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻"
NUMBER = rf"(?<![\w.])\d+(?:\.\d+)?(?:e[−-]?\d+)?(?![^\W{RAISED}])"
NAMES = "|".join(sorted(FUNCTIONS, key=len, reverse=True))
MARKS = rf"(?:{NUMBER}|½|[{RAISED}]|\b(?:{NAMES})(?= ?\()|[-−+·×÷*/√|(), ])*"
HEAD, TAIL = re.compile(MARKS), re.compile(rf"{MARKS}$")
OPERATORS = "+·×÷*/"
# what a number is of: in brackets, and with a letter that is no part of the formula
LABEL = re.compile(
    r"\[(?:[^\[\]]|\[[^\]]*\])*\]|（[^（）]*）"
    rf"|(?<![\w′])\([^()]*[^\W\d_][^()]*\)(?! ?[{RAISED}])"
)
IN_FORMULA = re.compile(rf"{NAMES}|(?<=\d)e(?=[−-]?\d)")
BELONGS = re.compile(r"\s*(?:%|[a-zA-Zα-ωΑ-Ω∂](?![a-z]))")  # to a number in front of it
PUNCTUATION = ":：,，.。;；?？!！()（）§"
PRINTED = re.compile(rf"\(?\s*[−-]?\s*({NUMBER})(?: × 10([{RAISED}]+))?\s*\)?")


@dataclass(frozen=True)
class Equality:
    """left = right, or left ≈ right, as they are printed."""

    left: str
    sign: str
    right: str

    def holds(self) -> bool:
        """Return whether a calculator finds what is printed; of ≈, what comes near."""
        left, right = calculated(self.left), calculated(self.right)
        assert left is not None and right is not None, self
        if self.sign == "≈":
            near = blurred(self.left) + blurred(self.right)
            return abs(left - right) <= 1.001 * near + DUST * max(abs(left), abs(right))
        half = half_a_digit(self.right) or half_a_digit(self.left) or 0.0
        return abs(left - right) <= max(1.0002 * half, 1e-9 * abs(right))


def equalities(text: str) -> Iterator[Equality]:
    """Yield the equalities of a text, line by line; its equations stand apart by a wide space."""
    for line in re.split(r" {3,}|\n", text):
        parts = re.split("([=≈])", LABEL.sub(_kept, line))
        for before, sign, after in zip(parts[::2], parts[1::2], parts[2::2], strict=False):
            left, right = _tail(before), _head(after)
            if calculated(left) is not None and calculated(right) is not None:
                yield Equality(left, sign, right)


def broken(text: str) -> list[Equality]:
    """Return the equalities of a text that do not hold."""
    return [one for one in equalities(text) if not one.holds()]


def _kept(label: re.Match) -> str:
    """Return a bracket that is part of the formula, and nothing for a label."""
    is_formula = not re.search(r"[^\W\d_]", IN_FORMULA.sub("", label[0])) and label[0][0] == "("
    return label[0] if is_formula else ""


def _head(side: str) -> str:
    """Return the numbers that a side begins with; nothing where a symbol belongs to them."""
    found = HEAD.match(side)
    assert found is not None
    told = _pieces(found[0])[0]
    after = side.removeprefix(told)
    told = told.strip().removesuffix(" (")  # of a remark
    return "" if told.endswith(("−", *OPERATORS)) or BELONGS.match(after) else told


def _tail(side: str) -> str:
    """Return the numbers that a side ends with; nothing where a symbol belongs to them."""
    found = TAIL.search(side)
    assert found is not None
    told = _pieces(found[0])[-1]
    before = side.removesuffix(told).rstrip()
    told = told.strip()
    if before and (told.startswith(("− ", *OPERATORS)) or not _ends_a_phrase(before)):
        return ""
    return told


def _pieces(side: str) -> list[str]:
    """Return what stands between the commas that are in no bracket."""
    depth, pieces = 0, [""]
    for mark in side:
        depth += (mark == "(") - (mark == ")")
        if mark == "," and depth <= 0:
            pieces.append("")
        else:
            pieces[-1] += mark
    return pieces


def _ends_a_phrase(before: str) -> bool:
    """Return whether words end here, or a sign of punctuation, and no symbol of a formula."""
    if re.search(rf"[{OPERATORS}]|− ", re.split(f"[{PUNCTUATION}]", before)[-1]):
        return False
    word = re.search(r"[^\W_]+$", before)
    if word is None:
        return before[-1] in PUNCTUATION
    return len(word[0]) > 1 or "\u4e00" <= word[0] <= "\u9fff"


def calculated(side: str) -> float | None:
    """Return what Python makes of a printed side, None where it holds more than numbers."""
    text = as_python(side)
    words = re.findall(r"[^\W\d_]\w*", re.sub(r"(?<=\d)e(?=[-\d])", "", text))
    if not re.search(r"\d", text) or not set(words) <= FUNCTIONS.keys():
        return None
    try:
        return float(eval(text, {"__builtins__": {}}, FUNCTIONS))
    except (SyntaxError, TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None


def as_python(side: str) -> str:
    raised = str.maketrans(RAISED, "0123456789+-")
    text = re.sub(rf"\s*([{RAISED}]+)", lambda found: f"**({found[1].translate(raised)})", side)
    for ours, theirs in (("−", "-"), ("·", "*"), ("×", "*"), ("÷", "/"), ("½", "0.5")):
        text = text.replace(ours, theirs)
    text = re.sub(r"\|([^|]*)\|", r"abs(\1)", text)
    text = re.sub(r"√ ?(?=\()", "sqrt", re.sub(r"√ ?([\d.]+)", r"sqrt(\1)", text))
    # a factor beside a factor
    return re.sub(r"(?<=[\d)]) +(?=[(\d]|abs\()", "*", text.strip())


def blurred(side: str) -> float:
    """Return how far a side may be off because its numbers were rounded when they were printed."""
    value, off = calculated(side), 0.0
    assert value is not None
    for found in re.finditer(NUMBER, side):
        half = half_a_digit(found[0]) or 0.0
        number = calculated(found[0]) or 0.0
        moved = (
            calculated(f"{side[: found.start()]}({number + by!r}){side[found.end() :]}")
            for by in (half, -half)
        )
        off += max((abs(one - value) for one in moved if one is not None), default=0.0)
    return off


def half_a_digit(side: str) -> float | None:
    """Return half of the last digit of a printed number, None of anything else."""
    printed, value = PRINTED.fullmatch(side.strip()), calculated(side)
    if printed is None or value is None:
        return None
    mantissa = printed[1].split("e")[0]
    digits = max(DIGITS, len(mantissa.replace(".", "").lstrip("0")))
    return 0.5 * 10.0 ** (math.floor(math.log10(abs(value))) + 1 - digits) if value else 0.0


def text_of(page: str) -> str:
    """Return what a page says, without styles, scripts and drawings; a line a piece of text."""
    page = re.sub(r"(?s)<(style|script|svg)\b.*?</\1>", "\n", page)
    page = re.sub(r"</?(?:code|b|i|span|em|sub|sup)\b[^>]*>", "", page)
    return unescape(re.sub(r"<[^>]+>", "\n", page)).replace("\xa0", " ")


def text_of_math(markup: str) -> str:
    """Return a formula in MathML as text; a line a row of a table.

    A table of the class ``upright`` runs downwards: a sign, then symbol, number and word each row.
    """
    root = ElementTree.fromstring(markup)
    rows = [one for one in root.iter() if _name(one) == "mtr"]
    if not rows:
        return _told(root)
    cells = [[_told(cell) for cell in row] for row in rows]
    if "upright" in (root.get("class") or "").split():
        signs, *sides = zip(*cells, strict=True)
        cells = [[part for pair in zip(signs, one, strict=True) for part in pair] for one in sides]
    return "\n".join(" ".join(row) for row in cells)


def _told(one: Element) -> str:
    name, parts = _name(one), [_told(child) for child in one]
    if name == "mfrac":
        return f"({parts[0]}) ÷ ({parts[1]})"
    if name in ("msub", "msup", "munder", "mover", "msubsup"):
        return "_".join(parts)
    return one.get("data-rule") or " ".join(part for part in (one.text or "", *parts) if part)


def _name(one: Element) -> str:
    return one.tag.rpartition("}")[2]
