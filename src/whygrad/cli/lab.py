"""``whygrad lab``: write the page on which every number can be touched, and open it."""

import os
import sys
import webbrowser
from pathlib import Path

from whygrad.cli.console import show, show_json
from whygrad.cli.runs import open_named
from whygrad.cli.showing import parts_bar
from whygrad.lab.page import Lab, as_page
from whygrad.words import t

DEFAULT = Path("lab.html")


def lab_command(
    run: str | None,
    room: str | None,
    out: Path | None,
    opens: bool,
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


def _has_screen() -> bool:
    """Return whether a browser would open in a window: one in the terminal would block it."""
    if sys.platform in ("darwin", "win32"):
        return True
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))
