"""What ``whygrad lesson`` does with a lesson: run it and tell it, or check its exercises."""

from pathlib import Path
from typing import Any

from whygrad.cli.console import show, show_json
from whygrad.errors import OptionError
from whygrad.lessons.lesson import Experiment, Result
from whygrad.lessons.progress import progress
from whygrad.lessons.rendering.book import write_book
from whygrad.lessons.rendering.text import as_rich, as_rich_check
from whygrad.words import t

FOLDER = Path("lessons")
WELL, ILL = 0, 1  # exit codes: the law held, or an exercise is answered


def run_lesson(experiment: Experiment, out: Path | None, as_json: bool) -> int:
    """Run a lesson, tell it and write its page; return 0 if its law held, else 1."""
    own = None if as_json else FOLDER / f"{experiment.lesson.name}.html"
    page = writable(out or own)
    result = _run(experiment)
    _show(result, page, as_json, as_rich, {})
    return WELL if result.holds else ILL


def check_lesson(experiment: Experiment, out: Path | None, as_json: bool) -> int:
    """Run a lesson and say which exercises that answers; return 0 if it answers one, else 1."""
    page = writable(out)
    result = _run(experiment)
    _show(result, page, as_json, as_rich_check, {"check": _answers(result)})
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


def _show(result: Result, page: Path | None, as_json: bool, told: Any, more: dict) -> None:
    if page is not None:
        write_book([result], page)
    if as_json:
        show_json(result.to_dict() | more | ({"path": str(page)} if page else {}))
        return
    show(told(result))
    if page is not None:
        show(t("cli.lesson.page_is_in", path=page))


def _answers(result: Result) -> dict[str, dict[str, Any]]:
    """Return every exercise with its question, and with its answer once that is found."""
    told = {}
    for name, is_answered in result.answered().items():
        key = f"lesson.{result.lesson.name}.exercise.{name}"
        answer = t(f"{key}.answer") if is_answered else None
        told[name] = {"question": t(key), "answered": is_answered, "answer": answer}
    return told
