"""The options of a lesson: a frozen record whose every field says what it may be.

    @setup
    class Symmetry:
        constant: float = option(0.5, Range(float, -100, 100))
        activation: str = option("sigmoid", ("sigmoid", "tanh", "relu"))

The same table gives the checks, the errors, the command line's help and the page's set-up line.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import Field, dataclass, field, fields
from typing import Any, TypeVar, dataclass_transform

from whygrad.errors import OptionError, unknown_name
from whygrad.settings import Range
from whygrad.words import MINUS, catalogue, t

Kind = TypeVar("Kind", bound=type)
Allowed = Range | tuple[str, ...]

SIGN = re.compile(r"(?<![\w.])-")  # of a number


def option(default: Any, allowed: Allowed) -> Any:
    """Return a field of a set-up.

    Args:
        default: the value; a tuple makes it an option that takes several values.
        allowed: the range of a number, or the names to choose from. Of several values, of each.
    """
    return field(default=default, metadata={"allowed": allowed})


@dataclass_transform(frozen_default=True, field_specifiers=(option,))
def setup(kind: Kind) -> Kind:
    """Make a class the set-up of a lesson: a frozen dataclass that checks its options."""
    kind.__post_init__ = _check  # type: ignore[attr-defined] - that is the point
    return dataclass(frozen=True)(kind)  # type: ignore[return-value]


def allowed_values(kind: type) -> dict[str, Allowed]:
    """Return what each option of a set-up may be."""
    return {one.name: one.metadata["allowed"] for one in fields(kind)}


def defaults(kind: type) -> dict[str, Any]:
    """Return the default of each option of a set-up."""
    return {one.name: one.default for one in fields(kind)}


def make_setup(kind: type, given: Mapping[str, Any]) -> Any:
    """Build a set-up from names and values.

    Raises:
        OptionError: an unknown name, or a value that is not allowed.
    """
    for name in given:
        if name not in allowed_values(kind):
            raise unknown_name("option", name, list(allowed_values(kind)))
    return kind(**given)


@dataclass(frozen=True)
class Described:
    """What a person is told about an option.

    Attributes:
        name: in Python; the command line writes ``-`` for ``_``.
        kind: the type of its value.
        meaning: what it does.
        allowed: what it may be, in words.
        default: its value where none is given.
    """

    name: str
    kind: type
    meaning: str
    allowed: str
    default: Any


def described(kind: type, lesson: str) -> list[Described]:
    """Return what help says about the options of a lesson, in the language in use.

    Most options mean the same in every lesson, ``lesson.option.<option>``; where one does not, its
    lesson has a sentence of its own, ``lesson.<lesson>.option.<option>``. With ``.name`` behind it,
    either is a key of what the option is called.
    """
    return [_described(one, meaning_key(lesson, one.name)) for one in fields(kind)]


def meaning_key(lesson: str, option: str) -> str:
    """Return the key of the sentence that says what an option of a lesson means."""
    own = f"lesson.{lesson}.option.{option}"
    return own if own in catalogue("en") else f"lesson.option.{option}"


def told(lesson: str, setup: Any, names: Iterable[str]) -> str:
    """Return options of a set-up as a person reads them, each with how it is typed."""
    options = (_told(lesson, setup, name) for name in names)
    return t("page.comma").join(options)


def _told(lesson: str, setup: Any, name: str) -> str:
    value = option_text(getattr(setup, name))
    words = {"name": t(f"{meaning_key(lesson, name)}.name"), "option": flag(name)}
    if not isinstance(allowed_values(type(setup))[name], tuple):
        return t("lesson.setup.number", value=SIGN.sub(MINUS, value), **words)
    if f"lesson.setup.{value}" not in catalogue("en"):
        return t("lesson.setup.choice", value=value, **words)
    words["option"] = f"{flag(name)} {value}"
    return t("lesson.setup.choice", value=t(f"lesson.setup.{value}"), **words)


def flag(name: str) -> str:
    """Return the name of an option as it is written on the command line."""
    return f"--{name.replace('_', '-')}"


def read_options(kind: type, written: Mapping[str, str]) -> dict[str, Any]:
    """Return options that came as text, such as ``0,0.5,1``, as values.

    What is no number stays text; the set-up refuses it, with the range that it must be in.
    """
    known = {one.name: one for one in fields(kind)}
    return {name: _read(known[name], text) for name, text in written.items()}


def option_text(value: Any) -> str:
    """Return the value of an option as it is written on the command line."""
    if isinstance(value, tuple):
        return ",".join(map(option_text, value))
    return repr(value).removesuffix(".0") if isinstance(value, float) else str(value)


def call_text(name: str, setup: Any) -> str:
    """Return the call that starts a lesson with these options."""
    options = (f"{one.name}={getattr(setup, one.name)!r}" for one in fields(setup))
    return f"whygrad.lessons.{name}({', '.join(options)})"


def _described(one: Field, meaning: str) -> Described:
    allowed, takes_several = one.metadata["allowed"], isinstance(one.default, tuple)
    kind = str if isinstance(allowed, tuple) else allowed.kind
    return Described(
        one.name,
        tuple[kind, ...] if takes_several else kind,  # type: ignore[valid-type] - only shown
        t(meaning),
        _allowed_words(allowed, "several" if takes_several else "one"),
        one.default,
    )


def _allowed_words(allowed: Allowed, how_many: str) -> str:
    if isinstance(allowed, tuple):
        return t(f"lesson.allowed.choice.{how_many}", known=", ".join(allowed))
    return t(f"lesson.allowed.{allowed.kind.__name__}.{how_many}", range=str(allowed))


def _read(one: Field, text: str) -> Any:
    allowed = one.metadata["allowed"]
    if not isinstance(one.default, tuple):
        return _value(allowed, text)
    return tuple(_value(allowed, piece) for piece in text.split(",") if piece.strip())


def _value(allowed: Allowed, text: str) -> Any:
    if isinstance(allowed, tuple):
        return text.strip()
    try:
        return allowed.kind(text)
    except ValueError:
        return text


def _check(self: Any) -> None:
    for one in fields(self):
        value = getattr(self, one.name)
        if isinstance(one.default, tuple):
            object.__setattr__(self, one.name, _several(one.name, value, one.metadata["allowed"]))
        else:
            object.__setattr__(self, one.name, _one(one.name, value, one.metadata["allowed"]))


def _several(name: str, values: Any, allowed: Allowed) -> tuple:
    if isinstance(values, str) or not hasattr(values, "__iter__") or not len(tuple(values)):
        raise OptionError("error.lesson_several", option=name, actual=repr(values))
    return tuple(_one(name, value, allowed) for value in values)


def _one(name: str, value: Any, allowed: Allowed) -> Any:
    if isinstance(allowed, tuple):
        if value not in allowed:
            raise OptionError(
                "error.lesson_choice", option=name, known=", ".join(allowed), actual=repr(value)
            )
        return value
    allowed.check(name, value)
    return allowed.kind(value)
