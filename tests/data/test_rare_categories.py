"""Columns of very many words: rare ones share an input, with those that come later."""

import json
import warnings
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import whygrad as wg
from whygrad.cli.app import run as command_line
from whygrad.data import categories, load
from whygrad.data.categories import FEWEST, MANY, MOST, MOST_WORDS, RARE, are_mostly_rare
from whygrad.data.matching import Substitutions
from whygrad.errors import DataError
from whygrad.interop.exporting.torch_script import load_script
from whygrad.words import speaking

OFTEN = [f"town {number:02}" for number in range(55)]
SELDOM = [f"village {number:02}" for number in range(30)]


@pytest.fixture
def few(monkeypatch) -> None:
    """Let a column have so few inputs that the tables of a test can have more words."""
    monkeypatch.setattr(categories, "MOST", len(OFTEN))


def known_categories(counts: dict[str, int], *, lacks_some: bool = False) -> tuple[str, ...]:
    return categories.known_categories(counts, lacks_some=lacks_some)


def table(often: int = 12, seldom: int = 1) -> pd.DataFrame:
    """Return towns with ``often`` rows each, villages with ``seldom``, in a shuffled order."""
    draw = np.random.default_rng(0)
    places = draw.permutation(OFTEN * often + SELDOM * seldom)
    frame = pd.DataFrame({"place": places, "size": draw.normal(size=len(places))})
    noise = draw.normal(size=len(frame))
    return frame.assign(price=frame["size"] + frame["place"].str.startswith("village") + noise)


def loaded(frame: pd.DataFrame, path, *, stream: bool) -> wg.Data:
    frame.to_csv(path, index=False)
    return load(path, target="price", stream=stream or None)


@given(
    st.dictionaries(st.text("abcdefgh?()", min_size=1, max_size=4), st.integers(1, 12), max_size=90)
)
def test_every_word_is_a_category_if_there_are_not_too_many(counts):
    found = known_categories(counts)
    assert list(found) == sorted(counts)
    assert set(known_categories(counts, lacks_some=True)) == {*found, "?"}


def test_the_most_frequent_have_an_input_and_ties_go_by_letters():
    counts = {f"w{number:04}": FEWEST + (number >= MOST) for number in range(MOST + 5)}
    known = known_categories(counts)
    assert len(known) == MOST + 1 and RARE in known
    assert known[-5:] == tuple(f"w{number}" for number in range(MOST, MOST + 5))
    assert f"w{MOST - 6:04}" in known and f"w{MOST - 5:04}" not in known


@pytest.mark.parametrize(
    ("counts", "is_refused"),
    [
        ([1] * MANY, False),
        ([1] * (MANY + 1), True),
        ([FEWEST] * (MANY + 1), False),
        ([FEWEST] * MANY + [1] * FEWEST * MANY, False),
        ([FEWEST] * MANY + [1] * (FEWEST * MANY + 1), True),
        ([10**9] + [1] * (MOST_WORDS - 1), False),
        ([10**9] + [1] * MOST_WORDS, True),
        ([FEWEST] * 2 * MOST, False),
        ([FEWEST] * (2 * MOST + 1), True),
    ],
)
def test_a_column_is_refused_where_most_rows_hold_rare_words(counts, is_refused):
    assert are_mostly_rare(np.array(counts)) == is_refused


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("stream", [False, True])
def test_rare_words_share_an_input_as_the_training_part_counts_them(tmp_path, stream):
    frame = table()
    data = loaded(frame, tmp_path / "t.csv", stream=stream)
    source = frame["place"].to_numpy()
    trains = source[data.train.rows]
    counts = Counter(trains.tolist())
    kept = sorted(OFTEN)
    assert data.encoder.categories[0] == (RARE, *kept) and set(SELDOM) & set(counts)
    names = np.array([f"place={RARE}", *(f"place={word}" for word in kept)])
    for part in data.parts.values():
        hot = part.x[:, : len(names)]
        np.testing.assert_array_equal(hot.sum(axis=1), 1)
        words = source[part.rows]
        expected = [f"place={word if word in kept else RARE}" for word in words]
        assert names[hot.argmax(axis=1)].tolist() == expected
    (note,) = (note for note in data.notes if note.key == "note.data_rare")
    assert str(note) == (
        f"Column place has {len(counts) - len(kept)} values more than the 55 most frequent, each "
        "of which has an input of its own. The others share one, place=(rare), with values that "
        "training never saw."
    )
    with speaking("zh"):
        assert "共用一个输入 place=(rare)" in str(note)


@pytest.mark.parametrize("stream", [False, True])
def test_of_few_words_none_is_rare(tmp_path, stream):
    data = loaded(table(), tmp_path / "t.csv", stream=stream)
    assert RARE not in data.encoder.categories[0]
    assert not [note for note in data.notes if note.key == "note.data_rare"]


@pytest.mark.usefixtures("few")
def test_words_that_training_never_saw_are_rare_ones_and_told_but_no_news():
    data = load(table(), target="price")
    new = {"place": ["town 03", "nowhere", "village 01", None], "size": [0.0] * 4}
    told = Substitutions()
    hot = data.encoder.encode(new, told)[:, : len(data.encoder.categories[0])]
    place = data.encoder.categories[0].index(RARE)
    assert hot[:, place].tolist() == [0, 1, 1, 0]
    assert hot[0].sum() == 1 and hot[3].sum() == 0  # a missing word is no rare one
    notes = [str(note) for note in told.notes(data.encoder)]
    assert (
        "Values in place that are rare or new, in 2 rows: nowhere, village 01 (zero-based row 1, "
        "2). They share the input place=(rare)."
    ) in notes
    with warnings.catch_warnings(action="error"):
        data.encoder.encode({"place": ["nowhere"], "size": [0.0]})


@pytest.mark.usefixtures("few")
def test_codes_of_many_values_are_grouped_as_words_are():
    frame = table()
    codes = {word: number for number, word in enumerate(OFTEN + SELDOM)}
    coded = frame.assign(place=[codes[word] for word in frame["place"]])
    data = load(coded, target="price", categories="place")
    assert RARE in data.encoder.categories[0]
    assert set(data.encoder.categories[0]) - {RARE} <= {str(codes[word]) for word in OFTEN}


@pytest.mark.parametrize("stream", [False, True])
def test_a_column_of_mostly_rare_words_is_refused_by_both_readers(tmp_path, stream):
    with pytest.raises(DataError, match="place has 85 different texts in 140 rows"):
        loaded(table(often=2), tmp_path / "t.csv", stream=stream)


@pytest.mark.usefixtures("few")
def test_a_run_keeps_the_group_and_its_exports_know_it(tmp_path, capsys):
    onnxruntime = pytest.importorskip("onnxruntime")
    frame = table()
    frame.to_csv(tmp_path / "t.csv", index=False)
    run = tmp_path / "run"
    options = ["--target", "price", "--epochs", "1", "--hidden", "4", "--out", str(run)]
    assert command_line(["train", str(tmp_path / "t.csv"), *options]) == 0
    new = pd.DataFrame({"place": ["nowhere", "village 01", "town 03"], "size": [0.1, 0.1, 0.2]})
    new.to_csv(tmp_path / "new.csv", index=False)
    capsys.readouterr()
    assert command_line(["predict", str(run), str(tmp_path / "new.csv"), "--json"]) == 0
    notes = json.loads(capsys.readouterr().out)["notes"]
    assert [note["key"] for note in notes] == ["note.encode_rare"]
    ours = np.asarray(wg.open_run(run).predict(new))[:, 0]
    assert ours[0] == ours[1] != ours[2]
    assert command_line(["why", str(run), "hidden1.weight[place=(rare), 1]"]) == 0
    wg.export(wg.open_run(run), tmp_path / "net.py")
    wg.export(wg.open_run(run), tmp_path / "net.onnx")
    theirs = np.asarray(load_script(tmp_path / "net.py").predict(new.to_numpy().tolist()))[:, 0]
    np.testing.assert_allclose(theirs, ours, rtol=1e-5)
    session = onnxruntime.InferenceSession(str(tmp_path / "net.onnx"))
    given = {
        "place": new[["place"]].to_numpy(object),
        "size": new[["size"]].to_numpy(np.float64),
    }
    (claimed,) = session.run(None, given)
    np.testing.assert_allclose(claimed[:, 0], ours, rtol=1e-5)
