"""The lessons. Each statement of the teaching notes is an experiment that can fail.

    result = whygrad.lessons.symmetry(constant=0.5, activation="tanh").run()

starts a lesson by its name, with any of its options; ``help(whygrad.lessons.symmetry)`` lists them.
Importing this package is light: a lesson is imported when it is asked for.
"""

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

from whygrad.errors import unknown_name

if TYPE_CHECKING:
    from whygrad.lessons.lesson import Experiment, Lesson

    Starter = Callable[..., Experiment]
    chain: Starter
    flat: Starter
    silence: Starter
    responsibility: Starter
    constant: Starter
    zeros: Starter
    depth: Starter
    symmetry: Starter
    detectors: Starter
    biases: Starter
    broadcast: Starter
    outer: Starter
    starts: Starter
    parallel: Starter

PARTS = {  # of the book, in its order; the number of a lesson is its place
    "neuron": ("chain", "flat", "silence"),
    "paths": ("responsibility", "constant", "zeros"),
    "depth": ("depth", "symmetry", "detectors", "biases"),
    "many": ("broadcast", "outer", "starts", "parallel"),
}
NAMES = tuple(name for lessons in PARTS.values() for name in lessons)


def find(name: str) -> "Lesson":
    """Return a lesson by its name.

    Raises:
        OptionError: there is no such lesson.
    """
    if name not in NAMES:
        raise unknown_name("lesson", name, NAMES)
    return import_module(f"whygrad.lessons.experiments.{name}").LESSON


if not TYPE_CHECKING:  # a type checker knows all names from above, and finds the others wrong

    def __getattr__(name: str) -> Any:
        if name not in NAMES:
            raise AttributeError(f"module 'whygrad.lessons' has no attribute {name!r}")
        from whygrad.lessons.starter import starter

        return starter(find(name))


def __dir__() -> list[str]:
    return ["NAMES", "PARTS", "find", *NAMES]
