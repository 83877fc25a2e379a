"""``whygrad lab``: write the page and open it, or read a code that somebody handed in."""

import os
import sys
import webbrowser
from pathlib import Path

from rich.console import Group

from whygrad.cli.console import show, show_json
from whygrad.cli.runs import open_named
from whygrad.cli.showing import parts_bar
from whygrad.lab.codes import checked
from whygrad.lab.page import Lab, as_page
from whygrad.words import t
from whygrad.words.terminal import Table, Text

DEFAULT = Path("lab.html")


def lab_command(
    run: str | None,
    room: str | None,
    out: Path | None,
    opens: bool,
    steps: list[int] | None,
    slides: bool,
    task: str | None,
    lock: bool,
    scene: Path | None,
    as_json: bool,
    lang: str | None,
) -> int:
    """Write the page, and open it unless a program asked."""
    opened = None if run is None else open_named(run)
    with parts_bar(t("cli.lab_packing")) as tick:
        page = as_page(
            room,
            run=opened,
            steps=steps,
            progress=tick,
            lang=lang,
            scene=scene,
            slides=slides,
            task=task,
            lock=lock,
        )
    written = Lab(page).write(out or DEFAULT).path
    assert written is not None, "it has just been written"
    if as_json:
        show_json({"path": str(written)})
        return 0
    show(t("cli.lab_is_in", path=written))
    if opens and _has_screen():
        webbrowser.open(written.resolve().as_uri())
    return 0


def check_command(code: str, as_json: bool) -> int:
    """Show which guesses of the page a reader's code calls right."""
    found = checked(code)
    if as_json:
        show_json({"quizzes": found})
        return 0
    table = Table()
    for name in ("room", "question", "guess"):
        table.add_column(t(f"cli.lab_code.{name}"))
    for quiz, is_right in found.items():
        room, _, name = quiz.partition(".")
        guess = {True: "right", False: "wrong", None: "none"}[is_right]
        told = t(f"lab.{room}.name"), t(f"lab.{room}.quiz.{name}"), t(f"cli.lab_code.{guess}")
        table.add_row(*told)
    done = [one for one in found.values() if one is not None]
    counts = {"done": str(len(done)), "all": str(len(found)), "right": str(sum(done))}
    show(Group(table, Text(t("lab.quiz.progress", **counts)), Text(t("cli.lab_code.says"))))
    return 0


def _has_screen() -> bool:
    """Return whether a browser would open in a window: one in the terminal would block it."""
    if sys.platform in ("darwin", "win32"):
        return True
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))
