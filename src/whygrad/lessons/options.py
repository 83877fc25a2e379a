"""The options of a lesson: a frozen record whose every field says what it may be.

    @setup
    class Symmetry:
        constant: float = option(0.5, Range(float, -100, 100))
        activation: str = option("sigmoid", ("sigmoid", "tanh", "relu"))

The same table gives the checks, the errors, the command line's help and the page's set-up line.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar, dataclass_transform

from whygrad.errors import OptionError, unknown_name
from whygrad.settings import Range

Kind = TypeVar("Kind", bound=type)
Allowed = Range | tuple[str, ...]


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


def _check(self: Any) -> None:
    for one in fields(self):
        value = getattr(self, one.name)
        if isinstance(one.default, tuple):
            object.__setattr__(self, one.name, _several(one.name, value, one.metadata["allowed"]))
        else:
            object.__setattr__(self, one.name, _one(one.name, value, one.metadata["allowed"]))


def _several(name: str, values: Any, allowed: Allowed) -> tuple:
    if isinstance(values, str) or not hasattr(values, "__iter__") or not len(tuple(values)):
        raise OptionError("error.lesson_several", option=name, came=repr(values))
    return tuple(_one(name, value, allowed) for value in values)


def _one(name: str, value: Any, allowed: Allowed) -> Any:
    if isinstance(allowed, tuple):
        if value not in allowed:
            raise OptionError(
                "error.lesson_choice", option=name, known=", ".join(allowed), came=repr(value)
            )
        return value
    if not allowed.allows(value):
        kind = allowed.kind.__name__
        raise OptionError(
            f"error.{kind}_out_of_range", option=name, range=str(allowed), came=repr(value)
        )
    return allowed.kind(value)
