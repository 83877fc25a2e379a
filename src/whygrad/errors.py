"""The errors that whygrad raises.

    WhygradError
    ├── InputError (also ValueError)    a value that the user gave is at fault
    │   ├── ShapeError                  an array does not fit the network
    │   ├── OptionError                 an unknown name, or a value out of its range
    │   ├── AddressError                no such layer, neuron or parameter
    │   ├── DataError                   problems in a table, all of them at once
    │   └── TooLargeError (MemoryError) something would not fit into memory, and was not begun
    ├── NonFiniteError                  training met NaN or infinity and stopped
    ├── StalledError                    training moved no parameter, and stopped
    ├── RunError                        a run folder is missing, damaged, in use or not reproducible
    ├── BackendError (RuntimeError)     JAX does not start here, or the process is a fork
    ├── NotRecordedError (AttributeError)  an estimator was fitted without a record
    ├── ExportError                     an export does not give what the network gives
    └── MissingExtraError (ImportError) a package is not installed that only some need
    RunWarning (UserWarning)            a run is read or gone on with, but not as it was left

A message has four parts: where, what was expected, what came, what to do. It is kept as a key of
the word catalogue with its values, so it can be read in every language and by a program.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from difflib import get_close_matches

from whygrad.words import catalogue, t
from whygrad.words.visible import lines

NOUNS = ("what", "quantity")  # values that are words themselves, keys under ``noun.``


class WhygradError(Exception):
    """An error with a message from the word catalogue.

    Args:
        key: key of the sentence, such as ``error.unknown_name``.
        values: what the sentence says; also what a program reads from :attr:`values`.
    """

    def __init__(self, key: str, /, **values: object):
        super().__init__(key)
        self.key = key
        self.values = values

    def __str__(self) -> str:
        return str.__str__(self.__sentence__())  # exactly str: test runners send no other class

    def __sentence__(self) -> str:
        if self.key not in catalogue("en"):  # made again from its message, as torch's workers do
            return self.key
        return t(self.key, **in_words(self.values))

    def to_dict(self) -> dict[str, object]:
        """Return the error as data: its kind, key, message and values."""
        values = {name: _plain(value) for name, value in self.values.items()}
        return {"kind": type(self).__name__, "key": self.key, "message": str(self), **values}


class InputError(WhygradError, ValueError):
    """A value that the user gave is at fault."""


class ShapeError(InputError):
    """An array does not have the shape that the network needs."""


class OptionError(InputError):
    """A setting has an unknown name or a value out of its range."""


class AddressError(InputError):
    """An address such as ``hidden1.weight[5, 3]`` names nothing that is there."""


class DataError(InputError):
    """A table has problems; all of them are listed.

    Args:
        source: the name of the table.
        problems: one finished error a problem, most serious first.
    """

    def __init__(self, source: str, problems: Sequence[InputError]):
        self.problems = tuple(problems)
        super().__init__("error.data", source=source, count=len(self.problems))

    def __reduce__(self) -> tuple:  # it travels between processes
        return type(self), (self.values["source"], self.problems)

    def __sentence__(self) -> str:
        return lines([super().__sentence__(), *(f"- {problem}" for problem in self.problems)])

    def to_dict(self) -> dict[str, object]:
        problems = [problem.to_dict() for problem in self.problems]
        return super().to_dict() | {"problems": problems}


class TooLargeError(InputError, MemoryError):
    """Something would not fit into memory; it was refused before it was begun."""


class NonFiniteError(WhygradError, ArithmeticError):
    """Training met a number that is not finite, and stopped."""


class StalledError(WhygradError):
    """Training moved no parameter in its first epoch, and stopped."""


class RunError(WhygradError):
    """A run folder is missing, damaged, in use, or does not reproduce its own record."""


class BackendError(WhygradError, RuntimeError):
    """JAX does not start in this environment, or cannot be used in this process."""


class RunWarning(UserWarning):
    """Something about a run that its user should know, though it goes on."""


class NotRecordedError(WhygradError, AttributeError):
    """An estimator was fitted without a record."""


class ExportError(WhygradError):
    """An export does not give what the network gives; it was not written."""


class MissingExtraError(WhygradError, ImportError):
    """Something needs a package that whygrad does not bring along."""


@contextmanager
def extra(name: str, what: str, package: str) -> Iterator[None]:
    """Say which extra brings a package, where importing it fails.

    Args:
        name: of the extra, as in ``pip install "whygrad[name]"``.
        what: what needs it, such as ``wg.watch``.
        package: the package, as Python imports it.

    Raises:
        MissingExtraError: the package is not there.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != package:
            raise
        raise MissingExtraError(
            "error.missing_extra", who=what, package=package, extra=name
        ) from None


def unknown_name(what: str, name: object, known: Sequence[str]) -> OptionError:
    """Return the error for a name that is not in a table: the nearest one and all of them.

    Args:
        what: what the name should have named, such as ``activation``; a key under ``noun.``.
        name: what came.
        known: the names that are there.
    """
    near = get_close_matches(str(name), known, n=1)
    key = "error.unknown_name_near" if near else "error.unknown_name"
    values = {"what": what, "name": name, "known": ", ".join(known)}
    return OptionError(key, **values, **({"near": near[0]} if near else {}))


def in_words(values: Mapping[str, object]) -> dict[str, object]:
    """Return the values of a sentence, those that are words themselves in the language in use."""
    return dict(values) | {name: t(f"noun.{values[name]}") for name in NOUNS if name in values}


def in_short(error: BaseException) -> str:
    """Return what kind of error it is, and the first line of what it says, without a full stop."""
    lines = str(error).strip().splitlines()
    return (
        f"{type(error).__name__}: {lines[0][:300].rstrip('.')}" if lines else type(error).__name__
    )


def _plain(value: object) -> object:
    return value if isinstance(value, str | int | float | bool | None) else str(value)
