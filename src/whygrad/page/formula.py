"""Formulas with measured numbers in them: written once in LaTeX, shown as MathML and as text.

    with_numbers(r"\\delta = u \\cdot s = [[u]] \\cdot [[s]]", {"u": 0.5, "s": -0.25})

puts the numbers in; :func:`as_mathml` is for pages, :func:`as_text` for the terminal.
"""

import re
from collections.abc import Mapping

from whygrad.words import number
from whygrad.words.markup import Markup

SYMBOLS = {
    "partial": "∂",
    "delta": "δ",
    "Delta": "Δ",
    "eta": "η",
    "epsilon": "ε",
    "alpha": "α",
    "beta": "β",
    "sigma": "σ",
    "pi": "π",
    "cdot": "·",
    "times": "×",
    "sum": "Σ",
    "approx": "≈",
    "neq": "≠",
    "leq": "≤",
    "le": "≤",
    "geq": "≥",
    "ge": "≥",
    "to": "→",
    "rightarrow": "→",
    "Rightarrow": "⇒",
    "infty": "∞",
    "ldots": "…",
    "dots": "…",
    "in": "∈",
    "odot": "⊙",
    "pm": "±",
    "sqrt": "√",
    "quad": "   ",
    "qquad": "      ",
    "top": "ᵀ",
    "mid": "|",
    "lVert": "‖",
    "rVert": "‖",
    "left": "",
    "right": "",
    ",": " ",
    ";": " ",
    "!": "",
    "{": "{",
    "}": "}",
}
WRAPPERS = ("text", "mathrm", "mathbf", "operatorname", "overline", "bar", "hat", "tilde")


def with_numbers(latex: str, values: Mapping[str, object]) -> str:
    """Return LaTeX with ``[[name]]`` replaced by its value.

    Negative numbers stand in brackets where they follow an operator; powers of ten are written out.
    """
    return re.sub(r"(\S\s*)?\[\[(\w+)\]\]", lambda found: _filled(found, values), latex)


def as_mathml(latex: str) -> Markup:
    """Return a formula as a MathML element that takes a line of its own."""
    from latex2mathml.converter import convert

    mathml = convert(latex, display="block")
    return Markup(mathml)


def as_text(latex: str) -> str:
    """Return a formula as plain text: fractions as a/b, Greek letters as they are.

    Example:
        >>> as_text(r"\\frac{\\partial C}{\\partial w_{jk}} = \\delta_k \\cdot a_j")
        '∂C/∂w_jk = δ_k · a_j'
    """
    text = latex
    for _ in range(4):  # wrappers and fractions may stand inside one another
        text = re.sub(rf"\\({'|'.join(WRAPPERS)})\{{([^{{}}]*)\}}", r"\2", text)
        text = re.sub(r"\\sqrt\{([^{}]*)\}", r"√(\1)", text)
        text = re.sub(r"([_^])\{([^{}]*)\}", r"\1\2", text)
        text = re.sub(r"\\frac\{([^{}]*)\}\{([^{}]*)\}", _fraction, text)
    text = re.sub(
        r"\\([A-Za-z]+|[,;!{}])\s?", lambda m: SYMBOLS.get(m[1], m[1]), text.replace("^\\top", "ᵀ")
    )
    return re.sub(r" {2,}(?=\S)", lambda m: m[0] if len(m[0]) > 2 else " ", text).strip()


def _filled(found: re.Match, values: Mapping[str, object]) -> str:
    before, value = found[1] or "", values[found[2]]
    text = number(value) if isinstance(value, float) else str(value)
    text = text.replace("−", "-")  # LaTeX has its own minus sign
    mantissa, _, exponent = text.partition("e")
    if exponent:
        text = rf"{mantissa} \times 10^{{{exponent}}}"
    if "\\infty" not in text:
        text = text.replace("∞", "\\infty").replace("NaN", "\\text{NaN}")
    is_operand = before.strip() not in ("", "=", "(", "{", "&", ",", "[")
    if before and is_operand and (text.startswith("-") or (exponent and before.strip() == "/")):
        text = f"({text})"
    return before + text


def _fraction(found: re.Match) -> str:
    over, under = (
        part if re.fullmatch(r"[\\\w∂δ_ .]+", part) else f"({part})" for part in found.groups()
    )
    return f"{over}/{under}"
