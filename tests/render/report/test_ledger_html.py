"""A ledger as HTML: in a notebook, in both languages, with the numbers of its text."""

from dataclasses import replace

import pytest

from whygrad.explain import Ledger, explain
from whygrad.explain.html import STYLE, as_html
from whygrad.explain.phrases import chain_lines
from whygrad.words import number, speaking


@pytest.fixture(scope="module", params=["hidden1", "hidden1[3]", "hidden2.bias[2]", "output[1]"])
def ledger(request, digits) -> Ledger:
    return explain(digits, request.param)


@pytest.fixture(scope="module")
def with_chain(digits) -> Ledger:
    return explain(digits, "hidden2.weight[5, 2]", sample=7)


def test_the_fragment_is_whole_and_brings_its_style(ledger, read):
    html = ledger._repr_html_()
    style, body = read(html).children
    assert (style.tag, style.text()) == ("style", STYLE)
    assert body.attributes == {"class": "whygrad-ledger", "lang": "en"}


def test_every_rule_of_the_style_stays_inside():
    selectors = [rule.partition("{")[0] for rule in STYLE.split("}") if rule.strip()]
    every = [one.strip() for selector in selectors for one in selector.split(",")]
    assert all(one.startswith(".whygrad-ledger") for one in every)


def test_it_holds_the_numbers_of_the_ledger(ledger, read):
    text = read(as_html(ledger)).text()
    numbers = [ledger.value, ledger.gradient, ledger.movement, ledger.product]
    numbers += [value for factor in ledger.factors for value in (factor.value, factor.median)]
    numbers += [stage.after for stage in ledger.stages]
    for value in numbers:
        assert number(value) in text


def test_the_chain_of_a_sample_stands_line_by_line(with_chain, read):
    lines = [one.text() for one in read(as_html(with_chain)).all("code")]
    assert lines == chain_lines(with_chain, with_chain.chain)


def test_it_speaks_the_language_in_use(with_chain, read):
    with speaking("zh"):
        body = read(as_html(with_chain)).all("div")[0]
    assert body.attributes["lang"] == "zh-Hans"
    assert "谁在推" in body.text()


def test_names_are_text(with_chain):
    html = as_html(replace(with_chain, source="<img src=x>"))
    assert "<img" not in html
    assert "&lt;img src=x&gt;" in html


def test_clones_are_told(clones, read):
    text = read(as_html(explain(clones, "hidden1[2]"))).text()
    assert "Clones of this neuron: 7 (neurons 0, 1, 3, 4, 5, 6, 7)." in text


def test_no_line_breaks_within_a_small_number(with_chain, read):
    pull = replace(with_chain.lowering[0], value=8.575e-6)
    page = as_html(replace(with_chain, lowering=(pull,)))
    assert '<span class="small">+8.575e-6</span>' in page and ".small{white-space:nowrap}" in page


def test_a_factor_that_is_not_finite_leaves_a_gap(with_chain, read):
    values = dict.fromkeys(with_chain.development.values, (1.0, 2.0, 3.0))
    values |= {"slope": (1.0, float("nan"), 2.0)}
    development = replace(with_chain.development, steps=(0, 1, 2), values=values)
    lines = read(as_html(replace(with_chain, development=development))).all("polyline")
    assert all("nan" not in one.attributes["points"] for one in lines)
