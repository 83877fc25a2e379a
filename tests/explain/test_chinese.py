"""Chinese as it is written: no break before %, no English in between, terms of the field."""

import re

import numpy as np

import whygrad as wg
from whygrad.words import catalogue, percent, speaking

OURS = [
    key for key in catalogue("zh") if not key.startswith(("lesson.", "book.", "help.", "bench."))
]


def test_a_share_keeps_its_sign_on_its_line():
    assert str(percent(0.255)) == "26 %"
    with speaking("zh"):
        assert str(percent(0.255)) == "26%"
        assert str(percent(2.06e-9)) == "2.1e-7%"


ENGLISH = r"\b(slope|upstream|agreement|delta|report|ledger|doctor|neuron|median|gradient)\b"
NAMES = r"\{[^}]*\}|`[^`]*`|（[a-z]+）|[\w.]*[._(][\w.(]*|--\w+|whygrad (report|doctor)"


def test_sentences_hold_no_english_words_of_ours():
    """Names of options, functions and layers are the program's; words of the field are Chinese."""
    words = catalogue("zh")
    assert [key for key in OURS if re.search(ENGLISH, re.sub(NAMES, "", words[key]))] == []


def test_layers_before_and_after_are_called_by_the_terms_of_the_field():
    other = r"[上下](一)?层|[高低]层|账目|排位|最先失灵"
    assert [key for key, text in catalogue("zh").items() if re.search(other, text)] == []


def test_a_ledger_of_the_spiral_is_in_one_language(tmp_path):
    run = wg.train(
        wg.Network.create([2, 4, 3], seed=0),
        wg.load("spiral", samples=60),
        epochs=1,
        out=tmp_path / "run",
    )
    ledger = run.why("hidden1[0]", sample=0)
    assert re.search(r"\(arm \d\)", str(ledger)) and "target arm" in str(ledger)
    with speaking("zh"):
        text, page = str(ledger), ledger._repr_html_()
    assert "arm" not in text and re.search(r"（旋臂 \d）", text) and "目标 旋臂" in text
    assert not re.search(r"\d\s+%", text) and not re.search(r"\d[\s\xa0]+%", page)


def test_in_english_no_line_of_a_page_begins_with_a_percent_sign(tmp_path):
    x = np.random.default_rng(0).normal(size=(20, 2))
    data = wg.from_arrays(x, x[:, :1], validation=0, test=0)
    run = wg.train(wg.Network.create([2, 3, 1], seed=0), data, epochs=1, out=tmp_path / "run")
    page = run.why("hidden1[0]")._repr_html_()
    assert re.search(r"\d\xa0%", page) and not re.search(r"\d %", page)
