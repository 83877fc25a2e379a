"""A model in shards: each process records what it holds, and together they are one on all rows."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.distributed as dist
from sharded_program import CASES, trained
from torch import nn
from torch.distributed.fsdp import fully_shard

import whygrad as wg
from whygrad.errors import OptionError, RunError
from whygrad.record.fields import ROW_FIELDS
from whygrad.record.merging import OF_ONE, merged_rows, merged_step

PROGRAM = Path(__file__).with_name("sharded_program.py")
OF_HALF = {"mixed": 0.05}  # how far runs of another precision may lie apart
# of a weight that two layers share the mean gradient is known of both together
TOLD_OF_SHARED = ("upstream", "slope", "input", "open")


@pytest.fixture(scope="module")
def alone():
    """A group of one process, in which a shard is the whole."""
    store = dist.HashStore()
    dist.init_process_group("gloo", store=store, rank=0, world_size=1)
    yield
    dist.destroy_process_group()


def begun(folder: Path, ranks: int, *cases: str) -> list[subprocess.Popen]:
    folder.mkdir()
    for case in cases:
        (folder / case).mkdir()
    return [
        subprocess.Popen(
            [sys.executable, str(PROGRAM), str(rank), str(ranks), str(folder), *cases],
            stderr=subprocess.PIPE,
        )
        for rank in range(ranks)
    ]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """All cases, each in one process, in two, and those of four in four."""
    folder = tmp_path_factory.mktemp("shards")
    by_two = [name for name in CASES if name != "hybrid"]
    for ranks, cases in ((1, list(CASES)), (2, by_two), (4, ["hybrid", "tokens"])):
        for process in begun(folder / str(ranks), ranks, *cases):
            _, errors = process.communicate(timeout=300)
            assert process.returncode == 0, errors.decode()
            assert b"wg.watch" not in errors, errors.decode()
    return folder


def held_together(one: wg.Run, other: wg.Run, rtol: float) -> None:
    """Hold two runs against each other, number by number."""
    assert other.layers == one.layers and other.whole_steps == one.whole_steps
    assert other.description["layers"] == one.description["layers"]
    assert other.coverage() == one.coverage()
    np.testing.assert_allclose(other.history["loss"], one.history["loss"], rtol=max(rtol, 1e-5))
    for layer in one.layers:
        (steps, rows), (of_other, merged) = one.rows(layer), other.rows(layer)
        np.testing.assert_array_equal(steps, of_other)
        is_shared = one.description["layers"][layer]["is_shared"]
        told = [ROW_FIELDS.index(name) for name in (TOLD_OF_SHARED if is_shared else ROW_FIELDS)]
        bound = rtol * np.abs(rows).max()
        np.testing.assert_allclose(merged[:, told], rows[:, told], rtol, bound, err_msg=layer)
    for step in one.whole_steps if rtol < 0.01 else ():  # in half precision a ReLU may flip
        (_, arrays, notes), (_, of_other, told) = one.whole(step), other.whole(step)
        of_all, theirs = (
            [name for name in one if not name.rpartition("/")[2].startswith(OF_ONE)]
            for one in (arrays, of_other)
        )
        assert set(of_all) == set(theirs) and notes["optimizers"] == told["optimizers"]
        for name in of_all:
            if not name.rpartition("/")[2].startswith("sample."):
                bound = rtol * np.abs(arrays[name]).max()
                np.testing.assert_allclose(of_other[name], arrays[name], rtol, bound, err_msg=name)


CASES_BY_RANKS = [(2, name) for name in CASES if name != "hybrid"]
CASES_BY_RANKS += [(4, "hybrid"), (4, "tokens")]


@pytest.mark.long
@pytest.mark.parametrize(("ranks", "case"), CASES_BY_RANKS, ids=str)
def test_all_processes_are_one_on_the_whole_batch(folder, ranks, case):
    one, together = (wg.open_run(folder / str(n) / case / "run") for n in (1, ranks))
    assert together.description["ranks"] == ranks
    assert together.coverage().share == 1
    held_together(one, together, OF_HALF.get(case, 2e-3))
    assert [f.kind for f in together.doctor().findings] == [f.kind for f in one.doctor().findings]


@pytest.mark.long
@pytest.mark.parametrize(("ranks", "case"), CASES_BY_RANKS, ids=str)
def test_watched_or_not_shards_end_in_the_same_numbers(folder, ranks, case):
    told = [(folder / str(ranks) / case / f"same{rank}").read_text() for rank in range(ranks)]
    assert told == ["True"] * ranks


@pytest.mark.long
@pytest.mark.parametrize("case", ["plain", "clipped", "accumulated"])
def test_the_ledger_of_shards_is_the_ledger_of_one(folder, case):
    one, together = (
        wg.open_run(folder / str(n) / case / "run").why("3.weight[1, 2]").to_dict() for n in (1, 2)
    )
    assert together["gradient"] == pytest.approx(one["gradient"], rel=1e-4)
    assert [s["name"] for s in together["stages"]] == [s["name"] for s in one["stages"]]
    for mine, other in zip(together["factors"], one["factors"], strict=True):
        assert mine["value"] == pytest.approx(other["value"], rel=1e-3)


@pytest.mark.long
def test_what_one_process_holds_is_no_run_of_its_own(folder):
    path = folder / "2" / "plain" / "run"
    with pytest.raises(RunError) as raised:
        wg.open_run(path / "rank1")
    assert str(raised.value) == (
        f"{path / 'rank1'} is what process 1 of 2 recorded of a model in shards: it holds a part "
        f"of every parameter. Open the folder of all processes, {path}; they share one if "
        "wg.watch gets the same out= in each of them."
    )


@pytest.mark.parametrize("case", ["plain", "clipped", "accumulated", "synced", "kept", "tokens"])
def test_a_shard_of_one_process_is_the_whole(alone, tmp_path, case):
    sharded = CASES[case] | {"is_sharded": True}
    whole = trained(0, 1, tmp_path / "whole", **CASES[case])
    assert all(map(torch.equal, whole, trained(0, 1, tmp_path / "shards", **sharded)))
    held_together(wg.open_run(tmp_path / "whole"), wg.open_run(tmp_path / "shards"), 1e-5)


def test_parameters_without_shape_are_declined():
    class FullyShardedDataParallel(nn.Linear):
        pass

    with pytest.raises(OptionError, match=r"wrapped in FullyShardedDataParallel .*fully_shard"):
        wg.watch(FullyShardedDataParallel(2, 2))


def test_parameters_that_stay_split_are_declined(alone):
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.tensor.parallel import ColwiseParallel, parallelize_module

    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 2))
    mesh = init_device_mesh("cpu", (1, 1), mesh_dim_names=("data", "tensor"))
    parallelize_module(model[0], mesh["tensor"], ColwiseParallel())
    for part in model:
        fully_shard(part, mesh=mesh["data"])
    with pytest.raises(OptionError, match=r"got 0.weight, 0.bias, which tensor parallelism splits"):
        wg.watch(model)


def test_shards_of_rows_add_up():
    """Two neurons, each in one of two processes, by hand."""
    rows = np.ones((2, 1, len(ROW_FIELDS), 2))
    rows[0, 0, :3], rows[1, 0, :3] = [[2, 2], [0.5, 1], [4, 2]], [[6, 2], [1, 1], [2, 4]]
    signature = ROW_FIELDS.index("signature")
    rows[0, 0, signature], rows[1, 0, signature] = [3, 0], [0, 4]
    merged = merged_rows(rows, np.array([[2.0, 1.0]]), np.array([[8.0, 16.0]]))[0]
    # pulled (4 + 12) / 2 and (4 + 8) / 2, whose norm is 10; that of the weights' part is 5
    np.testing.assert_allclose(merged[3], [2 / 8, 1 / 6])
    np.testing.assert_allclose(merged[signature], [3 + 8 / 2, 4 + 16 / 2])


def test_shards_of_parameters_add_up():
    parts = [
        {"0/through": np.ones(2), "0/weight.after": after, "0/bias.after": np.full(2, 7.0)}
        for after in (np.array([1.0, 0.0]), np.array([0.0, 2.0]))
    ]
    merged = merged_step(parts, {"0": ["weight"]})
    np.testing.assert_array_equal(merged["0/weight.after"], [1, 2])
    np.testing.assert_array_equal(merged["0/bias.after"], [7, 7])
