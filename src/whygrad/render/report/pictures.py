"""The weights of the first layer as pictures, where the inputs are the pixels of an image."""

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from whygrad.render.page.canvas import (
    FAINT,
    WIDTH,
    as_svg,
    place,
    sheet,
    signed_cells,
    styled,
)
from whygrad.render.page.layout import behind, figure, grid, note, table
from whygrad.render.report.material import Material
from whygrad.render.report.section import Section
from whygrad.words import number
from whygrad.words.markup import joined, said

TILES, ACROSS = 36, 6  # pictures at most, and how many in a row
EDGE = 6  # around a drawing
LABEL = 16  # height of a picture's number
SPACE = 6  # between two pictures


def section(material: Material) -> Section | None:
    """Return the pictures before and after training."""
    if not material.has_network:
        return None
    shape = material.run.data.image_shape
    if shape is None:
        return Section("pictures", note(said("report.pictures.none")))
    after = np.asarray(material.network.dense[0].weight, np.float64)
    start = material.start
    before = None if start is None else np.asarray(start.dense[0].weight, np.float64)
    moved = np.linalg.norm(after - (0 if before is None else before), axis=0)
    chosen = np.sort(np.argsort(-moved, kind="stable")[:TILES])  # those that moved most
    weights = {"before": before, "after": after}
    known = {when: weight for when, weight in weights.items() if weight is not None}
    largest = max(float(np.abs(weight).max()) for weight in known.values()) or 1.0
    drawings = []
    for when, weight in known.items():
        name = f"pictures-{when}"
        with styled(name):
            svg = as_svg(_drawn(weight[:, chosen], chosen, shape, largest), name)
        drawings.append(figure(name, svg, said(f"report.pictures.{when}")))
    neurons = after.shape[1]
    which = said("report.pictures.which", shown=len(chosen), neurons=neurons)
    which = note(which) if len(chosen) < neurons else None
    head = [said("report.word.neuron"), *(said(f"report.pictures.norm.{when}") for when in known)]
    norms = [np.linalg.norm(weight, axis=0) for weight in known.values()]
    rows = [[str(k), *(number(of_neurons[k]) for of_neurons in norms)] for k in chosen]
    numbers = behind(said("page.numbers"), table(head, rows))
    return Section("pictures", joined(which, grid(drawings), numbers))


def _drawn(
    weights: Float[np.ndarray, "pixels neurons"],
    neurons: np.ndarray,
    shape: tuple[int, int],
    largest: float,
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
        axes.imshow(signed_cells(weights[:, n].reshape(shape) / largest), interpolation="none")
        axes.set_aspect("auto")
        axes.set_title(str(neuron), pad=2, color=FAINT)
    legend = _frame(place(figure, EDGE + 16, total - 30, 160, 8))
    strip = signed_cells(np.linspace(-1, 1, 65)[None, :])
    legend.imshow(strip, extent=(-1, 1, 0, 1), interpolation="none", aspect="auto")
    legend.set_xticks([-1, 0, 1], [number(-largest, 2), "0", f"+{number(largest, 2)}"])
    return figure


def _frame(axes: Axes) -> Axes:
    axes.set(xticks=[], yticks=[])
    for spine in axes.spines.values():
        spine.set_visible(True)
    return axes
