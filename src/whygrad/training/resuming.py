"""What a run that goes on drops first: whatever came after the checkpoint that it goes on from."""

from collections.abc import Sequence

from whygrad.errors import RunError
from whygrad.record.files import read_regular, reading, remove, write_whole
from whygrad.record.reading import numbered
from whygrad.record.schema import sound_lines, trained
from whygrad.record.sealed import read_line, split_lines
from whygrad.training.trained import TrainedRun


def lines_before(run: TrainedRun, step: int) -> list[bytes]:
    """Return the lines of the history, as they are in the file, of the steps before ``step``.

    Lines that run.json does not count yet may be torn or lost: they are done again anyway.

    Raises:
        RunError: lines that it does count are missing or damaged.
    """
    path = run.path / "history.jsonl"
    if not run.is_sealed and not path.exists():
        return []
    description = run.description
    told = description.get("lines", {}).get("history")
    whole, _ = split_lines(path)
    may_lack = not run.is_sealed
    read = (read_line(path, i, raw, may_lack=may_lack) for i, raw in enumerate(whole[:told], 1))
    kept: list[bytes] = []
    for raw, line in zip(
        whole, sound_lines(path, trained.line_of(description), read), strict=False
    ):
        if line["step"] >= step:
            return kept
        kept.append(raw)
    if told is not None and len(kept) < told:
        raise RunError("error.run_lines_missing", path=path, expected=told, came=len(kept))
    return kept


def drop_after(run: TrainedRun, step: int, lines: Sequence[bytes]) -> None:
    """Drop what was recorded after the checkpoint at ``step``; run.json no longer names it.

    Args:
        lines: of the history, that stay.
    """
    path = run.path / "history.jsonl"
    content = b"".join(line + b"\n" for line in lines)
    with reading(path):
        is_whole = path.exists() and read_regular(path) == content
    if not is_whole:
        write_whole(path, content, shared=False)
    kept = [number for number in run.checkpoints if number <= step]
    for folder, dropped in (
        ("anatomy", [n for n in numbered(run.path / "anatomy") if n >= step]),
        ("checkpoints", [n for n in numbered(run.path / "checkpoints") if n not in kept]),
    ):
        remove(run.path / folder / f"{number}.safetensors" for number in dropped)
    for folder in (run.path, run.path / "anatomy", run.path / "checkpoints"):
        remove(folder.glob(".*.part"))  # of a process that was killed while it wrote
