"""``whygrad lesson all``: every lesson as it comes, one after the other, and the book of them."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from whygrad import lessons
from whygrad.cli.console import problem, show, show_json
from whygrad.cli.lesson_runs import FOLDER, ILL, WELL, writable
from whygrad.lessons.lesson import Result
from whygrad.lessons.progress import Tick, progress
from whygrad.lessons.rendering.book import write_book
from whygrad.words import t
from whygrad.words.terminal import RenderableType, Table, Text


@dataclass(frozen=True)
class Finished:
    """A lesson that has run, and the seconds it took."""

    result: Result
    seconds: float


def run_all_lessons(out: Path | None, as_json: bool) -> int:
    """Run all lessons and write the book; return 0 if every law held.

    Whatever ends the run early, the chapters finished so far are written.
    """
    page = writable(out or (None if as_json else FOLDER / "book.html"))
    finished: list[Finished] = []
    stopped_by = _collect(finished)
    written = _written(finished, page)
    if not as_json:
        _show(finished, written)
    if stopped_by is not None:
        problem(t("cli.lesson.cut_off", done=len(finished), all=len(lessons.NAMES)))
    if isinstance(stopped_by, Exception):
        raise stopped_by
    if as_json:
        show_json(_summary(finished, written))
    is_well = stopped_by is None and all(one.result.holds for one in finished)
    return WELL if is_well else ILL


def _collect(finished: list[Finished]) -> BaseException | None:
    """Run the lessons into a list, and return what stopped them early."""
    try:
        for one in _each():
            finished.append(one)
    except (KeyboardInterrupt, Exception) as error:
        return error
    return None


def _each() -> Iterator[Finished]:
    with progress(t("cli.lesson.all")) as tick:
        for place in range(len(lessons.NAMES)):
            yield _run(place, tick)


def _run(place: int, tick: Tick) -> Finished:
    name, count = lessons.NAMES[place], len(lessons.NAMES)
    title = t(f"lesson.{name}.title")
    doing = t("cli.lesson.under_way", number=place + 1, all=count, title=title)
    tick(doing, place / count)
    start = time.perf_counter()
    experiment = lessons.find(name).start({})
    result = experiment.run(lambda share: tick(doing, (place + share) / count))
    return Finished(result, time.perf_counter() - start)


def _written(finished: list[Finished], page: Path | None) -> Path | None:
    results = [one.result for one in finished]
    if page is None or not results:
        return None
    try:
        return write_book(results, page)
    except KeyboardInterrupt:  # whoever stops a run of minutes still wants what it measured
        return write_book(results, page)


def _summary(finished: list[Finished], written: Path | None) -> dict[str, Any]:
    told = [one.result.to_dict() | {"seconds": one.seconds} for one in finished]
    summary = {
        "lessons": told,
        "is_whole": len(finished) == len(lessons.NAMES),
        "holds": all(one.result.holds for one in finished),
    }
    return summary | ({"path": str(written)} if written else {})


def _show(finished: list[Finished], written: Path | None) -> None:
    if written is not None:
        show(_table(finished))
        show(t("cli.lesson.book_is_in", path=written))


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
