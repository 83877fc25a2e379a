"""The ledger: what it claims adds up, in numbers and in words."""

import json
import re
from itertools import pairwise

import numpy as np
import pytest
from rich.cells import cell_len

import whygrad as wg
from whygrad.core.attribution import sample_gradients
from whygrad.errors import AddressError
from whygrad.explain import Ledger
from whygrad.explain.text import WIDTH, sparkline
from whygrad.record.address import Address
from whygrad.settings import OPTIMIZERS
from whygrad.training.replay import replay
from whygrad.words import speaking

ADDRESSES = [
    "hidden1.weight[0, 1]",
    "hidden1.bias[2]",
    "hidden2.weight[5, 4]",
    "output.weight[4, 2]",
    "output.bias[0]",
    "hidden1[3]",
    "output[1]",
    "hidden2",
    "output",
]
STEPS = [0, 7, 20]


@pytest.fixture(params=ADDRESSES)
def address(request) -> str:
    return request.param


@pytest.fixture(params=STEPS)
def ledger(run, address, request) -> Ledger:
    return run.why(address, step=request.param)


def of_gradient(run: wg.Run, address: str, step: int) -> np.ndarray:
    place = Address.parse(address, run.specs)
    gradients = replay(run, step).seen.anatomy.gradients()[place.layer]
    array = np.asarray(gradients[place.parameter or "weight"])
    return array[:, place.neuron] if place.kind == "neuron" else array[place.index]


@pytest.mark.long
def test_the_factors_multiply_to_the_gradient_that_replays(run, ledger):
    gradient = of_gradient(run, str(ledger.address), ledger.step)
    size = float(np.linalg.norm(gradient))
    assert ledger.product == pytest.approx(size, rel=1e-4, abs=1e-9)
    assert abs(ledger.gradient) == pytest.approx(size, rel=1e-4, abs=1e-9)
    if ledger.address.parameter:
        assert ledger.gradient == pytest.approx(float(gradient), rel=1e-5)


def test_the_stages_lead_from_the_gradient_to_the_movement(ledger):
    names = [stage.name for stage in ledger.stages]
    assert names == ["clip", "l2", "adamw", "weight_decay", "learning_rate"]
    assert ledger.stages[0].before == ledger.gradient
    for stage, following in pairwise(ledger.stages):
        assert following.before == stage.after
    product = ledger.gradient * np.prod([stage.factor for stage in ledger.stages])
    assert product == pytest.approx(ledger.update, rel=1e-6)
    assert abs(ledger.movement - ledger.update) <= 2e-7 * abs(ledger.value) + 1e-6 * abs(
        ledger.update
    ), "what is missing is rounding"
    assert 0 <= ledger.swallowed <= 1


@pytest.mark.long
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_the_last_stage_is_the_update_whatever_the_optimiser(tmp_path, optimizer):
    """Names must not come out sorted: learning_rate stands before momentum in the alphabet."""
    run = wg.train(
        wg.Network.create([2, 2, 1], seed=0),
        wg.load("xor", samples=40),
        optimizer=optimizer,
        epochs=2,
        out=tmp_path / "a",
    )
    ledger = run.why("output.weight[0, 0]")
    assert ledger.stages[-1].name == "learning_rate"
    assert ledger.update == pytest.approx(ledger.movement, rel=1e-2)


@pytest.mark.long
def test_many_layers_stay_in_their_order(tmp_path):
    run = wg.train(
        wg.Network.create([2, *[3] * 11, 1], activation="tanh", seed=0),
        wg.load("xor", samples=40),
        epochs=1,
        out=tmp_path / "a",
    )
    seen = replay(run, 0).seen
    assert tuple(seen.anatomy.layers) == run.skeleton.layers
    assert run.why("hidden10[1]").pushers[0].neuron.startswith("hidden11")


def test_the_movement_is_that_of_the_parameter(run):
    for name, index in (("hidden1.weight[0, 1]", (0, 1)), ("hidden1.bias[2]", (2,))):
        part = name.split(".")[1].split("[")[0]
        now, after = (replay(run, step).network["hidden1"] for step in (6, 7))
        moved = np.asarray(getattr(after, part))[index] - np.asarray(getattr(now, part))[index]
        # the two networks come from two walks, equal up to rounding
        assert run.why(name, step=6).movement == pytest.approx(float(moved), rel=1e-3)


@pytest.mark.parametrize("step", STEPS)
def test_the_pulls_of_the_batch_sum_to_the_gradient(run, address, step):
    place = Address.parse(address, run.specs)
    ledger, again = run.why(address, step=step), replay(run, step)
    pulls = sample_gradients(again.seen.anatomy[place.layer], place)
    assert pulls.sum() == pytest.approx(ledger.gradient, rel=1e-3, abs=1e-7)
    real = again.share > 0  # what fills a short batch up is row 0
    by_row = dict(zip(again.rows[real].tolist(), pulls[real].tolist(), strict=True))
    for pull in (*ledger.raising, *ledger.lowering):
        assert pull.value == pytest.approx(by_row[pull.row], rel=1e-5)
    assert all(pull.value < 0 for pull in ledger.raising)
    assert all(pull.value > 0 for pull in ledger.lowering)
    assert ledger.samples == int((again.share > 0).sum())


def test_the_pushers_are_the_next_neurons_and_their_parts(run):
    for name in ("hidden1[3]", "hidden2.weight[5, 4]", "hidden2.bias[0]"):
        ledger = run.why(name, step=6)
        layer, k = ledger.address.layer, ledger.address.neuron
        following = {"hidden1": "hidden2", "hidden2": "output"}[layer]
        again = replay(run, 6)
        weight = np.asarray(again.network[following].weight)[k]
        delta = np.asarray(again.seen.anatomy[following].delta)
        parts, share = weight * delta, again.share
        for pusher in ledger.pushers:
            place = Address.parse(pusher.neuron, run.specs)
            assert place.layer == following
            assert pusher.weight == pytest.approx(weight[place.neuron])
            assert pusher.part == pytest.approx(share @ parts[:, place.neuron], rel=1e-4, abs=1e-8)
        sizes = share @ np.abs(parts)
        wanted = np.sort(sizes / sizes.sum())[::-1][:3]
        np.testing.assert_allclose([p.share for p in ledger.pushers], wanted, rtol=1e-4)
        assert len(ledger.pushers) + ledger.pushers_rest == len(weight)
        left = share @ np.abs(parts.sum(axis=1)) / sizes.sum()
        assert ledger.left_over == pytest.approx(left, rel=1e-4)
        assert ledger.factors[0].value == pytest.approx(ledger.left_over * sizes.sum(), rel=1e-4)


def test_at_the_output_the_loss_itself_pushes(run):
    ledger = run.why("output[0]")
    assert ledger.pushers == () and ledger.left_over is None


@pytest.mark.parametrize("name", [name for name in ADDRESSES if "[" in name])
@pytest.mark.parametrize("row", [0, 17, 104])
def test_the_chain_of_one_sample_adds_up(run, name, row):
    ledger = run.why(name, step=6, sample=row)
    chain, place = ledger.chain, ledger.address
    assert chain is not None
    z = sum(term.product for term in chain.terms) + chain.rest + (chain.bias or 0)
    assert chain.preactivation == pytest.approx(z, rel=1e-4, abs=1e-5)
    if chain.upstream_terms:
        asked = sum(term.product for term in chain.upstream_terms) + chain.upstream_rest
        assert chain.upstream == pytest.approx(asked, rel=1e-4, abs=1e-6)
    assert chain.delta == pytest.approx(chain.upstream * chain.slope, rel=1e-5)
    assert chain.gradient == pytest.approx(chain.delta * chain.input, rel=1e-5)
    if place.layer != "output":
        assert chain.output == pytest.approx(np.tanh(chain.preactivation), rel=1e-4, abs=1e-6)
        assert chain.slope == pytest.approx(1 - chain.output**2, rel=1e-3, abs=1e-5)
    network, x = replay(run, 6).network, run.data.train.x[row : row + 1]
    trace = wg.forward(network, x)
    anatomy = wg.backward(network, trace, run.data.train.y[row : row + 1])
    gradient = np.asarray(anatomy.gradients()[place.layer][place.parameter or "weight"])
    if place.parameter:
        assert chain.gradient == pytest.approx(float(gradient[place.index]), rel=1e-4, abs=1e-7)
    assert chain.loss == pytest.approx(float(anatomy.loss), rel=1e-5)
    assert chain.target == run.data.decode(run.data.train.y[row : row + 1])[0]


@pytest.mark.parametrize("name", ["hidden1.weight[0, 0]", "output.weight[2, 1]", "output[1]"])
def test_a_loss_that_does_not_match_the_targets_is_explained_too(numbers, name):
    """Class numbers and a squared loss: training takes it, so the ledger must."""
    ledger = numbers.why(name, sample=3)
    assert ledger.chain is not None and str(ledger)
    assert ledger.product == pytest.approx(abs(ledger.gradient), rel=1e-4)


@pytest.mark.parametrize("row", [-1, 105, 10**20])
def test_a_sample_that_is_not_there_is_refused(run, row):
    with pytest.raises(AddressError) as raised:
        run.why("hidden1[0]", sample=row)
    assert str(raised.value) == (
        f"The training part has rows 0 to 104; row {row} is not among them. Choose one of them."
    )


def test_a_layer_has_no_chain(run):
    with pytest.raises(AddressError) as raised:
        run.why("hidden1", sample=0)
    assert raised.value.key == "error.chain_needs_neuron"


def test_medians_and_ranks_are_those_of_the_neighbours(run):
    ledger = run.why("hidden1.weight[0, 1]", step=6)
    every = wg.factors(replay(run, 6).seen.anatomy["hidden1"]).weight
    for factor in ledger.factors:
        values = np.asarray(getattr(every, factor.name), np.float64)
        assert factor.value == pytest.approx(values[0, 1], rel=1e-6)
        assert factor.median == pytest.approx(np.median(values), rel=1e-6)
        below, equal = (values < values[0, 1]).sum(), (values == values[0, 1]).sum() - 1
        assert factor.rank == pytest.approx((below + equal / 2) / (values.size - 1))


@pytest.mark.parametrize("name", ["hidden1[3]", "hidden1.bias[3]", "hidden1.weight[0, 3]"])
def test_clones_rank_in_the_middle(tmp_path, name):
    start = wg.Network.create([4, 8, 3], activation="tanh", init="constant:0.5")
    ledger = wg.train(start, wg.load("iris"), epochs=1, out=tmp_path / "run").why(name, step=0)
    assert len(ledger.clones) == 7
    ranks = {factor.name: factor.rank for factor in ledger.factors}
    middle = {"upstream": 0.5, "slope": 0.5, "input": 0.5, "agreement": 0.5}
    if name.endswith("bias[3]"):
        middle["input"] = None
    elif "weight" in name:  # the inputs are four columns, each of them eight times
        del middle["input"], middle["agreement"]
    assert {factor: ranks[factor] for factor in middle} == middle


def test_a_factor_that_is_1_by_definition_has_no_rank_and_no_timeline(run):
    ledger = run.why("hidden1.bias[2]")
    _, _, input, _ = ledger.factors
    assert (input.name, input.value, input.median, input.rank) == ("input", 1, 1, None)
    assert set(ledger.development.values) == {"upstream", "slope", "agreement"}
    lines = [line.split() for line in str(ledger).splitlines()]
    of_table, of_timeline = (line[1:4] for line in lines if line[:1] == ["input"])
    assert of_table == ["1", "1", "–"] and of_timeline == ["–"]
    slope = run.why("output[1]").factors[1]  # which loss and activation make one function of z
    assert (slope.value, slope.rank) == (1, None)
    assert all(factor.rank is not None for factor in run.why("hidden1[2]").factors)


def test_a_factor_after_a_zero_is_not_told(tmp_path):
    """0/0 says nothing of a slope: the neuron below is open, and only nobody asks it anything."""
    drawn = wg.Network.create([4, 6, 3], activation="tanh", seed=1)
    weights = [np.array(dense.weight) for dense in drawn.dense]
    weights[1][2] = 0
    biases = [np.array(dense.bias) for dense in drawn.dense]
    start = wg.Network.from_arrays(weights, biases, activations=["tanh", "identity"])
    run = wg.train(start, wg.load("iris"), epochs=1, record_every=1, out=tmp_path / "run")
    ledger, other = run.why("hidden1[2]", step=0), run.why("hidden1[1]", step=0)
    assert ledger.cause[0] == "cause.upstream.zero" and ledger.left_over is None
    assert [factor.is_there for factor in ledger.factors] == [True, False, False, False]
    shown = [line.split()[1:4] for line in str(ledger).splitlines()[4:8]]
    assert [(row[0], row[2]) for row in shown[1:]] == [("–", "–")] * 3
    slopes = np.array([run.why(f"hidden1[{k}]", step=0).factors[1].value for k in (0, 1, 3, 4, 5)])
    timeline = [line.split()[-3:-1] for line in str(ledger).splitlines()[-4:]]
    assert timeline == [["0", "→"], *[["–", "→"]] * 3]  # at first; later the weights out move
    assert other.factors[1].median == pytest.approx(np.median(slopes))
    assert other.factors[1].rank == pytest.approx((slopes < slopes[1]).sum() / 4)
    assert run.why("hidden1.bias[2]", step=0).factors[2].value == 1


def test_the_development_is_what_was_recorded(run):
    ledger = run.why("hidden1[3]")
    recorded = run.neurons("hidden1").sel(neuron=3)
    assert ledger.development.steps == tuple(recorded.step.values.tolist())
    for name, values in ledger.development.values.items():
        np.testing.assert_array_equal(values, recorded[name].values)


def test_default_is_the_last_step(run):
    assert run.why("hidden1[0]").step == run.steps - 1


def test_as_data_it_is_json_without_nan(run, address):
    name = address
    sample = 0 if "[" in name else None
    content = run.why(name, step=6, sample=sample).to_dict()
    again = json.loads(json.dumps(content, allow_nan=False))
    assert again == content
    assert again["address"] == name and len(again["factors"]) == 4
    assert {"product", "swallowed", "cause", "stages", "pushers"} <= again.keys()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_text_is_whole_and_narrow(run, ledger, language):
    with speaking(language):
        sample = 0 if ledger.address.neuron is not None else None
        text = str(run.why(str(ledger.address), step=ledger.step, sample=sample))
    assert max(map(cell_len, text.splitlines())) <= WIDTH
    keys = r"\b(?:ledger|factor|cause|stage|cli|error|noun)\.[a-z]+"
    assert not re.search(keys, text) and not re.search(r"[{}]", text)
    assert bool(re.search("[一-鿿]", text)) is (language == "zh")
    if language == "zh":
        assert not re.search(r"[A-Za-z]+ [a-z]+ [a-z]+ [a-z]+", text), "an English sentence"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_in_a_notebook_it_is_html(run, language):
    with speaking(language):
        page = run.why("hidden1[3]", sample=0)._repr_html_()
    assert page.count("<div") == page.count("</div>") and "hidden1[3]" in page


def test_in_a_notebook_the_text_is_text_all_the_same(run, notebook, monkeypatch):
    ledger = run.why("hidden1[3]")
    expected = str(ledger)
    notebook()
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert str(ledger) == expected


def test_small_bars_take_any_numbers():
    assert sparkline(()) == ""
    assert sparkline((0.0, 0.0)) == "▁▁"
    assert sparkline((1.0, float("nan"), float("inf"), 2.0)) == "▅█"
    assert len(sparkline(tuple(float(i) for i in range(1000)))) <= 40


def test_names_with_brackets_are_shown_as_they_are(tmp_path):
    import pandas as pd

    frame = pd.DataFrame(
        {"[/red]": [0.1, 0.9] * 20, "[b]": [1.0, 2.0] * 20, "y": ["[/a]", "b"] * 20}
    )
    run = wg.train(
        wg.Network.create([2, 2, 1], seed=0),
        wg.load(frame, target="y"),
        epochs=1,
        out=tmp_path / "a",
    )
    assert "[/red]" in str(run.why("hidden1.weight[0, 0]", sample=0))


def test_numbers_too_large_to_square_are_told_and_not_a_crash(tmp_path):
    x = np.linspace(-1, 1, 40).reshape(20, 2).astype(np.float32)
    data = wg.from_arrays(x * 1e14, x[:, :1], standardize=False, validation=0, test=0)
    start = wg.Network.create([2, 2, 1], init="constant:100", seed=0)
    options = {"optimizer": "sgd", "learning_rate": 1e-34, "record_every": 1}
    run = wg.train(start, data, epochs=4, out=tmp_path / "a", **options)
    for name in ("hidden1", "hidden1[0]", "hidden1.weight[0, 0]"):
        ledger = run.why(name)
        assert str(ledger) and ledger._repr_html_()
        json.dumps(ledger.to_dict(), allow_nan=False)


@pytest.mark.long
@pytest.mark.parametrize(
    "loss", ["mean_squared", "clipped_cross_entropy", "hinge", "broadcast_squared"]
)
def test_a_loss_that_matches_no_output_is_explained_too(tmp_path, loss):
    run = wg.train(
        wg.Network.create([2, 4, 3, 1], activation=["softsign", "hard_sigmoid"], seed=1),
        wg.load("linear", samples=60),
        out=tmp_path / "run",
        loss=loss,
        epochs=1,
        optimizer="nadam",
        l1=0.01,
        clip_norm=0.5,
        maximize=True,
    )
    ledger = run.why("hidden1.weight[1, 2]")
    product = np.prod([factor.value for factor in ledger.factors])
    assert product == pytest.approx(abs(ledger.gradient), rel=1e-5)
    names = [stage.name for stage in ledger.stages]
    assert names == ["maximize", "clip", "l1", "nadam", "learning_rate"]
    assert ledger.stages[0].after == -ledger.gradient
    last = ledger.stages[-1].after
    assert last == ledger.update == pytest.approx(ledger.movement, rel=1e-3, abs=1e-7)
    assert "maximize: flip the sign, go uphill" in str(ledger)


@pytest.mark.long
@pytest.mark.parametrize("activation", ["exponential", "softsign", "hard_sigmoid"])
def test_the_chain_of_a_sample_goes_through_every_activation(tmp_path, activation):
    run = wg.train(
        wg.Network.create([2, 4, 1], activation=activation, seed=1),
        wg.load("linear", samples=60),
        out=tmp_path / "run",
        loss="mean_squared",
        reduction="sum",
        shuffle="apart",
        epochs=1,
    )
    ledger = run.why("hidden1.weight[1, 2]", sample=0)
    product = np.prod([factor.value for factor in ledger.factors])
    assert product == pytest.approx(abs(ledger.gradient), rel=1e-5)
    assert ledger.chain is not None
    assert activation in str(ledger)
