"""Room 2 of the lab in Chromium: by mouse, by touch, by keyboard; numbers held to whygrad's."""

import re
import subprocess
import sys
from contextlib import suppress
from itertools import pairwise, product
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlencode

import jax
import numpy as np
import pytest

import whygrad as wg
from whygrad.lab.page import Lab, as_page
from whygrad.lab.reference import KNOWN
from whygrad.lab.scenes import SCENES
from whygrad.words import catalogue, number, speaking, t

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = pytest.mark.long

CALM = {"reduced_motion": "reduce"}
SIZES = (2, 3, 2, 1)
LAYERS = ("hidden1", "hidden2", "output")
RATE = 0.1
CONNECTIONS = [
    f"w{layer}{j}{k}"
    for layer, (n_in, n_out) in enumerate(pairwise(SIZES), 1)
    for j, k in product(range(n_in), range(n_out))
]
AT = "[data-look={}]"
PHASE = """() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() =>
  done(true))))"""


class Walked:
    """The network of the room, walked by whygrad in float64."""

    def __init__(self, activation="tanh", steps=0, **changes: float):
        with jax.enable_x64(True):
            scene = SCENES["forces"]()
            weights = [np.array(dense.weight, np.float64) for dense in scene.network.dense]
            biases = [np.array(dense.bias, np.float64) for dense in scene.network.dense]
            x, y = np.array(scene.x), np.array(scene.y)
            for name, value in changes.items():
                place = [int(digit) for digit in name[1:]]
                if name[0] == "w":
                    weights[place[0] - 1][place[1], place[2]] = value
                elif name[0] == "b":
                    biases[place[0] - 1][place[1]] = value
                elif name == "y":
                    y[0, 0] = value
                else:
                    x[0, place[0]] = value
            for _ in range(steps + 1):
                self._walk(weights, biases, activation, x, y)
                weights = [w - RATE * self.by_weight[i] for i, w in enumerate(weights)]
                biases = [b - RATE * self.delta[i + 1] for i, b in enumerate(biases)]

    def _walk(self, weights, biases, activation, x, y) -> None:
        names = [activation, activation, "identity"]
        network = wg.Network.from_arrays(weights, biases, activation=None, activations=names)
        anatomy = wg.backward(network, wg.forward(network, x), y, loss="squared")
        one = [anatomy[name] for name in LAYERS]
        row = lambda array: np.asarray(array, np.float64)[0]  # noqa: E731
        self.weights, self.biases, self.y = weights, biases, float(y[0, 0])
        self.a = [x[0], *(row(layer.output) for layer in one)]
        self.z = [None, *(row(layer.preactivation) for layer in one)]
        self.slope = [None, *(row(layer.slope) for layer in one)]
        self.delta = [None, *(row(layer.delta) for layer in one)]
        self.u = [weights[0] @ self.delta[1], *(row(layer.upstream) for layer in one)]
        self.by_weight = [np.asarray(anatomy.gradients()[name]["weight"]) for name in LAYERS]
        self.loss = float(anatomy.loss)

    def table(self) -> dict[str, float]:
        """Return the room's table as whygrad has it."""
        found = {"y": self.y, "C": self.loss}
        for layer, (name, n) in enumerate(zip(("x", *LAYERS), SIZES, strict=True)):
            for k in range(n):
                at = f"{name}[{k}]"
                found |= {f"{at} a": self.a[layer][k], f"{at} dC/da": self.u[layer][k]}
                if layer:
                    parts = {"z": self.z, "slope": self.slope, "delta": self.delta}
                    found |= {f"{at} {what}": of[layer][k] for what, of in parts.items()}
                    found[f"{at} bias"] = self.biases[layer - 1][k]
        for layer, name in enumerate(LAYERS):
            for j, k in np.ndindex(self.weights[layer].shape):
                at = f"{name}.weight[{j}, {k}]"
                found[at] = self.weights[layer][j, k]
                found[f"dC/d {at}"] = self.by_weight[layer][j, k]
        return {name: float(value) for name, value in found.items()}


def table_of(page) -> dict[str, float]:
    """Return the table that the page hands over."""
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV").click()
    lines = Path(download.value.path()).read_text(encoding="utf-8-sig").splitlines()
    cells = [re.fullmatch(r'"?(.*?)"?,([^,]*)', line) for line in lines[1:]]
    return {cell[1]: float(cell[2]) for cell in cells if cell}


def says(page) -> str:
    return page.locator(".says").text_content()


def look_at(hand, name: str) -> None:
    """Click, touch, or go by arrow keys to a neuron or a connection."""
    page = hand.page
    at = AT.format(name)
    if type(hand).__name__ == "Keyboard":
        if not page.evaluate("document.activeElement.matches('.picture [role=radio]')"):
            hand.reach(".picture [role=radio]")
        return walk_to(page, name)
    page.locator(".picture").scroll_into_view_if_needed()
    x, y = page.locator(at).evaluate(
        """one => {
          const path = one.querySelector(".hit");
          if (!path) {
            const { x, y, width, height } = one.querySelector(".body").getBoundingClientRect();
            return [x + width / 2, y + height / 2];
          }
          const reached = [];
          for (let share = 0.1; share < 0.95; share += 0.02) {
            const point = path.getPointAtLength(path.getTotalLength() * share);
            const { x, y } = point.matrixTransform(path.getScreenCTM());
            if (one.contains(document.elementFromPoint(x, y))) reached.push([x, y]);
          }
          if (reached.length) return reached[Math.floor(reached.length / 2)]; // far from others
          throw new Error(`${one.dataset.look} cannot be reached`); }"""
    )
    chosen = "at => document.querySelector(at).ariaChecked === 'true'"
    if type(hand).__name__ == "Mouse":
        page.mouse.click(x, y)
        return page.wait_for_function(chosen, arg=at)
    for _ in range(5):  # Chromium takes a tap right behind a drag for the end of it
        page.touchscreen.tap(x, y)
        with suppress(playwright.TimeoutError):
            return page.wait_for_function(chosen, arg=at, timeout=1000)
    raise AssertionError(f"{name} was not chosen")


def walk_to(page, name: str) -> None:
    column = 2 * int(name[1]) - (name[0] == "w")
    for _ in range(20):
        now = page.evaluate("document.activeElement.dataset.look")
        if now == name:
            return
        here = 2 * int(now[1]) - (now[0] == "w")
        if here != column:
            page.keyboard.press("ArrowRight" if here < column else "ArrowLeft")
        else:
            page.keyboard.press("ArrowDown" if now < name else "ArrowUp")
        page.wait_for_function("was => document.activeElement.dataset.look !== was", arg=now)
    raise AssertionError(f"no way to {name}")


@pytest.fixture
def room(hand):
    """Return the page in each of the ways, in this room."""
    go_to(hand.page, "")
    hand.page.wait_for_selector(".forces")
    return hand


STATES = {
    "": {},
    "activation=sigmoid&x0=-2": {"activation": "sigmoid", "x0": -2.0},
    "activation=gelu&w110=-1.3&b20=2&y=0.5": dict(activation="gelu", w110=-1.3, b20=2.0, y=0.5),
    "step=7": {"steps": 7},
}


def drawn(seed: int) -> tuple[str, dict[str, Any]]:
    """Return a state as its address, and as changes of the network."""
    draw = np.random.default_rng(seed)
    moved = draw.choice([*CONNECTIONS, "b10", "b11", "b20", "b30", "x0", "x1", "y"], 5)
    changes = {str(name): round(draw.uniform(-3, 3), 3) for name in moved}
    changes["activation"] = str(draw.choice(KNOWN["activation"]))
    steps = int(draw.integers(4))
    return urlencode(changes | {"step": steps}), changes | {"steps": steps}


def go_to(page, hash: str) -> None:
    """Follow a link into the room."""
    page.evaluate("hash => { location.hash = hash; }", f"room=forces&{hash}")
    page.wait_for_function(PHASE)


def test_every_number_is_whygrads(show, lab):
    page = show(lab, "#room=forces", **CALM)
    for hash, changes in [*STATES.items(), *map(drawn, range(6))]:
        go_to(page, hash)
        wanted = Walked(**changes).table()
        found = table_of(page)
        assert found.keys() == wanted.keys()
        scale = max(map(abs, wanted.values()))
        assert found == pytest.approx(wanted, rel=1e-12, abs=1e-14 * scale)
        output = page.locator("[data-look=n11] .output").text_content()
        assert output == number(wanted["hidden1[1] a"])


def test_a_connection_shows_two_factors_and_their_product(room):
    """Task 6."""
    one = Walked()
    for name in ("w100", "w112", "w201", "w220", "w310"):
        look_at(room, name)
        layer, j, k = (int(digit) for digit in name[1:])
        a, delta = float(one.a[layer - 1][j]), float(one.delta[layer][k])
        source = f"x{j}" if layer == 1 else f"a{layer - 1}{j}"
        room.page.locator(f"[data-number=g{name}]").wait_for()
        shown = [
            room.page.locator(f".taken-apart [data-number={one}] text").text_content()
            for one in (source, f"delta{layer}{k}", f"g{name}")
        ]
        assert shown == [number(a), number(delta), number(a * delta)]
        near = room.page.locator(".unit.near").evaluate_all("all => all.map(o => o.dataset.look)")
        assert near == [f"n{layer - 1}{j}", f"n{layer}{k}"]
        room.press(f"[data-number=g{name}]")
        room.press(".asked .action")
        assert room.page.locator("[data-is=difference]").text_content() == number(a * delta)
        room.page.keyboard.press("Escape")
        room.page.locator(AT.format(name)).focus()


def test_a_connection_answers_at_once(show, lab):
    page = show(lab, "#room=forces", **CALM)
    took = page.evaluate(
        """async names => {
          const times = [];
          for (const name of names) {
            const begin = performance.now();
            const link = document.querySelector(`[data-look=${name}]`);
            link.dispatchEvent(new MouseEvent("click", { bubbles: true }));
            while (!document.querySelector(`[data-number=g${name}]`))
              await new Promise(requestAnimationFrame);
            times.push(performance.now() - begin);
          }
          return times; }""",
        CONNECTIONS,
    )
    assert len(took) == len(CONNECTIONS) and median(took) < 100


QUIET = {"quiet": (0.05, 1.777), "loud": (0.9, 0.0902)}  # of the lesson `responsibility`


def test_the_quiet_one_carries_the_blame(room):
    """Task 7."""
    room.press("[data-preset=quiet]")
    page = room.page
    rows = lambda: page.locator(".sum .term").all_text_contents()  # noqa: E731
    for k, (a, u) in enumerate(QUIET.values()):
        look_at(room, f"n1{k}")
        page.locator(f"[data-number=u1{k}]").wait_for()
        assert page.locator(f"[data-look=n1{k}] .output").text_content() == number(a)
        assert page.locator(f"[data-number=u1{k}] text").text_content() == number(u)
        if k == 0:
            assert rows()[0] == "1.5 × 1.216"
            assert page.locator("[data-number=p010] text").text_content() == "1.823"
            told = {"a": a, "other": "hidden1[1]", "loud": 0.9, "less": QUIET["loud"][1]}
            wanted = t("lab.forces.says.quiet", place="hidden1[0]", u=u, **told)
            assert says(page) == wanted


def test_the_preset_hears_what_the_lesson_measures(show, lab):
    """The same two neurons stand in the lesson's larger network."""
    measured = wg.lessons.responsibility().run().measured
    page = show(lab, "#room=forces", **CALM)
    page.locator("[data-preset=quiet]").click()
    found = table_of(page)
    for k in range(2):
        assert number(found[f"hidden1[{k}] a"]) == number(float(measured["output"][k]))
        assert number(found[f"hidden1[{k}] dC/da"]) == number(float(measured["sum"][k]))


def test_bars_of_the_listeners_end_where_the_sum_does(show, lab):
    page = show(lab, "#room=forces&look=n11", **CALM)
    bars = page.locator(".sum .bar").evaluate_all(
        "all => all.map(one => [+one.getAttribute('x'), +one.getAttribute('width')])"
    )
    one = Walked()
    parts = one.weights[1][1] * one.delta[2]
    sizes = [*np.abs(parts), abs(one.u[1][1]), abs(one.u[1][1]), abs(one.delta[1][1])]
    widths = np.array([width for _, width in bars])
    assert widths / widths[2] == pytest.approx(np.array(sizes) / sizes[2], rel=1e-6)


def test_every_number_that_is_shown_can_be_doubted(show, lab):
    page = show(lab, "#room=forces&activation=silu", **CALM)
    checked = 0
    for name in ("n10", "n21", "n30", "n01", "w220"):
        page.locator(AT.format(name)).dispatch_event("click")
        names = page.locator(".taken-apart [data-number]").evaluate_all(
            "all => all.map(one => one.dataset.number)"
        )
        for asked in names:
            page.locator(f".taken-apart [data-number={asked}]").first.click()
            page.locator(".asked").wait_for()
            doubt = page.locator(".asked .action")
            if doubt.count():
                doubt.click()
                page.locator(".doubt").wait_for()
                results = page.locator(".doubt .result").all_text_contents()
                assert results[0] == results[1], (name, asked)
                checked += 1
            page.keyboard.press("Escape")
    assert checked >= 14


@pytest.mark.parametrize("look", ["n10", "n01", "n21", "w102"])
def test_blame_is_followed_to_the_loss(show, lab, look):
    page = show(lab, f"#room=forces&look={look}.paths", **CALM)
    one = Walked()
    flows = page.locator(".link.flow").evaluate_all("all => all.map(one => one.dataset.look)")
    layer, k = (int(look[1]), int(look[2])) if look[0] == "n" else (int(look[1]), int(look[3]))
    ahead = {name for name in CONNECTIONS if int(name[1]) > layer + 1}
    ahead |= {name for name in CONNECTIONS if name[1:3] == f"{layer + 1}{k}"}
    assert set(flows) == ahead | ({look} if look[0] == "w" else set())
    widths = page.locator(".link.flow .line").evaluate_all(
        "all => all.map(one => +one.getAttribute('stroke-width'))"
    )
    assert max(widths) == pytest.approx(18)
    if look[0] == "n":
        ways = page.locator(".sum [data-number^=way] text").all_text_contents()
        assert len(ways) == np.prod(SIZES[layer + 1 :])
        total = sum(float(way.replace("−", "-")) for way in ways)
        assert total == pytest.approx(float(one.u[layer][k]), abs=1e-3)
        shown = page.locator(f"[data-number=u{layer}{k}] text").text_content()
        assert shown == number(float(one.u[layer][k]))


def test_the_picture_is_one_stop_and_arrows_reach_everything(show, lab, keyboard):
    page = show(lab, "#room=forces", **CALM)
    stops = page.locator(".picture [role=radio][tabindex='0']")
    assert stops.count() == 1
    hand = keyboard(page)
    hand.reach(".picture [role=radio]")
    for name in (*CONNECTIONS, "n00", "n01", "n10", "n11", "n12", "n20", "n21", "n30"):
        walk_to(page, name)
        assert stops.count() == 1
        assert page.locator("[role=radio][aria-checked=true]").get_attribute("data-look") == name


def test_steps_go_forward_and_back_exactly(room):
    press = lambda at: room.press(f".player-button:nth-of-type({at})")  # noqa: E731
    page = room.page
    output = page.locator("[data-look=n30] .output")
    for steps in (1, 2):
        press(4)
        page.wait_for_function(
            "step => document.querySelector('.step-count').textContent === step",
            arg=f"step {steps}",
        )
        assert output.text_content() == number(float(Walked(steps=steps).a[3][0]))
    first, last = Walked().loss, Walked(steps=2).loss
    assert says(page) == t(
        "lab.forces.says.learnt", step="2", steps=2, first=first, loss=last
    ).replace("a_in", "ain")
    press(2)
    assert output.text_content() == number(float(Walked(steps=1).a[3][0]))
    press(1)
    assert output.text_content() == number(float(Walked().a[3][0]))


def test_looking_never_takes_a_step(show, lab):
    page = show(lab, "#room=forces&step=5", **CALM)
    page.locator("[data-look=n11]").click()
    page.locator("[data-control=paths]").click()
    assert page.locator(".step-count").text_content() == "step 5"
    assert page.locator("[data-look=n11] .output").text_content() == number(
        float(Walked(steps=5).a[1][1])
    )


def test_a_slider_moves_what_is_looked_at(room):
    room.move("b10", 2)
    one = Walked(b10=2.0)
    page = room.page
    page.wait_for_function(
        "text => document.querySelector('[data-look=n10] .output').textContent === text",
        arg=number(float(one.a[1][0])),
    )
    look_at(room, "w210")
    room.move("w210", 1.5)
    one = Walked(b10=2.0, w210=1.5)
    assert page.locator("[data-number=gw210] text").text_content() == number(
        float(one.by_weight[1][1, 0])
    )


SENTENCES = [
    ("look=n20", "both"), ("look=n30", "last"), ("look=n00", "input"), ("look=n10.paths", "paths"),
    ("look=w310", "link"), ("b10=5", "flat"),
]  # fmt: skip


def test_the_sentence_is_true(show, lab):
    page = show(lab, "#room=forces", **CALM)
    for hash, key in SENTENCES:
        go_to(page, hash)
        one = Walked(**({"b10": 5.0} if key == "flat" else {}))
        layer, k = {"both": (2, 0), "last": (3, 0), "input": (0, 0)}.get(key, (1, 0))
        values = {
            "place": f"{('x', *LAYERS)[layer]}[{k}]", "a": float(one.a[layer][k]), "y": one.y,
            "u": float(one.u[layer][k]), "count": 1, "listeners": 1, "next": "output",
            "from": "hidden2[1]", "to": "output[0]", "is": "≈",
        }  # fmt: skip
        if layer:
            values |= {"slope": float(one.slope[layer][k]), "delta": float(one.delta[layer][k])}
        if key == "link":
            a, delta = float(one.a[2][1]), float(one.delta[3][0])
            values |= {"a": a, "delta": delta, "gradient": a * delta}
        assert says(page) == t(f"lab.forces.says.{key}", **values)


def test_a_torn_neuron_is_told(show, lab):
    page = show(lab, "#room=forces", **CALM)
    page.locator("[data-preset=quiet]").click()
    page.locator("[data-look=n12]").click()
    assert says(page).startswith("The listeners of hidden1[2] ask 0.97")


@pytest.mark.parametrize("steps", [3])
def test_the_program_prints_the_same_numbers(show, lab, tmp_path, steps):
    page = show(lab, f"#room=forces&w201=0.3&x1=-1.5&activation=sigmoid&step={steps}", **CALM)
    page.get_by_role("button", name="Python").click()
    program = tmp_path / "program.py"
    program.write_text(page.locator(".panel textarea").input_value(), encoding="utf-8")
    done = subprocess.run([sys.executable, program], capture_output=True, text=True, check=True)
    one = Walked(activation="sigmoid", steps=steps, w201=0.3, x1=-1.5)
    lines = done.stdout.splitlines()
    assert lines[0] == f"C = {one.loss:.4g}"
    for layer, name in enumerate(LAYERS, 1):
        for k in range(SIZES[layer]):
            line = next(one for one in lines if one.startswith(f"{name}[{k}]"))
            found = [float(value) for value in re.findall(r"(?:a|dC/da|slope|delta) (\S+)", line)]
            wanted = [one.a, one.u, one.slope, one.delta]
            assert found == [float(f"{of[layer][k]:.4g}") for of in wanted]
    assert len(lines) == 1 + sum(SIZES[1:]) + len(CONNECTIONS)


def test_a_link_leads_to_the_same_picture(show, lab):
    page = show(lab, "#room=forces&lang=zh-Hans", **CALM)
    page.locator("[data-preset=quiet]").click()
    page.locator("[data-look=n12]").click()
    page.locator("[data-control=paths]").click()
    page.get_by_role("button", name="链接").click()
    link = page.locator(".panel textarea").input_value()
    assert len(link.partition("#")[2]) < 300
    other = show(lab, f"#{link.partition('#')[2]}", **CALM)
    texts = """[...document.querySelectorAll('.picture text, .sum .ask text')]
                 .map(one => one.textContent)"""
    assert other.evaluate(texts) == page.evaluate(texts)
    assert other.locator("[data-preset=quiet]").get_attribute("aria-pressed") == "true"


@pytest.mark.parametrize(
    ("task", "look", "control", "goal"),
    [("blame", "n10", None, None), ("asleep", None, "b10", 5.0), ("torn", None, "w200", -0.5)],
)
def test_a_locked_task_shows_what_it_needs_and_ends(
    show, tmp_path, keyboard, task, look, control, goal
):
    """Task 19, for this room."""
    path = tmp_path / "task.html"
    Lab(as_page(task=task, lock=True, lang="zh")).write(path)
    page = show(path, **CALM)
    hand = keyboard(page)
    with speaking("zh"):
        assert page.locator(".task p").first.text_content() == t(f"lab.forces.task.{task}")
        assert page.locator(".task.done").count() == 0
        sliders = page.locator("[role=slider]").evaluate_all(
            "all => all.map(o => o.dataset.control)"
        )
        assert sliders == ([control] if control else [])
        assert page.locator(".presets, .choice, .toggle, .strip").count() == 0
        if look:
            look_at(hand, look)
        else:
            hand.move(control, goal)
        page.locator(".task.done").wait_for()
        assert t(f"lab.forces.task.{task}.done") in page.locator(".task.done").text_content()


def test_a_locked_task_lets_nothing_else_be_typed(show, tmp_path):
    path = tmp_path / "task.html"
    Lab(as_page(task="torn", lock=True, lang="en")).write(path)
    page = show(path, **CALM)
    page.locator(".taken-apart [data-number=w200]").click()
    assert page.locator(".asked .typed").count() == 1
    page.keyboard.press("Escape")
    page.locator(AT.format("w100")).dispatch_event("click")
    page.locator(".taken-apart [data-number=x0]").click()
    page.locator(".asked").wait_for()
    assert page.locator(".asked .typed").count() == 0


def test_slides_show_what_they_ask_about(show, tmp_path):
    path = tmp_path / "slides.html"
    Lab(as_page("forces", slides=True, lang="en")).write(path)
    page = show(path, **CALM)
    looked = []
    slides = [key for key in catalogue("en") if key.startswith("lab.forces.slide.")]
    for _ in slides:
        looked.append(page.locator("[aria-checked=true]").get_attribute("data-look"))
        page.keyboard.press("ArrowRight")
    assert looked == ["n10", "w200", "n10", "n11", "n12", "n10"]
    assert says(page).startswith("1.")  # much is asked of it, and it sleeps


def test_everyone_can_use_it(show, lab, axe, language, theme, width):
    page = show(lab, f"#room=forces&lang={language}&theme={theme}&ask=delta10", width=width, **CALM)
    page.locator(".asked .action").click()
    assert axe(page) == []
    page.keyboard.press("Escape")
    for look in ("w200", "n00"):
        page.locator(AT.format(look)).dispatch_event("click")
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    page.locator("[data-control=paths]").click()
    assert axe(page, "main") == []
    assert (
        page.evaluate("document.getAnimations().filter(o => o.playState === 'running').length") == 0
    )


@pytest.mark.parametrize("width", [360, 1280])
def test_no_text_lies_over_another(show, lab, width):
    page = show(lab, "#room=forces", width=width, **CALM)
    for look in ("n10", "n12.paths", "n00.paths", "w310", "n30"):
        go_to(page, f"look={look}")
        assert overlapping(page) == [], look


def overlapping(page) -> list[str]:
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    return page.evaluate(
        """() => [...document.querySelectorAll(".forces svg:not(svg svg)")].flatMap(drawing => {
             const all = [...drawing.querySelectorAll("text")].filter(o => o.textContent.trim());
             const boxes = all.map(one => one.getBoundingClientRect());
             return all.flatMap((one, i) => all.slice(i + 1).filter((other, n) => {
               const [a, b] = [boxes[i], boxes[i + 1 + n]];
               const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
               const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
               return wide > 1 && high > 6;
             }).map(other => `${one.textContent} | ${other.textContent}`)); })"""
    )


@pytest.mark.parametrize("width", [390, 1280])
def test_what_is_pressed_is_large_enough(show, lab, width):
    page = show(lab, "#room=forces", width=width, **CALM)
    small = page.locator("button, select, [role=slider], .unit").evaluate_all(
        """all => all.filter(one => one.checkVisibility()).map(one => {
             const box = (one.querySelector(".hit") ?? one).getBoundingClientRect();
             return [one.outerHTML.slice(0, 80), box.width, box.height];
           }).filter(([, width, height]) => width < 43.5 || height < 35)"""
    )
    assert small == []


def test_an_address_of_nonsense_does_no_harm(show, lab):
    page = show(lab, "#room=forces&look=n99.%00&w100=NaN&ask=way", **CALM)
    assert page.locator("[aria-checked=true]").get_attribute("data-look") == "n10"
    assert page.locator("[data-look=n30] .output").text_content() == number(float(Walked().a[3][0]))
