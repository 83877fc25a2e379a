"""What ``whygrad lesson`` does: run a lesson and tell it, check its exercises, write the book."""

import time
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from whygrad import lessons
from whygrad.cli.console import problem, show, show_json
from whygrad.errors import OptionError
from whygrad.lab.page import as_page
from whygrad.lessons.lesson import Experiment, Result
from whygrad.lessons.progress import Tick, progress
from whygrad.lessons.rendering.book import Lab, write_book
from whygrad.lessons.rendering.text import as_rich, as_rich_check
from whygrad.words import t
from whygrad.words.terminal import RenderableType, Table, Text

FOLDER = Path("lessons")
WELL, ILL = 0, 1  # exit codes: the law held, or an exercise is answered


def run_lesson(experiment: Experiment, out: Path | None, lab: bool, as_json: bool) -> int:
    """Run a lesson, tell it and write its page; return 0 if its law held, else 1."""
    own = None if as_json else FOLDER / f"{experiment.lesson.name}.html"
    page = writable(out or own)
    result = _run(experiment)
    _show(result, page, lab, as_json, as_rich, {})
    return WELL if result.holds else ILL


def check_lesson(experiment: Experiment, out: Path | None, lab: bool, as_json: bool) -> int:
    """Run a lesson and say which exercises that answers; return 0 if it answers one, else 1."""
    page = writable(out)
    result = _run(experiment)
    answers = {}
    for name, is_answered in result.answered().items():
        key = f"lesson.{result.lesson.name}.exercise.{name}"
        answer = t(f"{key}.answer") if is_answered else None  # once it is found
        answers[name] = {"question": t(key), "answered": is_answered, "answer": answer}
    _show(result, page, lab, as_json, as_rich_check, {"check": answers})
    return WELL if any(result.answered().values()) else ILL


def writable(page: Path | None) -> Path | None:
    """Return the file to write, once its folder is there: before the run, which takes time.

    Raises:
        OptionError: it is a folder.
    """
    if page is not None:
        page.parent.mkdir(parents=True, exist_ok=True)
        if page.is_dir():
            raise OptionError("error.lesson_page_is_folder", path=page)
    return page


def _run(experiment: Experiment) -> Result:
    title = t(f"lesson.{experiment.lesson.name}.title")
    with progress(title) as watch:
        return experiment.run(lambda share: watch(title, share))


def _show(
    result: Result, page: Path | None, lab: bool, as_json: bool, told: Any, more: dict
) -> None:
    if page is not None:
        write_book([result], page, lab=_lab if lab else None)
    if as_json:
        show_json(result.to_dict() | more | ({"path": str(page)} if page else {}))
        return
    show(told(result))
    if page is not None:
        show(t("cli.lesson.page_is_in", path=page))


@dataclass(frozen=True)
class Finished:
    """A lesson that has run, and the seconds it took."""

    result: Result
    seconds: float


def run_all_lessons(out: Path | None, lab: bool, as_json: bool) -> int:
    """Run all lessons and write the book; return 0 if every law held.

    Whatever ends the run early, the chapters finished so far are written.
    """
    page = writable(out or (None if as_json else FOLDER / "book.html"))
    finished: list[Finished] = []
    stopped_by = _collect(finished)
    written = _written(finished, page, _lab if lab else None)
    if written is not None and not as_json:
        show(_table(finished))
        show(t("cli.lesson.book_is_in", path=written))
    if stopped_by is not None:
        problem(t("cli.lesson.cut_off", done=len(finished), all=len(lessons.NAMES)))
    if isinstance(stopped_by, Exception):
        raise stopped_by
    holds = all(one.result.holds for one in finished)
    if as_json:
        summary = {
            "lessons": [one.result.to_dict() | {"seconds": one.seconds} for one in finished],
            "is_whole": len(finished) == len(lessons.NAMES),
            "holds": holds,
        }
        show_json(summary | ({"path": str(written)} if written else {}))
    return WELL if stopped_by is None and holds else ILL


def _collect(finished: list[Finished]) -> BaseException | None:
    """Run the lessons into a list, and return what stopped them early."""
    try:
        with progress(t("cli.lesson.all")) as tick:
            for place in range(len(lessons.NAMES)):
                finished.append(_run_one(place, tick))
    except (KeyboardInterrupt, Exception) as error:
        return error
    return None


def _run_one(place: int, tick: Tick) -> Finished:
    name, count = lessons.NAMES[place], len(lessons.NAMES)
    title = t(f"lesson.{name}.title")
    doing = t("cli.lesson.under_way", number=place + 1, all=count, title=title)
    tick(doing, place / count)
    start = time.perf_counter()
    experiment = lessons.find(name).start({})
    result = experiment.run(lambda share: tick(doing, (place + share) / count))
    return Finished(result, time.perf_counter() - start)


def _written(finished: list[Finished], page: Path | None, lab: Lab | None) -> Path | None:
    results = [one.result for one in finished]
    if page is None or not results:
        return None
    try:
        return write_book(results, page, lab=lab)
    except KeyboardInterrupt:  # whoever stops a run of minutes still wants what it measured
        return write_book(results, page, lab=lab)


def _lab(rooms: Collection[str]) -> str:
    """Return the page of the lab with these rooms."""
    return as_page(only=rooms)


def _table(finished: list[Finished]) -> RenderableType:
    table = Table(header_style="dim")
    table.add_column(justify="right")
    for name in ("lesson", "title", "verdict"):
        table.add_column(t(f"cli.lesson.head.{name}"))
    table.add_column(t("cli.lesson.head.seconds"), justify="right")
    for one in finished:
        lesson, holds = one.result.lesson, one.result.holds
        verdict = t("lesson.held" if holds else "lesson.held_not")
        mark = Text(f"{'✓' if holds else '✗'} {verdict}", "green" if holds else "bold red")
        title = t(f"lesson.{lesson.name}.title")
        table.add_row(str(lesson.claim), lesson.name, title, mark, f"{one.seconds:.1f}")
    return table
