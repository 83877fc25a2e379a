"""The stylesheet: colours that can be told apart, in light and in dark, and a sample for each."""

import hashlib
import re
from pathlib import Path

import pytest

from whygrad.render.page.canvas import DARK, LIGHT, VARIABLES
from whygrad.render.page.layout import resource

ROOT = Path(__file__).parents[3]
TEXT, GRAPHICS = 4.5, 3.0  # WCAG 2.2, 1.4.3 and 1.4.11
COLOURS = ("ink", "faint", "blue", "orange", "green", "purple", "red")


def palettes() -> dict[str, dict[str, str]]:
    """Return the colours of every block of the stylesheet that sets them."""
    blocks = re.findall(r"([^{}]*)\{([^{}]*--paper: #[^{}]*)\}", resource("style.css"))
    found = [dict(re.findall(r"(--\w+): (#\w{6})", block)) for _, block in blocks]
    return dict(zip(("light", "system dark", "chosen dark"), found, strict=True))


def luminance(colour: str) -> float:
    shares = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("palette", palettes())
@pytest.mark.parametrize("ground", ["--paper", "--panel", "--measured"])
@pytest.mark.parametrize("colour", COLOURS)
def test_every_colour_can_be_read_on_every_ground(palette, ground, colour):
    colours = palettes()[palette]
    assert contrast(colours[f"--{colour}"], colours[ground]) >= TEXT


def test_dark_is_the_same_whether_chosen_or_asked_for_by_the_system():
    assert palettes()["system dark"] == palettes()["chosen dark"]


def test_figures_outside_of_pages_have_the_colours_of_light_pages():
    for shown, palette in ((LIGHT, "light"), (DARK, "chosen dark")):
        assert {name: palettes()[palette][name] for name in shown} == shown
        assert set(VARIABLES.values()) <= set(shown)


@pytest.mark.parametrize("mark", [*COLOURS, "dashed", "dotted", "band", "faint-band", "disc"])
def test_every_mark_of_a_legend_has_its_sample(mark):
    assert re.search(rf"\.sample\.{mark}\b", resource("parts.css"))


def test_files_of_others_are_those_that_are_declared():
    table = (ROOT / "THIRD_PARTY.md").read_text(encoding="utf-8")
    declared = dict(re.findall(r"\| `(\S+)` \|.*`(\w{64})` \|", table))
    there = {
        path.relative_to(ROOT).as_posix()
        for folder in ("tests/vendor", "src/whygrad/lab/static/vendor")
        for path in (ROOT / folder).glob("*.js")
    }
    assert set(declared) == there
    for name, digest in declared.items():
        assert hashlib.sha256((ROOT / name).read_bytes()).hexdigest() == digest
