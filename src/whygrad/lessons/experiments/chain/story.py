"""What the lesson on the chain tells."""

from typing import Any

from whygrad.lessons.experiments.chain.drawing import draw_chain, draw_curves
from whygrad.lessons.experiments.chain.neuron import Chain
from whygrad.lessons.lesson import Measured
from whygrad.lessons.notation import arrives, below, one, slope
from whygrad.lessons.story import (
    Block,
    Cell,
    Fold,
    Formula,
    Legend,
    Line,
    Picture,
    Say,
    Story,
    Table,
    Term,
    Word,
)

LOSS = {  # (in symbols, with numbers)
    "squared": (r"\frac{1}{2} (a - y)^2", r"\frac{1}{2} ([[output]] - [[target]])^2"),
    "absolute": (r"|a - y|", r"|[[output]] - [[target]]|"),
    "huber": (r"|a - y| - \frac{1}{2}", r"|[[output]] - [[target]]| - \frac{1}{2}"),
}

SEEN = 1e-3  # left and right are told apart only where they differ by more
UPSTREAM, OWN_SLOPE = r"\frac{\partial C}{\partial a}", slope()
BOTH = rf"{UPSTREAM} \cdot " + slope(r"\frac{\partial a}{\partial z}")
TERMS = {
    "contribution": Term("lesson.term.contribution"),
    "activity": Term("lesson.term.activity"),
}
INPUT = arrives(r"a_\text{in}")
LINKS = {
    "upstream": "∂C/∂a",
    "slope": "∂a/∂z",
    "input": "∂z/∂w",
    "constant": "∂z/∂b",
    "weight_gradient": "∂C/∂w",
    "bias_gradient": "∂C/∂b",
}


def tell(setup: Chain, measured: Measured) -> Story:
    """Tell how one number goes forward through a neuron, and the blame for it back."""
    told = _numbers(setup, measured)
    return Story(
        told=(
            _say("forward", told),
            *_forward(setup, told),
            _say("back", told),
            Formula(
                rf"\delta = {below(UPSTREAM, 'contribution')} \cdot {below(OWN_SLOPE, 'activity')}"
                r" = [[upstream]] \cdot [[slope|slope]] = [[delta]]",
                told | TERMS,
            ),
            *_kink(measured, told),
            _say("fork", told),
            *_split(told),
            _picture_of_chain(measured, told),
            _say(_outcome(told), told),
            Fold(
                _say("fold.nudge", told),
                (
                    _say(_agreement(measured), told),
                    _table_of_links(measured),
                    _picture_of_curves(measured, told),
                ),
            ),
        ),
        left_out=(
            _say("left_out", told),
            Formula(
                rf"\frac{{\partial C}}{{\partial b}} = {UPSTREAM} \cdot {OWN_SLOPE} \cdot {one()}"
                rf" = [[upstream]] \cdot [[slope|slope]] \cdot {one()} = [[bias_gradient]]",
                told,
            ),
            Fold(
                _say("fold.variants", told),
                (_table_of_variants(measured), _say(_comparison(told), told)),
            ),
        ),
    )


def _say(key: str, values: dict[str, Any]) -> Say:
    return Say(f"lesson.chain.{key}", values)


def _numbers(setup: Chain, measured: Measured) -> dict[str, Any]:
    chain, variants = measured["chain"], measured["variants"]
    return {
        **{name: value for name, value in chain.items() if name != "preactivation"},
        "z": chain["preactivation"],
        "activation": setup.activation,
        "loss_name": setup.loss,
        "weight_nudge": measured["nudge"]["weight"],
        "bias_nudge": measured["nudge"]["bias"],
        "weight_nudged": measured["nudged"]["weight_gradient"],
        "bias_nudged": measured["nudged"]["bias_gradient"],
        "more_input": variants["input"]["input"],
        "more_input_weight": variants["input"]["weight_gradient"],
        "more_input_bias": variants["input"]["bias_gradient"],
        "other_z": variants["slope"]["preactivation"],
        "other_z_bias": variants["slope"]["bias_gradient"],
        "right_target": variants["upstream"]["target"],
        "right_target_bias": variants["upstream"]["bias_gradient"],
    }


def _forward(setup: Chain, told: dict[str, Any]) -> tuple[Formula, ...]:
    is_near = abs(told["output"] - setup.target) <= 1
    name = "squared" if setup.loss == "huber" and is_near else setup.loss
    symbols, numbers = LOSS[name]
    activation = rf"\text{{{setup.activation}}}"
    return (
        Formula(
            rf"z = w \cdot {INPUT} + b"
            r" = [[weight]] \cdot [[input|arrives]] + [[bias]] = [[z]]",
            told,
        ),
        Formula(rf"a = f(z) = {activation}([[z]]) = [[output]]", told),
        Formula(rf"C = {symbols} = {numbers} = [[loss]]", told),
    )


def _split(told: dict[str, Any]) -> tuple[Formula, ...]:
    """Return the third link of both ways, and what the whole chain comes to."""
    ways = (
        ("w", INPUT, "[[input|arrives]]", "weight_gradient"),
        ("b", one(), one(), "bias_gradient"),
    )
    links = (rf"\frac{{\partial z}}{{\partial {of}}} = {symbol}" for of, symbol, _, _ in ways)
    return (
        Formula(r" \qquad ".join(links), told),
        *(
            Formula(
                rf"\frac{{\partial C}}{{\partial {of}}} = {below(BOTH, 'delta_name')} \cdot"
                rf" \frac{{\partial z}}{{\partial {of}}} = \delta \cdot {symbol}"
                rf" = [[delta]] \cdot {number} = [[{gradient}]]",
                told | {"delta_name": "δ"},
            )
            for of, symbol, number, gradient in ways
        ),
    )


def _kink(measured: Measured, told: dict[str, Any]) -> tuple[Block, ...]:
    kink = measured["kink"]
    return (_say(f"kink.{kink['link']}", told | kink),) if _has_kink(measured) else ()


def _has_kink(measured: Measured) -> bool:
    return measured["kink"]["link"] is not None and measured["gap"]["bias_gradient"] > SEEN


def _agreement(measured: Measured) -> str:
    """Return the key of what the other ways to the gradients found."""
    if not measured["is_confirmed"]:
        return "nudge.apart"
    return "nudge.kink" if _has_kink(measured) else "nudge.alike"


def _outcome(told: dict[str, Any]) -> str:
    """Return the key of what the gradients mean for the parameters."""
    if told["weight_gradient"]:
        return "outcome.raises" if told["weight_gradient"] > 0 else "outcome.lowers"
    if told["bias_gradient"]:
        return "outcome.bias_alone"
    return "outcome.closed" if told["upstream"] else "outcome.content"


def _comparison(told: dict[str, Any]) -> str:
    """Return the key of what moved the bias's gradient, and what did not."""
    if told["bias_gradient"] == 0:
        return "variants.silent"
    is_still = told["other_z_bias"] == told["bias_gradient"]
    return "variants.still" if is_still else "variants.moved"


def _picture_of_chain(measured: Measured, told: dict[str, Any]) -> Picture:
    return Picture(
        "chain",
        _say("picture.chain", told),
        lambda: draw_chain(measured["chain"]),
        legend=(
            Legend("blue", Word("lesson.chain.values")),
            Legend("orange dashed", Word("lesson.chain.derivatives")),
            Legend("arrives", Word("lesson.term.arrives")),
            Legend("one", Word("lesson.term.one")),
            Legend("slope", Word("lesson.term.slope")),
        ),
    )


def _picture_of_curves(measured: Measured, told: dict[str, Any]) -> Picture:
    curves = measured["curves"]
    return Picture(
        "curves",
        _say("picture.curves", told),
        lambda: draw_curves(curves, measured["chain"]),
        axes=(Word("lesson.chain.move"), Word("lesson.chain.loss")),
        legend=(
            Legend("blue", Word("lesson.chain.along_weight")),
            Legend("orange dashed", Word("lesson.chain.along_bias")),
            Legend("faint", Word("lesson.chain.tangents")),
        ),
        lines=(
            Line("C(w + Δ)", curves["move"], curves["weight"]),
            Line("C(b + Δ)", curves["move"], curves["bias"]),
        ),
    )


def _table_of_links(measured: Measured) -> Table:
    ways = (measured["chain"], measured["nudged"], measured["autodiff"])
    rows: list[list[Cell]] = [
        [symbol, Word(f"lesson.chain.link.{name}"), *(way[name] for way in ways)]
        for name, symbol in LINKS.items()
    ]
    columns = ("derivative", "meaning", "by_rule", "by_nudging", "by_autodiff")
    head = [Word(f"lesson.chain.{column}") for column in columns]
    return Table(Say("lesson.chain.links"), head, rows)


def _table_of_variants(measured: Measured) -> Table:
    columns = ("input", "upstream", "slope", "weight_gradient", "bias_gradient")
    rows: list[list[Cell]] = [
        [Word(f"lesson.chain.variant.{name}"), *(chain[column] for column in columns)]
        for name, chain in measured["variants"].items()
    ]
    head = [Word("lesson.chain.changed"), "aᵢₙ", "∂C/∂a", "f′(z)", "∂C/∂w", "∂C/∂b"]
    return Table(Say("lesson.chain.table_of_variants"), head, rows)
