"""What stands before the first lesson of the book: what it is, and what the symbols mean."""

import os
import platform
from dataclasses import dataclass

from whygrad.lessons.instruments.neuron_drawing import draw_neuron
from whygrad.lessons.notation import arrives, slope
from whygrad.lessons.rendering.blocks import as_blocks, oriented
from whygrad.lessons.rendering.sentences import sentence
from whygrad.lessons.story import Legend, Picture, Say, Word
from whygrad.record.fields import FACTORS
from whygrad.render.page.formula import as_mathml
from whygrad.words import language, speaking, t
from whygrad.words.markup import TAGS, Markup, both, element, joined, said

PARAMETER = "parameter"  # its array has the shape of the parameter


@dataclass(frozen=True)
class Name:
    """One word of the book: a row of DESIGN's table of names.

    Attributes:
        neurons: what an array of it counts beside the samples; None for what has no such array.
    """

    name: str
    symbol: str
    neurons: str | None


INPUT, OWN_SLOPE = arrives("a_j"), slope("f'(z_k)")
N_IN, N_OUT = r"n_\text{in}", r"n_\text{out}"
NAMES = (
    Name("input", INPUT, N_IN),
    Name("preactivation", rf"z_k = \sum_j {INPUT} w_{{jk}} + b_k", N_OUT),
    Name("output", r"a_k = f(z_k)", N_OUT),
    Name("slope", OWN_SLOPE, N_OUT),
    Name("upstream", r"u_k = \partial C / \partial a_k", N_OUT),
    Name("delta", rf"\delta_k = \partial C / \partial z_k = u_k {OWN_SLOPE}", N_OUT),
    Name("gradient", rf"\partial C / \partial w_{{jk}} = \overline{{{INPUT} \delta_k}}", PARAMETER),
    Name(
        "agreement",
        rf"|\overline{{{INPUT} \delta_k}}| / \overline{{|{INPUT} \delta_k|}}",
        PARAMETER,
    ),
    Name("update", r"\Delta w_{jk}", PARAMETER),
    Name("clones", "", None),
)
SHAPES = {"rows": "(m, {n})", "columns": "({n}, m)"}

BARS = {
    "upstream": r"\overline{|u_k|}",
    "slope": slope(r"\frac{\overline{|\delta_k|}}{\overline{|u_k|}}"),
    "input": arrives(r"\frac{\overline{|a_j \delta_k|}}{\overline{|\delta_k|}}"),
    "agreement": r"\frac{|\overline{a_j \delta_k}|}{\overline{|a_j \delta_k|}}",
}


def introduction() -> Markup:
    """Return the introduction, in both languages."""
    return element(
        "section",
        element("h2", said("lesson.book.introduction"), id="introduction-title"),
        element("p", sentence("lesson.book.what")),
        element("p", said("lesson.book.measured", **_machine())),
        element("p", sentence("lesson.book.law")),
        element("h3", said("lesson.book.neuron")),
        as_blocks("book", [_neuron()]),
        element("h3", said("lesson.book.names")),
        element("p", sentence("lesson.book.names.meaning")),
        _names(),
        element("h3", said("lesson.book.factors")),
        _factors(),
        id="introduction",
        class_="introduction",
        aria_labelledby="introduction-title",
    )


def _machine() -> dict[str, object]:
    import jax

    return {
        "machine": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "jax": jax.__version__,
    }


def _neuron() -> Picture:
    return Picture(
        "neuron",
        Say("lesson.book.neuron.picture"),
        draw_neuron,
        legend=(
            Legend("ink", Word("lesson.book.neuron.forward")),
            Legend("purple", Word("lesson.book.neuron.backward")),
            Legend("arrives", Word("lesson.term.arrives")),
            Legend("one", Word("lesson.term.one")),
            Legend("slope", Word("lesson.term.slope")),
        ),
    )


def _names() -> Markup:
    """Return the table of names twice: its shapes follow from what a sample is."""
    return oriented("book-names", {side: _names_in(side) for side in SHAPES})


def _names_in(side: str) -> Markup:
    columns = ("name", "symbol", "meaning", "shape")
    head = element(
        "tr", [element("th", said(f"lesson.book.head.{one}"), scope="col") for one in columns]
    )
    rows = [_row(one, SHAPES[side]) for one in NAMES]
    table = element("table", element("thead", head), element("tbody", rows), class_="names")
    return element("div", table, class_="scroll")


def _row(one: Name, shape: str) -> Markup:
    key = f"lesson.book.name.{one.name}"
    other = both(lambda: _in_the_other_language(key))
    term = joined(element("b", said(key)), element("span", other, class_="other"))
    if one.neurons == PARAMETER:
        shape_words = said("lesson.book.shape.parameter")
    else:
        written = shape.format(n=one.neurons)
        shape_words = as_mathml(written, inline=True) if one.neurons else ""
    return element(
        "tr",
        element("th", term, scope="row"),
        element("td", as_mathml(one.symbol, inline=True) if one.symbol else ""),
        element("td", sentence(f"{key}.meaning"), class_="sentence"),
        element("td", shape_words),
    )


def _in_the_other_language(key: str) -> Markup:
    with speaking("en" if language() == "zh" else "zh"):
        return element("span", t(key), lang=TAGS[language()])


def _factors() -> Markup:
    words = [
        element(
            "li",
            element("b", said(f"factor.{name}")),
            element("span", sentence(f"factor.{name}.meaning")),
        )
        for name in FACTORS
    ]
    formula = both(lambda: as_mathml(_product()), name="div")
    return joined(
        element("p", sentence("lesson.book.factors.meaning")),
        element("div", formula, class_="formula scroll"),
        element("ul", words, class_="factors"),
        element("p", sentence("lesson.book.factors.cause")),
    )


def _product() -> str:
    """Return the identity in LaTeX, each factor with its name below, in the language in use."""
    factors = [rf"\underbrace{{{BARS[one]}}}_{{\text{{{t(f'factor.{one}')}}}}}" for one in FACTORS]
    return r"\left|\frac{\partial C}{\partial w_{jk}}\right| = " + r" \cdot ".join(factors)
