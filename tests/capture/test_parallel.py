"""A model that several processes train together: each watched, and merged to one run."""

import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import whygrad as wg
from whygrad.errors import OptionError, RunError
from whygrad.record.fields import ROW_FIELDS
from whygrad.record.files import write_whole
from whygrad.record.merging import merged_rows
from whygrad.record.sealed import read_json, read_lines, sealed_lines, write_json

pytestmark = [pytest.mark.long, pytest.mark.sampled]

PROGRAM = """
import sys
import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import nn
from torch.nn.parallel import DistributedDataParallel

import whygrad as wg

rank, ranks, folder = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
clip = len(sys.argv) > 4
torch.manual_seed(0)
model = nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.LayerNorm(8), nn.Linear(8, 3))
x, y = torch.randn(6, 24, 5), torch.randint(3, (6, 24))
if ranks > 1:
    dist.init_process_group("gloo", f"file://{folder}/meet", rank=rank, world_size=ranks)
    model = DistributedDataParallel(model)
optimizer = torch.optim.Adam(model.parameters(), 0.01)
part = slice(rank * 24 // ranks, (rank + 1) * 24 // ranks)
with wg.watch(model, every=2, out=f"{folder}/run") as watch:
    for step in range(6):
        optimizer.zero_grad()
        F.cross_entropy(model(x[step, part]), y[step, part]).backward()
        if clip:
            nn.utils.clip_grad_norm_(model.parameters(), 0.1)
        optimizer.step()
inner = model.module if ranks > 1 else model
torch.save([p.detach() for p in inner.parameters()], f"{folder}/parameters{rank}.pt")
if ranks > 1:
    dist.destroy_process_group()
"""


def trained(folder: Path, ranks: int, *more: str) -> Path:
    """Train in processes of their own and return the folder of the run."""
    folder.mkdir()
    commands = [
        [sys.executable, "-c", PROGRAM, str(rank), str(ranks), str(folder), *more]
        for rank in range(ranks)
    ]
    begun = [subprocess.Popen(command, stderr=subprocess.PIPE) for command in commands]
    for process in begun:
        _, errors = process.communicate(timeout=300)
        assert process.returncode == 0, errors.decode()
    return folder / "run"


@pytest.fixture(scope="module", params=[(), ("clip",)], ids=["plain", "clipped"])
def runs(request, tmp_path_factory):
    """The same training in one process and in two."""
    folder = tmp_path_factory.mktemp("parallel")
    return tuple(trained(folder / str(n), n, *request.param) for n in (1, 2))


def test_two_processes_merged_are_one(runs):
    alone, together = map(wg.open_run, runs)
    assert together.description["ranks"] == 2
    assert together.layers == alone.layers and together.whole_steps == alone.whole_steps
    np.testing.assert_allclose(together.history["loss"], alone.history["loss"], rtol=1e-5)
    for layer in alone.layers:
        (steps, rows), (of_both, merged) = alone.rows(layer), together.rows(layer)
        np.testing.assert_array_equal(steps, of_both)
        np.testing.assert_allclose(merged[:, :5], rows[:, :5], rtol=2e-3, atol=1e-5)


def test_the_ledger_of_both_is_the_ledger_of_one(runs):
    alone, together = (wg.open_run(run).why("3.weight[1, 2]").to_dict() for run in runs)
    assert together["gradient"] == pytest.approx(alone["gradient"], rel=1e-4)
    assert [stage["name"] for stage in together["stages"]] == [
        stage["name"] for stage in alone["stages"]
    ]
    for mine, other in zip(together["factors"], alone["factors"], strict=True):
        assert mine["value"] == pytest.approx(other["value"], rel=1e-3)
    assert together["samples"] == alone["samples"] == 24


def test_the_anatomy_of_both_has_the_rows_of_both(runs):
    alone, together = (wg.open_run(run).anatomy() for run in runs)
    assert len(together["0"].delta) == 24
    gradients = [np.asarray(parts["0"].input.T @ parts["0"].delta) for parts in (together, alone)]
    np.testing.assert_allclose(*gradients, rtol=1e-3, atol=1e-5)


def test_the_doctor_is_as_silent_about_both(runs):
    alone, together = (wg.open_run(run).doctor() for run in runs)
    assert [one.kind for one in together.findings] == [one.kind for one in alone.findings]


def test_watched_or_not_processes_end_in_the_same_numbers(runs):
    _, together = runs
    first, second = (torch.load(together.parent / f"parameters{rank}.pt") for rank in (0, 1))
    for mine, other in zip(first, second, strict=True):
        assert torch.equal(mine, other)


def test_what_is_written_later_is_merged_again(runs):
    _, together = runs
    wg.open_run(together)
    described = together / "rank1" / "run.json"
    content = read_json(described)
    write_json(described, content | {"state": "failed"})
    assert wg.open_run(together).description["state"] == "failed"
    write_json(described, content)
    assert wg.open_run(together).description["state"] == "finished"


def test_what_one_process_has_lost_is_named(runs, tmp_path):
    copied = tmp_path / "run"
    shutil.copytree(runs[1], copied)
    for file in (copied / "rank0" / "anatomy").iterdir():
        file.unlink()
    (copied / "run.json").unlink(missing_ok=True)
    with pytest.raises(RunError) as raised:
        wg.open_run(copied)
    assert str(raised.value) == (
        f"The run file {copied / 'rank0' / 'anatomy' / '0.safetensors'} is missing, although the "
        "run recorded it. Take it from a copy, or train the run again."
    )


def test_a_process_whose_folder_is_gone_is_named(runs, tmp_path):
    copied = tmp_path / "run"
    shutil.copytree(runs[1], copied)
    shutil.rmtree(copied / "rank1")
    with pytest.raises(RunError, match=str(copied / "rank1")):
        wg.open_run(copied)


def test_a_step_that_only_one_process_has_recorded_yet_waits(runs, tmp_path):
    """The mean over one of two processes would be a wrong number."""
    copied = tmp_path / "run"
    shutil.copytree(runs[1], copied)
    described = copied / "rank1" / "run.json"
    whole = wg.open_run(copied)
    cut = whole.history_lines[:-1]
    write_whole(
        copied / "rank1" / "history.jsonl",
        sealed_lines(read_lines(copied / "rank1/history.jsonl")[:-1]),
    )
    write_json(described, read_json(described) | {"lines": {"history": 2, "facts": 3}})
    merged = wg.open_run(copied)
    assert merged.history_lines == cut and len(merged.rows("0")[0]) == len(cut) == 2


def test_two_processes_may_merge_at_once(runs, tmp_path):
    copied = tmp_path / "run"
    shutil.copytree(runs[1], copied)
    shutil.rmtree(copied / "anatomy", ignore_errors=True)
    (copied / "run.json").unlink(missing_ok=True)
    with ThreadPoolExecutor(4) as pool:
        opened = list(pool.map(wg.open_run, [copied] * 4))
    assert all(run.history_lines == opened[0].history_lines for run in opened)
    assert len(list((copied / "anatomy").iterdir())) == 1, "one of them has merged"


def test_a_process_that_has_written_nothing_is_said(tmp_path):
    (tmp_path / "rank0").mkdir()
    with pytest.raises(RunError):
        wg.open_run(tmp_path)


def test_factors_of_the_merged_are_ratios_of_means():
    """Two neurons in two processes, by hand."""
    rows = np.ones((2, 1, len(ROW_FIELDS), 2))
    rows[0, 0, :4] = [[2, 2], [0.5, 0], [4, 1], [0.5, 1]]
    rows[1, 0, :4] = [[6, 2], [1, 0], [2, 1], [0.5, 1]]
    merged = merged_rows(rows, np.array([[2.0, 0.0]]))[0]
    # pushed 4, through (1 + 6) / 2, pulled (4 + 12) / 2, |gradient| 2
    np.testing.assert_allclose(merged[:4, 0], [4, 3.5 / 4, 8 / 3.5, 2 / 8])
    np.testing.assert_allclose(merged[:2, 1], [2, 0])


def test_copies_on_several_devices_cannot_be_watched():
    model = nn.DataParallel(nn.Linear(2, 2))
    model.device_ids = [0, 1]
    with pytest.raises(OptionError, match="DistributedDataParallel"):
        wg.watch(model)


def test_a_copy_on_one_device_is_the_model_itself():
    model = nn.DataParallel(nn.Linear(2, 2))
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with wg.watch(model, every=1) as watch:
        model(torch.ones(3, 2)).square().mean().backward()
        optimizer.step()
    assert watch.run.layers == ["model"]
