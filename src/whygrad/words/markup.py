"""Words as HTML: escaped by construction, in one language or in both.

    element("td", "a < b", class_="number")    gives  <td class="number">a &lt; b</td>

Plain strings are escaped, and what could act or hide in them is made visible; only a
:class:`Markup` is taken as it is.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from html import escape
from types import MappingProxyType
from typing import Any

from whygrad.words import LANGUAGES, language, speaking, t
from whygrad.words.visible import Sentence, visible

TAGS = {"en": "en", "zh": "zh-Hans"}  # language -> what stands in ``lang``
VOID = ("br", "input", "link", "meta")
BEFORE_PERCENT = re.compile(r"(?<=\d) (?=%)")


class Markup(str):
    """Text that is HTML already: made by our own functions, never from a name."""

    __slots__ = ()


Child = str | None | Iterable[Any]

_shown: ContextVar[tuple[str, ...]] = ContextVar("shown", default=LANGUAGES)
_replaced: ContextVar[Mapping[str, str]] = ContextVar("replaced", default=MappingProxyType({}))


def element(name: str, /, *children: Child, **attributes: object) -> Markup:
    """Return an HTML element.

    Args:
        children: strings, which are escaped, :class:`Markup`, None for nothing, or series of these.
        attributes: ``class_`` and ``aria_label`` become ``class`` and ``aria-label``. None and
            False leave an attribute out, True gives it no value.
    """
    shown = {k.rstrip("_").replace("_", "-"): v for k, v in attributes.items()}
    start = name + "".join(_attribute(key, value) for key, value in shown.items())
    return Markup(f"<{start}>" if name in VOID else f"<{start}>{joined(*children)}</{name}>")


def joined(*children: Child) -> Markup:
    """Return children one after the other, escaped where they are plain strings."""
    return Markup("".join(_written(child) for child in children))


def said(key: str, /, **values: object) -> Markup:
    """Return a sentence of the catalogue in both languages; the page shows one of them."""
    return both(lambda: t(key, **values))


@contextmanager
def in_one_language() -> Iterator[None]:
    """Write words in the language in use only, inside a ``with`` block."""
    token = _shown.set((language(),))
    try:
        yield
    finally:
        _shown.reset(token)


@contextmanager
def replacing(parts: Mapping[str, str]) -> Iterator[None]:
    """Write other words wherever these parts stand in a text, inside a ``with`` block."""
    token = _replaced.set(parts)
    try:
        yield
    finally:
        _replaced.reset(token)


def both(render: Callable[[], str], *, name: str = "span") -> Markup:
    """Return what ``render`` gives in each language, as elements of which the page shows one.

    Args:
        render: called once a language. Where both results are the same, there is one for both,
            and so there is inside :func:`in_one_language`.
        name: of the elements: ``span`` for a phrase, ``div`` for blocks.
    """
    texts = {}
    for name_of_language in _shown.get():
        with speaking(name_of_language):
            texts[name_of_language] = render()
    if len(set(texts.values())) == 1:
        return joined(next(iter(texts.values())))
    return joined(element(name, text, class_="said", lang=TAGS[k]) for k, text in texts.items())


def escaped(text: str) -> Markup:
    """Return text as HTML: the one way of a name into a page, a drawing or an attribute.

    In a sentence of ours no line ends between a number and its percent sign.
    """
    is_ours = isinstance(text, Sentence)
    for part, other in _replaced.get().items():
        text = text.replace(part, other)
    written = escape(visible(text, keep="\n\t"))
    return Markup(BEFORE_PERCENT.sub("\u00a0", written) if is_ours else written)


def _written(child: Child) -> str:
    if child is None:
        return ""
    if isinstance(child, Markup):
        return child
    return escaped(child) if isinstance(child, str) else joined(*child)


def _attribute(name: str, value: object) -> str:
    if value is None or value is False:
        return ""
    return f" {name}" if value is True else f' {name}="{escaped(str(value))}"'
