"""What ``whygrad lesson`` prints; it reads the catalogue and imports no lesson."""

from rich.console import Group

from whygrad import lessons
from whygrad.cli.console import show, show_json
from whygrad.words import t
from whygrad.words.terminal import Table, Text


def list_lessons(as_json: bool) -> int:
    """List the lessons: number, name, question."""
    if as_json:
        show_json([_told(place, name) for place, name in enumerate(lessons.NAMES, 1)])
        return 0
    table = Table(show_header=False)
    table.add_column(justify="right", style="dim")
    table.add_column(no_wrap=True, style="bold")
    table.add_column()
    for place, name in enumerate(lessons.NAMES, 1):
        table.add_row(str(place), name, t(f"lesson.{name}.question"))
    show(Group(table, Text(), Text(t("cli.lesson.how"))))
    return 0


def _told(place: int, name: str) -> dict[str, object]:
    title, question = t(f"lesson.{name}.title"), t(f"lesson.{name}.question")
    return {"number": place, "name": name, "title": title, "question": question}
