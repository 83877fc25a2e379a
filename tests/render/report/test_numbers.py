"""The numbers on the page are those of the run."""

import numpy as np
import pytest

from whygrad.core.symmetry import distinct
from whygrad.explain import explain
from whygrad.render.report.heatmap import order
from whygrad.render.report.ledgers import choose, explainable
from whygrad.render.report.material import Material
from whygrad.training.replay import replay
from whygrad.words import number

FACTORS = ("upstream", "slope", "input", "agreement")


@pytest.fixture
def root(page_of, read):
    return read(page_of("digits"))


def section(root, name: str):
    return next(one for one in root.all("section") if one.attributes["id"] == name)


def figure(root, name: str):
    captions = [f"{name}-caption"]
    return next(
        one for one in root.all("figure") if one.all("figcaption")[0].attributes["id"] in captions
    )


def test_results(root, digits, rows_of):
    _, *rows = rows_of(section(root, "summary").all("table")[0])
    result = digits.description["result"]
    parts = {"training": "train", "validation": "validation", "test": "test"}
    assert [(parts[part], loss, accuracy) for part, loss, accuracy in rows] == [
        (part, number(one["loss"]), number(one["accuracy"])) for part, one in result.items()
    ]


def test_health(root, digits):
    from whygrad.doctor.health import health_of
    from whygrad.words import t

    items = section(root, "summary").all("ul")[0].all("li")
    for item, layer in zip(items, health_of(digits).layers, strict=True):
        key, values = layer.verdict
        assert layer.layer in item.text("zh-Hans")
        assert t(key, **values) in item.text("zh-Hans")


def test_losses(root, digits, rows_of):
    _, *rows = rows_of(figure(root, "losses").all("table")[0])
    history = digits.history
    assert len(rows) == len(history)
    for row, (_, line) in zip(rows, history.iterrows(), strict=True):
        values = (line["loss"], line["train_loss"], line["validation_loss"])
        written = [number(value) if np.isfinite(value) else "" for value in values]
        assert row == [str(int(line["step"])), *written]


@pytest.mark.parametrize("factor", FACTORS)
def test_timelines(root, digits, factor, rows_of):
    head, *rows = rows_of(figure(root, f"timeline-{factor}").all("table")[0])
    assert head == ["step", "hidden1", "hidden2", "output"]
    last = digits.neurons("hidden2")[factor].values[-1].astype(float)
    low, middle, high = np.quantile(last, (0.25, 0.5, 0.75))
    assert rows[-1][0] == str(int(digits.neurons("hidden2").step[-1]))
    assert rows[-1][2] == f"{number(middle)} ({number(low, 3)} … {number(high, 3)})"


def test_neurons(root, digits, rows_of):
    recorded = digits.neurons("hidden1")
    _, *rows = rows_of(section(root, "neurons").all("table")[0])
    assert sorted(int(row[0]) for row in rows) == list(range(12))
    for row in rows:
        of_neuron = recorded.isel(neuron=int(row[0]))
        assert row[1:5] == [number(float(of_neuron[name][-1])) for name in FACTORS]


def test_widths(root, digits, page_of, clones, read, rows_of):
    _, *rows = rows_of(figure(root, "widths").all("table")[0])
    signatures = digits.neurons("hidden2").signature
    for step, _, width in rows:
        assert int(width) == distinct(signatures.sel(step=int(step)).values)
    _, *rows = rows_of(figure(read(page_of("clones")), "widths").all("table")[0])
    assert {row[1] for row in rows} == {"1"}


def test_clones_are_listed(page_of, read):
    text = section(read(page_of("clones")), "clones").text("zh-Hans")
    assert "equal: 8 neurons (0, 1, 2, 3, 4, 5, 6, 7)" in text


def test_pictures(root, digits, rows_of):
    _, *rows = rows_of(section(root, "pictures").all("table")[0])
    before = np.linalg.norm(np.asarray(digits.checkpoint(0).state.network.dense[0].weight), axis=0)
    after = np.linalg.norm(np.asarray(digits.network.dense[0].weight), axis=0)
    expected = [[str(k), number(float(before[k])), number(float(after[k]))] for k in range(12)]
    assert rows == expected


def test_ledgers(root, digits):
    material = Material(digits)
    chosen = choose(explainable(material))
    articles = section(root, "ledgers").all("article")
    assert len(articles) == len(chosen) == 4
    for article, one in zip(articles, chosen, strict=True):
        ledger = explain(digits, one.address, step=material.step_to_explain)
        text = article.text("zh-Hans")
        assert f"{one.address}" in text
        for factor in ledger.factors:
            assert number(factor.value) in text
        assert number(ledger.movement) in text


def test_settings(root, digits, rows_of):
    tables = section(root, "configuration").all("table")
    _, *rows = rows_of(tables[0])
    settings = digits.settings.to_dict()
    assert [row[0] for row in rows] == list(settings)
    assert dict((row[0], row[1]) for row in rows)["l2"] == "0.0001"
    bold = [row.all("th")[0].text() for row in tables[0].all("tr") if row.all("b")]
    assert bold == ["loss", "batch_size", "epochs", "record_every", "l2"]


def test_the_smallest_factor_is_chosen(digits):
    step = Material(digits).step_to_explain
    chosen = choose(explainable(Material(digits)))
    for one in chosen[:-1]:
        layer = one.address.partition("[")[0]
        last = digits.neurons(layer).sel(step=step)
        ratios = {name: last[name].values / np.median(last[name].values) for name in FACTORS}
        smallest = min(float(values.min()) for values in ratios.values())
        assert one.ratio == pytest.approx(smallest, rel=1e-4, abs=1e-6)


def test_the_largest_gradient_is_chosen(digits):
    replayed = replay(digits, Material(digits).step_to_explain)
    largest = max(float(np.abs(g["weight"]).max()) for g in replayed.seen.gradients.values())
    weight = choose(explainable(Material(digits)))[-1]
    assert abs(weight.value) == pytest.approx(largest)
    assert explain(digits, weight.address, step=replayed.step).gradient == weight.value


def test_of_dead_neurons_the_first_zero_is_told(dead):
    hidden, *_ = choose(explainable(Material(dead)))
    assert (hidden.address, hidden.factor, hidden.value) == ("hidden1[0]", "slope", 0.0)


def test_rows_are_sorted_by_gradient_and_clones_lie_side_by_side(dead, clones):
    record = Material(dead).records["output"]
    mean = record.gradient.mean(axis=0)[order(record)]
    assert (np.diff(mean) <= 0).all()
    assert sorted(order(Material(clones).records["hidden1"])) == list(range(8))
