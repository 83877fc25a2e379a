"""The command line as a user meets it: in a folder of its own, in this process or in another."""

import io
import os
import subprocess
import sys
import warnings
from collections.abc import Callable
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

import whygrad as wg
from whygrad.cli import app

TINY = ("--samples", "60", "--hidden", "3", "--epochs", "2", "--batch-size", "16")


@pytest.fixture(autouse=True, scope="module")
def whole_commands(unchecked) -> None:
    """Leave types alone: commands train to their end, and the rooms are checked by themselves."""


@dataclass(frozen=True)
class Outcome:
    """What a command left: its exit code, and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        return self.out + self.err


@pytest.fixture(scope="session")
def environment(tmp_path_factory) -> dict[str, str]:
    chosen = ("JAX_", "WHYGRAD", "LC_")
    faster = "JAX_DISABLE_MOST_OPTIMIZATIONS"  # as all tests compile, see tests/conftest.py
    kept = {k: v for k, v in os.environ.items() if k == faster or not k.startswith(chosen)}
    cache = str(tmp_path_factory.mktemp("cache"))
    own = {"XDG_CACHE_HOME": cache, "JAX_PLATFORMS": "cpu", "WHYGRAD_LANG": "en"}
    return kept | own | {"PYTHONUTF8": "1"}


@pytest.fixture(scope="session")
def process(environment) -> Callable[..., Outcome]:
    """Run the command line as a process of its own and return what it left."""

    def run(*arguments: str, cwd: Path, **more: str) -> Outcome:
        done = subprocess.run(
            [sys.executable, "-m", "whygrad", *arguments],
            cwd=cwd,
            env=environment | more,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return Outcome(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture(scope="session")
def whygrad(process) -> Callable[..., Outcome]:
    """Run the command line in this process, which has imported and compiled already.

    Its language and environment are those of its start: another one needs a process of its own.
    """

    def run(*arguments: str, cwd: Path, **more: str) -> Outcome:
        if more or "--lang" in arguments:
            return process(*arguments, cwd=cwd, **more)
        out, err = io.StringIO(), io.StringIO()
        with chdir(cwd), redirect_stdout(out), redirect_stderr(err):
            with warnings.catch_warnings(action="default"):  # as Python starts
                code = app.run(list(arguments))
        assert "Traceback" not in err.getvalue(), err.getvalue()
        return Outcome(code, out.getvalue(), err.getvalue())

    return run


@pytest.fixture(scope="session")
def trained(whygrad, tmp_path_factory) -> SimpleNamespace:
    """A run that nobody may change, and the folder that it lies in."""
    home = tmp_path_factory.mktemp("home")
    outcome = whygrad("train", "xor", *TINY, "--out", "runs/a", "--json", cwd=home)
    assert outcome.code == 0, outcome.err
    return SimpleNamespace(home=home, path=home / "runs" / "a", outcome=outcome)


@pytest.fixture
def watched(tmp_path):
    """The run of a watched model, one step long, in the folder ``watched``."""
    model = torch.nn.Linear(2, 1)
    with wg.watch(model, every=1, out=tmp_path / "watched") as watch:
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        model(torch.ones(4, 2)).sum().backward()
        optimizer.step()
    return watch.run
