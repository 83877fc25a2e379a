"""A lesson: a question, a set-up that anyone can change, a measurement, a law, and a verdict.

    Lesson (a row of data)  --start(options)-->  Experiment  --run()-->  Result

The law may be violated by the run: then the verdict says so, with the numbers.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, TypeVar

import numpy as np
from matplotlib.figure import Figure

from whygrad.core import backend
from whygrad.errors import unknown_name
from whygrad.lessons.options import call_text, make_setup
from whygrad.lessons.story import Story
from whygrad.words import t

Measured = dict[str, Any]
Number = TypeVar("Number", int, float)
Tick = Callable[[float], None]  # takes the share of the work that is done, in [0, 1]

AT_MOST, AT_LEAST, EQUALS = "≤", "≥", "="


@dataclass(frozen=True)
class Law:
    """One thing that must be so if the claim is true.

    Attributes:
        name: ``lesson.<lesson>.law.<name>`` says it in words.
        measured: what came out.
        relation: how it must stand to ``bound``: at most, at least, or equal.
        bound: what it is held against; the stated tolerance is part of it.
    """

    name: str
    measured: float
    relation: str
    bound: float

    @property
    def holds(self) -> bool:
        """Whether it is so; never where a number is not finite."""
        if not np.isfinite([self.measured, self.bound]).all():
            return False
        if self.relation == AT_MOST:
            return self.measured <= self.bound
        return self.measured >= self.bound if self.relation == AT_LEAST else self._is_equal

    @property
    def _is_equal(self) -> bool:
        return self.measured == self.bound


@dataclass(frozen=True)
class Exercise:
    """A question that the reader answers by changing options.

    Attributes:
        name: ``lesson.<lesson>.exercise.<name>`` asks it, ``….answer`` says why the answer is so.
        is_answered: whether a run answers it; it reads what was measured, never the options alone.
        solution: options that answer it.
    """

    name: str
    is_answered: Callable[[Any, Measured], bool]
    solution: dict[str, Any]


@dataclass(frozen=True)
class Place:
    """A place in the lab, where the idea of a lesson can be touched.

    Attributes:
        room: its name.
        address: what is not as the room opens: its controls, ``step``, ``look``, ``ask``, or a
            ``slide`` whose state is meant. Tests hold all of it to what the room has.
        says: ``lesson.<lesson>.<says>`` tells what one will see there.
        values: the numbers in that sentence.
    """

    room: str
    address: Mapping[str, str | float | bool] = field(default_factory=dict)
    says: str = "lab"
    values: Mapping[str, Any] = field(default_factory=dict)

    @property
    def whole_address(self) -> dict[str, str | float | bool]:
        """The address with its room, as a link has it."""
        return {"room": self.room, **self.address}


def within(value: Number, least: Number, most: Number) -> Number:
    """Return the value that is closest to one, of those that a control of the lab takes."""
    return min(max(value, least), most)


@dataclass(frozen=True)
class Lesson:
    """One statement of the teaching notes as an experiment.

    Attributes:
        name: what it is called on the command line; also the prefix of its words:
            ``lesson.<name>.title``, ``.question``, ``.statement``.
        claim: number of the statement.
        setup: the frozen record of its options.
        measure: runs the experiment; pure but for ``tick``. Every number a story needs is in it.
        laws: what must be so.
        tell: the story; it shows what was measured and computes nothing of its own.
        exercises: two or three questions.
        lab: where its idea can be touched, at the state that is closest to a set-up.
    """

    name: str
    claim: int
    setup: type
    measure: Callable[[Any, Tick], Measured]
    laws: Callable[[Any, Measured], tuple[Law, ...]]
    tell: Callable[[Any, Measured], Story]
    exercises: tuple[Exercise, ...]
    lab: Callable[[Any], Place]

    def start(self, options: Mapping[str, Any]) -> "Experiment":
        """Return the lesson with these options.

        Raises:
            OptionError: an unknown option, or a value that is not allowed.
        """
        return Experiment(self, make_setup(self.setup, options))


@dataclass(frozen=True)
class Experiment:
    """A lesson with its set-up, not yet run."""

    lesson: Lesson
    setup: Any

    def run(self, tick: Tick | None = None) -> "Result":
        """Run the experiment on this machine.

        Args:
            tick: called with the share of the work that is done; default: a bar in a terminal.
        """
        backend.start()
        if tick is None:
            return self._run_with_a_bar()
        measured = self.lesson.measure(self.setup, tick)
        tick(1.0)
        return Result(self.lesson, self.setup, measured, self.lesson.laws(self.setup, measured))

    def _run_with_a_bar(self) -> "Result":
        from whygrad.lessons.progress import progress

        name = self.lesson.name
        with progress(name) as watch:
            return self.run(lambda share: watch(name, share))

    def __repr__(self) -> str:
        return t("lesson.repr.experiment", call=call_text(self.lesson.name, self.setup))


@dataclass(frozen=True)
class Result:
    """What a lesson measured, and whether its law held.

    Attributes:
        measured: named numbers, arrays and tables of them.
        laws: what had to be so, with what came out.
    """

    lesson: Lesson
    setup: Any
    measured: Measured
    laws: tuple[Law, ...]

    @property
    def holds(self) -> bool:
        """Whether every law held in this run."""
        return all(law.holds for law in self.laws)

    @property
    def story(self) -> Story:
        """What the lesson tells about this run."""
        return self.lesson.tell(self.setup, self.measured)

    def answered(self) -> dict[str, bool]:
        """Return which exercises this run answers, by name."""
        return {
            exercise.name: bool(exercise.is_answered(self.setup, self.measured))
            for exercise in self.lesson.exercises
        }

    def plot(self, name: str | None = None) -> Figure:
        """Return a picture of the story as a matplotlib figure.

        Args:
            name: of the picture; default: the first one.

        Raises:
            OptionError: the story has no such picture.
        """
        from whygrad.lessons.rendering.html import plot

        pictures = {picture.name: picture for picture in self.story.pictures}
        if name is not None and name not in pictures:
            raise unknown_name("picture", name, list(pictures))
        return plot(pictures[name] if name else next(iter(pictures.values())))

    def to_dict(self) -> dict[str, Any]:
        """Return the result as data: options, numbers, laws and verdict."""
        return {
            "lesson": self.lesson.name,
            "claim": self.lesson.claim,
            "options": _plain(asdict(self.setup)),
            "measured": _plain(self.measured),
            "laws": [asdict(law) | {"holds": law.holds} for law in self.laws],
            "holds": self.holds,
            "exercises": self.answered(),
        }

    def __repr__(self) -> str:
        verdict = t("lesson.holds" if self.holds else "lesson.does_not_hold")
        call = call_text(self.lesson.name, self.setup)
        return t("lesson.repr.result", call=call, verdict=verdict)

    def __str__(self) -> str:
        from whygrad.lessons.rendering.text import as_text

        return as_text(self)

    def _repr_html_(self) -> str:
        from whygrad.lessons.rendering.html import as_html

        return as_html(self)


def _plain(value: Any) -> Any:
    """Return arrays as lists and NumPy's numbers as Python's."""
    if isinstance(value, dict):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if hasattr(value, "tolist"):
        return np.asarray(value).tolist()
    return value
