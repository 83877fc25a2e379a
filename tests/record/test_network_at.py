"""Never another network than the one asked for: the run's own, or that after a number of steps."""

import shutil
from importlib.metadata import version
from pathlib import Path

import jax
import numpy as np
import pytest
from benchmarks.attack.mutating import described

import whygrad as wg
from whygrad.errors import AddressError, ExportError, InputError, OptionError, RunError
from whygrad.record.sealed import read_tensors, write_json, write_tensors
from whygrad.training.loop import walk
from whygrad.words import number

ROWS = [[5.0, 3.0, 1.0, 0.2], [6.0, 3.0, 5.0, 2.0]]


def newest(path: Path) -> Path:
    return max((path / "checkpoints").glob("*"), key=lambda one: int(one.stem))


def leaves(network: wg.Network) -> list[np.ndarray]:
    return [np.asarray(leaf) for leaf in jax.tree.leaves(network)]


def same(first: wg.Network, second: wg.Network) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(leaves(first), leaves(second), strict=True))


HARM = {
    "missing": lambda path: path.unlink(),
    "cut": lambda path: path.write_bytes(path.read_bytes()[:-3]),
}
READERS = {
    "network": lambda run: run.network,
    "evaluate": lambda run: run.evaluate(),
    "predict": lambda run: run.predict(ROWS),
    "predict_proba": lambda run: run.predict_proba(ROWS),
    "export": lambda run: run.export(run.path / "model.safetensors"),
    "doctor": lambda run: run.doctor(),
    "report": lambda run: run.report(),
}


@pytest.mark.parametrize("harm", HARM)
def test_no_older_network_stands_in_for_the_one_asked_for(copy, harm):
    path = newest(copy)
    HARM[harm](path)
    sound = wg.open_run(copy).checkpoints[-2]
    for read in READERS.values():
        with pytest.raises(RunError) as raised:
            read(wg.open_run(copy))
        assert str(raised.value) == (
            f"The run stands at step 21, but the checkpoint of that step, {path}, is missing or "
            f"damaged. The newest sound one is of step {sound}: use it with --step {sound}, or "
            "resume from it with --resume."
        )
    assert not (copy / "model.safetensors").exists()
    run = wg.open_run(copy)
    assert run.evaluate(step=sound)["loss"] > 0
    assert run.export(copy / "model.safetensors", step=sound).step == sound


@pytest.mark.exact
def test_an_older_one_is_used_by_its_step_alone_and_leads_to_the_same_end(copy, finished):
    newest(copy).unlink()
    again = wg.open_run(copy)
    assert same(again.network_at(21), finished.network), "replayed from the one before"
    assert again.evaluate(step=21) == finished.evaluate()


@pytest.mark.exact
def test_any_step_is_the_network_that_training_had_there(finished):
    state, expected = finished.checkpoint(0).state, []
    for step in range(finished.steps + 1):
        expected.append(state.network)
        assert same(finished.network_at(step), state.network), step
        if step < finished.steps:
            state = walk(finished.task, state, step, step + 1)
    assert same(finished.network_at(None), finished.network)
    assert same(expected[-1], finished.network)


def test_why_explains_the_step_that_starts_from_this_network(finished):
    weight = finished.network_at(5)["hidden1"].weight[2, 3]
    assert finished.why("hidden1.weight[2, 3]", step=5).value == float(weight)


@pytest.mark.parametrize("step", [-1, 22, 10**30])
def test_a_step_that_was_not_taken_is_refused(finished, step):
    with pytest.raises(AddressError) as raised:
        finished.evaluate(step=step)
    assert str(raised.value) == (
        f"There is no network after {step} {'step' if step == -1 else 'steps'}: the run has taken "
        "21. Choose a number of steps from 0 (the start) to 21."
    )


def test_steps_that_do_not_replay_give_no_network(copy):
    """The rows recorded between a checkpoint and the step are what a replay is held against."""
    path = copy / "anatomy" / "8.safetensors"
    tensors, notes = read_tensors(path)
    place = np.flatnonzero(tensors["steps"] == 12)[0]
    rows = tensors["hidden1"].copy()
    rows[place] *= 1.5
    write_tensors(path, tensors | {"hidden1": rows}, notes)
    run = wg.open_run(copy)
    assert run.network_at(7) is not None, "it has a checkpoint"
    for step in (11, 13):  # the recorded step 12 comes after one, before the other
        with pytest.raises(RunError) as raised:
            run.network_at(step)
        assert raised.value.key == "error.replay_differs"


def test_what_other_versions_may_have_changed_is_held_against_the_record_or_refused(copy):
    content = described(copy / "run.json")
    content["versions"]["numpy"] = "0.2"
    write_json(copy / "run.json", content)
    assert str(wg.open_run(copy).why("hidden1[2]", step=9)), "step 10 replays as recorded"
    content["settings"]["record_every"] = 0
    write_json(copy / "run.json", content)
    for path in (copy / "anatomy").glob("*"):
        path.unlink()
    run = wg.open_run(copy)
    assert run.network_at(7) is not None and str(run.why("hidden1[2]", step=7))
    for read in (run.network_at, lambda step: run.why("hidden1[2]", step=step)):
        with pytest.raises(RunError) as raised:
            read(9)
        assert str(raised.value) == (
            f"Step 9 of {copy} is replayed from a checkpoint, but nothing was recorded on the way "
            "that could show whether it comes out the same: the run was trained with numpy 0.2; "
            f"here are numpy {version('numpy')}. Choose a step that has a checkpoint "
            "(0, 7, 14, 21), or install those versions."
        )


@pytest.mark.exact
def test_with_patience_the_best_network_is_the_runs_own_and_steps_are_steps(iris, tmp_path):
    network = wg.Network.create([4, 6, 3], activation="tanh", seed=1)
    run = wg.train(network, iris, epochs=3, patience=2, learning_rate=0.5, out=tmp_path / "a")
    best = run.description["best"]["epoch"]
    assert same(run.network, run.network_at(best * run.task.steps_per_epoch))
    assert run.export(tmp_path / "m.safetensors").figures == ("train", "validation", "test")


def test_predictions_at_a_step(finished):
    x = np.array(ROWS)
    for step in (0, 7, None):
        probabilities = finished.predict_proba(x, step=step)
        assert probabilities.shape == (2, 3)
        np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-6)
        names = np.array(finished.data.target_names, object)[probabilities.argmax(axis=1)]
        assert list(finished.predict(x, step=step)) == list(names)
    assert not np.array_equal(finished.predict_proba(x, step=0), finished.predict_proba(x))


def test_both_classes_of_a_binary_target_have_a_probability(tmp_path):
    run = wg.train(wg.Network.create([2, 3, 1]), "xor", epochs=1, out=tmp_path / "a")
    (of_second,), (both,) = run.claims(np.zeros((1, 2))), run.predict_proba(np.zeros((1, 2)))
    np.testing.assert_allclose(both, [1 - of_second[0], of_second[0]])


def test_numbers_have_no_probability(tmp_path):
    x = np.linspace(0, 1, 40)[:, None]
    run = wg.train(wg.Network.create([1, 3, 1]), (x, 2 * x), epochs=1, out=tmp_path / "a")
    with pytest.raises(InputError) as raised:
        run.predict_proba(x)
    assert str(raised.value) == (
        f"The outputs of {tmp_path / 'a'} are no probabilities: it predicts numbers, or its loss "
        "compares outputs as they are. Use run.predict(x) or run.claims(x)."
    )


def test_an_unknown_part_is_told(finished):
    with pytest.raises(OptionError) as raised:
        finished.evaluate("tset")
    assert str(raised.value) == (
        "There is no part of the data called tset. Did you mean test? Known: train, validation, "
        "test."
    )


def test_an_export_of_another_network_than_the_measured_one_is_refused(finished, tmp_path):
    """A run of format 1 has no checksums: a network put in the place of another fits its shapes."""
    copy = Path(shutil.copytree(Path(__file__).parent / "format1" / "own", tmp_path / "copy"))
    first, last = copy / "checkpoints/0.safetensors", newest(copy)
    start, (tensors, notes) = (
        read_tensors(first, may_lack=True)[0],
        read_tensors(last, may_lack=True),
    )
    networks = {name: array for name, array in start.items() if name.startswith("network.")}
    write_tensors(last, tensors | networks, notes)
    run = wg.open_run(copy)
    recorded, actual = run.description["result"]["train"]["loss"], run.evaluate("train")["loss"]
    with pytest.raises(ExportError) as raised:
        run.export(tmp_path / "model.safetensors")
    assert raised.value.values["recorded"] == recorded and raised.value.values["actual"] == actual
    assert str(raised.value) == (
        f"The network of {copy} has loss {number(actual)} on its train part, but the run recorded "
        f"{number(recorded)}: it is not the network that was measured. Nothing was written. Take "
        "the run from a copy, export another step with --step, or train it again."
    )
    assert not (tmp_path / "model.safetensors").exists()


def test_a_network_alone_has_no_steps(network, tmp_path):
    with pytest.raises(OptionError) as raised:
        wg.export(network, tmp_path / "model.safetensors", step=3)
    assert str(raised.value) == (
        "Only a run has steps, got a Network and a step. Leave out step, or give the run."
    )
