"""Measures: held to scikit-learn's, and to their definitions, whatever the rows are."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

import whygrad as wg
from whygrad.errors import InputError, NonFiniteError, OptionError, RunError
from whygrad.training.measures import constant_answer, ranking, tally_of
from whygrad.training.measures.measured import Measures
from whygrad.training.measures.tally import Asked
from whygrad.words import speaking

SEEDS = st.integers(0, 2**32 - 1)


def softmax(scores: np.ndarray) -> np.ndarray:
    grown = np.exp(scores)
    return grown / grown.sum(axis=1, keepdims=True)


def drawn_classes(seed: int, classes: int, rows: int = 60) -> tuple[np.ndarray, ...]:
    """Return probabilities with ties, the classes and weights, a few of them 0."""
    draw = np.random.default_rng(seed)
    scores, y = draw.integers(-2, 3, (rows, classes)), draw.integers(0, classes, rows)
    weight = draw.integers(0, 4, rows).astype(float)
    y[:classes], weight[:classes] = range(classes), 1  # each class occurs
    return softmax(scores), y, weight


def measured(
    claims: np.ndarray, y: np.ndarray, weight: np.ndarray | None = None, pieces: int = 3, **asked
) -> Measures:
    names = tuple(f"c{k}" for k in range(asked.pop("count", claims.shape[1])))
    told = {"task": "classes", "constant": np.array(0), **asked}
    tally = tally_of(Asked(names=names, **told))
    for rows in np.array_split(np.arange(len(y)), pieces):
        tally.add(claims[rows], y[rows], None if weight is None else weight[rows])
    return tally.measures("test")


@given(SEEDS, st.integers(3, 6), st.booleans())
def test_classes_against_scikit_learn(seed, classes, is_weighted):
    claims, y, weight = drawn_classes(seed, classes)
    weight = weight if is_weighted else None
    found, told = measured(claims, y, weight), claims.argmax(axis=1)
    counted = {"sample_weight": weight}
    assert found.values["accuracy"] == pytest.approx(metrics.accuracy_score(y, told, **counted))
    wanted = metrics.balanced_accuracy_score(y, told, **counted)
    assert found.values["balanced_accuracy"] == pytest.approx(wanted)
    f1 = metrics.f1_score(y, told, average="macro", **counted)
    assert found.values["f1"] == pytest.approx(f1)
    matrix = metrics.confusion_matrix(y, told, labels=range(classes), **counted)
    np.testing.assert_allclose(found.counts, matrix)
    wanted = metrics.roc_auc_score(y, claims, multi_class="ovr", labels=range(classes), **counted)
    assert found.values["auc"] == pytest.approx(wanted)
    wanted = metrics.brier_score_loss(y, claims, labels=range(classes), **counted)
    assert found.values["brier"] == pytest.approx(wanted)
    each = metrics.precision_recall_fscore_support(
        y, told, labels=range(classes), zero_division=0, **counted
    )
    for one, precision, recall, f1, support in zip(found.classes, *each, strict=True):
        assert (one.precision or 0) == pytest.approx(precision)
        assert (one.recall or 0) == pytest.approx(recall)
        assert (one.f1 or 0) == pytest.approx(f1)
        assert one.samples == pytest.approx(support)


@given(SEEDS)
def test_two_classes_told_by_one_output_or_by_two(seed):
    claims, y, weight = drawn_classes(seed, 2)
    one = measured(claims[:, 1:], y, weight, task="binary", count=2)
    two = measured(claims, y, weight, task="classes")
    assert one.values == pytest.approx(two.values, rel=1e-5)
    wanted = metrics.roc_auc_score(y, claims[:, 1], sample_weight=weight)
    assert one.values["auc"] == pytest.approx(wanted)
    brier = metrics.brier_score_loss(y, claims[:, 1], sample_weight=weight)
    assert one.values["brier"] == pytest.approx(brier, rel=1e-5)


@given(SEEDS)
def test_auc_is_the_share_of_pairs_ranked_right(seed):
    claims, y, weight = drawn_classes(seed, 2, rows=12)
    scores, total, right = claims[:, 1], 0.0, 0.0
    for i in np.flatnonzero(y == 1):
        for j in np.flatnonzero(y == 0):
            total += weight[i] * weight[j]
            tie = 0.5 * (scores[i] == scores[j])
            right += weight[i] * weight[j] * (float(scores[i] > scores[j]) + tie)
    assert ranking.auc(scores, y == 1, weight) == pytest.approx(right / total)


@given(SEEDS, st.integers(2, 5))
def test_calibration_bin_by_bin(seed, classes):
    claims, y, weight = drawn_classes(seed, classes)
    found = measured(claims, y, weight)
    confidence, is_right = claims.max(axis=1), claims.argmax(axis=1) == y
    error = 0.0
    for low in range(10):
        inside = (confidence > low / 10) & (confidence <= (low + 1) / 10) & (weight > 0)
        if inside.any():
            share = np.average(is_right[inside], weights=weight[inside])
            mean = np.average(confidence[inside], weights=weight[inside])
            [one] = [one for one in found.bins if one.low == pytest.approx(low / 10)]
            assert (one.right, one.confidence) == pytest.approx((share, mean))
            error += weight[inside].sum() / weight.sum() * abs(share - mean)
    assert found.values["calibration_error"] == pytest.approx(error)


@given(SEEDS)
def test_labels_against_scikit_learn(seed):
    draw = np.random.default_rng(seed)
    claims, weight = draw.integers(0, 9, (50, 3)) / 8, draw.integers(0, 3, 50).astype(float)
    y = draw.integers(0, 2, (50, 3)).astype(np.float32)
    found = measured(claims, y, weight, task="labels", constant=np.array([False, True, False]))
    told, counted = claims > 0.5, {"sample_weight": weight}
    wanted = {
        "accuracy": np.average((told == y).mean(axis=1), weights=weight),
        "exact_match": metrics.accuracy_score(y, told, **counted),
        "f1": metrics.f1_score(y, told, average="macro", zero_division=0, **counted),
        "auc": metrics.roc_auc_score(y, claims, average="macro", **counted),
        "brier": np.average(((claims - y) ** 2).mean(axis=1), weights=weight),
        "balanced_accuracy": np.mean(
            [metrics.balanced_accuracy_score(y[:, k], told[:, k], **counted) for k in range(3)]
        ),
    }
    assert {name: found.values[name] for name in wanted} == pytest.approx(wanted)
    always = np.broadcast_to([False, True, False], y.shape)
    assert found.baseline["accuracy"] == pytest.approx(
        np.average((always == y).mean(axis=1), weights=weight)
    )
    assert found.answer == ("c1",)


@given(SEEDS, st.integers(1, 3), st.floats(-1e4, 1e4))
def test_numbers_against_scikit_learn(seed, count, offset):
    draw = np.random.default_rng(seed)
    y = (draw.normal(size=(40, count)) + offset).astype(np.float32)
    claims, weight = y + draw.normal(size=(40, count)), draw.uniform(0.5, 2, 40)
    mean, scale = draw.normal(size=count), draw.uniform(0.1, 9, count)
    constant = constant_answer("numbers", y)
    found = measured(claims, y, weight, task="numbers", constant=constant, mean=mean, scale=scale)
    true, told = y * scale + mean, claims * scale + mean
    for k, one in enumerate(found.numbers):
        pair, counted = (true[:, k], told[:, k]), {"sample_weight": weight}
        median = np.full(40, constant[k] * scale[k] + mean[k])
        wanted = {
            "r2": metrics.r2_score(*pair, **counted),
            "mae": metrics.mean_absolute_error(*pair, **counted),
            "rmse": metrics.root_mean_squared_error(*pair, **counted),
            "median": np.median(true[:, k]),
            "baseline_mae": metrics.mean_absolute_error(true[:, k], median, **counted),
        }
        assert {name: getattr(one, name) for name in wanted} == pytest.approx(wanted, rel=1e-4)
        assert one.mae_share == pytest.approx(one.mae / one.baseline_mae)
    wanted = metrics.r2_score(y, claims, multioutput="variance_weighted", sample_weight=weight)
    assert found.values["r2"] == pytest.approx(wanted, rel=1e-4)


@given(SEEDS, st.integers(1, 9))
def test_pieces_do_not_matter(seed, pieces):
    claims, y, weight = drawn_classes(seed, 4)
    whole, cut = measured(claims, y, weight, pieces=1), measured(claims, y, weight, pieces=pieces)
    assert cut.values == pytest.approx(whole.values)


@given(SEEDS)
def test_no_constant_is_better_than_the_best_constant(seed):
    draw = np.random.default_rng(seed)
    weight = draw.integers(0, 4, 30).astype(float) + (np.arange(30) == 0)
    y = draw.integers(0, 4, 30)
    hits = [weight @ (y == k) for k in range(4)]
    assert hits[int(constant_answer("classes", y, weight))] == max(hits)
    labels = draw.integers(0, 2, (30, 3))
    best = weight @ (labels == constant_answer("labels", labels, weight))
    assert (best >= np.maximum(weight @ labels, weight @ (1 - labels))).all()
    numbers = draw.normal(size=(30, 2))
    off = weight @ abs(numbers - constant_answer("numbers", numbers, weight))
    others = [weight @ abs(numbers - one) for one in numbers]
    assert (off <= np.min(others, axis=0) + 1e-12).all()


def test_a_part_of_one_class_has_no_auc():
    claims, _, _ = drawn_classes(1, 3)
    found = measured(claims, np.full(60, 2))
    assert "auc" not in found.values and found.values["balanced_accuracy"] == pytest.approx(
        found.values["accuracy"]
    )
    assert [note.key for note in found.notes] == ["measures.note.absent"]
    assert "c0, c1 (2 in all)" in str(found)


def test_what_was_never_claimed_has_no_precision_and_an_f1_of_0():
    claims = np.tile(np.float32([0.9, 0.1, 0]), (4, 1))
    first, second, third = measured(claims, np.array([0, 0, 1, 1])).classes
    assert (second.precision, second.recall, second.f1) == (None, 0, 0)
    assert (third.precision, third.recall, third.f1, third.auc) == (None, None, None, None)
    assert first.auc == second.auc == 0.5


@pytest.mark.parametrize(
    ("classes", "ranked"), [(2, True), (3, False)], ids=["one score a row", "scores of a row"]
)
def test_scores_are_not_taken_for_probabilities(classes, ranked):
    claims, y, _ = drawn_classes(3, classes)
    claims = claims * 9 - 4
    found = measured(claims, y, are_probabilities=False)
    assert ("auc" in found.values) == ranked
    assert not found.bins and not {"brier", "calibration_error"} & set(found.values)
    assert "no probabilities" in str(found)
    if ranked:
        wanted = metrics.roc_auc_score(y, claims[:, 1] - claims[:, 0])
        assert found.values["auc"] == pytest.approx(wanted)


@pytest.mark.parametrize("task", ["classes", "labels", "numbers"])
def test_a_claim_that_is_no_number_is_an_error_in_words(task):
    y = np.zeros(2, int) if task == "classes" else np.zeros((2, 2))
    constant = np.array(0) if task == "classes" else np.zeros(2)
    with pytest.raises(NonFiniteError, match="The loss over 2 samples is not finite"):
        measured(np.array([[0, np.nan]] * 2), y, task=task, constant=constant, pieces=1)


def test_of_very_many_rows_some_are_ranked_whatever_the_pieces(monkeypatch):
    monkeypatch.setattr(ranking, "MOST_SCORES", 3 * 4000)
    draw = np.random.default_rng(0)
    y = np.tile([0, 1, 2], 10_000)  # drawing every second row would lose none, every third two
    claims = softmax(draw.normal(size=(len(y), 3)) + 2 * np.eye(3)[y])
    cut, whole = measured(claims, y, pieces=7), measured(claims, y, pieces=1)
    [note] = cut.notes
    assert note.key == "measures.note.drawn" and 2000 < note.values["rows"] <= 4000
    assert cut.values["auc"] == whole.values["auc"]
    wanted = metrics.roc_auc_score(y, claims, multi_class="ovr")
    assert cut.values["auc"] == pytest.approx(wanted, abs=0.01)


@pytest.mark.long
def test_a_thousand_classes_take_little_memory():
    import tracemalloc

    tally = tally_of(Asked("classes", tuple(map(str, range(1000))), np.array(0)))
    draw = np.random.default_rng(0)
    claims = softmax(draw.normal(size=(2000, 1000)).astype(np.float32))
    tracemalloc.start()
    for _ in range(40):  # 80 000 rows, whose claims would take 640 MB
        tally.add(claims, draw.integers(0, 1000, 2000))
    assert tally.measures().samples == 80_000
    assert tracemalloc.get_traced_memory()[1] < 300e6
    tracemalloc.stop()


@pytest.mark.parametrize("task", ["classes", "labels", "numbers"])
def test_without_a_row_that_counts_there_is_nothing_to_measure(task):
    y = np.zeros(2, int) if task == "classes" else np.zeros((2, 2))
    constant = np.array(0) if task == "classes" else np.zeros(2)
    with pytest.raises(InputError) as raised:
        measured(np.eye(2), y, np.zeros(2), task=task, constant=constant)
    assert str(raised.value) == (
        "Measures need at least one row with a weight above 0, got 2 rows with a total weight of "
        "0. Give rows, or leave their weights out."
    )
    with pytest.raises(InputError, match="got 0 rows"):
        tally_of(Asked(task, ("a", "b"), constant)).measures()


def beaten(counts: list[list[int]]) -> str:
    """Return how a confusion matrix of two classes stands to always answering the first."""
    true, told = np.repeat(np.indices((2, 2)).reshape(2, -1), np.ravel(counts), axis=1)
    return measured(np.eye(2, dtype=np.float32)[told], true).beaten


def test_a_network_is_held_against_the_best_constant_answer():
    assert beaten([[8, 0], [1, 1]]) == "yes"
    assert beaten([[8, 0], [2, 0]]) == "no"
    assert beaten([[7, 1], [2, 0]]) == "no"
    assert beaten([[6, 2], [0, 2]]) == "partly"  # right as often, and finds the rare class
    y = np.array([[0.0], [1.0], [5.0]])
    numbers = {"task": "numbers", "constant": np.array([1.0])}
    assert measured(np.ones((3, 1)), y, **numbers).beaten == "no"
    assert measured(y + 0.1, y, **numbers).beaten == "yes"


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> dict[str, wg.Run]:
    draw = np.random.default_rng(0)
    x = draw.normal(size=(80, 3))
    labels = (x[:, :2] + 0.3 * draw.normal(size=(80, 2)) > 0).astype(int)
    weight = draw.uniform(0.5, 2, 80)
    tables = {
        "classes": wg.from_arrays(x, (x[:, 0] > 0) + 1 * (x[:, 1] > 0), sample_weight=weight),
        "binary": wg.from_arrays(x, x[:, 0] > 0),
        "labels": wg.from_arrays(x, labels, target_names=["up", "down"], task="labels"),
        "numbers": wg.from_arrays(x, 7 * x[:, 0] + 100, standardize=True),
    }
    return {
        task: wg.train(wg.Network.create([3, 6, data.n_out]), data, epochs=4, batch_size=16)
        for task, data in tables.items()
    }


@pytest.mark.parametrize("task", ["classes", "binary", "labels", "numbers"])
def test_a_run_measures_what_it_recorded(runs, task):
    run = runs[task]
    assert run.data.task == task
    for part, recorded in run.description["result"].items():
        found = run.measures(part)
        main = "r2" if task == "numbers" else "accuracy"
        assert found.values[main] == pytest.approx(recorded[main], rel=1e-5)
        evaluated = run.evaluate(part)
        assert evaluated.items() >= recorded.items()
        assert evaluated.items() >= (found.figures | recorded).items()
        assert all(type(value) is float for value in evaluated.values())
    assert wg.open_run(run.path).measures().to_dict() == run.measures().to_dict()
    assert run.measures(step=0).values != run.measures().values


@pytest.mark.parametrize("task", ["classes", "binary", "labels", "numbers"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_measures_can_be_read(runs, task, language, read):
    found = runs[task].measures()
    with speaking(language):
        text, page = str(found), found._repr_html_()
    assert max(map(len, text.splitlines())) <= 100
    root = read(page)
    for table in root.all("table"):
        widths = {len(row.all("th")) + len(row.all("td")) for row in table.all("tr")}
        assert len(widths) == 1
    names = [one.name for one in found.classes]
    assert all(name in text and name in root.text() for name in names)


def test_an_error_is_told_in_the_unit_of_the_target(runs):
    run = runs["numbers"]
    data, found = run.data, run.measures("train")
    [number] = found.numbers
    true, told = (data.decode(y) for y in (data.train.y, run.claims(_raw(data))))
    assert number.mae == pytest.approx(np.mean(abs(told - true)), rel=1e-4)
    assert number.median == pytest.approx(np.median(true), rel=1e-5)
    assert 90 < number.median < 110 and number.rmse >= number.mae


def _raw(data: wg.Data) -> np.ndarray:
    return data.train.x * data.encoder.scale + data.encoder.mean


def test_rows_count_by_their_weights_where_that_is_asked_for(runs):
    run = runs["classes"]
    test, told = run.data.test, run.measures(weighted=True)
    claims = run.claims(test.x)
    wanted = np.average(claims.argmax(axis=1) == test.y, weights=test.sample_weight)
    assert told.values["accuracy"] == pytest.approx(wanted)
    assert "Every row counts once here" in str(run.measures())
    assert told.is_weighted and "counted by their weights" in str(told)
    with pytest.raises(OptionError, match="has no sample weights"):
        runs["binary"].measures(weighted=True)


def test_a_part_that_is_not_there_is_an_error(runs):
    with pytest.raises(OptionError):
        runs["binary"].measures("rest")
    data = wg.from_arrays(np.eye(6), np.arange(6) % 2, test=0, validation=0)
    run = wg.train(wg.Network.create([6, 2, 1]), data, epochs=1)
    with pytest.raises(RunError, match="The part test has no samples"):
        run.measures()
    assert run.trained.held_out == "train"
