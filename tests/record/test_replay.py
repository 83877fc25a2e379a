"""Any step again, exactly; and a record that was tampered with is not believed."""

from importlib.metadata import version
from pathlib import Path

import jax
import numpy as np
import pytest

import whygrad as wg
from whygrad.errors import AddressError, RunError
from whygrad.record.sealed import read_json, read_tensors, write_json, write_tensors
from whygrad.training.numpy_step import Walk
from whygrad.training.replay import replay, state_before
from whygrad.training.step import take_step

pytestmark = pytest.mark.exact

STEPS = 21


@pytest.fixture(scope="module", params=["numpy", "jax"])
def finished(request, tmp_path_factory, iris, network) -> wg.Run:
    """A run that nobody may change, of either engine."""
    options = {"epochs": 3, "batch_size": 16, "record_every": 2, "learning_rate": 0.02}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("whygrad.training.loop.engine_for", lambda *_: request.param)
        return wg.train(network, iris, out=tmp_path_factory.mktemp("runs") / "run", **options)


def test_the_run_has_the_steps_that_the_tests_count_on(finished):
    assert finished.steps == finished.task.total_steps == STEPS


def stepping_by_hand(run: wg.Run) -> list:
    """Return the parameters before every step, walking in Python."""
    task, state, found = run.task, run.checkpoint(0).state, []
    is_numpy = task.config.engine == "numpy"
    walk = Walk(task.config, state) if is_numpy else None
    step = jax.jit(take_step, static_argnums=0)
    for number in range(task.total_steps):
        pool, plan = task.batch(number)
        before = state.network if walk is None else jax.tree.map(np.copy, walk.network)
        found.append((before, plan.rows))
        if walk is None:
            state, _ = step(task.config, state, pool.dataset, plan)
        else:
            walk.take(pool.dataset, plan.rows, plan.share, None)
    return found


def test_every_step_replays_as_stepping_by_hand(finished):
    for step, (network, rows) in enumerate(stepping_by_hand(finished)):
        again = replay(finished, step)
        assert again.is_recorded is (step % 2 == 0)
        np.testing.assert_array_equal(again.rows, rows)
        for a, b in zip(*map(jax.tree.leaves, (again.network, network)), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("step", range(0, STEPS, 5))
def test_a_replay_does_not_depend_on_the_checkpoint_it_starts_from(finished, copy, step):
    for path in (copy / "checkpoints").glob("*"):
        if path.stem != "0":
            path.unlink()
    near = state_before(finished, finished.task, step).network
    run = wg.open_run(copy)
    far = state_before(run, run.task, step).network
    for a, b in zip(*map(jax.tree.leaves, (near, far)), strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_loss_of_a_replay_is_that_of_the_history(finished):
    for line in finished.history_lines:
        again = replay(finished, line["step"])
        assert float(again.seen.anatomy.loss) == pytest.approx(line["loss"], rel=1e-5)


@pytest.mark.parametrize("step", [-1, STEPS, 10**30])
def test_a_step_that_was_not_taken_is_refused(finished, step):
    with pytest.raises(AddressError) as raised:
        replay(finished, step)
    assert str(raised.value) == (
        f"Step {step} cannot be replayed: the run has the steps 0 to 20. Choose one of them."
    )


@pytest.mark.parametrize("field", range(5))
@pytest.mark.parametrize("layer", ["hidden1", "output"])
def test_a_tampered_row_is_not_believed(copy, layer, field):
    tamper(copy, layer, field, 1.01)
    run = wg.open_run(copy)
    with pytest.raises(RunError) as raised:
        replay(run, 4)
    assert str(raised.value) == (
        f"Step 4 does not replay: layer {layer} differs from what {copy} recorded, "
        "although versions and device are the same. "
        "The record was changed; take the run from a copy, or train it again."
    )
    assert replay(run, 6).is_recorded, "other steps are as they were"


@pytest.mark.parametrize("value", [np.nan, np.inf, -1.0])
def test_a_row_that_became_no_number_is_not_believed(copy, value):
    tamper(copy, "hidden1", 0, value)
    with pytest.raises(RunError):
        replay(wg.open_run(copy), 4)


def tamper(path: Path, layer: str, field: int, factor: float) -> None:
    for file in (path / "anatomy").glob("*"):
        tensors, notes = read_tensors(file)
        place = np.flatnonzero(tensors["steps"] == 4)
        if len(place):
            rows = tensors[layer].copy()
            rows[place[0], field, int(np.abs(rows[place[0], field]).argmax())] *= factor
            write_tensors(file, tensors | {layer: rows}, notes)


def test_a_tampered_checkpoint_is_not_believed(copy, finished):
    """Its own checksum fits, but it is not the one that run.json tells of."""
    last = copy / "checkpoints" / f"{wg.open_run(copy).checkpoints[2]}.safetensors"
    step = int(last.stem)
    tensors, notes = read_tensors(last)
    name = next(n for n in tensors if n.endswith("weight"))
    write_tensors(last, tensors | {name: tensors[name] + np.float32(0.01)}, notes)
    with pytest.raises(RunError) as raised:
        wg.open_run(copy).checkpoint(step)
    assert raised.value.key == "error.run_file_damaged"
    before = [replay(run, step).network for run in (wg.open_run(copy), finished)]
    for a, b in zip(*map(jax.tree.leaves, before), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("what", ["versions", "device"])
def test_a_replay_that_other_versions_made_impossible_says_so(copy, what):
    tamper(copy, "hidden1", 0, 1.01)
    content = read_json(copy / "run.json")
    engine = content["engine"]
    told = {"versions": content["versions"] | {engine: "0.1"}, "device": "abacus"}
    write_json(copy / "run.json", content | {what: told[what]})
    with pytest.raises(RunError) as raised:
        replay(wg.open_run(copy), 4)
    recorded = (f"{engine} 0.1", f"{engine} {version(engine)}")
    here = ("abacus", content["device"])
    was, now = recorded if what == "versions" else here
    assert str(raised.value) == (
        f"Step 4 does not replay: layer hidden1 differs from what {copy} recorded. It was trained "
        f"with {was}; here are {now}. Explain it where it was trained, or train it again here."
    )
    assert replay(wg.open_run(copy), 6).is_recorded, "where it replays, nothing is said"


def test_a_replay_of_many_devices_that_differs_says_so(copy):
    tamper(copy, "hidden1", 0, 1.01)
    write_json(copy / "run.json", read_json(copy / "run.json") | {"devices": 3})
    run = wg.open_run(copy)
    with pytest.raises(RunError) as raised:
        replay(run, 4)
    assert str(raised.value) == (
        f"Step 4 of {copy} was recorded by 3 devices, and this single one gets something else for "
        "layer hidden1: they add in another order, and from the last checkpoint on rounding has "
        "grown too large. Ask about a step closer behind a checkpoint; they stand before the steps "
        f"{', '.join(map(str, run.checkpoints))}."
    )
    assert replay(run, 6).is_recorded, "what agrees within rounding is explained"


def test_a_checkpoint_whose_state_has_another_form_says_which_versions_wrote_it(copy):
    path = copy / "checkpoints" / "0.safetensors"
    tensors, notes = read_tensors(path)
    checksum = write_tensors(path, {f"of_old.{n}": a for n, a in tensors.items()}, notes)
    content = read_json(copy / "run.json")
    content["checkpoints"]["0"] = checksum
    write_json(copy / "run.json", content)
    with pytest.raises(RunError) as raised:
        wg.open_run(copy).checkpoint(0)
    assert str(raised.value) == (
        f"In {path}, network.dense.0.weight is missing. "
        "Restore the file from a backup, or train the run again."
    )
    old = {"jax": {"jaxlib": "0.2", "optax": "0.1"}, "numpy": {"numpy": "0.1"}}[content["engine"]]
    content["versions"] |= old
    write_json(copy / "run.json", content)
    with pytest.raises(RunError) as raised:
        wg.open_run(copy).checkpoint(0)
    assert str(raised.value) == (
        f"The checkpoint {path} was written with {', '.join(map(' '.join, old.items()))}. Here are "
        f"{', '.join(f'{name} {version(name)}' for name in old)}, whose optimizer state has "
        "another form. "
        "Install the versions that wrote it, or train the run again."
    )


def test_a_checkpoint_under_another_name_is_not_believed(copy):
    run = wg.open_run(copy)
    first, second = (copy / "checkpoints" / f"{n}.safetensors" for n in run.checkpoints[1:3])
    first.write_bytes(second.read_bytes())
    with pytest.raises(RunError) as raised:
        run.checkpoint(int(first.stem))
    assert raised.value.key == "error.run_file_damaged"


def test_replaying_does_not_change_the_folder(copy, hashes):
    before = hashes(copy)
    replay(wg.open_run(copy), 5)
    assert hashes(copy) == before


@pytest.mark.long
def test_a_gradient_of_rounding_alone_replays(tmp_path):
    """At the optimum gradients are noise, and two compilations make other noise."""
    x = np.linspace(-1, 1, 16)[:, None].astype(np.float32)
    data = wg.from_arrays(x, 2 * x + 1, standardize=False, validation=0, test=0, task="numbers")
    run = wg.train(
        wg.Network.create([1, 3, 1], activation="tanh", init="zeros", seed=3),
        data,
        optimizer="sgd",
        learning_rate=0.5,
        epochs=400,
        record_every=1,
        out=tmp_path / "a",
    )
    for step in (200, 399):
        assert replay(run, step).is_recorded
