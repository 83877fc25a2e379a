"""What the lesson on starts tells."""

from typing import TYPE_CHECKING, Any

import numpy as np

from whygrad.lessons.instruments.curves_drawing import (
    BLUE_LINE,
    GREEN_DASHED,
    INK_DASHED,
    ORANGE_LINE,
    PURPLE_DOTTED,
    Curve,
    draw_curves,
)
from whygrad.lessons.instruments.statistics import Band
from whygrad.lessons.lesson import Measured
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
)
from whygrad.lessons.story import Word as Spoken
from whygrad.words import number

if TYPE_CHECKING:
    from whygrad.lessons.experiments.starts import Starts

MARGIN = 0.05  # of the loss of guessing: a difference that shows in the picture
RISE = 1.1  # a median that grows by more than a tenth has gone up
CANCELLED = 1e-5  # of the gradient one layer further on: what rounding leaves of Σδ = 0
FAR_UP = 2.0  # so many times the loss of the proper start is high
ADAPTIVE = ("adam", "adamw", "rmsprop")  # a gradient over its own usual size
SIGMA = {  # what the proper initialisers draw with; n neurons below, m here
    "he_normal": "√(2/n)",
    "lecun_normal": "√(1/n)",
    "glorot_normal": "√(2/(n+m))",
}
LOOKS = {
    "zero": INK_DASHED,
    "constant": ORANGE_LINE,
    "tiny": PURPLE_DOTTED,
    "proper": BLUE_LINE,
    "huge": GREEN_DASHED,
}
KINDS = ("hidden_weight", "hidden_bias", "output_weight", "output_bias")


def tell(setup: "Starts", measured: Measured) -> Story:
    """Tell what became of every start, and how sure the difference is."""
    told = _numbers(setup, measured)
    return Story(
        told=(
            _say("setup", told),
            picture(setup, measured),
            _say(f"zero.{_zero(told)}", told),
            _say(f"constant.{_constant(told)}", told),
            *_clones(setup, measured, told),
            _say(f"tiny.{_tiny(told)}", told),
            _say(f"huge.{_huge(told)}", told),
            Fold(_say("fold.interval", told), (*_interval(told), _table(setup, measured, told))),
        ),
        left_out=(
            _say("rest" if _is_at_rest(measured) else "moves", told),
            *((_say("cancels", told),) if _cancels(told) else ()),
            Fold(_say("fold.moved", told), (_movements(measured, told),)),
            Fold(
                _say("fold.optimizer", told),
                (
                    _say(f"optimizer.{_optimizer(setup, measured, told)}", told),
                    _optimizers(setup, measured, told),
                ),
            ),
        ),
    )


def picture(setup: "Starts", measured: Measured) -> Picture:
    """Return the loss curves of all starts."""
    names, told = labels(setup, measured), _numbers(setup, measured)
    curves = {
        name: Curve(names[name], LOOKS[name], Band(**one["half"]), Band(**one["most"]))
        for name, one in measured["starts"].items()
    }
    return Picture(
        "curves",
        _say("picture", told),
        lambda: draw_curves(list(curves.values())),
        axes=(Spoken("lesson.word.epoch"), Spoken("lesson.word.loss")),
        legend=(
            *(Legend(LOOKS[name].mark, _start(name, told)) for name in names),
            Legend("blue band", Spoken("lesson.word.half_of_seeds")),
            Legend("blue faint-band", Spoken("lesson.word.most_seeds")),
        ),
        lines=[
            Line(_start(name, told), np.arange(len(curve.half.middle)), curve.half.middle)
            for name, curve in curves.items()
        ],
        is_wide=True,
    )


def labels(setup: "Starts", measured: Measured) -> dict[str, str]:
    """Return a name for every start that needs no words."""
    return {
        "zero": "w = 0",
        "constant": f"w = {number(setup.constant)}",
        "tiny": f"σ = {number(setup.tiny)}",
        "proper": f"σ = {SIGMA[measured['proper']]}",
        "huge": f"σ = {number(setup.huge)}",
    }


def _say(key: str, values: dict[str, Any]) -> Say:
    return Say(f"lesson.starts.{key}", values)


def _start(name: str, told: dict[str, Any]) -> Spoken:
    return Spoken(f"lesson.starts.start.{name}", told)


def _numbers(setup: "Starts", measured: Measured) -> dict[str, Any]:
    """Return every number that a sentence may need, by its name in the sentences."""
    starts, apart = measured["starts"], measured["differences"]
    return {
        **{name: getattr(setup, name) for name in vars(setup)},
        "sizes": "-".join(map(str, measured["sizes"])),
        "sigma": SIGMA[measured["proper"]],
        "count": setup.seeds * len(starts),
        "guessing": measured["guessing"],
        "sure": round(100 * apart["zero"]["level"], 1),
        **{f"{name}_first": one["first"] for name, one in starts.items()},
        **{f"{name}_final": one["final"]["middle"] for name, one in starts.items()},
        "peak": float(np.max(starts["constant"]["half"]["middle"])),
        "ratio": starts["huge"]["first"] / max(starts["proper"]["first"], 1e-300),
        **{f"{name}_neurons": count for name, count in measured["neurons"].items()},
        **{f"zero_{name}": apart["zero"][name] for name in ("low", "middle", "high")},
        "bias": measured["moved"]["output_bias"],
        "constant_pull": measured["constant_gradient"]["hidden_weight"],
        "constant_pull_out": measured["constant_gradient"]["output_weight"],
        "other_seeds": measured["other_seeds"],
        "other_tiny": measured["others"]["tiny"],
    }


def _zero(told: dict[str, Any]) -> str:
    room = MARGIN * told["guessing"]
    if told["zero_final"] < told["guessing"] - room:
        return "learns"
    return "flat" if told["zero_final"] <= told["guessing"] + room else "above"


def _constant(told: dict[str, Any]) -> str:
    way = "rises" if told["peak"] > RISE * told["constant_first"] else "calm"
    is_stuck = told["constant_final"] > (1 - MARGIN) * told["guessing"]
    return f"{way}.{'stuck' if is_stuck else 'learns'}"


def _tiny(told: dict[str, Any]) -> str:
    if told["tiny_final"] <= told["proper_final"]:
        return "ahead"
    is_stuck = told["tiny_final"] > (1 - MARGIN) * told["guessing"]
    return "stuck" if is_stuck else "late"


def _huge(told: dict[str, Any]) -> str:
    if told["huge_final"] <= told["proper_final"]:
        return "ahead"
    return "high" if told["ratio"] > FAR_UP else "behind"


def _clones(setup: "Starts", measured: Measured, told: dict[str, Any]) -> tuple[Say, ...]:
    neurons = measured["neurons"].values()
    if None in neurons:  # all runs of a start lost their numbers
        return ()
    if setup.width == 1:
        return (_say("clones.single", told),)
    return (_say("clones.same" if set(neurons) == {1} else "clones.parted", told),)


def _interval(told: dict[str, Any]) -> tuple[Block, ...]:
    if not np.isfinite([told["zero_low"], told["zero_high"]]).all():
        return (_say("pairs_lost", told),)
    formula = (
        r"d = C_{w=0} - C_{\sigma} \qquad"
        r" \tilde{d} = [[zero_middle]] \in [\,[[zero_low]],\ [[zero_high]]\,]"
    )
    return (_say("pairs", told), Formula(formula, told))


def _table(setup: "Starts", measured: Measured, told: dict[str, Any]) -> Table:
    apart = {"proper": None, **measured["differences"]}
    rows = [
        [
            _start(name, told),
            one["first"],
            one["final"]["middle"],
            f"{number(one['final']['low'])} … {number(one['final']['high'])}",
            f"{number(apart[name]['low'])} … {number(apart[name]['high'])}" if apart[name] else "–",
        ]
        for name, one in measured["starts"].items()
    ]
    head = [Spoken(f"lesson.starts.head.{name}") for name in ("start", "first", "final")]
    head += [Spoken("lesson.starts.head.half"), Spoken("lesson.starts.head.apart", told)]
    return Table(_say("table", told), head, rows)


def _cancels(told: dict[str, Any]) -> bool:
    """Return whether equal outgoing weights let the δ of the classes cancel, as under softmax."""
    return told["constant_pull"] < CANCELLED * told["constant_pull_out"]


def _is_at_rest(measured: Measured) -> bool:
    """Return whether nothing but the biases of the output moved."""
    return not any(measured["moved"][kind] for kind in KINDS if kind != "output_bias")


def _movements(measured: Measured, told: dict[str, Any]) -> Table:
    head: list[Cell] = [Spoken(f"lesson.starts.head.{name}") for name in ("kind", "pull", "moved")]
    rows = [
        [
            Spoken(f"lesson.starts.kind.{kind}"),
            measured["first_gradient"][kind],
            measured["moved"][kind],
        ]
        for kind in KINDS
    ]
    return Table(_say("movements", told), head, rows)


def _optimizer(setup: "Starts", measured: Measured, told: dict[str, Any]) -> str:
    """Return what the other optimiser shows: one kind frees the tiny start, or it does not."""
    adapts = [name in ADAPTIVE for name in (setup.optimizer, setup.other_optimizer)]
    room = MARGIN * told["guessing"]
    gain = told["other_tiny"] - told["tiny_final"]
    if adapts == [True, False] and gain > room:
        return "frees"
    return "binds" if adapts == [False, True] and gain < -room else "other"


def _optimizers(setup: "Starts", measured: Measured, told: dict[str, Any]) -> Table:
    head: list[Cell] = [
        Spoken("lesson.starts.head.start"),
        f"{setup.optimizer}, η = {number(setup.learning_rate)}",
        f"{setup.other_optimizer}, η = {number(setup.other_learning_rate)}",
    ]
    rows = [
        [_start(name, told), one["final"]["middle"], measured["others"][name]]
        for name, one in measured["starts"].items()
    ]
    return Table(_say("optimizers", told), head, rows)
