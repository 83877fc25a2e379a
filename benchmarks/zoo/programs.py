"""Published training programs, run by themselves and under ``whygrad watch``.

Nothing of them is kept here: a folder holds checkouts of their repositories, as ``OWNER/NAME``.
What a program would fetch from elsewhere is made up in the same form, and small.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

LONGEST = 900  # seconds
SEEDS = "import random, numpy, torch; random.seed(0); numpy.random.seed(0); torch.manual_seed(0)"


@dataclass(frozen=True)
class Program:
    """A script of a public repository.

    Attributes:
        repository: ``OWNER/NAME``.
        script: its path there; it runs in its own folder.
        arguments: that keep it short.
        prepare: makes, in that folder, what it would fetch.
    """

    repository: str
    script: str
    arguments: tuple[str, ...] = ()
    prepare: Callable[[Path], None] = lambda folder: None


def digits(folder: Path) -> None:
    """Write random pictures in the form of MNIST."""
    raw = folder.parent / "data" / "MNIST" / "raw"
    for place in (raw, folder / "data" / "MNIST" / "raw"):
        place.mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng(0)
        for part, count in (("train", 512), ("t10k", 128)):
            pixels = rng.integers(0, 256, (count, 28, 28), dtype=np.uint8)
            labels = rng.integers(0, 10, count, dtype=np.uint8)
            head = np.array([0x803, count, 28, 28], ">u4").tobytes()
            (place / f"{part}-images-idx3-ubyte").write_bytes(head + pixels.tobytes())
            head = np.array([0x801, count], ">u4").tobytes()
            (place / f"{part}-labels-idx1-ubyte").write_bytes(head + labels.tobytes())


def letters(folder: Path) -> None:
    """Write random letters as nanoGPT's preparation leaves them."""
    place = folder / "data" / "shakespeare_char"
    rng = np.random.default_rng(0)
    for part, count in (("train", 5000), ("val", 1000)):
        rng.integers(0, 65, count).astype(np.uint16).tofile(place / f"{part}.bin")


def waves(folder: Path) -> None:
    subprocess.run([sys.executable, "generate_sine_wave.py"], cwd=folder, check=True)


SMALL_GPT = (
    *("config/train_shakespeare_char.py", "--device=cpu", "--compile=False", "--eval_iters=2"),
    *("--block_size=32", "--batch_size=4", "--n_layer=2", "--n_head=2", "--n_embd=32"),
    *("--max_iters=40", "--lr_decay_iters=40", "--eval_interval=20", "--log_interval=10"),
)
EXAMPLES, OLD, MADE = "pytorch/examples", "jcjohnson/pytorch-examples", "karpathy/makemore"
ONE_EPOCH = ("--epochs", "1", "--log-interval", "2")
PROGRAMS = (
    Program(OLD, "autograd/two_layer_net_autograd.py"),
    Program(OLD, "autograd/two_layer_net_custom_function.py"),
    Program(OLD, "nn/two_layer_net_nn.py"),
    Program(OLD, "nn/two_layer_net_optim.py"),
    Program(OLD, "nn/two_layer_net_module.py"),
    Program(OLD, "nn/dynamic_net.py"),
    Program(EXAMPLES, "regression/main.py"),
    Program(EXAMPLES, "mnist/main.py", ("--no-accel", *ONE_EPOCH), digits),
    Program(EXAMPLES, "mnist_rnn/main.py", ONE_EPOCH, digits),
    Program(EXAMPLES, "vae/main.py", ONE_EPOCH, digits),
    Program(
        EXAMPLES, "dcgan/main.py", ("--dataset", "fake", "--dry-run", "--ngf", "8", "--ndf", "8")
    ),
    Program(EXAMPLES, "time_sequence_prediction/train.py", ("--steps", "1"), waves),
    Program(MADE, "makemore.py", ("--device", "cpu", "--max-steps", "40", "--n-embd", "16")),
    Program(MADE, "makemore.py", ("--device", "cpu", "--max-steps", "40", "--type", "gru")),
    Program("karpathy/nanoGPT", "train.py", SMALL_GPT, letters),
)


def run_all(folder: Path) -> list[dict[str, Any]]:
    """Run those that are there, and print a line of each."""
    found = []
    for program in PROGRAMS:
        if not (folder / program.repository / program.script).exists():
            print(f"{program.repository}/{program.script} is not there", flush=True)
            continue
        found.append(told := compared(program, folder))
        same = "same" if told["same"] else "DIFFERS"
        print(
            f"{told['name']:60} {same}, {told['recorded']} recorded: {told['verdict']}", flush=True
        )
    return found


def compared(program: Program, folder: Path) -> dict[str, Any]:
    """Return whether a program leaves the same when it is watched, and what the watch says."""
    plain, watched = (_run(program, folder, is_watched=watch) for watch in (False, True))
    keys = ("code", "out", "files")
    lines = watched["err"].strip().splitlines()
    return {
        "name": f"{program.repository}/{program.script} {' '.join(program.arguments)}"[:60].strip(),
        "same": all(plain[key] == watched[key] for key in keys),
        "differs": [key for key in keys if plain[key] != watched[key]],
        "code": plain["code"],
        "recorded": watched["recorded"],
        "verdict": next((one for one in lines if one.strip()), "")[:200],
        "ratio": watched["seconds"] / max(plain["seconds"], 1e-9),
    }


def _run(program: Program, folder: Path, *, is_watched: bool) -> dict[str, Any]:
    with TemporaryDirectory() as place:
        copy = Path(place) / "program"
        shutil.copytree(folder / program.repository, copy)
        script = copy / program.script
        _sow(script)
        program.prepare(script.parent)
        kept = {path: path.stat().st_mtime_ns for path in _files(copy)}
        run = Path(place) / "run"
        watch = ["-m", "whygrad", "watch", "--out", str(run)] if is_watched else []
        seed = {"PYTHONHASHSEED": "0", "MPLBACKEND": "agg", "OMP_NUM_THREADS": "1"}
        began = os.times()
        done = subprocess.run(
            [sys.executable, *watch, script.name, *program.arguments],
            cwd=script.parent,
            env=os.environ | seed,
            capture_output=True,
            timeout=LONGEST,
        )
        ended = os.times()
        left = {
            str(path.relative_to(copy)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in _files(copy)
            if kept.get(path) != path.stat().st_mtime_ns
        }
        return {
            "code": done.returncode,
            "out": done.stdout,
            "err": done.stderr.decode(errors="replace"),
            "files": left,
            "recorded": _recorded(run),
            "seconds": ended.children_user - began.children_user,
        }


def _sow(script: Path) -> None:
    """Set the seeds in front of a copy of a script, for torch draws its own anew each time."""
    lines = script.read_text(encoding="utf-8").split("\n")
    future = [at for at, line in enumerate(lines) if line.startswith("from __future__")]
    lines.insert(future[-1] + 1 if future else 0, SEEDS)
    script.write_text("\n".join(lines), encoding="utf-8")


def _files(folder: Path) -> list[Path]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return [path for path in found if "__pycache__" not in path.parts]


def _recorded(run: Path) -> int:
    """Return how many steps were recorded, of all models."""
    return sum(len(path.read_text().splitlines()) for path in run.rglob("history.jsonl"))
