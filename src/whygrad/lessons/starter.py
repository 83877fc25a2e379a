"""What ``whygrad.lessons.<name>`` is: a function; its signature and help are the options' table."""

from collections.abc import Callable
from inspect import Parameter, Signature
from typing import Any

from whygrad.lessons.lesson import Experiment, Lesson
from whygrad.lessons.options import Described, described
from whygrad.words import t


def starter(lesson: Lesson) -> Callable[..., Experiment]:
    """Return the function that starts a lesson with any of its options."""

    def start(**options: Any) -> Experiment:
        return lesson.start(options)

    options = described(lesson.setup, lesson.name)
    start.__name__ = start.__qualname__ = lesson.name
    start.__module__ = "whygrad.lessons"
    start.__doc__ = _documentation(lesson, options)
    start.__signature__ = Signature(  # type: ignore[attr-defined] - read by help()
        [_parameter(one) for one in options], return_annotation=Experiment
    )
    return start


def _parameter(option: Described) -> Parameter:
    return Parameter(
        option.name, Parameter.KEYWORD_ONLY, default=option.default, annotation=option.kind
    )


def _documentation(lesson: Lesson, options: list[Described]) -> str:
    lines = [
        t(f"lesson.{lesson.name}.title"),
        "",
        t(f"lesson.{lesson.name}.question"),
        "",
        t("lesson.help.options"),
        *(f"    {_line(one)}" for one in options),
        "",
        t("lesson.help.run"),
    ]
    return "\n".join(lines)


def _line(option: Described) -> str:
    return t(
        "lesson.help.option",
        name=option.name,
        meaning=option.meaning,
        allowed=option.allowed,
        default=repr(option.default),
    )
