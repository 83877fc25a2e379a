"""The lessons. Each statement of the teaching notes is an experiment that can fail.

    result = whygrad.lessons.symmetry(constant=0.5, activation="tanh").run()

starts a lesson by its name, with any of its options; ``help(whygrad.lessons.symmetry)`` lists
them. Importing this package is light: a lesson is imported when it is asked for.

    Lesson --start(options)--> Experiment --run(tick)--> Result --story--> Story --> text, page

A ``Lesson`` is a row of data: its name, its set-up, the functions ``measure``, ``laws`` and
``tell``, and its exercises. The set-up is a frozen record whose fields are made by
``option(default, allowed)``; that one table gives the checks, the errors, the options of ``whygrad
lesson NAME``, the signature and help of ``wg.lessons.NAME``, and the line above the story.
``measure`` runs the experiment and returns every number that anyone will need; it calls ``tick``
with the share that is done. ``laws`` holds numbers against bounds; a bound is never so wide that
the run could not break it, and a number that is not finite breaks it. ``tell`` computes nothing:
it picks the sentences that this measurement supports, and returns a ``Story`` of ``Say``,
``Formula``, ``Table`` and ``Picture``, all of them keys of the catalogue with numbers.
:mod:`rendering` prints a story, puts it on a page or into the book, and knows no lesson.
:mod:`instruments` is what experiments measure with, the second ways among them: nudging, autodiff,
plain NumPy.

CONTRIBUTING.md says how to add one.
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
    starts: Starter
    detectors: Starter
    biases: Starter
    broadcast: Starter
    outer: Starter
    parallel: Starter

PARTS = {  # of the book, in its order; the number of a lesson is its place
    "neuron": ("chain", "flat", "silence"),
    "paths": ("responsibility", "constant", "zeros"),
    "depth": ("depth", "symmetry", "starts", "detectors", "biases"),
    "many": ("broadcast", "outer", "parallel"),
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
