"""Three ways to use the lab: by mouse, by touch on a phone, by keyboard alone; and its numbers,
as whygrad has them. And what runs its JavaScript without a browser."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

import whygrad as wg
from whygrad.lab.page import Lab, as_page
from whygrad.words import number

HERE = Path(__file__).parent
# of the eight looks of a page those in which every two of language, theme and width meet once
LOOKS = (
    *(("en", "light", 390), ("zh-Hans", "dark", 390)),
    pytest.param("en", "dark", 1280, marks=pytest.mark.again),
    pytest.param("zh-Hans", "light", 1280, marks=pytest.mark.again),
)
START = {"input": 3.0, "weight": 0.5, "bias": -1.0, "target": 1.0, "activation": "sigmoid"}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give a test that takes a look at the page every look that there is."""
    names = ("language", "theme", "width")
    if set(names) <= set(metafunc.fixturenames):
        metafunc.parametrize(names, LOOKS)


class Hand:
    """One way to use the page: it moves a slider to a value, and presses what can be pressed."""

    def __init__(self, page):
        self.page = page

    def slider(self, control: str):
        return self.page.locator(f"[role=slider][data-control={control}]")

    def read(self, control: str, name: str = "now") -> float:
        """Return the value of a slider, or its ``min`` or ``max``."""
        return float(self.slider(control).get_attribute(f"aria-value{name}"))

    def move(self, control: str, to: float) -> None:
        """Drag the handle of a slider to a value."""
        self.slider(control).scroll_into_view_if_needed()
        begin, first, last = self.slider(control).evaluate(
            """one => {
              const [handle, track] = [".handle", ".track"].map(part => one.querySelector(part));
              const at = (part, x, y) => {
                const found = new DOMPoint(+part.getAttribute(x), +part.getAttribute(y));
                const { x: left, y: top } = found.matrixTransform(part.getScreenCTM());
                return [left, top];
              };
              return [at(handle, "cx", "cy"), at(track, "x1", "y1"), at(track, "x2", "y2")]; }"""
        )
        share = self.place(control, to)
        self.drag(begin, (first[0] + share * (last[0] - first[0]), first[1]))

    def place(self, control: str, value: float) -> float:
        """Return where on its line a value is, from 0 to 1."""
        least, most = self.read(control, "min"), self.read(control, "max")
        if least == -most and most > 10:  # a scale with more room near 0
            return float(0.5 + np.arcsinh(value) / np.arcsinh(most) / 2)
        return (value - least) / (most - least)


class Mouse(Hand):
    def drag(self, begin, end) -> None:
        self.page.mouse.move(*begin)
        self.page.mouse.down()
        self.page.mouse.move(*end, steps=5)
        self.page.mouse.up()

    def press(self, selector: str) -> None:
        self.page.locator(selector).first.click()


class Touch(Hand):
    def drag(self, begin, end) -> None:
        session = self.page.context.new_cdp_session(self.page)
        path = [(begin[0] + (end[0] - begin[0]) * i / 5, begin[1]) for i in range(6)]
        for kind, (x, y) in [("touchStart", path[0]), *(("touchMove", one) for one in path[1:])]:
            points = [{"x": x, "y": y}]
            session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
        session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

    def press(self, selector: str) -> None:
        self.page.locator(selector).first.tap()


class Keyboard(Hand):
    def reach(self, selector: str) -> None:
        """Press Tab until something has the focus, and see that this can be seen."""
        for _ in range(80):
            self.page.keyboard.press("Tab")
            if self.page.evaluate(f"document.activeElement.matches({selector!r})"):
                return
        raise AssertionError(f"no way to {selector}")

    def move(self, control: str, to: float) -> None:
        self.reach(f"[role=slider][data-control={control}]")
        if to in (self.read(control, "min"), self.read(control, "max")):
            return self.page.keyboard.press("Home" if to < 0 else "End")
        for _ in range(200):
            value = self.read(control)
            if value == to:
                return
            self.page.keyboard.press("ArrowRight" if value < to else "ArrowLeft")
        raise AssertionError(f"{control} does not come to {to}")

    def press(self, selector: str) -> None:
        self.reach(selector)
        self.page.keyboard.press("Enter")


HANDS = {
    "mouse": (Mouse, {"width": 1280, "height": 800}),
    "touch": (Touch, {"width": 390, "height": 844, "has_touch": True, "is_mobile": True}),
    "keyboard": (Keyboard, {"width": 1280, "height": 800}),
}


@pytest.fixture(scope="session")
def lab(tmp_path_factory) -> Path:
    """Return the page as a file."""
    path = tmp_path_factory.mktemp("lab") / "lab.html"
    return Lab(as_page()).write(path).path or path


@pytest.fixture(
    params=["mouse", *(pytest.param(one, marks=pytest.mark.again) for one in ("touch", "keyboard"))]
)
def hand(request, show, lab) -> Hand:
    """Return the page, used in each of the ways."""
    kind, settings = HANDS[request.param]
    return kind(show(lab, **settings, reduced_motion="reduce"))


@pytest.fixture
def mouse():
    """Return what makes a hand with a mouse of a page."""
    return Mouse


@pytest.fixture
def keyboard():
    """Return what makes a hand on a keyboard of a page."""
    return Keyboard


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Callable[..., Path]:
    """Return the function that writes a page made in another way."""

    def make(**options) -> Path:
        path = tmp_path_factory.mktemp("lab") / "lab.html"
        return Lab(as_page(**options)).write(path).path or path

    return make


def numbers_of_neuron(**changes) -> dict[str, float]:
    """Return every number of the neuron, by whygrad in float64."""
    one = START | changes
    if "held" in changes:  # the bias makes up for what the input does
        one["bias"] = changes["held"] - one["weight"] * one["input"]
    with jax.enable_x64(True):
        network = wg.Network.from_arrays(
            [np.array([[one["weight"]]])], [np.array([one["bias"]])], activation=None,
            activations=[one["activation"]],
        )  # fmt: skip
        trace = wg.forward(network, np.array([[one["input"]]]))
        anatomy = wg.backward(network, trace, np.array([[one["target"]]]), loss="squared")
        layer, gradient = anatomy["output"], anatomy.gradients()["output"]
        arrays = {
            "preactivation": layer.preactivation, "output": layer.output, "loss": anatomy.loss,
            "upstream": layer.upstream, "slope": layer.slope, "delta": layer.delta,
            "weightGradient": gradient["weight"], "biasGradient": gradient["bias"],
        }  # fmt: skip
        return {name: float(np.asarray(array).item()) for name, array in arrays.items()}


def numbers_shown(page) -> dict[str, str]:
    """Return the numbers of the picture as they are written there."""
    return page.evaluate(
        """() => Object.fromEntries([...document.querySelectorAll(".picture [data-number]")].map(
             one => [one.dataset.number, one.querySelector(".value").textContent]))"""
    )


def expect_numbers(page, **numbers: float) -> None:
    """Wait until the picture shows numbers; they are written as Python writes them."""
    wanted = {name: number(value) for name, value in numbers.items()}
    page.wait_for_function(
        """wanted => Object.entries(wanted).every(([name, text]) =>
             document.querySelector(`.picture [data-number=${name}] .value`)
               ?.textContent === text)""",
        arg=wanted,
    )
    assert {name: numbers_shown(page)[name] for name in wanted} == wanted


@pytest.fixture
def numbers_of() -> Callable[..., dict[str, float]]:
    """Return the function that asks whygrad for every number of one neuron."""
    return numbers_of_neuron


@pytest.fixture
def shown() -> Callable[..., dict[str, str]]:
    """Return the function that reads the numbers of the picture."""
    return numbers_shown


@pytest.fixture
def expect() -> Callable[..., None]:
    """Return the function that waits until the picture shows numbers."""
    return expect_numbers


@pytest.fixture(scope="session")
def node(tmp_path_factory) -> Callable[[str, Any], Any]:
    """Return the function that runs a script of this folder.

    The script reads what it is given as JSON from a file, and prints JSON.
    """
    program = shutil.which("node")
    if program is None:
        pytest.skip("there is no node on this machine, which runs the engine of the lab")

    def run(script: str, given: Any) -> Any:
        path = tmp_path_factory.mktemp("lab") / "given.json"
        path.write_text(json.dumps(given, allow_nan=False))
        command = [program, str(HERE / script), str(path)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run
