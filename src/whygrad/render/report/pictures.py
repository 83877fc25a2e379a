"""The weights of the first layer as pictures, where the inputs are the pixels of an image."""

import numpy as np
from jaxtyping import Float, UInt8
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from whygrad.render.page.canvas import (
    BLUE_CELL,
    FAINT,
    ORANGE_CELL,
    WIDTH,
    as_svg,
    place,
    sheet,
    styled,
)
from whygrad.render.page.layout import behind, figure, grid, note, table
from whygrad.render.report.material import Material
from whygrad.render.report.section import Section
from whygrad.words import number
from whygrad.words.markup import Markup, joined, said

TILES, ACROSS = 36, 6  # pictures at most, and how many in a row
EDGE = 6  # around a drawing
LABEL = 16  # height of a picture's number
SPACE = 6  # between two pictures


def section(material: Material) -> Section | None:
    """Return the pictures before and after training."""
    if not material.has_network:
        return None
    if material.run.data.image_shape is None:
        return Section("pictures", note(said("report.pictures.none")))
    after = np.asarray(material.network.dense[0].weight, np.float64)
    start = material.start
    before = None if start is None else np.asarray(start.dense[0].weight, np.float64)
    chosen = _chosen(before, after)
    weights = {"before": before, "after": after}
    known = {when: weight for when, weight in weights.items() if weight is not None}
    largest = max(float(np.abs(weight).max()) for weight in known.values()) or 1.0
    shape = material.run.data.image_shape
    drawings = [_figure(when, known[when][:, chosen], chosen, shape, largest) for when in known]
    numbers = _numbers(known, chosen)
    return Section("pictures", joined(_which(len(chosen), after.shape[1]), grid(drawings), numbers))


def _which(shown: int, neurons: int) -> Markup | None:
    if shown == neurons:
        return None
    return note(said("report.pictures.which", shown=shown, neurons=neurons))


def _chosen(before: np.ndarray | None, after: np.ndarray) -> np.ndarray:
    """Return the neurons shown: all, or those whose weights moved most."""
    moved = np.linalg.norm(after - (0 if before is None else before), axis=0)
    return np.sort(np.argsort(-moved, kind="stable")[:TILES])


def _figure(
    when: str,
    weights: Float[np.ndarray, "pixels neurons"],
    neurons: np.ndarray,
    shape: tuple[int, int],
    largest: float,
) -> Markup:
    name = f"pictures-{when}"
    with styled(name):
        svg = as_svg(_drawn(weights, neurons, shape, largest), name)
    return figure(name, svg, said(f"report.pictures.{when}"))


def _drawn(
    weights: np.ndarray, neurons: np.ndarray, shape: tuple[int, int], largest: float
) -> Figure:
    across = min(ACROSS, len(neurons))
    side = min((WIDTH - 2 * EDGE - SPACE * (across - 1)) / across, 90)
    tall = side * min(shape[0] / shape[1], 2)
    rows = -(-len(neurons) // across)
    total = EDGE + rows * (LABEL + tall + SPACE) + 44
    figure = sheet(total)
    for n, neuron in enumerate(neurons):
        left = EDGE + n % across * (side + SPACE)
        top = EDGE + n // across * (LABEL + tall + SPACE) + LABEL
        axes = _frame(place(figure, left, top, side, tall))
        axes.imshow(_cells(weights[:, n].reshape(shape), largest), interpolation="none")
        axes.set_aspect("auto")
        axes.set_title(str(neuron), pad=2, color=FAINT)
    _legend(_frame(place(figure, EDGE + 16, total - 30, 160, 8)), largest)
    return figure


def _frame(axes: Axes) -> Axes:
    axes.set(xticks=[], yticks=[])
    for spine in axes.spines.values():
        spine.set_visible(True)
    return axes


def _cells(
    weights: Float[np.ndarray, "height width"], largest: float
) -> UInt8[np.ndarray, "height width rgba"]:
    rgba = np.empty((*weights.shape, 4))
    rgba[..., :3] = np.where((weights >= 0)[..., None], BLUE_CELL, ORANGE_CELL)
    rgba[..., 3] = np.abs(weights) / largest
    return (rgba * 255).round().astype(np.uint8)


def _legend(axes: Axes, largest: float) -> None:
    strip = np.linspace(-largest, largest, 65)[None, :]
    axes.imshow(_cells(strip, largest), extent=(-1, 1, 0, 1), interpolation="none", aspect="auto")
    axes.set_xticks([-1, 0, 1], [number(-largest, 2), "0", f"+{number(largest, 2)}"])


def _numbers(weights: dict[str, np.ndarray], neurons: np.ndarray) -> Markup:
    head = [
        said("report.word.neuron"),
        *(said(f"report.pictures.norm.{when}") for when in weights),
    ]
    norms = {when: np.linalg.norm(weight, axis=0) for when, weight in weights.items()}
    rows = [[str(k), *(number(norms[when][k]) for when in weights)] for k in neurons]
    return behind(said("page.numbers"), table(head, rows))
