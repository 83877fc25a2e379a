"""Single bit flips in the files of a run: each a clear error, or no change in any number.

The bits are drawn evenly from all bytes of a run of whygrad's own and of a watched model. Whatever
reads a run reads it; ``check`` must notice every flip.
"""

import json
import random
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jax
import numpy as np

import whygrad as wg
from benchmarks.attack import Trial
from whygrad.doctor.health import health_of
from whygrad.errors import WhygradError

Reader = Callable[[Any], Any]  # of an opened run; returns numbers, or raises in words


def attack(seed: int, folder: Path) -> Iterator[Trial]:
    """Yield a trial a flipped bit, of both kinds of run in turn.

    Args:
        folder: for the runs; new or empty.
    """
    draw = random.Random(seed)
    runs = {kind: make(folder / kind) for kind, (make, _) in KINDS.items()}
    expected = {kind: _told(run, KINDS[kind][1]) for kind, run in runs.items()}
    for number in range(sys.maxsize):
        kind = list(KINDS)[number % len(KINDS)]
        file, bit = drawn_bit(runs[kind], draw)
        what = f"{kind} run, bit {bit} of {file.relative_to(runs[kind])}"
        with flipped(file, bit):
            told = _told(runs[kind], KINDS[kind][1])
        yield Trial(what, _problem(expected[kind], told))


def drawn_bit(run: Path, draw: random.Random) -> tuple[Path, int]:
    """Draw a bit evenly from all files of a run: the file, and the bit's number in it."""
    files = sorted(path for path in run.rglob("*") if path.is_file())
    at = draw.randrange(8 * sum(path.stat().st_size for path in files))
    for path in files:
        if at < 8 * path.stat().st_size:
            return path, at
        at -= 8 * path.stat().st_size
    raise AssertionError("not all of them were counted")


@contextmanager
def flipped(file: Path, bit: int) -> Iterator[None]:
    """Flip one bit of a file, and back again."""
    _flip(file, bit)
    try:
        yield
    finally:
        _flip(file, bit)


def _flip(file: Path, bit: int) -> None:
    with file.open("r+b") as opened:
        opened.seek(bit // 8)
        byte = opened.read(1)[0]
        opened.seek(bit // 8)
        opened.write(bytes([byte ^ 1 << bit % 8]))


def _problem(expected: dict[str, str], told: dict[str, str]) -> str:
    """Return who told another number than before, or did not end in words."""
    wrong = [
        f"{reader} told {said[:200]}"
        for reader, said in told.items()
        if said != expected[reader] and not said.startswith("refused: ")
    ]
    unnoticed = ["check noticed nothing"] if told["check"] == expected["check"] else []
    return "; ".join(wrong + unnoticed)


def _told(run: Path, readers: dict[str, Reader]) -> dict[str, str]:
    return {name: _outcome(read, run) for name, read in readers.items()}


def _outcome(read: Reader, run: Path) -> str:
    try:
        return json.dumps(read(wg.open_run(run)), default=_plain, sort_keys=True)
    except WhygradError as error:
        return f"refused: {error}"
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray | jax.Array):
        array = np.asarray(value)
        bits = array.tolist() if array.dtype == object else array.tobytes().hex()
        return [str(array.dtype), array.shape, bits]
    return str(value)


def _check(run: Any) -> int:
    checked = run.check()
    for error in checked.problems.values():
        raise error
    return checked.files


def _own(path: Path) -> Path:
    data = wg.load("xor", samples=40)
    start = wg.Network.create([2, 3, 1], seed=0)
    wg.train(start, data, out=path, epochs=3, batch_size=8, record_every=2, patience=2)
    return path


def _watched(path: Path) -> Path:
    import torch
    from torch import nn

    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
    optimizer = torch.optim.Adam(model.parameters(), 0.1)
    with wg.watch(model, every=2, out=path):
        for _ in range(5):
            x = torch.randn(8, 2)
            optimizer.zero_grad()
            (model(x) - x.prod(1, keepdim=True)).square().mean().backward()
            optimizer.step()
    return path


OF_ALL: dict[str, Reader] = {
    "run.json": lambda run: run.description,
    "steps": lambda run: run.steps,
    "history": lambda run: run.history_lines,
    "rows": lambda run: {layer: run.rows(layer) for layer in run.layers},
    "check": _check,
}
OF_OWN: dict[str, Reader] = {
    "network": lambda run: jax.tree.leaves(run.network),
    "evaluate": lambda run: run.evaluate(),
    "predict": lambda run: run.predict(np.array([[0.0, 1.0], [1.0, 1.0]])),
    "start": lambda run: jax.tree.leaves(run.network_at(0)),
    "why": lambda run: [run.why("hidden1", step=step).to_dict() for step in (0, 5)],
    "health": lambda run: health_of(run).to_dict(),
}
OF_WATCHED: dict[str, Reader] = {
    "facts": lambda run: run.facts,
    "whole": lambda run: [run.whole(step) for step in run.whole_steps],
    "why": lambda run: run.why("0").to_dict(),
    "doctor": lambda run: run.doctor().to_dict(),
}
KINDS: dict[str, tuple[Callable[[Path], Path], dict[str, Reader]]] = {
    "own": (_own, OF_ALL | OF_OWN),
    "watched": (_watched, OF_ALL | OF_WATCHED),
}
