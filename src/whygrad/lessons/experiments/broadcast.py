"""Statement 11: one bias is broadcast forward to all samples, so its gradient sums over them."""

from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from whygrad.backprop import backward, forward
from whygrad.lessons.lesson import AT_MOST, EQUALS, Exercise, Law, Lesson, Measured, Tick
from whygrad.lessons.options import option, setup
from whygrad.lessons.story import Formula, Legend, Picture, Say, Story, Table, Word
from whygrad.network import Network
from whygrad.network.losses import sample_losses
from whygrad.page.canvas import BLUE, FAINT, INK, ORANGE, WIDTH, place, sheet
from whygrad.settings import Range

NUDGE = 1e-5  # of a bias, up and down
TOLERANCE = 1e-7  # relative to the largest delta; a central difference errs by about NUDGE squared
SHOWN = 8  # samples and neurons in the picture
LOSS = "squared"


@setup
class Broadcast:
    """Options: how many samples share a bias, and what network they go through."""

    batch: int = option(6, Range(int, 1, 4097))
    inputs: int = option(3, Range(int, 1, 257))
    width: int = option(4, Range(int, 1, 257))
    activation: str = option("tanh", ("identity", "sigmoid", "tanh", "softplus", "silu", "gelu"))
    learning_rate: float = option(0.1, Range(float, 0, includes_low=False))
    seed: int = option(0, Range(int, 0, 2**31))


def measure(setup: Broadcast, tick: Tick) -> Measured:
    """Nudge every bias, watch the loss of every sample, and compare with back-propagation."""
    with jax.enable_x64(True):
        network, x, y = _draw(setup)
        trace = forward(network, x)
        anatomy = backward(network, trace, y, loss=LOSS)
        tick(0.3)
        nudged = _nudged(network, x, y, tick)
        gradient = np.asarray(anatomy.gradients()["hidden1"]["bias"])
        delta = np.asarray(anatomy["hidden1"].delta)
    return {
        "delta": delta,
        "nudged": nudged,
        "gradient": gradient,
        "sum": nudged.sum(axis=0),
        "scale": float(np.abs(nudged).max()),
        "sample_difference": float(np.abs(delta - nudged).max()),
        "mean_difference": float(np.abs(gradient - nudged.mean(axis=0)).max()),
        "ratio": _ratio(nudged.sum(axis=0), gradient),
        "shapes": {
            "product": [setup.batch, setup.width],
            "bias": list(network.parameters["hidden1"]["bias"].shape),
            "delta": list(delta.shape),
            "gradient": list(gradient.shape),
        },
    }


def laws(setup: Broadcast, measured: Measured) -> tuple[Law, ...]:
    """Every sample pulls by its delta; the mean is the gradient, and has the shape of the bias."""
    room = TOLERANCE * measured["scale"]
    shapes = measured["shapes"]
    return (
        Law("sample", measured["sample_difference"], AT_MOST, room),
        Law("mean", measured["mean_difference"], AT_MOST, room),
        Law("shape", float(shapes["gradient"] == shapes["bias"]), EQUALS, 1.0),
    )


def tell(setup: Broadcast, measured: Measured) -> Story:
    """Tell how one number goes to all samples, and how their answers come back as one."""
    neuron = int(np.argmax(np.abs(measured["gradient"])))
    pulls = measured["nudged"][:, neuron]
    one = {
        "batch": setup.batch,
        "width": setup.width,
        "neuron": neuron,
        "up": int((pulls < 0).sum()),
        "down": int((pulls > 0).sum()),
        "gradient": float(measured["gradient"][neuron]),
        "sum": float(measured["sum"][neuron]),
        "ratio": measured["ratio"],
        "nudge": NUDGE,
        "rate": setup.learning_rate,
        "rate_for_sum": setup.learning_rate / setup.batch,
        "step": -setup.learning_rate * float(measured["gradient"][neuron]),
    }
    return Story(
        told=(
            Say("lesson.broadcast.forward", one),
            Formula(r"z_{ik} = \sum_j x_{ij} w_{jk} + b_k"),
            Say("lesson.broadcast.nudge", one),
            Formula(
                r"\frac{\partial C}{\partial b_k} = \frac{1}{m} \sum_i \delta_{ik} \cdot 1"
                r" = \frac{[[sum]]}{[[batch]]} = [[gradient]]",
                one,
            ),
            _shapes(measured),
            Picture(
                "contraction",
                Say("lesson.broadcast.picture", one),
                lambda: _draw_contraction(measured["nudged"], measured["gradient"]),
                legend=(
                    Legend("blue", Word("lesson.positive")),
                    Legend("orange", Word("lesson.negative")),
                ),
            ),
        ),
        left_out=(
            Say("lesson.broadcast.left_out", one),
            Formula(
                r"\eta_\text{sum} = \frac{\eta}{m} = \frac{[[rate]]}{[[batch]]} = [[rate_for_sum]]",
                one,
            ),
        ),
    )


def _draw(setup: Broadcast) -> tuple[Network, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(setup.seed)
    sizes = [setup.inputs, setup.width, 1]
    weights = [rng.normal(0, 1 / np.sqrt(n), (n, m)) for n, m in pairwise(sizes)]
    biases = [rng.normal(0, 0.1, n) for n in sizes[1:]]
    network = Network.from_arrays(weights, biases, activations=[setup.activation, "identity"])
    return network, rng.normal(size=(setup.batch, setup.inputs)), rng.normal(size=(setup.batch, 1))


def _nudged(
    network: Network, x: np.ndarray, y: np.ndarray, tick: Tick
) -> Float[np.ndarray, "m n_out"]:
    """Return how the loss of every sample moves with every bias, by central differences."""
    columns = []
    for neuron in range(network["hidden1"].n_out):
        up, down = (_losses(network, neuron, sign * NUDGE, x, y) for sign in (1, -1))
        columns.append((up - down) / (2 * NUDGE))
        tick(0.3 + 0.7 * (neuron + 1) / network["hidden1"].n_out)
    return np.stack(columns, axis=1)


def _losses(
    network: Network, neuron: int, nudge: float, x: np.ndarray, y: np.ndarray
) -> np.ndarray:
    parameters = network.parameters
    bias = parameters["hidden1"]["bias"].at[neuron].add(nudge)
    moved = network.with_parameters(
        parameters | {"hidden1": parameters["hidden1"] | {"bias": bias}}
    )
    trace = forward(moved, x)["output"]
    return np.asarray(
        sample_losses(LOSS, "identity", trace.preactivation, trace.output, jnp.asarray(y))
    )


def _ratio(total: np.ndarray, mean: np.ndarray) -> float:
    """Return how much longer the sum is than the mean."""
    length = float(np.linalg.norm(mean))
    return float(np.linalg.norm(total)) / length if length else 0.0


def _shapes(measured: Measured) -> Table:
    shapes = {name: f"({', '.join(map(str, shape))})" for name, shape in measured["shapes"].items()}
    symbols = {"product": "x w", "bias": "b", "delta": "δ", "gradient": "∂C/∂b"}
    rows: list[list[Any]] = [
        [symbols[name], shape, Word(f"lesson.broadcast.shape.{name}")]
        for name, shape in shapes.items()
    ]
    head = [Word("lesson.word.array"), Word("lesson.word.shape"), Word("lesson.word.what_happens")]
    return Table(Say("lesson.broadcast.shapes"), head, rows)


def _draw_contraction(pulls: np.ndarray, gradient: np.ndarray) -> Figure:
    """Draw what every sample asks of every bias, and below it the mean."""
    shown = pulls[:SHOWN, :SHOWN]
    rows, columns = shown.shape
    cell = min(34, (WIDTH - 70) / columns)
    figure = sheet((rows + 2) * cell + 60)
    largest = max(float(np.abs(pulls).max()), 1e-300)
    above = place(figure, 56, 26, columns * cell, rows * cell)
    below = place(figure, 56, 26 + (rows + 0.7) * cell, columns * cell, cell)
    _cells(above, shown / largest)
    _cells(below, gradient[None, :SHOWN] / largest)
    _labels(above, [f"i = {i}" for i in range(rows)], [f"k = {k}" for k in range(columns)])
    _labels(below, ["Σ/m"], [])
    return figure


def _cells(axes: Any, values: np.ndarray) -> None:
    """Draw numbers in [-1, 1] as discs: blue and + where positive, orange and − where negative."""
    rows, columns = values.shape
    for row, column in np.ndindex(rows, columns):
        value = values[row, column]
        colour, sign = (BLUE, "+") if value >= 0 else (ORANGE, "−")
        size = 0.12 + 0.33 * float(np.sqrt(abs(value)))
        axes.add_patch(_disc(column, row, size, colour))
        axes.annotate(sign, (column, row), color=INK, ha="center", va="center", fontsize=9)
    axes.set(xlim=(-0.5, columns - 0.5), ylim=(rows - 0.5, -0.5), aspect="equal")


def _disc(x: float, y: float, radius: float, colour: str) -> Any:
    from matplotlib.patches import Circle

    return Circle((x, y), radius, facecolor=colour, alpha=0.35, edgecolor=colour)


def _labels(axes: Any, left: list[str], top: list[str]) -> None:
    axes.set_yticks(range(len(left)), left)
    axes.set_xticks(range(len(top)), top)
    axes.xaxis.tick_top()
    axes.tick_params(length=0, labelcolor=FAINT, labelsize=10)
    for spine in axes.spines.values():
        spine.set_visible(False)


LESSON = Lesson(
    name="broadcast",
    claim=11,
    setup=Broadcast,
    measure=measure,
    laws=laws,
    tell=tell,
    exercises=(
        Exercise(
            "sum_equals_mean",
            lambda setup, measured: abs(measured["ratio"] - 1) < 1e-6,
            {"batch": 1},
        ),
        Exercise(
            "cancel",
            lambda setup, measured: bool(
                (
                    np.abs(measured["gradient"]) < 0.01 * np.abs(measured["nudged"]).mean(axis=0)
                ).any()
            ),
            {"batch": 2048, "seed": 3},
        ),
    ),
)
