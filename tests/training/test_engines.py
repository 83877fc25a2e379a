"""Two engines, one chain rule: NumPy takes small jobs, JAX the others, and both the same steps."""

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import whygrad as wg
from whygrad.core.arrays import named_leaves
from whygrad.core.numpy_stages import SCALINGS
from whygrad.errors import OptionError
from whygrad.record.activations import OWN
from whygrad.record.fields import ROW_FIELDS
from whygrad.settings import OPTIMIZERS, Settings
from whygrad.training import loop, numpy_recording
from whygrad.training.engine import (
    MOST_OF_A_LOOK,
    MOST_OF_NUMPY,
    engine_for,
    for_one_look,
    steps_of,
)
from whygrad.training.loop import Segment, prepare, train_steps

ENGINES = ("numpy", "jax")
SMOOTH = ("tanh", "gelu", "silu", "softplus", "sigmoid", "selu", "softsign", "identity")


def trained(engine: str, network: wg.Network, data: wg.Data, settings: Settings) -> list[Segment]:
    task = prepare(network, data, settings, engine)
    steps = steps_of(engine)
    rate, seed = task.settings.learning_rate, task.settings.seed
    state = steps.first_state(network.on(engine), task.config, rate, seed)
    return list(train_steps(task, state))


@given(
    hidden=st.lists(st.integers(1, 9), max_size=3),
    activation=st.sampled_from(sorted(set(OWN) - {"exponential"})),
    loss=st.sampled_from(["auto", "squared", "huber", "mean_squared", "cross_entropy", "hinge"]),
    output=st.sampled_from(["identity", "softmax", "sigmoid", "tanh"]),
    optimizer=st.sampled_from(sorted(SCALINGS)),
    init=st.sampled_from(["he_normal", "glorot_uniform", "orthogonal", "constant:0.1"]),
    has_bias=st.booleans(),
    extra=st.sampled_from([{}, {"l2": 0.1}, {"clip_norm": 0.3}, {"schedule": "cosine"}]),
    batch=st.integers(1, 40),
    seed=st.integers(0, 99),
)
def test_both_take_the_same_steps(
    hidden, activation, loss, output, optimizer, init, has_bias, extra, batch, seed
):
    assume(activation != "softmax" or hidden)
    data = wg.load("iris")
    asked = {"loss": loss, "optimizer": optimizer, "batch_size": batch, **extra}
    settings = Settings.from_dict({"epochs": 1, "record_every": 2, "learning_rate": 0.003, **asked})
    options = {"activation": activation, "output_activation": output, "init": init}
    network = wg.Network.create([4, *hidden, 3], bias=has_bias, seed=seed, **options)
    ours, theirs = (trained(engine, network, data, settings) for engine in ENGINES)
    losses = [np.concatenate([s.losses for s in segments]) for segments in (ours, theirs)]
    np.testing.assert_allclose(*losses, rtol=2e-4, atol=1e-5)
    ends = [named_leaves(segments[-1].state) for segments in (ours, theirs)]
    assert ends[0].keys() == ends[1].keys()
    for name, array in ends[0].items():
        if name.startswith("network"):
            np.testing.assert_allclose(array, ends[1][name], rtol=2e-3, atol=2e-4, err_msg=name)
    assert ours[-1].epoch_end is not None and theirs[-1].epoch_end is not None
    measured = [segments[-1].epoch_end.validation for segments in (ours, theirs)]
    assert measured[0]["loss"] == pytest.approx(measured[1]["loss"], rel=1e-3, abs=1e-5)


@given(
    activation=st.sampled_from(sorted(OWN)),
    seed=st.integers(0, 99),
    task=st.sampled_from(["iris", "linear"]),
)
def test_every_field_of_a_recorded_step_is_the_same(activation, seed, task):
    data = wg.load(task)
    network = wg.Network.create([data.n_in, 6, 5, data.n_out], activation=activation, seed=seed)
    settings = Settings(epochs=1, batch_size=32, record_every=1)
    told = []
    for engine in ENGINES:
        prepared = prepare(network, data, settings, engine)
        steps = steps_of(engine)
        state = steps.first_state(network.on(engine), prepared.config, 1e-3, 0)
        pool, batch = prepared.batch(0)
        told.append(steps.trace_step(prepared.config, state, pool.dataset, batch))
    for name, rows in told[0][1].items():
        for field, ours, theirs in zip(ROW_FIELDS, rows, told[1][1][name], strict=True):
            size = np.abs(theirs).max()
            np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-4 * size, err_msg=field)
    ours, theirs = (named_leaves(seen) for seen, _ in told)
    assert ours.keys() == theirs.keys()
    for name, array in ours.items():
        # Adam makes a whole step of a gradient that is nothing but rounding
        if name.startswith(("anatomy", "gradients", "before")):
            size = float(np.abs(theirs[name]).max(initial=0))
            np.testing.assert_allclose(
                array, theirs[name], rtol=1e-4, atol=1e-5 * size + 1e-12, err_msg=name
            )


def test_masks_of_dropout_keep_their_share_and_their_seed():
    data = wg.load("iris")
    network = wg.Network.create([4, 400, 3], dropout=0.3, engine="numpy")
    settings = Settings(epochs=1, record_every=0)
    task = prepare(network, data, settings, "numpy")
    steps, (pool, batch) = steps_of("numpy"), task.batch(0)

    def mask(seed: int, step: int) -> np.ndarray:
        state = steps.first_state(network, task.config, 1e-3, seed)
        state = replace(state, step=np.asarray(step, np.int32))
        seen, _ = steps.trace_step(task.config, state, pool.dataset, batch)
        return seen.anatomy["hidden1"].output == 0

    once, again, later, other = mask(1, 0), mask(1, 0), mask(1, 1), mask(2, 0)
    np.testing.assert_array_equal(once, again)
    dead = mask(1, 0).all(axis=0)
    assert (once != later)[:, ~dead].any() and (once != other)[:, ~dead].any()
    closed = (once.mean() - 0.5) / 0.5  # relu closes about half of those that are left
    assert 0.15 < closed < 0.45


# --- which of them -----------------------------------------------------------------------------


def test_an_engine_that_there_is_not_is_refused():
    with pytest.raises(OptionError) as raised:
        wg.Network.create([2, 1], engine="numpi")
    assert str(raised.value) == (
        "There is no engine called numpi. Did you mean numpy? Known: jax, numpy."
    )


def test_the_size_of_a_job_alone_chooses():
    small, sizes = Settings(), (30, 100, 1)
    assert engine_for(small, sizes, 200, 600) == "numpy"
    of_step = 100_000 + 2 * 150_000 + (200 + 16) * (31 * 100 + 101)
    most = MOST_OF_NUMPY // of_step
    assert engine_for(small, sizes, 200, most) == "numpy"
    assert engine_for(small, sizes, 200, most + 1) == "jax"
    assert engine_for(small, (30, 3000, 3000, 1), 200, 600) == "jax"
    assert engine_for(small, sizes, 200, 600, "float16") == "jax"
    left = {
        name for name in OPTIMIZERS if engine_for(Settings(optimizer=name), sizes, 1, 1) == "jax"
    }
    assert left == set(OPTIMIZERS) - set(SCALINGS)


def test_one_look_at_a_network_is_numpys_unless_it_is_large():
    network = wg.Network.create((4, 8, 3), seed=0)
    assert for_one_look(network, 100).engine == "numpy"
    assert for_one_look(network, MOST_OF_A_LOOK).engine == "jax"
    assert for_one_look(wg.Network.create((4, 3), dtype="bfloat16"), 100).engine == "jax"
    x = np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32)
    y = np.eye(3, dtype=np.float32)[np.arange(50) % 3]
    looks = []
    for samples in (1, MOST_OF_A_LOOK):
        looked = for_one_look(network, samples)
        anatomy = wg.backward(looked, wg.forward(looked, x), y)
        looks.append(np.asarray(anatomy["hidden1"].delta))
    np.testing.assert_allclose(*looks, rtol=1e-5, atol=1e-7)


@pytest.mark.sampled
@pytest.mark.parametrize("batch", [16, 700])
def test_rows_made_together_are_those_made_one_by_one(batch, monkeypatch):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(1000, 5)).astype(np.float32)
    data = wg.from_arrays(x, rng.integers(0, 3, 1000), validation=0, test=0)
    network = wg.Network.create((5, 9, 7, 3), seed=0, engine="numpy")
    settings = Settings(epochs=6, batch_size=batch, record_every=3, seed=0)
    together = trained("numpy", network, data, settings)
    monkeypatch.setattr(loop, "WAITING_STEPS", 0)
    monkeypatch.setattr(numpy_recording, "HELD_BYTES", 0)
    one_by_one = trained("numpy", network, data, settings)
    every = np.concatenate([segment.recorded_steps for segment in together])
    assert every.tolist() == list(range(0, together[-1].next_step, 3))
    for layer in network.layers:
        here, there = (
            np.concatenate([one.rows[layer] for one in run]) for run in (together, one_by_one)
        )
        np.testing.assert_allclose(here, there, rtol=1e-4, atol=1e-6)


def test_rows_of_what_blows_up_are_made_together_without_a_warning():
    x = np.random.default_rng(0).normal(size=(600, 5)).astype(np.float32)
    data = wg.from_arrays(x, x[:, :1], validation=0, test=0)
    network = wg.Network.create((5, 9, 1), seed=0, engine="numpy")
    settings = Settings(epochs=3, batch_size=200, record_every=1, learning_rate=1e30, seed=0)
    segments = trained("numpy", network, data, settings)
    assert any(segment.bad_step is not None for segment in segments)


@pytest.mark.usefixtures("engine")
def test_a_run_keeps_its_engine_and_goes_on_with_it(tmp_path, engine):
    data, network = wg.load("iris"), wg.Network.create([4, 6, 3], dropout=0.2)
    asked = {"epochs": 4, "batch_size": 16, "record_every": 3}
    whole = wg.train(network, data, out=tmp_path / "whole", **asked)
    assert json.loads((tmp_path / "whole" / "run.json").read_text())["engine"] == engine
    wg.train(network, data, out=tmp_path / "run", watch=lambda event: event.epoch == 2, **asked)
    again = wg.resume(tmp_path / "run")
    assert again.task.config.engine == engine
    for name, array in named_leaves(whole.network).items():
        np.testing.assert_array_equal(named_leaves(again.network)[name], array)
    assert again.why("hidden1.weight[0, 0]", step=20).is_recorded is False
    assert again.why("hidden1.weight[0, 0]", step=21).is_recorded


def test_a_run_from_before_there_were_two_is_of_jax(tmp_path):
    run = wg.train(wg.Network.create([4, 3]), wg.load("iris"), out=tmp_path / "run", epochs=1)
    assert run.trained.network.engine == "numpy" and run.network.engine == "jax"
    description = dict(run.description)
    del description["engine"]
    from whygrad.record.description import engine_of

    assert engine_of(description) == "jax"


PROGRAMS = {
    "fit": """
from sklearn.datasets import load_iris
from whygrad.estimators import MLPClassifier
MLPClassifier(max_iter=5).fit(*load_iris(return_X_y=True)).predict(load_iris().data)
""",
    "commands": """
from whygrad.cli import main
for command in (
    "train iris --epochs 20 --learning-rate 0.01 --out {out}",
    "show {out}",
    "doctor {out}",
    "report {out} --no-lab",
    "why {out} hidden1.weight[0,0] --sample 1",
    "predict {out} {rows}",
):
    sys.argv = ["whygrad", *command.split()]
    try:
        main()
    except SystemExit as end:
        assert not end.code, command
""",
}


@pytest.mark.sampled
@pytest.mark.parametrize("name", PROGRAMS)
def test_a_small_job_never_imports_jax(tmp_path, name):
    rows = tmp_path / "rows.csv"
    names = wg.load("iris").feature_names
    rows.write_text(",".join(names) + "\n5.1,3.5,1.4,0.2\n")
    program = PROGRAMS[name].replace("{out}", str(tmp_path / "run")).replace("{rows}", str(rows))
    code = (
        "import sys, warnings; warnings.simplefilter('ignore')\n"
        f"{program}\nassert 'jax' not in sys.modules and 'optax' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
