"""``whygrad watch PROGRAM``: the program is as it would be without it, and then a verdict comes."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

import whygrad as wg

pytestmark = [pytest.mark.long, pytest.mark.sampled]

ABOUT = """
import sys
print(__name__, __file__, __package__, __spec__ and __spec__.name, sorted(globals()))
print(sys.argv, sys.path[0], sys.flags.dev_mode, sys.modules["__main__"].__dict__ is globals())
"""
ENDINGS = {  # programs that end in every way, none of which imports torch
    "by itself": ABOUT,
    "with a code": ABOUT + "sys.exit(3)",
    "with a sentence": "import sys\nsys.exit('no data')",
    "with an error": "def f():\n    raise ValueError('ä')\n\ntry:\n    1 / 0\nfinally:\n    f()",
    "with an error of its syntax": "def f(:\n    pass",
    "by Ctrl-C": "import signal\nprint('on')\nsignal.raise_signal(signal.SIGINT)",
    "by a signal": "import os, signal\nos.kill(os.getpid(), signal.SIGTERM)",
    "at once": "import os\nprint('lost', flush=True)\nos._exit(5)",
    "in a hook": "import sys\nsys.excepthook = lambda *e: print('hook', e[1])\nraise KeyError(1)",
    "after its end": "import atexit, sys\natexit.register(print, 'late')\nprint('first')",
    "after a thread": "import threading\nt = threading.Timer(0.2, print, ['thread'])\nt.start()",
    "after a pool": "from concurrent.futures import *\nThreadPoolExecutor(1).submit(print, 'x')",
    "in a fork": "import os\npid = os.fork()\nif pid: os.waitpid(pid, 0)\nprint('both')",
    "in bytes": "import sys\nsys.stdout.buffer.write(bytes(range(256)))",
    "with stdout closed": "import sys\nsys.stdout.close()",
}
TRAIN = """
import sys
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

def main():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Dropout(0.2), nn.Linear(8, 3){last})
    x = torch.randn(96, 6)
    rows = DataLoader(TensorDataset(x, x[:, :3].argmax(1)), 16, shuffle=True, num_workers=1)
    optimizer = torch.optim.SGD(net.parameters(), 0.05)
    for epoch in range(4):
        for batch, y in rows:
            optimizer.zero_grad()
            loss = F.cross_entropy(net(batch), y)
            loss.backward()
            optimizer.step()
        print(epoch, loss.item())
    print(sys.argv, torch.rand(2).tolist())
    torch.save(net.state_dict(), "net.pt")

if __name__ == "__main__":
    main()
"""
TOGETHER = """
import os, sys
import torch
import torch.distributed as dist
from torch import nn, multiprocessing
from torch.distributed.fsdp import fully_shard
from torch.nn.parallel import DistributedDataParallel

def work(rank, *ranks):
    if ranks:
        meet = f"file://{os.getcwd()}/meet"
        dist.init_process_group("gloo", meet, rank=rank, world_size=ranks[0])
    else:
        dist.init_process_group("gloo")
        rank = dist.get_rank()
    torch.manual_seed(0)
    model = DistributedDataParallel(nn.Linear(5, 3))
    optimizer = torch.optim.Adam(model.parameters(), 0.01)
    for step in range(12):
        x = torch.randn(6, 5, generator=torch.Generator().manual_seed(2 * step + rank))
        optimizer.zero_grad()
        model(x).square().mean().backward()
        optimizer.step()
    left = [p.to_local() if hasattr(p, "to_local") else p for p in model.parameters()]
    torch.save([one.detach() for one in left], f"net{rank}.pt")
    del model, optimizer  # the last to let go of the group may hold what its thread waits for
    dist.destroy_process_group()

if __name__ == "__main__":
    work(0) if "RANK" in os.environ else multiprocessing.spawn(work, (2,), nprocs=2)
"""


@dataclass(frozen=True)
class Ended:
    """What a program left."""

    code: int
    out: bytes
    err: bytes
    folder: Path

    @property
    def told(self) -> dict:
        """What ``--json`` said."""
        return json.loads(self.err.decode().splitlines()[-1])


def ended(environment: dict[str, str], folder: Path, *command: str) -> Ended:
    """Run a command of Python in a folder."""
    done = subprocess.run(
        [sys.executable, *command], cwd=folder, env=environment, capture_output=True, timeout=500
    )
    return Ended(done.returncode, done.stdout, done.stderr, folder)


def both(environment, folder: Path, *command: str, options: tuple[str, ...] = ()) -> list[Ended]:
    """Run a program without and with whygrad, each time as if it were the first."""
    results = []
    for way in ((), ("-m", "whygrad", "watch", "--json", *options)):
        before = {path.name for path in folder.iterdir()}
        results.append(ended(environment, folder, *way, *command))
        saved = {p.name: p.read_bytes() for p in folder.iterdir() if p.suffix == ".pt"}
        (folder / ("watched" if way else "plain")).mkdir()
        for name, content in saved.items():
            (folder / ("watched" if way else "plain") / name).write_bytes(content)
            (folder / name).unlink()
        for name in {path.name for path in folder.iterdir()} & {"meet"} - before:
            (folder / name).unlink()
    return results


def are_equal(folder: Path) -> bool:
    names = sorted(path.name for path in (folder / "plain").iterdir())
    pairs = [
        ((folder / "plain" / n).read_bytes(), (folder / "watched" / n).read_bytes()) for n in names
    ]
    return bool(names) and all(one == other for one, other in pairs)


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_program_ends_as_it_would(ending, environment, tmp_path):
    (tmp_path / "prögram.py").write_text(ENDINGS[ending], encoding="utf-8")
    plain, watched = both(environment, tmp_path, "prögram.py", "--every", "x")
    assert (plain.code, plain.out) == (watched.code, watched.out)
    is_told = ending not in ("at once", "by a signal")
    if is_told:
        assert watched.err.startswith(plain.err)
        (note,) = watched.told["notes"]
        assert note.startswith("Nothing was watched: the program has not imported torch")
        assert not any((tmp_path / "runs").iterdir())
    assert watched.err.count(b"\n") == plain.err.count(b"\n") + is_told


def test_a_module_is_run_as_python_would(environment, tmp_path):
    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "__main__.py").write_text(ABOUT)
    (package / "other.py").write_text(ABOUT + "from . import __main__")
    for name in ("package", "package.other"):
        command = ("-m", name, "--every", "3")
        plain = ended(environment, tmp_path, *command)
        watched = ended(environment, tmp_path, "-m", "whygrad", "watch", *command)
        assert (plain.code, plain.out) == (watched.code, watched.out) and plain.out


def test_options_of_python_stay(environment, tmp_path):
    (tmp_path / "a.py").write_text("import sys\nprint(sys.flags, sys.warnoptions, sys._xoptions)")
    flags = ("-W", "error::UserWarning", "-O", "-X", "dev")
    plain = ended(environment, tmp_path, *flags, "a.py")
    watched = ended(environment, tmp_path, *flags, "-m", "whygrad", "watch", "a.py")
    assert plain.out == watched.out and b"optimize=1" in plain.out


def test_a_program_that_trains_ends_in_the_same_numbers_and_is_told_of(environment, tmp_path):
    (tmp_path / "train.py").write_text(TRAIN.format(last=""))
    plain, watched = both(environment, tmp_path, "train.py", "--lr", "1", options=("--every", "4"))
    assert (plain.code, plain.out) == (watched.code, watched.out) == (0, plain.out)
    assert plain.out.count(b"\n") == 5 and are_equal(tmp_path)
    (model,) = watched.told["models"]
    assert (model["name"], model["steps"], model["recorded"]) == ("net", 24, 6)
    assert Path(model["report"]).is_file() and watched.told["notes"] == []
    run = wg.open_run(tmp_path / "runs" / "train-1" / "net")
    assert run.description["state"] == "finished" and str(run.why("0.weight[1, 2]"))


def test_what_is_found_is_said_and_may_fail_the_command(environment, tmp_path):
    (tmp_path / "train.py").write_text(TRAIN.format(last=", nn.Softmax(1)"))
    command = ("-m", "whygrad", "watch", "--fail-on-finding", "--out", "mine", "train.py")
    done = ended(environment, tmp_path, *command)
    said = done.err.decode()
    assert done.code == 1 and said.startswith("net, watched by whygrad\n")
    assert "1. Softmax before cross_entropy" in said
    assert f"Report: {tmp_path / 'mine' / 'net' / 'report.html'}\n" in said
    assert said.endswith("Why a weight moved: whygrad why mine/net 3\n")
    again = ended(environment, tmp_path, *command)
    assert again.code == 1 and again.out == b"" and b"mine" in again.err


@pytest.mark.parametrize(
    ("launcher", "wrapped"),
    [
        ((), "DistributedDataParallel"),
        (("-m", "torch.distributed.run", "--nproc-per-node", "2"), "DistributedDataParallel"),
        ((), "fully_shard"),
    ],
)
def test_processes_that_train_together_have_one_run(environment, tmp_path, launcher, wrapped):
    (tmp_path / "train.py").write_text(TOGETHER.replace("DistributedDataParallel(", f"{wrapped}("))
    whygrad = ("-m", "whygrad", "watch", "--json", "--every", "10", "train.py")
    for name, command in (("plain", ("train.py",)), ("watched", whygrad)):
        done = ended(environment | {"OMP_NUM_THREADS": "1"}, tmp_path, *launcher, *command)
        assert done.code == 0, done.err.decode()
        (tmp_path / name).mkdir()
        for saved in tmp_path.glob("net*.pt"):
            saved.replace(tmp_path / name / saved.name)
        (tmp_path / "meet").unlink(missing_ok=True)
    assert are_equal(tmp_path) and len(list((tmp_path / "plain").iterdir())) == 2
    (model,) = done.told["models"]
    run = wg.open_run(model["path"])
    assert run.description["ranks"] == 2 and model["recorded"] == 2
    assert [line["step"] for line in run.history_lines] == [0, 10]
    assert run.coverage().share == 1


def test_what_is_no_program_is_told(whygrad, tmp_path):
    outcome = whygrad("watch", "--every", "5", "trian.py", "--lr", "1", cwd=tmp_path)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err == (
        "Error: whygrad watch: expected a Python program, but there is no file trian.py. Options "
        "of whygrad come before the program, its own after it: whygrad watch --every 5 train.py "
        "--lr 0.1\n"
    )
    outcome = whygrad("watch", "-m", "no.such", cwd=tmp_path)
    assert outcome.code == 2 and outcome.err == (
        "Error: whygrad watch -m: expected a module that Python can import, but there is none "
        "called no.such. Call it where python -m no.such works.\n"
    )
    outcome = whygrad("watch", "--every", "0", "a.py", cwd=tmp_path)
    assert outcome.code == 2 and "--every" in outcome.err
