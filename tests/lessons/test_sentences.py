"""Formulas in sentences of a page: none is broken at the end of a line."""

import re

import pytest

from whygrad.lessons.rendering.sentences import LONGEST, sentence, with_whole_formulas
from whygrad.words.visible import Sentence

WHOLE = re.compile('<span class="whole">(.*?)</span>')


@pytest.mark.parametrize(
    ("text", "formulas"),
    [
        ("The push |δ| is Σ|δ| here.", ["|δ|", "Σ|δ|"]),
        ("从左到右：上游梯度 |u|；经过斜率的 |δ|；然后是 |∂C/∂w|。", ["|u|", "|δ|", "|∂C/∂w|"]),
        ("Input w = −0.5, then z.", ["w = −0.5,"]),
        ("等于 Δ @ 1，乘的是 1。", ["Δ @ 1"]),
        ("a share of 1/6 and f(z) · (1 − f(z)) of it", ["1/6", "f(z) · (1 − f(z))"]),
        ("σ = √(2/(n + m)) 时", ["σ = √(2/(n + m))"]),
        ("微扰 7.664e-6，剩下 5.9e-15 % of it", ["7.664e-6", "5.9e-15\u00a0%"]),
        ("b − db 即 (3, 1) − (3,) 会", ["b − db", "(3, 1) − (3,)"]),
        ("--rate 0.1, a word - and a dash – and w", []),
        ("no formula (none at all) in δ, a_in or 25 %", []),
    ],
)
def test_what_a_formula_is(text, formulas):
    assert WHOLE.findall(with_whole_formulas(text)) == formulas


def test_a_long_formula_may_break_in_front_of_its_operators():
    formula = "|∂C/∂w| = upstream · slope · input ≈ 0.25"
    page = with_whole_formulas(f"so {formula} here")
    assert WHOLE.findall(page) == ["|∂C/∂w|", "= upstream", "· slope", "· input", "≈ 0.25"]
    assert re.sub("<.*?>", "", page) == f"so {formula} here"
    assert len(formula) > LONGEST


def test_names_are_escaped_inside_a_formula_and_percent_signs_stay_with_their_number():
    assert with_whole_formulas("x = <b>") == '<span class="whole">x = &lt;b&gt;</span>'
    assert "25\u00a0%" in with_whole_formulas(Sentence("w = 25 % of it"))
    assert "25\u00a0%" in with_whole_formulas(Sentence("25 % of it"))


def test_a_sentence_stands_there_in_both_languages():
    page = sentence("lesson.chain.statement")
    assert page.count('class="said"') == 2 and page.count('class="whole"') >= 4
