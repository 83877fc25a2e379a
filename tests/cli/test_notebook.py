"""``%load_ext whygrad`` and ``%%whygrad watch``, in a shell of IPython's."""

import contextlib
import io
from pathlib import Path

import pytest

import whygrad as wg
from whygrad.errors import OptionError

interactive = pytest.importorskip("IPython.core.interactiveshell")
pytestmark = [pytest.mark.long, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

SETUP = """
import torch
torch.manual_seed(0)
net = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 3))
optimizer = torch.optim.SGD(net.parameters(), 0.1)
"""
CELL = """
for step in range(6):
    optimizer.zero_grad()
    loss = torch.nn.functional.cross_entropy(net(torch.ones(5, 4)), torch.arange(5) % 3)
    loss.backward()
    optimizer.step()
"""


@pytest.fixture
def shell(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    interactive.InteractiveShell.clear_instance()
    one = interactive.InteractiveShell.instance()
    one.run_cell("%load_ext whygrad").raise_error()
    yield one
    interactive.InteractiveShell.clear_instance()


def told(shell, cell: str) -> str:
    with contextlib.redirect_stdout(io.StringIO()) as out:
        shell.run_cell(cell)
    return out.getvalue()


def test_a_cell_is_run_as_it_is_and_told_of(shell, tmp_path):
    shell.run_cell(SETUP + CELL).raise_error()
    plain = shell.user_ns["loss"].item()
    shell.run_cell(SETUP).raise_error()
    said = told(shell, f"%%whygrad watch --every 2 --out runs/mine\n{CELL}")
    assert shell.user_ns["loss"].item() == plain
    assert said.startswith("net, watched by whygrad\n")
    assert said.endswith("Why a weight moved: whygrad why runs/mine/net 2\n")
    run = wg.open_run(tmp_path / "runs" / "mine" / "net")
    assert [line["step"] for line in run.history_lines] == [0, 2, 4]


def test_a_cell_that_fails_fails_as_it_would_and_what_was_recorded_stays(shell):
    shell.run_cell(SETUP).raise_error()
    said = told(shell, f"%%whygrad watch\n{CELL}\nnet(torch.ones(1, 5))")
    assert "RuntimeError" in said and "net, watched by whygrad\n" in said
    run = wg.open_run(Path("runs") / "notebook-1" / "net")
    assert run.steps == 6 and run.description["failure"]["kind"] == "RuntimeError"


def test_a_cell_that_trains_nothing_is_told(shell):
    assert told(shell, "%%whygrad watch\nx = 1").startswith("Nothing was watched: no optimizer")
    assert shell.user_ns["x"] == 1


def test_what_the_magic_does_not_know_is_told(shell, capsys):
    result = shell.run_cell("%%whygrad wacth\nx = 1")
    assert isinstance(result.error_in_exec, OptionError) and "watch" in str(result.error_in_exec)
    shell.run_cell("%%whygrad watch --evry 3\ny = 1")
    assert "--every" in capsys.readouterr().err and "y" not in shell.user_ns
