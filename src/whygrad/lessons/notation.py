r"""The three colours of the lessons: what arrives, the constant 1, and the slope.

    arrives("x_{ij}")    gives    \class{arrives}{x_{ij}}

In drawings a mark stands in place of each colour, as for all others. A colour never stands alone:
beside it is the symbol, or a word below a brace.
"""

from whygrad.render.page.canvas import BLUE, GREEN, RED

ARRIVES, ONE, SLOPE = RED, BLUE, GREEN  # marks in drawings


def arrives(latex: str) -> str:
    """Return a symbol of what arrives at a weight."""
    return rf"\class{{arrives}}{{{latex}}}"


def one() -> str:
    """Return the constant 1 that arrives at a bias."""
    return r"\class{one}{1}"


def slope(latex: str = "f'(z)") -> str:
    """Return a symbol of a slope."""
    return rf"\class{{slope}}{{{latex}}}"


def below(latex: str, term: str) -> str:
    """Return LaTeX with a word below a brace; ``term`` names a ``Term`` among the values."""
    return rf"\underbrace{{{latex}}}_{{[[{term}]]}}"
