"""Runs whose files say anything but what they should, and every reader on them.

A reader may refuse in words (a WhygradError) or read on; anything else that it raises did not hold.
"""

import contextlib
import io
import random
import shutil
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import whygrad as wg
from benchmarks.attack import Trial
from benchmarks.attack.mutating import mutate
from whygrad.cli.doctor import doctor_command
from whygrad.cli.showing import show_command
from whygrad.errors import WhygradError

Reader = Callable[[Path], object]


def _tell(path: Path) -> object:
    run = wg.open_run(path)
    return repr(run), run.layers, run.steps, run.history


def _neurons(path: Path) -> object:
    run = wg.open_run(path)
    return [run.neurons(layer) for layer in run.layers]


def _why(path: Path) -> object:
    run = wg.open_run(path)
    steps = getattr(run, "whole_steps", [0, run.steps - 1])
    told = [run.why(f"{layer}[1]", step=step) for layer in run.layers for step in steps]
    layer = run.layers[0] if run.layers else "0"
    told += [run.why(layer), run.why(f"{layer}.weight[0, 1]"), run.why(f"{layer}.bias[1]")]
    return list(map(str, told))


def _evaluate(path: Path) -> object:
    run = wg.open_run(path)
    return [run.evaluate(part) for part in ("train", "validation", "test")]


def _export(path: Path) -> object:
    return str(wg.open_run(path).export(path / "model.safetensors"))


COMMON: dict[str, Reader] = {
    "open": _tell,
    "neurons": _neurons,
    "show": lambda path: show_command(str(path), None, as_json=False),
    "show --json": lambda path: show_command(str(path), 2, as_json=True),
    "why": _why,
    "doctor": lambda path: doctor_command(str(path), False, 60.0, None, as_json=False),
    "report": lambda path: wg.open_run(path).report(path / "report.html"),
    "log": lambda path: wg.log(wg.open_run(path), "tensorboard", folder=path / "logs"),
}
OWN: dict[str, Reader] = COMMON | {
    "evaluate": _evaluate,
    "predict": lambda path: wg.open_run(path).predict([[5.0, 3.0, 1.0, 0.2]]),
    "export": _export,
    "resume": lambda path: wg.resume(path),
}
FORMAT1 = Path(__file__).parents[2] / "tests/record/format1"  # written before there were checksums
QUICK = ("open", "neurons", "show", "why", "evaluate", "predict")


def own_run(path: Path) -> Path:
    """Train one of whygrad's own runs, with everything in it that a run may have."""
    network = wg.Network.create([4, 6, 3], activation="tanh", dropout=0.2, seed=1)
    settings = {"epochs": 3, "batch_size": 16, "record_every": 2, "learning_rate": 0.02}
    wg.train(network, wg.load("iris"), out=path, patience=2, **settings)
    return path


def watched_run(path: Path) -> Path:
    """Watch a PyTorch model with a norm, dropout and an optimiser that remembers."""
    import torch
    from torch import nn

    with torch.random.fork_rng():
        torch.manual_seed(0)
        layers = nn.Linear(4, 6), nn.LayerNorm(6), nn.ReLU(), nn.Dropout(0.1), nn.Linear(6, 3)
        model = nn.Sequential(*layers)
        optimizer = torch.optim.Adam(model.parameters(), 1e-2)
        with wg.watch(model, every=2, out=path):
            for _ in range(15):
                optimizer.zero_grad()
                targets = torch.randint(0, 3, (16,))
                nn.functional.cross_entropy(model(torch.randn(16, 4)), targets).backward()
                optimizer.step()
    return path


def attack(seed: int, folder: Path) -> Iterator[Trial]:
    """Yield a trial of each kind of run in turn: one mutation, and all readers on it."""
    kinds = [own_run(folder / "own"), watched_run(folder / "watched")]
    kinds += [shutil.copytree(FORMAT1 / kind.name, folder / f"{kind.name}-1") for kind in kinds]
    trials = [mutations(sound, random.Random(f"{seed} {sound.name}"), folder) for sound in kinds]
    while True:
        yield from map(next, trials)


def mutations(
    sound: Path, draw: random.Random, scratch: Path, *, quickly: bool = False
) -> Iterator[Trial]:
    """Mutate copies of a sound run without end, and yield what its readers made of each.

    Args:
        quickly: of the readers that take long, only one a mutation.
    """
    readers = OWN if (sound / "data.safetensors").exists() else COMMON
    copy = scratch / f"mutated-{sound.name}"
    while True:
        shutil.copytree(sound, copy)
        what = mutate(copy, draw)
        names = list(readers)
        if quickly:
            slow = [name for name in readers if name not in QUICK]
            names = [name for name in readers if name in QUICK] + [draw.choice(slow)]
        problems = [f"{name}: {said}" for name in names if (said := _problem(readers[name], copy))]
        yield Trial(f"{sound.name} {what}", "\n".join(problems))
        shutil.rmtree(copy)


def _problem(reader: Reader, path: Path) -> str:
    try:
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("error")
            warnings.simplefilter("ignore", UserWarning)  # such as of an older checkpoint
            reader(path)
    except WhygradError as error:
        return "" if str(error).strip() else "an error without words"
    except Exception:
        return traceback.format_exc(limit=-4)
    return ""
