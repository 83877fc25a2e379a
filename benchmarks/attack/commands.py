"""Hostile command lines in hostile surroundings: each must end in words and with a code that fits.

A command line is a command of whygrad with odd values of its own options, drawn from a seed; most
run in this process, some as a process of their own with odd variables and streams. Whatever is
asked, the exit code is 0, 1 or 2, no traceback is seen, a failure says something, ``--json``
prints one JSON document, and the user's own files are untouched.
"""

import contextlib
import io
import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

import whygrad as wg
from benchmarks.attack import Trial
from whygrad.cli.app import app, run

CODES = (0, 1, 2)
SECONDS = 120  # that a command may take as a process
OUTSIDE = 0.05  # share of the command lines that run as processes of their own
SMALL = ("--samples", "40", "--hidden", "2", "--epochs", "1")

NUMBERS = ("0", "-0", "-1", "1", "2", "3.5", "1e-400", "1e400", "nan", "inf", "-inf", "9" * 400)
NUMBERS += ("0x10", "1_000", "１２", "٣", "½", "+1", " 1", "1e3", "2147483648", "-2147483649")
TEXTS = ("", " ", "\t", "--", "-", "=", "%s", "{x}", "[/]", "[red]", "中文", "é😀", "\u202egpj.exe")
TEXTS += ("a" * 300, "\x1b]52;c;aGk=\x07", "a\nb", "\udcff", "\ud800", "true", "None", "[1]", "{}")
PATHS = (
    ".",
    "..",
    "/",
    "~",
    "/dev/null",
    "/dev/full",
    "/proc/self/mem",
    "missing",
    "missing/a.csv",
)
PATHS += ("table.csv", "binary.csv", "plan.toml", "bad.toml", "folder", "run", "run/run.json")
PATHS += ("link", "loop", "fifo.csv", "run/", "folder/new", "folder/mine.txt/x", "x" * 300)
KNOWN = ("xor", "iris", "relu", "adam", "auto", "balanced", "constant:0.5", "normal:nan", "y", "a")
KNOWN += (
    "hidden1",
    "hidden1[0]",
    "hidden1.weight[0, 0]",
    "hidden1.weight[-1, 9]",
    "output.bias[0]",
)
KNOWN += ("onnx", "torch", "tensorboard", "en", "zh", "3,3", ",", "0,0", "cosine", "vanishing")
KINDS = (NUMBERS, TEXTS, PATHS, KNOWN)

# Surroundings of a process: variables, and what the shell does with its streams.
VARIABLES = (
    {}, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, {"LC_ALL": "xx_YY.UTF-8"},
    {"PYTHONIOENCODING": "ascii"}, {"PYTHONIOENCODING": "latin-1"}, {"COLUMNS": "1"},
    {"COLUMNS": "x"}, {"TERM": "dumb"}, {"TZ": "No/Where"}, {"HOME": "/dev/null/nowhere"},
    {"XDG_CACHE_HOME": "/dev/null"}, {"TMPDIR": "/dev/null/nowhere"}, {"WHYGRAD_LANG": "zh"},
    {"JAX_PLATFORMS": "cuda"}, {"JAX_PLATFORMS": "nonsense"}, {"XLA_FLAGS": "--xla_nonsense"},
    {"JAX_ENABLE_X64": "maybe"}, {"JAX_NUMPY_RANK_PROMOTION": "raise"}, {"FORCE_COLOR": "1"},
)  # fmt: skip
STREAMS = ("", "", "", "<&-", ">&-", "2>&-", ">/dev/full", "2>/dev/full", "| head -c 1", "| true")


def attack(seed: int, folder: Path) -> Iterator[Trial]:
    """Yield a trial a command line.

    Args:
        folder: for the user's files; new or empty.
    """
    draw = random.Random(seed)
    make_home(folder)
    while True:
        words = command_line(draw)
        if draw.random() < OUTSIDE and not any("\0" in word or "\ud800" in word for word in words):
            variables, streams = draw.choice(VARIABLES), draw.choice(STREAMS)
            what = f"{variables} whygrad {words} {streams}"
            yield Trial(what, problem_outside(folder, words, variables, streams))
        else:
            yield Trial(f"whygrad {words}", problem_inside(folder, words))


def make_home(home: Path) -> None:
    """Make one of everything that a user may have in a folder."""
    rows = "".join(f"{i},{i % 7},{i % 2}\n" for i in range(40))
    (home / "table.csv").write_text(f"a,b,y\n{rows}")
    (home / "binary.csv").write_bytes(bytes(range(256)) * 4)
    (home / "plan.toml").write_text(
        '[data]\nsource = "xor"\nsamples = 40\n[network]\nhidden = [2]\n[training]\nepochs = 1\n'
    )
    (home / "bad.toml").write_text("[data\n")
    (home / "folder").mkdir()
    (home / "folder" / "mine.txt").write_text("mine")
    (home / "link").symlink_to("folder")
    (home / "loop").symlink_to("loop")
    os.mkfifo(home / "fifo.csv")
    start = wg.Network.create([2, 2, 1], seed=0)
    wg.train(start, wg.load("xor", samples=40), epochs=1, out=home / "run")


def command_line(draw: random.Random) -> list[str]:
    """Draw a command with odd values, missing ones, repeated ones, and options of others."""
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined] - a group
    name = draw.choice([*commands, "train", "train", "rums", ""])
    command = commands.get(name) or commands["train"]
    words = [name, *(_value(draw) for _ in range(draw.choice((0, 1, 1, 1, 2, 3))))]
    if name == "lesson":  # run elsewhere, one by one: they take seconds
        return ["lesson", draw.choice(["--help", "--json", *(_value(draw) for _ in range(3))])]
    if name == "train":
        words = ["train", draw.choice(("xor", "table.csv", _value(draw))), *SMALL]
    for _ in range(draw.choice((0, 1, 1, 2, 3))):
        words += _option(draw, command)
    if draw.random() < 0.3:
        words.insert(1, "--json")  # not last, where an option without a value would take it for one
    return words


def _option(draw: random.Random, command: Any) -> list[str]:
    drawn = draw.choice(command.params)
    option = drawn.opts[0] if draw.random() < 0.95 else draw.choice(("--nonsense", "-x", "---"))
    if option == "--budget":  # how long the doctor may take
        return [option, draw.choice(("0", "-1", "nan", "1e-9", "x"))]
    if getattr(drawn, "is_flag", False) and draw.random() < 0.9:
        return [option]
    value = _value(draw)
    return draw.choice(([option, value], [f"{option}={value}"], [option]))


def _value(draw: random.Random) -> str:
    return draw.choice(draw.choice(KINDS))


def problem_inside(home: Path, words: list[str]) -> str:
    """Return what is wrong with how a command line ends in this process."""
    before = mine(home)
    out, err = io.StringIO(), io.StringIO()
    with contextlib.chdir(home), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = run(words)
        except BaseException as error:
            return f"raised {type(error).__name__}: {error}"
    return _problem(
        words, code, out.getvalue(), err.getvalue(), before.items() <= mine(home).items()
    )


def problem_outside(home: Path, words: list[str], variables: dict[str, str], streams: str) -> str:
    """Return what is wrong with how a command line ends as a process in odd surroundings."""
    before = mine(home)
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("JAX_", "XLA_"))}
    shell = ["bash", "-c", f'"$@" {streams}; exit "${{PIPESTATUS[0]}}"', "bash"]
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        try:
            code = subprocess.run(
                [*shell, sys.executable, "-m", "whygrad", *map(os.fsencode, words)],
                cwd=home, env=kept | variables, stdout=out, stderr=err, timeout=SECONDS,
            ).returncode  # fmt: skip
        except subprocess.TimeoutExpired:
            return f"did not end within {SECONDS} s"
        for file in (out, err):
            file.seek(0)
        said, complained = (file.read().decode(errors="replace") for file in (out, err))
    is_heard = not streams or streams.startswith("<")
    return _problem(words, code, said, complained, before.items() <= mine(home).items(), is_heard)


def _problem(
    words: list[str], code: int, out: str, err: str, is_mine: bool, is_heard: bool = True
) -> str:
    if code not in CODES:
        return f"exit code {code}: {(err or out).strip()}"
    if "Traceback" in out + err:
        return f"a traceback: {(err or out).strip()}"
    if is_heard and code and not (out + err).strip():
        return f"exit code {code}, and not a word"
    if is_heard and "--json" in words and "--help" not in words:
        try:
            json.loads(out)
        except ValueError as error:
            return f"no JSON ({error}): {out[:200]!r} {err[:200]!r}"
    return "" if is_mine else "it changed a file of the user's"


def mine(home: Path) -> dict[str, bytes]:
    """Return what the user has, by path; new files may come beside it."""
    names = ("table.csv", "binary.csv", "plan.toml", "bad.toml", "folder/mine.txt")
    kept = [home / name for name in names]
    kept += [
        p for p in (home / "run").rglob("*") if p.suffix in (".json", ".jsonl", ".safetensors")
    ]
    return {str(path): path.read_bytes() for path in kept}
