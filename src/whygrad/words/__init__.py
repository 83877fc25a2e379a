"""Every sentence that a person reads, in English and 简体中文.

    t("error.unknown_layer", name="hidden9", known="hidden1, output")

looks the sentence up in the catalogue of the language in use and fills in the named values. Words
that a value counts take the form that fits it:

    "{layers} hidden {layers:layer|layers}"    gives  1 hidden layer, 2 hidden layers

A placeholder with forms after a colon is filled with the form that its number takes in the
language of the sentence. A language names its forms in the order of its categories in CLDR (zero,
one, two, few, many, other), those that it has: two in English, one in Chinese, four in Polish.
Which number takes which form is the rule of CLDR, by way of Babel.

*Names are data.* Columns, classes, layers of other people's models, files, folders, messages of
exceptions: whatever was read may have been written by a stranger. A plain string is therefore
cleaned where it enters something that is shown, and there is one way in for each: :func:`t` for
sentences, :mod:`terminal` for texts, cells and consoles, :mod:`markup` for pages, drawings and
notebooks, ``visible.as_json`` for JSON. What acts or hides (controls, C1, bidi, zero-width,
separators of lines, lone surrogates) is written as its escape by :mod:`visible`; HTML is escaped
besides. Only a ``Sentence`` or a ``Markup``, which our own functions alone make, passes as it is;
joining or formatting one gives a plain string again, so forgetting is safe. A test walks the
imports (rich is taken from :mod:`terminal`) and lists what is ever called ``Markup``. Names in
commands and Python that are printed to be copied go through ``command_word`` and ``module_of``.
``tests/names`` puts hostile names everywhere, and holds every page against that of a double with
ordinary names.
"""

import json
import math
import os
import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from importlib.resources import files
from typing import Any

from whygrad.words.visible import Sentence, cleaned

LANGUAGES = ("en", "zh")
MINUS = "\u2212"
CATEGORIES = ("zero", "one", "two", "few", "many", "other")  # in the order of their forms
BETWEEN = "|"  # forms

_chosen: ContextVar[str | None] = ContextVar("language", default=None)


def language() -> str:
    """Return the language in use: the one chosen, else the first one the environment asks for."""
    chosen = _chosen.get()
    if chosen is not None:
        return chosen
    asked = (os.environ.get(name) for name in ("WHYGRAD_LANG", "LC_ALL", "LC_MESSAGES", "LANG"))
    return language_of(next((tag for tag in asked if tag), "en"))


def language_of(tag: str) -> str:
    """Return the supported language nearest to a tag such as ``zh_CN.UTF-8``; ``en`` if none is."""
    prefix = re.split(r"[-_@.]", tag)[0].lower()
    return prefix if prefix in LANGUAGES else "en"


def choose(tag: str) -> None:
    """Speak the language of ``tag`` from here on, in this context."""
    _chosen.set(language_of(tag))


@contextmanager
def speaking(tag: str | None) -> Iterator[None]:
    """Speak the language of ``tag`` inside a ``with`` block; ``None`` leaves it as it is."""
    token = _chosen.set(language_of(tag) if tag else _chosen.get())
    try:
        yield
    finally:
        _chosen.reset(token)


def t(key: str, /, **values: object) -> Sentence:
    """Return the sentence ``key`` in the language in use, with ``values`` filled in.

    Floating-point values are written by :func:`number`; everything else by ``str``, and whatever
    could act or hide in a terminal as its escape. Only another sentence is taken as it is.
    A sentence that a translation lacks is shown in English.
    """
    spoken = language() if key in catalogue(language()) else "en"
    filled = {name: Filled(written(value), value, spoken) for name, value in values.items()}
    return Sentence(catalogue(spoken)[key].format_map(filled))


@cache
def catalogue(name: str) -> dict[str, str]:
    """Return the sentences of one language, by key."""
    return json.loads((files(__name__) / f"{name}.json").read_text(encoding="utf-8"))


def written(value: object) -> str:
    """Return a value as it stands in a sentence."""
    return number(value) if isinstance(value, float) else cleaned(value)


def command_word(value: object) -> Sentence:
    """Return a name as one word of a command line that is printed to be copied.

    Bare where it can be, in double quotes where every shell takes them for the same.
    """
    text = cleaned(value)
    text = f"./{text}" if text.startswith("-") else text
    if re.fullmatch(r"[\w./:+-]+", text):
        return Sentence(text)
    return Sentence(shlex.quote(text) if re.search(r"[\"$`\\!%]", text) else f'"{text}"')


def number(value: float, digits: int = 4) -> str:
    """Return a number with ``digits`` significant digits, alike in every language.

    Example:
        >>> number(0.000_000_123_4), number(-12.5), number(float("nan"))
        ('1.234e-7', '−12.5', 'NaN')
    """
    value = float(value) + 0.0  # there is no minus zero in a sentence
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("∞" if value > 0 else f"{MINUS}∞")
    mantissa, _, exponent = f"{value:.{digits}g}".partition("e")
    text = f"{mantissa}e{int(exponent)}" if exponent else mantissa
    return text.replace("-", MINUS, 1) if text.startswith("-") else text


def percent(share: float, decimals: int = 0) -> Sentence:
    """Return a share in per cent; in Chinese there is no space in front of the sign.

    What would be rounded to 0 keeps two digits.

    Example:
        >>> percent(0.255), percent(0.255, 1), percent(0.000_123), percent(0.0)
        ('26 %', '25.5 %', '0.012 %', '0 %')
    """
    if not math.isfinite(share):
        return Sentence(number(share))
    text = f"{100 * share:.{decimals}f}".replace("-", MINUS)
    if share and not float(f"{100 * share:.{decimals}f}"):  # next to nothing is not nothing
        text = number(100 * share, 2)
    return Sentence(f"{text}%" if language() == "zh" else f"{text} %")


def byte_size(count: float) -> str:
    """Return a number of bytes in the largest decimal unit that it fills.

    Example:
        >>> byte_size(512), byte_size(4_510_000_000)
        ('512 B', '4.51 GB')
    """
    units = ("B", "kB", "MB", "GB", "TB", "PB", "EB")
    power = next((power for power in range(6, 0, -1) if count >= 999.5 * 1000 ** (power - 1)), 0)
    return f"{number(count / 1000**power, 3)} {units[power]}"


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
    return tuple(name for name in CATEGORIES if name in own)


@cache
def _rule(language: str) -> Any:
    from babel import Locale  # not at the top: most processes never count anything

    return Locale.parse(language).plural_form
