"""Cells of a notebook that are watched: ``%load_ext whygrad``, then ``%%whygrad watch`` on top.

The options are those of the command: ``%%whygrad watch --every 5 --out runs/mine``.
"""

import shlex
import sys
from pathlib import Path
from typing import Any

import typer

from whygrad.cli.usage import UsageError, explain_usage
from whygrad.errors import OptionError

MAGIC = "whygrad"


def register(shell: Any) -> None:
    """Give a shell of IPython the magic."""

    def magic(line: str, cell: str) -> None:
        watch_cell(shell, line, cell)

    shell.register_magic_function(magic, "cell", MAGIC)


def watch_cell(shell: Any, line: str, cell: str) -> None:
    """Run a cell as it is, and say at its end what the doctor finds.

    Args:
        shell: of IPython.
        line: what follows ``%%whygrad``: ``watch``, and its options.

    Raises:
        OptionError: another word than ``watch`` comes first.
    """
    command, *options = shlex.split(line) or [""]
    if command != "watch":
        raise OptionError("error.usage_no_command_near", name=command, near="watch", command=MAGIC)
    asked = _asked(options)
    if asked is None:
        return
    from whygrad.capture.session import Session
    from whygrad.cli.runs import RUNS, reserve
    from whygrad.cli.verdict import tell_of_runs
    from whygrad.cli.watching import every_of
    from whygrad.runs import Run

    session = Session(
        lambda: asked["out"] or reserve(Path.cwd() / RUNS, "notebook"),
        every=every_of(asked["every"]),
        uncompiled=asked["uncompiled"],
        opened=Run,
    ).attach()
    result = None
    try:
        result = shell.run_cell(cell)  # which shows what it raises itself
    finally:
        session.detach(result and (result.error_before_exec or result.error_in_exec))
    tell_of_runs(
        sys.stdout, session.path, session.said, imported_torch=True, as_json=asked["as_json"]
    )


def _asked(options: list[str]) -> dict[str, Any] | None:
    """Return the options of the command, as it reads them; None where that has said why not."""
    from whygrad.cli.app import app

    command: Any = typer.main.get_command(app)
    try:
        context = command.commands["watch"].make_context("%%whygrad watch", [*options, "cell"])
    except UsageError as error:
        explain_usage(error, as_json=False)
        return None
    return context.params
