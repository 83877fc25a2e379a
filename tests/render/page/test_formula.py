"""Formulas: measured numbers put in, MathML that browsers set well, text that reads well."""

import math
import re
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from whygrad.render.page.formula import THIN, as_mathml, as_text, with_numbers
from whygrad.words import number

FINITE = st.floats(allow_nan=False, allow_infinity=False)
TEXTS = [
    (r"\frac{\partial C}{\partial w_{jk}} = \delta_k \cdot a_j", "∂C/∂w_jk = δ_k · a_j"),
    (r"\sum_{i=1}^{m} x_i", "Σ_(i=1…m) x_i"),
    (r"\sum_i \delta_{ik} \cdot 1", "Σ_i δ_ik · 1"),
    (r"\frac{1}{m} \sum_i \delta_i", "1/m Σ_i δ_i"),
    (r"\frac{a + b}{c d}", "(a + b)/(c d)"),
    (r"\frac{\frac{a}{b}}{c}", "(a/b)/c"),
    (r"X^\top \delta", "Xᵀ δ"),
    (r"W_1^T W_2^{\top}", "W_1ᵀ W_2ᵀ"),
    (r"\eta_\text{sum} = \frac{\eta}{m}", "η_sum = η/m"),
    (r"w_{\text{next}}", "w_next"),
    (r"f'(z) = -0.5", "f′(z) = −0.5"),
    (r"1 - \sigma(z)", "1 − σ(z)"),
    (r"\left( a + b \right)^2", "(a + b)²"),
    (r"\left| x \right|", "|x|"),
    (r"\lVert a - b \rVert_2", "‖a − b‖_2"),
    (r"\overline{|u_k|}", "⟨|u_k|⟩"),
    (r"\underbrace{a b}_{\text{input}} \cdot c", "(a b) [input] · c"),
    (r"\hat{y} - \bar{x}", "y\u0302 − x\u0304"),
    (r"\sqrt{2/n_\text{in}}", "√(2/n_in)"),
    (r"e^{-z}", "e^(−z)"),
    (r"10^{-3}", "10⁻³"),
    (r"\delta^{(l+1)}", "δ^(l+1)"),
    (r"\max_i |x_i|, \quad \log x", "max_i |x_i|,    log x"),
    (r"\Delta w \leq \ln{y}", "Δw ≤ ln y"),
    (r"\begin{cases} 1 & z > 0 \\ 0 & z \le 0 \end{cases}", "{1, z > 0; 0, z ≤ 0}"),
    (r"\begin{aligned} a &= b \\ c &= d \end{aligned}", "a = b\nc = d"),
    (r"1.5 \times 10^{2} \text{ per step, 5\%}", "1.5 × 10² per step, 5%"),
]


@pytest.mark.parametrize(("latex", "text"), TEXTS)
def test_text_reads_like_a_formula(latex, text):
    assert as_text(latex) == text


@pytest.mark.parametrize("latex", [latex for latex, _ in TEXTS])
def test_mathml_is_whole_and_holds_no_latex(latex):
    mathml = as_mathml(latex)
    root = ElementTree.fromstring(mathml)
    assert root.attrib == {"display": "block", "alttext": as_text(latex).replace("\n", " ")}
    shown = "".join(root.itertext())
    assert not re.search(r"[\\}&]", shown)
    assert {one.tag for one in root.iter()} <= {
        *("math", "mrow", "mi", "mn", "mo", "mtext", "mspace", "mfrac", "msqrt", "mover", "munder"),
        *("munderover", "msub", "msup", "msubsup", "mtable", "mtr", "mtd"),
    }


@pytest.mark.parametrize(
    ("latex", "text"),
    [
        ("a = [[x]]", "a = −0.25"),
        ("[[x]] = a", "−0.25 = a"),
        (r"u \cdot [[x]]", "u · (−0.25)"),
        (r"u \times\, [[x]]", "u × (−0.25)"),
        ("1 + [[x]]", "1 + (−0.25)"),
        ("1 - [[x]]", "1 − (−0.25)"),
        ("2 [[x]]", "2 (−0.25)"),
        (r"\frac{1}{m} [[x]]", "1/m (−0.25)"),
        ("([[x]], [[x]])", "(−0.25, −0.25)"),
        (r"\frac{[[x]]}{[[x]]}", "−0.25/−0.25"),
        ("|[[x]]|", "|−0.25|"),
        ("|a| [[x]]", "|a| (−0.25)"),
        (r"\left|[[x]]\right|", "|−0.25|"),
        (r"a \approx [[x]]", "a ≈ −0.25"),
        (r"a \leq [[x]]", "a ≤ −0.25"),
        (r"a \quad [[x]]", "a    (−0.25)"),
        ("[[x]]^2", "(−0.25)²"),
        ("e^{[[x]]}", "e^(−0.25)"),
    ],
)
def test_a_negative_number_stands_in_brackets_where_it_must(latex, text):
    assert as_text(with_numbers(latex, {"x": -0.25})) == text


def test_a_power_of_ten_stands_in_brackets_where_it_must():
    small = {"x": 1.5e-7}
    assert as_text(with_numbers("a = [[x]]", small)) == "a = 1.5 × 10⁻⁷"
    assert as_text(with_numbers("[[x]]^2", small)) == "(1.5 × 10⁻⁷)²"
    assert as_text(with_numbers("a / [[x]]", small)) == "a / (1.5 × 10⁻⁷)"
    assert as_text(with_numbers(r"a \cdot [[x]]", small)) == "a · 1.5 × 10⁻⁷"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (math.nan, "NaN"),
        (math.inf, "∞"),
        (-math.inf, "−∞"),
        (-0.0, "0"),
        (3, "3"),
        (-3, "−3"),
        (np.int64(12), "12"),
        (np.float32(0.1), "0.1"),
        (np.float64(1 / 3), "0.3333"),
        ("tanh", "tanh"),
        (True, "True"),
    ],
)
def test_every_kind_of_value_can_be_put_in(value, text):
    latex = with_numbers("x = [[value]]", {"value": value})
    assert as_text(latex) == f"x = {text}"
    shown = "".join(ElementTree.fromstring(as_mathml(latex)).itertext())
    assert shown == f"x={text}"


@given(FINITE)
def test_a_number_in_a_formula_is_the_number_of_sentences(value):
    """Both write four digits; the formula writes the power of ten out."""
    text = as_text(with_numbers("x = [[value]]", {"value": value}))
    mantissa, _, raised = text.removeprefix("x = ").partition(" × 10")
    exponent = raised.translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789"))
    assert (f"{mantissa}e{exponent}" if raised else mantissa) == number(value)


def _exponent(found: re.Match) -> str:
    return "e-" if found[1] else "e"


@given(st.lists(FINITE, min_size=1, max_size=4))
def test_measured_numbers_are_marked_and_nothing_else_is(values):
    latex = " = ".join(f"[[v{place}]]" for place in range(len(values))) + " = 1"
    named = {f"v{place}": value for place, value in enumerate(values)}
    root = ElementTree.fromstring(as_mathml(with_numbers(latex, named)))
    marked = [one for one in root.iter() if one.get("class") == "measured"]
    shown = [re.sub("×10(−?)", _exponent, "".join(one.itertext())) for one in marked]
    assert shown == [number(value) for value in values]


@given(FINITE, FINITE)
def test_brackets_balance_whatever_stands_beside(left, right):
    latex = r"[[a]]^2 \cdot [[b]] - [[a]] / [[b]] = \frac{[[a]] [[b]]}{|[[a]]|}"
    text = as_text(with_numbers(latex, {"a": left, "b": right}))
    assert text.count("(") == text.count(")")
    assert not re.search(r"[·/+] −|− −|\[|\\", text)


def test_a_name_that_was_not_measured_is_an_error():
    with pytest.raises(KeyError):
        with_numbers("[[loss]]", {})


def test_signs_of_what_follows_take_no_space():
    root = ElementTree.fromstring(as_mathml("a - b = - c"))
    forms = [one.get("form") for one in root.iter("mo") if one.text == "−"]
    assert forms == [None, "prefix"]


def test_names_of_functions_are_set_apart_and_calls_stay_together():
    root = ElementTree.fromstring(as_mathml(r"p \ln p + \log(x) - \max(x)"))
    spaces = [[one.text, one.get("lspace"), one.get("rspace")] for one in root.iter("mo")]
    assert [one for one in spaces if one[0].isalpha()] == [
        ["ln", THIN, THIN],
        ["log", THIN, "0"],
        ["max", THIN, "0"],
    ]


def test_a_mean_is_a_line_over_what_is_meant():
    root = ElementTree.fromstring(as_mathml(r"\overline{a b}"))
    assert [one.get("class") for one in root.iter("mrow")].count("mean") == 1


def test_a_formula_inside_a_line_is_not_a_block():
    assert ElementTree.fromstring(as_mathml("a", inline=True)).attrib == {"alttext": "a"}
