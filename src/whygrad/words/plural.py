"""Plural forms: which form of a word stands beside a number.

    "{layers} hidden {layers:layer|layers}"    gives  1 hidden layer, 2 hidden layers

A placeholder with forms after a colon is filled with the form that its number takes in the
language of the sentence. A language names its forms in the order of its categories in CLDR (zero,
one, two, few, many, other), those that it has: two in English, one in Chinese, four in Polish.
Which number takes which form is the rule of CLDR, by way of Babel.
"""

from functools import cache
from typing import Any

ORDER = ("zero", "one", "two", "few", "many", "other")
BETWEEN = "|"


class Filled(str):
    """A value as it stands in a sentence; with a format specification, a word that it counts."""

    __slots__ = ("count", "language")

    count: object
    language: str

    def __new__(cls, text: str, count: object, language: str) -> "Filled":
        filled = super().__new__(cls, text)
        filled.count, filled.language = count, language
        return filled

    def __format__(self, forms: str) -> str:
        if not forms:
            return str(self)
        return forms.split(BETWEEN)[categories(self.language).index(self.category)]

    @property
    def category(self) -> str:
        """The category of the number in CLDR, such as ``one``; ``other`` of what is no number."""
        try:
            return _rule(self.language)(abs(float(str(self.count))))
        except (ValueError, OverflowError):  # a word, or beyond every float
            return "other"


@cache
def categories(language: str) -> tuple[str, ...]:
    """Return the plural categories of a language, in the order of its forms in the catalogue."""
    own = {*_rule(language).tags, "other"}
    return tuple(name for name in ORDER if name in own)


@cache
def _rule(language: str) -> Any:
    from babel import Locale  # not at the top: most processes never count anything

    return Locale.parse(language).plural_form
