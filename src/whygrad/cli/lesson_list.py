"""What ``whygrad lesson`` prints; it reads the catalogue and imports no lesson."""

from rich.console import Group
from rich.table import Table
from rich.text import Text

from whygrad import lessons
from whygrad.cli.console import show, show_json
from whygrad.words import t


def list_lessons(as_json: bool) -> int:
    """List the lessons: number, name, question."""
    if as_json:
        show_json([_told(place, name) for place, name in enumerate(lessons.NAMES, 1)])
        return 0
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
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
