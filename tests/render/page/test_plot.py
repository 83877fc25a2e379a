"""A picture outside of its page: real colours everywhere, a caption that fits."""

import io

import numpy as np
import pytest
from matplotlib import rc_context
from matplotlib.collections import Collection
from matplotlib.colors import to_hex, to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Rectangle
from matplotlib.text import Text

from whygrad.lessons.rendering.plotting import plot
from whygrad.lessons.story import Legend, Picture, Say, Word
from whygrad.render.page.canvas import (
    BLUE,
    BLUE_CELL,
    FAINT,
    GREEN,
    INK,
    LIGHT,
    LINE,
    ORANGE,
    PURPLE,
    RED,
    VARIABLES,
    panels,
    place,
    sheet,
)
from whygrad.words import speaking

MARKS = {to_rgba(mark)[:3] for mark in VARIABLES}
CAPTION = Say("lesson.book.neuron.picture")
AXES = (Word("lesson.book.name.input"), Word("lesson.book.name.output"))


def everything() -> Figure:
    """Draw one of everything that lessons draw with."""
    figure, (axes,) = panels([160])
    axes.plot([0, 1, 2], [1, 3, 2], color=BLUE, marker="o", markerfacecolor=ORANGE, label="a")
    axes.fill_between([0, 1, 2], [0, 1, 1], [2, 4, 3], color=GREEN, alpha=0.25)
    axes.scatter([0, 1], [2, 2], color=[PURPLE, INK], edgecolor=FAINT)
    axes.vlines([0.5], 0, 1, color=ORANGE, linestyle="dotted")
    axes.add_patch(Rectangle((0, 0), 1, 1, facecolor=PURPLE, alpha=0.5, edgecolor=LINE))
    axes.add_patch(Circle((1, 1), 0.2, facecolor="none", edgecolor=GREEN))
    axes.errorbar([1], [2], yerr=[0.5], color=INK, capsize=3)
    axes.axhline(2, color=FAINT)
    axes.text(1, 1, "t", color=BLUE, bbox={"facecolor": ORANGE, "edgecolor": INK})
    axes.annotate("n", (0, 0), (1, 1), color=GREEN, arrowprops={"color": PURPLE})
    axes.imshow(np.array([[[*BLUE_CELL, 0.5]]]), extent=(0, 1, 0, 1), aspect="auto")
    axes.set_title("title", color=PURPLE)
    axes.legend(labelcolor=ORANGE)
    axes.grid(color=LINE)
    figure.text(0.5, 0.5, "f", color=RED)
    return figure


def picture(draw=everything, **settings) -> Picture:
    legend = [
        Legend("blue", "a"),
        Legend("orange dashed", "b"),
        Legend("green dotted", "c"),
        Legend("purple band", "d"),
        Legend("ink faint-band", "e"),
        Legend("faint disc", Word("lesson.book.name.slope")),
    ]
    return Picture("all", CAPTION, draw, **({"axes": AXES, "legend": legend} | settings))


def svg_of(figure: Figure) -> str:
    file = io.StringIO()
    with rc_context({"svg.fonttype": "none"}):
        figure.savefig(file, format="svg")
    return file.getvalue()


def test_no_mark_is_left_anywhere():
    svg = svg_of(plot(picture()))
    assert not [mark for mark in VARIABLES if mark in svg]
    for colour in LIGHT.values():
        assert colour in svg


def test_no_mark_comes_back_when_ticks_are_made_anew():
    figure = plot(picture())
    figure.axes[0].set(xlim=(-100, 100), ylim=(-7, 50))
    assert not [mark for mark in VARIABLES if mark in svg_of(figure)]


def test_transparency_stays():
    figure = plot(picture())
    band = next(one for one in figure.axes[0].collections if isinstance(one, Collection))
    assert to_hex(band.get_facecolor()[0]) == LIGHT["--green"]
    assert band.get_facecolor()[0][3] == pytest.approx(0.25)
    assert figure.axes[0].patches[0].get_facecolor()[3] == pytest.approx(0.5)
    assert figure.axes[0].patches[1].get_facecolor()[3] == 0


def test_cells_are_as_dark_as_on_a_page():
    """0.62 and 1.5 are what style.css says of cells on white; worked out by the CSS formula."""
    cells = plot(picture()).axes[0].images[0].get_array()
    red, green, blue = (0.62 * part for part in BLUE_CELL)
    grey = 0.213 * red + 0.715 * green + 0.072 * blue
    wanted = [np.clip(grey + 1.5 * (part - grey), 0, 1) for part in (red, green, blue)]
    np.testing.assert_allclose(cells[0, 0], [*wanted, 0.5], atol=1e-3)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_nothing_is_cut_off(language):
    """Every word lies inside the figure, and no word of the page on one of the drawing."""
    with speaking(language):
        figure = plot(picture(lambda: panels([160])[0]))
    figure.draw_without_rendering()
    sheet_box = figure.bbox
    texts = [one for one in figure.findobj(Text) if one.get_text() and one.get_visible()]
    added = [*figure.texts, *figure.legends[0].get_texts()]
    drawn = [one.get_window_extent() for one in texts if one not in added]
    words = [one.get_window_extent() for one in added]
    assert len(drawn) > 4 and len(words) == 8
    for box in drawn + words:
        assert sheet_box.x0 - 1 <= box.x0 and box.x1 <= sheet_box.x1 + 1
        assert sheet_box.y0 - 1 <= box.y0 and box.y1 <= sheet_box.y1 + 1
    for place_, one in enumerate(words):
        assert not [other for other in words[place_ + 1 :] + drawn if one.overlaps(other)]


def test_the_caption_is_whole():
    figure = plot(picture())
    shown = " ".join(figure.texts[-2].get_text().split())
    assert shown.startswith("A neuron forwards and backwards.")
    assert shown.endswith("multiplies by one derivative.")


def test_words_speak_the_language_in_use():
    with speaking("zh"):
        words = [one.get_text() for one in plot(picture()).texts]
    assert any("一个神经元的前向与反向" in one for one in words) or "A neuron" in words[-2]


def test_what_is_drawn_keeps_its_size():
    """Room is added above and below; a panel is as large as before."""
    before = everything()
    figure = plot(picture())
    sizes = [one.axes[0].get_position().size * one.get_size_inches() for one in (before, figure)]
    np.testing.assert_allclose(*sizes)
    assert figure.get_figheight() > before.get_figheight()


def test_a_drawing_may_have_no_axes_and_no_legend():
    figure = plot(picture(lambda: sheet(80), axes=None, legend=()))
    assert len(figure.texts) == 1


def test_an_array_with_a_colour_scale_may_be_drawn():
    def draw() -> Figure:
        figure = sheet(80)
        axes = place(figure, 10, 10, 60, 60)
        axes.imshow(np.ma.masked_invalid([[0.0, np.nan], [1.0, 2.0]]), cmap="viridis")
        axes.scatter([0, 1], [0, 1], c=[0.0, 1.0])
        return figure

    image = plot(picture(draw)).axes[0].images[0]
    assert image.get_array().shape == (2, 2, 4)
    assert image.get_array()[0, 1, 3] == 0
