"""What a report says of predictions: the numbers of the measures, and pictures of them."""

import numpy as np
import pytest

import whygrad as wg
from whygrad.render.report import measures
from whygrad.render.report.material import Material
from whygrad.words import number


def told(run: wg.Run, read):
    return read(measures.section(Material(run)).html())


@pytest.fixture(scope="module")
def many(folder) -> wg.Run:
    """More classes than a picture has room for."""
    draw = np.random.default_rng(0)
    y = draw.integers(0, 40, 800)
    data = wg.from_arrays(draw.normal(size=(800, 3)) + y[:, None] / 10, y, task="classes")
    return wg.train(wg.Network.create([3, 6, 40]), data, out=folder / "many", epochs=1)


def test_the_tables_hold_the_measures(clones, read, rows_of):
    root, found = told(clones, read), clones.measures()
    english = {row[0]: row[1:] for table in root.all("table") for row in rows_of(table)}
    assert english["accuracy"][0].replace(
        "\u00a0", " "
    ) == f"{found.values['accuracy']:.1%}".replace("%", " %")
    assert english["AUC"] == [number(found.values["auc"]), "0.5"]
    assert english["setosa"] == [number(count) for count in found.counts[0]]  # the last such row
    assert len(root.all("svg")) == 2
    for drawing in root.all("svg"):
        label = drawing.attributes["aria-labelledby"]
        assert label in [one.attributes["id"] for one in root.all("figcaption")]


def test_a_picture_says_the_share_of_each_true_class(clones, read):
    counts = clones.measures().counts
    shares = 100 * counts / counts.sum(axis=1, keepdims=True)
    matrix, _ = told(clones, read).all("svg")
    texts = [one.text().strip() for one in matrix.all("text")]
    numbers = sorted(int(text) for text in texts if text.isdigit())
    assert numbers == sorted(round(share) for share in shares.ravel() if share)
    assert {"setosa", "versicolor", "virginica"} <= set(texts)


def test_of_many_classes_the_worst_confusions_are_told(many, read, rows_of):
    root, worst = told(many, read), many.measures().confusions[0]
    rows = [row for table in root.all("table") for row in rows_of(table)]
    assert any(row[:3] == [worst.true, worst.told, number(worst.samples)] for row in rows)
    [calibration] = root.all("svg")
    assert calibration.attributes["aria-labelledby"] == "calibration-caption"


def test_numbers_have_no_pictures(numbers, read, rows_of):
    root, [one] = told(numbers, read), numbers.measures().numbers
    english = {row[0]: row[1:] for table in root.all("table") for row in rows_of(table)}
    assert english["mean absolute error"] == [number(one.mae), number(one.baseline_mae)]
    assert not root.all("svg")
