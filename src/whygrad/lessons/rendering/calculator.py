"""What a pocket calculator makes of a printed formula, such as ``−0.3775 · (0.235 + 1)``.

It knows what lessons print: + − · × /, brackets, bars of absolute values, raised digits, roots,
min and max, and the activations by their names.
"""

import math
import re
from collections.abc import Callable

from whygrad.words import MINUS

DIGITS = 4  # of a printed number, at least: 0.5 stands for 0.5000
FUNCTIONS: dict[str, Callable[..., float]] = {
    "sigmoid": lambda z: 1 / (1 + math.exp(-z)),
    "tanh": math.tanh,
    "relu": lambda z: max(z, 0.0),
    "identity": lambda z: z,
    "softplus": lambda z: math.log1p(math.exp(-abs(z))) + max(z, 0.0),
    "min": min,
    "max": max,
}
LOWERED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻", "0123456789+-")
NUMBER = r"\d+(?:\.\d+)?"
TOKEN = re.compile(rf"\s*({NUMBER}|[⁺⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+|[a-z_]+|[-+·×/()|√,])")
PRINTED = re.compile(rf"[-+]?({NUMBER})(?: × 10([⁺⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+))?")


class NoNumbersError(Exception):
    """The text holds more than numbers."""


def is_equal(before: str, after: str) -> bool | None:
    """Return whether a calculator that is given one side shows the other; None without numbers."""
    first, second = value_of(before), value_of(after)
    if first is None or second is None:
        return None
    return abs(first - second) <= max(_half_of_the_last_digit(after, second), 1e-9 * abs(second))


def value_of(text: str) -> float | None:
    """Return what a text of numbers comes to, or None where it holds anything else."""
    try:
        return _Reader(text.replace(MINUS, "-")).whole()
    except (NoNumbersError, ZeroDivisionError, OverflowError, TypeError, ValueError):
        return None


def _half_of_the_last_digit(text: str, value: float) -> float:
    """Return how far what is printed may be from what it was rounded from."""
    printed = PRINTED.fullmatch(text.replace(MINUS, "-").strip("() "))
    if printed is None or value == 0:
        return 0.0
    digits = max(DIGITS, len(printed[1].replace(".", "").lstrip("0")))
    return 0.5001 * 10.0 ** (math.floor(math.log10(abs(value))) + 1 - digits)


class _Reader:
    """Reads a sum of products from left to right."""

    def __init__(self, text: str) -> None:
        self.tokens = _tokens(text)
        self.place = 0

    def whole(self) -> float:
        value = self._sum()
        if self._peek():
            raise NoNumbersError
        return value

    def _peek(self) -> str:
        return self.tokens[self.place] if self.place < len(self.tokens) else ""

    def _next(self) -> str:
        token = self._peek()
        self.place += 1
        return token

    def _take(self, token: str) -> bool:
        is_there = self._peek() == token
        self.place += is_there
        return is_there

    def _sum(self) -> float:
        value = self._product()
        while self._peek() in ("+", "-"):
            value += self._product() if self._next() == "+" else -self._product()
        return value

    def _product(self) -> float:
        value = self._signed()
        while (token := self._peek()) and token not in ("+", "-", ")", ",") and token != "|":
            if token == "/":
                self._next()
                value /= self._signed()
            else:
                if token in ("·", "×"):
                    self._next()
                value *= self._signed()
        return value

    def _signed(self) -> float:
        return -self._signed() if self._take("-") else self._raised()

    def _raised(self) -> float:
        value = self._single()
        if self._peek() and self._peek()[0] in "⁺⁻⁰¹²³⁴⁵⁶⁷⁸⁹":
            return value ** int(self._next().translate(LOWERED))
        return value

    def _single(self) -> float:
        token = self._next()
        if token == "(":
            return self._closed(")")
        if token == "|":
            return abs(self._closed("|"))
        if token == "√":
            return math.sqrt(self._single())
        if token in FUNCTIONS and self._take("("):
            given = [self._sum()]
            while self._take(","):
                given.append(self._sum())
            if not self._take(")"):
                raise NoNumbersError
            return FUNCTIONS[token](*given)
        if not re.fullmatch(NUMBER, token):
            raise NoNumbersError
        return float(token)

    def _closed(self, end: str) -> float:
        value = self._sum()
        if not self._take(end):
            raise NoNumbersError
        return value


def _tokens(text: str) -> list[str]:
    tokens, place = [], 0
    text = text.rstrip()
    while place < len(text):
        found = TOKEN.match(text, place)
        if found is None:
            raise NoNumbersError
        tokens.append(found[1])
        place = found.end()
    return tokens
