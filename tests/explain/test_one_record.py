"""A step of ours and the same step of a watched model: one record, and the same ledgers."""

import re
import subprocess
import sys
from dataclasses import fields

import numpy as np
import pytest

import whygrad as wg
from whygrad.explain import replayed
from whygrad.explain.replayed import ReplayedStep
from whygrad.explain.snapshot import SnapshotStep
from whygrad.record.step import ParameterStep, Rows, Sizes

torch = pytest.importorskip("torch")

SIZES, SAMPLES, STEPS, RATE = (4, 6, 5, 3), 24, 3, 0.5
NAMES = {"hidden1": "0", "hidden2": "2", "output": "4"}
ENOUGH = {"rtol": 2e-4, "atol": 1e-7}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """The same network, batches and steps, trained by us and watched in torch."""
    home, draw = tmp_path_factory.mktemp("twice"), np.random.default_rng(3)
    x = draw.normal(size=(SAMPLES, SIZES[0])).astype(np.float32)
    y = draw.integers(0, SIZES[-1], SAMPLES)
    start = wg.Network.create(SIZES, activation=["tanh", "relu"], seed=1)
    weights = [np.array(dense.weight) for dense in start.dense]
    weights[0][:, 4] = weights[0][:, 1]  # clones
    weights[1][4] = weights[1][1]
    names = [dense.activation for dense in start.dense]
    start = wg.Network.from_arrays(
        weights, [np.array(dense.bias) for dense in start.dense], activations=names
    )
    ours = wg.train(
        start,
        wg.from_arrays(x, y, standardize=False, validation=0, test=0),
        epochs=STEPS,
        batch_size=SAMPLES,
        optimizer="sgd",
        learning_rate=RATE,
        record_every=1,
        out=home / "ours",
    )
    model = wg.to_torch(start)
    optimizer = torch.optim.SGD(model.parameters(), RATE)
    with wg.watch(model, every=1, out=home / "watched") as watch:
        for _ in range(STEPS):
            optimizer.zero_grad()
            logits = model(torch.tensor(x))
            torch.nn.functional.cross_entropy(logits, torch.tensor(y)).backward()
            optimizer.step()
    return ours, watch.run


def test_a_step_is_replayed_once_for_many_questions(runs, monkeypatch):
    taken, replay = [], replayed.replay
    monkeypatch.setattr(
        replayed, "replay", lambda run, step: taken.append(step) or replay(run, step)
    )
    run = wg.open_run(runs[0].path)
    for address, step in (("hidden1[1]", 1), ("output", 1), ("output", 2), ("hidden2", None)):
        assert run.why(address, step=step).step == (STEPS - 1 if step is None else step)
    assert taken == [1, 2]


def test_all_fields_of_the_record_are_equal(runs):
    ours, watched = runs
    for step in range(STEPS):
        own = ReplayedStep(ours, step).record
        seen = SnapshotStep(watched, "0", step).record
        assert own.step == seen.step and list(own.layers) == list(NAMES)
        assert own.loss == pytest.approx(seen.loss, rel=1e-5)
        assert NAMES[own.last] == seen.last
        assert own.pushed_at_last == pytest.approx(seen.pushed_at_last, rel=1e-5)
        for name, layer in own.layers.items():
            other = seen.layers[NAMES[name]]
            for field in fields(Sizes):
                values = (getattr(one.sizes, field.name) for one in (layer, other))
                np.testing.assert_allclose(*values, **ENOUGH)
            np.testing.assert_allclose(layer.pulls, other.pulls, **ENOUGH)
            assert layer.rows is not None and other.rows is not None
            assert_equal_rows(layer.rows, other.rows)
            assert layer.bias is not None and other.bias is not None
            assert_equal_parameters(layer.weight, other.weight)
            assert_equal_parameters(layer.bias, other.bias)
            for field in ("n_in", "n_out", "activation", "steepest", "is_exactly_flat"):
                assert getattr(layer.spec, field) == getattr(other.spec, field)
            assert NAMES.get(layer.spec.feeds or "") == other.spec.feeds


def assert_equal_rows(own: Rows, seen: Rows) -> None:
    order = np.argsort(own.numbers)
    assert own.slope is not None and seen.slope is None  # a snapshot holds upstream and delta alone
    np.testing.assert_allclose((own.upstream * own.slope)[order], seen.delta, **ENOUGH)
    for field in fields(Rows):
        if field.name == "slope":
            continue
        values = getattr(own, field.name)[order], getattr(seen, field.name)
        np.testing.assert_allclose(*values, **ENOUGH)


def assert_equal_parameters(own: ParameterStep, seen: ParameterStep) -> None:
    for which in ("before", "after", "gradient"):
        np.testing.assert_allclose(getattr(own, which), getattr(seen, which), **ENOUGH)
    pairs = zip(own.stages(...), seen.stages(...), strict=True)
    for (name, output), (other, as_seen) in pairs:
        assert name == other
        np.testing.assert_allclose(output, as_seen, **ENOUGH)


@pytest.mark.parametrize(
    ("own", "seen"),
    [
        ("hidden1.weight[3, 2]", "0.weight[2, 3]"),
        ("hidden1.bias[2]", "0.bias[2]"),
        ("hidden1[3]", "0[3]"),
        ("hidden2.weight[5, 4]", "2.weight[4, 5]"),
        ("hidden2[0]", "2[0]"),
        ("output.weight[4, 2]", "4.weight[2, 4]"),
        ("output[1]", "4[1]"),
        ("hidden2", "2"),
    ],
)
def test_their_ledgers_are_the_same_but_for_names(runs, own, seen):
    (words, numbers), (others, as_seen) = (
        taken_apart(str(run.why(address))) for run, address in zip(runs, (own, seen), strict=True)
    )
    assert words == others
    assert numbers == pytest.approx(as_seen, rel=2e-3)


def taken_apart(ledger: str) -> tuple[str, list[float]]:
    """Return the words of a ledger, without names and what only our own runs know; its numbers."""
    _, _, text = ledger.partition(" at step ")
    for pattern, plain in (
        *((rf"layer {of_torch}|\b{ours}\b", "LAYER") for ours, of_torch in NAMES.items()),
        (r"^  \d\[", "  LAYER["),
        (r" \(epoch \d+\)", ""),
        (r"(row \d+) \(\d\)", r"\1"),
        (r"from (input |x|LAYER\[)(\d)\]?", r"from \2"),
        (r"layer LAYER|Layer \w+", "LAYER"),
        (r"Which (rows|samples) pull \(.*: ", "Which pull: "),
    ):
        text = re.sub(pattern, plain, text, flags=re.MULTILINE)
    number = r"[−+]?\d+(?:\.\d+)?(?:e[−+]?\d+)?"
    numbers = [float(found.replace("−", "-")) for found in re.findall(number, text)]
    return re.sub(r"\s+", " ", re.sub(number, "#", text)), numbers


def test_clones_are_the_same(runs):
    ours, watched = runs
    assert ours.why("hidden1[1]").clones == watched.why("0[1]").clones == (4,)
    assert ours.why("hidden1.bias[4]").clones == watched.why("0.bias[4]").clones == (1,)
    assert ours.why("hidden1[2]").clones == watched.why("0[2]").clones == ()
    assert ours.why("output[2]").clones == watched.why("4[2]").clones == ()


def test_ledgers_of_a_watched_run_need_no_jax(runs):
    """In a process of its own, where neither could be imported."""
    program = f"""
import sys
sys.modules |= dict.fromkeys(["jax", "optax"])
from whygrad.explain import explain
from whygrad.record.folder import RunFolder
ledger = explain(RunFolder({str(runs[1].path)!r}), "2.weight[4, 5]")
assert str(ledger) and ledger.to_dict() and ledger._repr_html_()
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
