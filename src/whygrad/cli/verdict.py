"""What there is to say of a program that was watched, when it is over."""

import time
from pathlib import Path
from typing import Any

from rich.console import Group

from whygrad.cli.console import WIDTH
from whygrad.cli.doctor import page
from whygrad.errors import WhygradError
from whygrad.record.merging import folders_of_ranks
from whygrad.record.reading import read_description
from whygrad.runs import open_run
from whygrad.words import command_word, t
from whygrad.words.terminal import Command, Console, RenderableType, Text, as_plain
from whygrad.words.visible import as_json as in_json
from whygrad.words.visible import finite

WAITING = 10.0  # seconds for other processes of the same training to finish their part


def tell_of_runs(
    stream: Any,
    folder: Path | None,
    said: list[str],
    *,
    imported_torch: bool,
    as_json: bool,
) -> bool:
    """Write what the doctor says of every model, and return whether it found anything.

    Args:
        stream: to write to; None or closed where nobody reads.
        folder: of the runs; removed where there are none.
        said: what is to be told besides.
        imported_torch: whether the program did.
    """
    told = [_told(path) for path in _runs_in(folder)]
    if folder is not None and not told and folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
    if not told:
        said = [*said, t("watch.program.nothing" if imported_torch else "watch.program.no_torch")]
    if stream is not None and not stream.closed:
        if as_json:
            _write_json(stream, {"models": told, "notes": [str(one) for one in said]})
        else:
            _write(stream, told, said)
    return any(one["findings"] for one in told)


def _runs_in(folder: Path | None) -> list[Path]:
    """Return the folders of runs, in the order in which their models were found."""
    if folder is None or not folder.is_dir():
        return []
    found = [(_created(path), path) for path in sorted(folder.iterdir()) if path.is_dir()]
    return [path for created, path in sorted(found) if created]


def _created(path: Path) -> str:
    """Return when a run was begun, once all of its processes are done; "" where there is none."""
    ranks = folders_of_ranks(path)
    until = time.monotonic() + WAITING
    while ranks and any(_is_training(rank) for rank in ranks) and time.monotonic() < until:
        time.sleep(0.05)
    try:
        return read_description(ranks[0] if ranks else path)["created"]
    except WhygradError:
        return ""


def _is_training(path: Path) -> bool:
    try:
        return read_description(path)["state"] == "training"
    except WhygradError:
        return True  # it has not begun


def _told(path: Path) -> dict[str, Any]:
    told: dict[str, Any] = {"name": path.name, "path": str(path), "report": None, "findings": []}
    try:
        run = open_run(path)
        told |= {"steps": run.steps, "recorded": len(run.history_lines)}
        diagnosis = run.doctor()
        told |= diagnosis.to_dict() | {"steps": run.steps, "diagnosis": diagnosis}
        told["report"] = str(run.report(lab=False))
        told["layer"] = command_word(run.layers[-1])
    except WhygradError as error:
        told["problem"] = str(error)
    return told


def _write_json(stream: Any, told: dict[str, Any]) -> None:
    for one in told["models"]:
        for name in ("diagnosis", "layer"):
            one.pop(name, None)
    stream.write(f"{in_json(finite(told), in_ascii=True)}\n")


def _write(stream: Any, told: list[dict[str, Any]], said: list[str]) -> None:
    parts: list[RenderableType] = []
    for one in told:
        parts.append(Text(t("watch.program.model", name=one["name"]), style="bold"))
        parts.append(page(str(one.get("diagnosis") or one["problem"])))
        if one["report"] is not None:
            path = command_word(_short(Path(one["path"])))
            parts.append(Command(t("watch.program.report", path=one["report"])))
            parts.append(Command(t("cli.watched.next.why", path=path, address=one["layer"])))
    whole = Group(*parts, *map(Text, said))
    if stream.isatty():
        Console(file=stream, soft_wrap=True).print(whole)
    else:
        stream.write(f"{as_plain(whole, WIDTH)}\n")


def _short(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
