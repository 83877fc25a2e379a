"""A lesson's result as HTML: a part of the book, or a fragment for a notebook."""

from __future__ import annotations

from dataclasses import fields
from importlib.resources import files
from typing import TYPE_CHECKING

from whygrad.lessons.options import defaults, described, flag, option_text, told
from whygrad.lessons.rendering.blocks import as_blocks, table
from whygrad.lessons.rendering.plotting import plot
from whygrad.lessons.rendering.sentences import sentence, with_whole_formulas
from whygrad.render.page import layout
from whygrad.render.page.lab_links import lab_link
from whygrad.words import language, number, t
from whygrad.words.markup import TAGS, Markup, both, element, in_one_language, joined, said

if TYPE_CHECKING:
    from whygrad.lessons.lesson import Exercise, Law, Lesson, Result

__all__ = ["as_html", "chapter", "law_numbers", "law_words", "mark", "plot", "stylesheet"]


def as_html(result: Result) -> str:
    """Return a lesson for a notebook: it brings its style, and speaks the language in use."""
    style = f"{layout.resource('parts.css')}{stylesheet('lesson.css')}"
    scoped = f"{stylesheet('notebook.css')}.whygrad-lesson.whygrad-lesson{{{style}}}"
    with in_one_language():
        lesson = chapter(result)
    body = element("div", lesson, class_="whygrad-lesson", lang=TAGS[language()])
    return joined(element("style", Markup(scoped)), body)


def stylesheet(name: str) -> str:
    """Return the rules of a file that stands beside this one."""
    return (files("whygrad.lessons.rendering") / name).read_text(encoding="utf-8")


def chapter(
    result: Result, *, level: int = 2, bridge: Markup | None = None, lab: str | None = None
) -> Markup:
    """Return a lesson as a section of a page, in both languages.

    Args:
        level: of its heading, 1 to 5.
        bridge: what leads from the lesson before to this one.
        lab: name of the file of the lab that it links into.
    """
    name, story = result.lesson.name, result.story
    left_out = element(
        "div",
        element(f"h{level + 1}", said("lesson.left_out")),
        as_blocks(name, story.left_out),
        class_="left-out",
    )
    return element(
        "section",
        _head(result, level, bridge),
        element("div", as_blocks(name, story.told), class_="told"),
        in_lab(result, lab) if lab else None,
        verdict(result, level + 1),
        left_out,
        exercises(result, level + 1),
        id=name,
        class_="lesson",
        aria_labelledby=f"{name}-title",
    )


def in_lab(result: Result, file: str) -> Markup:
    """Return the link to where a lesson's idea can be touched, and what one will see there."""
    name, place = result.lesson.name, result.lesson.lab(result.setup)
    room = both(lambda: t("lesson.in_lab", room=t(f"lab.{place.room}.name")))
    link = lab_link(file, room, place.whole_address)
    return element(
        "p", link, " ", said(f"lesson.{name}.{place.says}", **place.values), class_="in-lab"
    )


def verdict(result: Result, level: int) -> Markup:
    """Return whether the law held in this run; behind it every law with its numbers."""
    key, kind = ("lesson.holds", "well") if result.holds else ("lesson.does_not_hold", "ill")
    laws = element("ul", [_law(result.lesson.name, law) for law in result.laws], class_="laws")
    count = element("span", said("lesson.laws_counted", count=len(result.laws)))
    return element(
        "details",
        element("summary", element(f"h{level}", said(key)), count),
        laws,
        class_=f"verdict {kind}",
        id=f"{result.lesson.name}-verdict",
        open=not result.holds,
    )


def exercises(result: Result, level: int) -> Markup:
    """Return the questions at the end of a lesson, how to answer them, and one answer each."""
    lesson = result.lesson
    asked = [_exercise(lesson, one) for one in lesson.exercises]
    return element(
        "div",
        element(f"h{level}", said("lesson.exercises_title")),
        element("p", said("lesson.exercises_how"), class_="how"),
        command(lesson, _changed(result)),
        element("ol", asked),
        class_="exercises",
    )


def command(lesson: Lesson, options: dict) -> Markup:
    """Return the command that checks a run with these options, to type or to copy."""
    written = [f"{flag(name)} {option_text(one)}" for name, one in options.items()]
    pieces = (f"whygrad lesson {lesson.name}", *written, "--check")
    line = [
        joined(" " if place else None, element("span", one)) for place, one in enumerate(pieces)
    ]
    states = [
        element("span", said(f"page.{state}"), class_=f"is-{state}") for state in ("copy", "copied")
    ]
    copy = element("button", states, type="button", class_="copy")
    return element("div", element("pre", element("code", line)), copy, class_="command")


def law_words(lesson: str, law: Law) -> Markup:
    """Return a law in words."""
    return sentence(f"lesson.{lesson}.law.{law.name}", measured=law.measured, bound=law.bound)


def law_numbers(law: Law) -> Markup:
    """Return what came out, and what it is held against."""
    text = f"{number(law.measured)} {law.relation} {number(law.bound)}"
    return element("span", text, class_="numbers")


def mark(holds: bool) -> Markup:
    """Return whether a law held: a sign to see, a word to hear."""
    sign, state = ("✓", "lesson.held") if holds else ("✗", "lesson.held_not")
    shown = element("span", sign, class_="mark", aria_hidden="true")
    return joined(shown, element("span", said(state), class_="spoken"))


def _head(result: Result, level: int, bridge: Markup | None) -> Markup:
    lesson = result.lesson
    return element(
        "header",
        element("p", said("lesson.claim", number=lesson.claim), class_="kind"),
        element(f"h{level}", sentence(f"lesson.{lesson.name}.title"), id=f"{lesson.name}-title"),
        element("p", bridge, class_="bridge") if bridge else None,
        element("p", sentence(f"lesson.{lesson.name}.question"), class_="question"),
        _statement(result),
        _setup(result),
    )


def _statement(result: Result) -> Markup:
    label = element("p", said("lesson.statement"), class_="label")
    words = element("p", sentence(f"lesson.{result.lesson.name}.statement"), class_="words")
    return element("div", label, words, class_="statement")


def _setup(result: Result) -> Markup:
    """Return the options of this run, and behind them what each may be."""
    summary = both(lambda: _setup_in_short(result))
    return element(
        "details",
        element("summary", summary),
        both(lambda: _options(result), name="div"),
        class_="setup",
    )


def _setup_in_short(result: Result) -> Markup:
    """Return the options that are not as they are by default; all others stand in the table."""
    setup, usual = result.setup, defaults(type(result.setup))
    changed = [name for name, default in usual.items() if getattr(setup, name) != default]
    if not changed:
        return with_whole_formulas(t("lesson.setup.usual", count=len(usual)))
    options = told(result.lesson.name, setup, changed)
    return with_whole_formulas(t("lesson.setup.changed", options=options))


def _options(result: Result) -> Markup:
    head = [t(f"lesson.option_head.{name}") for name in ("name", "here", "allowed", "meaning")]
    rows = [
        [
            flag(one.name),
            option_text(getattr(result.setup, one.name)),
            one.allowed,
            one.meaning,
        ]
        for one in described(result.lesson.setup, result.lesson.name)
    ]
    return table(head, rows)


def _law(lesson: str, law: Law) -> Markup:
    words = law_words(lesson, law)
    kind = None if law.holds else "ill"
    return element("li", mark(law.holds), element("span", words), law_numbers(law), class_=kind)


def _exercise(lesson: Lesson, one: Exercise) -> Markup:
    key = f"lesson.{lesson.name}.exercise.{one.name}"
    answer = joined(command(lesson, one.solution), element("p", sentence(f"{key}.answer")))
    return element(
        "li",
        element("p", sentence(key)),
        layout.behind(said("lesson.one_answer"), answer),
    )


def _changed(result: Result) -> dict:
    """Return the options that the exercises turn on, with their values in this run."""
    turned = {name for one in result.lesson.exercises for name in one.solution}
    names = [one.name for one in fields(result.setup) if one.name in turned]
    return {name: getattr(result.setup, name) for name in names}
