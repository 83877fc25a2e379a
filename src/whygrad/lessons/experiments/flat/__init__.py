"""Statement 2: the bias still contains its own neuron; where the slope is flat, it freezes too."""

from typing import Any

import jax
import numpy as np
from jaxtyping import Bool, Float

from whygrad.core.backprop import backward, forward
from whygrad.core.nn import Network
from whygrad.lessons.experiments.flat.story import tell
from whygrad.lessons.instruments import elementwise
from whygrad.lessons.instruments.elementwise import NAMES
from whygrad.lessons.instruments.second_way import nudged
from whygrad.lessons.lesson import AT_MOST, Exercise, Law, Lesson, Measured, Place, Tick, within
from whygrad.lessons.options import option, setup
from whygrad.record.activations import FLAT_SHARE
from whygrad.settings import Range

ALL = "all"
TOLERANCE = 1e-9  # of a slope found by nudging, relative to 1 + the largest |z|
MARGIN = 1e-6  # of the share: leaky_relu lies exactly on 1 %, and rounding is not to decide
HALVINGS = 60  # of the stretch between two points; then rounding ends it
EQUAL = 1e-12  # two slopes that differ by less, relative to them, are the same one
FURTHEST = 30.0  # bias of the neuron in the lab
KINK = 0.1  # left and right differ by more than this at a kink, else by rounding

Sweep = Float[np.ndarray, " points"]


@setup
class Flat:
    """Options: what every neuron gets, what is asked of it, and where the sweep goes."""

    activation: str = option(ALL, (ALL, *NAMES))
    input: float = option(3.0, Range(float, -1000, 1000))
    upstream: float = option(0.5, Range(float, 1e-6, 1e9))
    share: float = option(FLAT_SHARE, Range(float, 1e-6, 0.25))
    reach: float = option(12.0, Range(float, 0.5, 100))
    points: int = option(481, Range(int, 5, 2001))


def measure(setup: Flat, tick: Tick) -> Measured:
    """Set one neuron to every z, push all of them alike, and see what their parameters get."""
    names = NAMES if setup.activation == ALL else (setup.activation,)
    z = _sweep(setup)
    activations = {}
    with jax.enable_x64(True):
        for place, name in enumerate(names, 1):
            activations[name] = _measure(setup, name, z)
            tick(place / len(names))
    measured = {"z": z, "activations": activations}
    return measured | {"is_confirmed": all(law.holds for law in laws(setup, measured))}


def laws(setup: Flat, measured: Measured) -> tuple[Law, ...]:
    """Where nudges find a flat slope both gradients are small; and both go as the slope does."""
    return (
        Law("weight", _most(measured, "weight_left"), AT_MOST, setup.share),
        Law("bias", _most(measured, "bias_left"), AT_MOST, setup.share),
        Law("slope", _most(measured, "off"), AT_MOST, _room(setup)),
    )


def _most(measured: Measured, name: str) -> float:
    return float(np.max([one[name] for one in measured["activations"].values()]))  # NaN if any is


def _room(setup: Flat) -> float:
    """Return how far a slope found by nudging may be off."""
    return TOLERANCE * (1 + setup.reach)


def _sweep(setup: Flat) -> Sweep:
    steps = np.arange(setup.points) - (setup.points - 1) / 2  # 0 is met exactly, if at all
    return steps * (2 * setup.reach / (setup.points - 1))


def _measure(setup: Flat, name: str, z: Sweep) -> dict[str, Any]:
    slope, weight, bias = _gradients(setup, name, z)
    nudges = nudged(elementwise.VALUES[name], z)
    # flat beyond doubt: nudging errs a little, and that is not to decide
    is_flat = _is_flat(np.abs(nudges.slope) + _room(setup), setup.share)
    off = np.abs(bias / setup.upstream - nudges.slope)
    return {
        "slope": slope,
        "weight": weight,
        "bias": bias,
        "nudged": nudges.slope,
        "off": float((off - np.where(nudges.gap > KINK, nudges.gap / 2, 0)).max()),
        "weight_left": _left(weight, is_flat),
        "bias_left": _left(bias, is_flat),
        **_regions(z, slope, _is_flat(slope, setup.share)),
        "zeros": _valleys(name, z, slope),
    }


def _gradients(setup: Flat, name: str, z: Sweep) -> tuple[Sweep, Sweep, Sweep]:
    """Return slope, gradient of the weight and of the bias, of one neuron for every z.

    They stand side by side in one layer, each brought to its z by its bias. All leave by the same
    weight to one output, whose loss rises by 1 for every 1 that it says too much.
    """
    weights = [np.zeros((1, len(z))), np.full((len(z), 1), setup.upstream)]
    network = Network.from_arrays(weights, [z, np.zeros(1)], activations=[name, "identity"])
    trace = forward(network, np.array([[setup.input]]))
    anatomy = backward(network, trace, np.asarray(trace.output) - 1, loss="absolute")
    gradient = anatomy.gradients()["hidden1"]
    arrays = (anatomy["hidden1"].slope[0], gradient["weight"][0], gradient["bias"])
    slope, weight, bias = (np.asarray(array) for array in arrays)
    return slope, weight, bias


def _is_flat(slope: Sweep, share: float) -> Bool[np.ndarray, " points"]:
    size = np.abs(slope)
    return size < share * (1 - MARGIN) * size.max()


def _left(gradient: Sweep, is_flat: Bool[np.ndarray, " points"]) -> float:
    """Return the largest gradient in the flat region, as a share of the largest one anywhere."""
    size = np.abs(gradient)
    largest = size.max()
    return float(size[is_flat].max(initial=0) / largest) if largest else 0.0


def _regions(z: Sweep, slope: Sweep, is_flat: Bool[np.ndarray, " points"]) -> dict[str, Any]:
    """Return where the slope is flat: from either end, and where it is steepest."""
    size, places = np.abs(slope), np.flatnonzero(~is_flat)
    first, last = places[0], places[-1]
    steep = int((size >= size.max() * (1 - EQUAL)).argmax())
    return {
        "is_flat": is_flat,
        "flat_share": float(is_flat.mean()),
        "flat_to": float(z[first - 1]) if first else None,
        "flat_from": float(z[last + 1]) if last + 1 < len(z) else None,
        "largest_flat": float(size[is_flat].max(initial=0)),
        "flat_place": int(np.where(is_flat, size, np.inf).argmin()),
        "steep_place": steep,
        "steepest": float(size[steep]),
        "steepest_at": float(z[steep]),
    }


def _valleys(name: str, z: Sweep, slope: Sweep) -> list[float]:
    """Return where the slope changes its sign, however few places the sweep has around it."""
    z, slope = z[slope != 0], slope[slope != 0]
    changes = np.flatnonzero(np.diff(np.sign(slope)))
    return [_bisect(name, float(z[place]), float(z[place + 1])) for place in changes]


def _bisect(name: str, low: float, high: float) -> float:
    """Return where the slope passes through 0, as nudging finds it."""
    is_rising = nudged(elementwise.VALUES[name], high).slope > 0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        is_above = (nudged(elementwise.VALUES[name], middle).slope > 0) == is_rising
        low, high = (low, middle) if is_above else (middle, high)
    return (low + high) / 2


def _is_never_flat(setup: Flat, measured: Measured) -> bool:
    found = list(measured["activations"].values())
    is_strict = setup.reach >= 12 and setup.share >= FLAT_SHARE
    return is_strict and len(found) == 1 and found[0]["flat_share"] == 0


def _is_as_wide_as_sigmoid_allows(setup: Flat, measured: Measured) -> bool:
    found = measured["activations"].get("sigmoid")
    if found is None or setup.share < FLAT_SHARE:
        return False
    return found["flat_share"] == 0 and float(measured["z"][-1]) >= 5 - MARGIN


def _is_pushed_awake(setup: Flat, measured: Measured) -> bool:
    found = measured["activations"].get("sigmoid")
    if found is None or setup.share > FLAT_SHARE:
        return False
    return float(np.abs(found["bias"][found["is_flat"]]).max(initial=0)) >= 1


def _in_the_lab(setup: Flat) -> Place:
    """Return the first neuron of the sweep, asked as much as here; of all activations the sigmoid.

    Its weight is 0, so its bias alone brings it to its z. Where no target in reach asks as much,
    the closest that asks for something stands in.
    """
    activation = "sigmoid" if setup.activation == ALL else setup.activation
    z = -within(setup.reach, 0.0, FURTHEST)
    said = float(elementwise.VALUES[activation](np.float64(z)))
    exact = said - setup.upstream
    target = exact if abs(exact) <= 1 else within(said + setup.upstream, -1.0, 1.0)
    address = {"weight": 0.0, "bias": z, "input": within(setup.input, -5.0, 5.0), "target": target}
    told = {"activation": activation, "z": z}
    return Place("neuron", {**address, "activation": activation, "hold": False}, values=told)


LESSON = Lesson(
    name="flat",
    claim=2,
    setup=Flat,
    measure=measure,
    laws=laws,
    tell=tell,
    exercises=(
        Exercise("never", _is_never_flat, {"activation": "leaky_relu"}),
        Exercise("edge", _is_as_wide_as_sigmoid_allows, {"activation": "sigmoid", "reach": 5.0}),
        Exercise("push", _is_pushed_awake, {"activation": "sigmoid", "upstream": 1000.0}),
    ),
    lab=_in_the_lab,
)
