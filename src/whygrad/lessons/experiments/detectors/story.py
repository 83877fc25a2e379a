"""What the lesson on detectors tells."""

from typing import TYPE_CHECKING, Any

import numpy as np

from whygrad.lessons.experiments.detectors.drawing import draw_detectors, draw_similarity
from whygrad.lessons.experiments.detectors.scales_story import FAILED, left_out, percent
from whygrad.lessons.lesson import Measured
from whygrad.lessons.story import (
    Fold,
    Formula,
    Legend,
    Picture,
    Say,
    Story,
    Table,
    Word,
)
from whygrad.words import number

if TYPE_CHECKING:
    from whygrad.lessons.experiments.detectors import Detectors

SHOWN = 16  # detectors in a picture
FAINT = 1.0  # percent; a difference between two pixels that no one sees in a picture
SHARP = 0.5  # share of the strongest images that show one digit
IMAGES = (
    Legend("blue", Word("lesson.detectors.legend.bright")),
    Legend("orange dashed", Word("lesson.detectors.legend.dark")),
    Legend("faint", Word("lesson.detectors.legend.images")),
)


def tell(setup: "Detectors", measured: Measured) -> Story:
    """Tell what became of equal and of random weights, and how random they should be."""
    told = _numbers(setup, measured)
    return Story(
        told=(
            _say("setup", told),
            _say(f"constant.{_constant(told)}", told),
            *_images("clones", measured["starts"]["constant"], told),
            _say(_random(told), told),
            *_images("detectors", measured["starts"]["random"], told),
            Fold(
                _say("fold.similarity", told),
                (
                    *([_say("fading", told)] if setup.l2 else []),
                    _summary(measured, told),
                    _say("similarity", told),
                    Formula(
                        r"\cos(j, k) = \frac{w_j \cdot w_k}{\lVert w_j \rVert \, \lVert w_k \rVert}"
                    ),
                    _similarity(setup, measured, told),
                ),
            ),
            *([_say("lost", told)] if told["constant_lost"] or told["random_lost"] else []),
        ),
        left_out=left_out(setup, measured["scales"]),
    )


def _say(key: str, values: dict[str, Any]) -> Say:
    return Say(f"lesson.detectors.{key}", values)


def _numbers(setup: "Detectors", measured: Measured) -> dict[str, Any]:
    """Return every number that a sentence may need, by its name in the sentences."""
    return {
        **{name: getattr(setup, name) for name in vars(setup)},
        **_of_starts(measured["starts"]),
    }


def _of_starts(starts: dict[str, Any]) -> dict[str, Any]:
    random = starts["random"]
    fires, digits = random["fires"], random["digits"]
    shares = digits.max(axis=1) / digits.sum(axis=1)
    sharpest = int(np.argmax(np.where(fires, shares, -1)))
    return {
        "constant_neurons": starts["constant"]["most_neurons"],
        "random_neurons": random["fewest_neurons"],
        "constant_right": percent(starts["constant"]["hits"]),
        "random_right": percent(random["hits"]),
        "constant_lost": starts["constant"]["lost"],
        "random_lost": random["lost"],
        "constant_fired": starts["constant"]["fired"],
        "contrast": 100 * starts["constant"]["contrast"],
        "least_alike": starts["constant"]["least_alike"],
        "mean_alike": random["mean_alike"],
        "constant_fire": starts["constant"]["fire"],
        "silent": int((~fires).sum()),
        "sharp": int((shares[fires] >= SHARP).sum()),
        "kinds": len(set(digits[fires].argmax(axis=1).tolist())),
        "digit": int(digits[sharpest].argmax()),
        "hits": int(digits[sharpest].max()),
        "images": int(digits[sharpest].sum()),
    }


def _constant(told: dict[str, Any]) -> str:
    """Return what became of the constant start."""
    if not np.isfinite(told["constant_neurons"]):
        return "lost"
    if told["constant_neurons"] > 1:
        return "parted"
    if not told["constant_fire"]:
        return "died" if told["constant_fired"] else "silent"
    return "copies" if told["contrast"] > FAINT else "plain"


def _random(told: dict[str, Any]) -> str:
    """Return what became of the random start."""
    if not np.isfinite(told["random_neurons"]):
        return "random_lost"
    return "random" if told["random_right"] > FAILED and told["kinds"] else "random_failed"


def _images(name: str, start: dict[str, Any], told: dict[str, Any]) -> tuple[Picture, ...]:
    """Return the detectors of a start; none where all its runs lost their numbers."""
    if not np.isfinite(start["most_neurons"]):
        return ()
    shown = _order(start)
    picture = Picture(
        name,
        _say(f"picture.{name}", told),
        lambda: draw_detectors(
            start["before"][:, shown],
            start["after"][:, shown],
            start["images"][shown],
            start["digits"][shown],
            start["fires"][shown],
        ),
        legend=IMAGES,
        is_wide=True,
    )
    return (picture,)


def _order(start: dict[str, Any]) -> np.ndarray:
    """Return the neurons with the longest weights, sorted by the digit that drives them most."""
    lengths = np.linalg.norm(start["after"], axis=0)
    longest = np.argsort(-lengths, kind="stable")[:SHOWN]
    digits, fires = start["digits"][longest], start["fires"][longest]
    return longest[np.lexsort((-digits.max(axis=1), digits.argmax(axis=1), ~fires))]


def _similarity(setup: "Detectors", measured: Measured, told: dict[str, Any]) -> Picture:
    starts = measured["starts"]
    order = {name: _order(start) for name, start in starts.items()}
    matrices = {
        f"w = {number(setup.constant)}": _ordered(starts["constant"], order["constant"]),
        "w ∼ N": _ordered(starts["random"], order["random"]),
    }
    return Picture(
        "similarity",
        _say("picture.similarity", told),
        lambda: draw_similarity(matrices),
        axes=(Word("lesson.word.neuron"), Word("lesson.word.neuron")),
        legend=(
            Legend("blue", Word("lesson.detectors.legend.alike")),
            Legend("orange dashed", Word("lesson.detectors.legend.opposite")),
        ),
    )


def _ordered(start: dict[str, Any], order: np.ndarray) -> np.ndarray:
    return start["similarity"][np.ix_(order, order)]


def _summary(measured: Measured, told: dict[str, Any]) -> Table:
    names = ("start", "neurons", "alike", "loss", "right")
    rows = [
        [
            Word(f"lesson.detectors.start.{name}", told),
            told[f"{name}_neurons"],
            start["mean_alike"],
            start["loss"],
            f"{number(told[f'{name}_right'])} %",
        ]
        for name, start in measured["starts"].items()
    ]
    return Table(_say("summary", told), [Word(f"lesson.detectors.head.{n}") for n in names], rows)
