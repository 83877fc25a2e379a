"""The room of copies in Chromium, by mouse, by touch and by keyboard; its numbers are whygrad's."""

import math
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import jax
import numpy as np
import optax
import pytest

import whygrad as wg
from whygrad.lab.draws import create
from whygrad.lab.scenes import WIDTH, circles
from whygrad.words import number, speaking, t

pytestmark = pytest.mark.long

CALM = {"reduced_motion": "reduce"}
PLAY = ".player-button:nth-of-type(3)"
STEP = "document.querySelector('.step-count').textContent.match(/\\d+/)[0]"
GRADIENTS = ("dw1", "dw2", "db", "dv")


@dataclass(frozen=True)
class Copies:
    """A start of the room, as its address says it."""

    start: str = "constant"
    constant: float = 0.5
    touch: int = -1
    width: int = WIDTH
    activation: str = "tanh"
    optimizer: str = "adam"
    rate: float = 0.05
    seed: int = 0

    def hash(self, step: int = 0) -> str:
        given = {
            name: value for name, value in vars(self).items() if value != getattr(Copies, name)
        }
        return "&".join(["#room=copying", *(f"{k}={v}" for k, v in given.items()), f"step={step}"])

    def network(self) -> wg.Network:
        """Return the network, as whygrad draws it for the lab."""
        same, fit = f"constant:{self.constant}", "glorot_normal"
        return create(
            [2, self.width, 1],
            activations=[self.activation, "sigmoid"],
            init={"random": [fit, fit], "out": [same, fit]}.get(self.start, [same, same]),
            bias_init="normal:0.1" if self.start == "biases" else "zeros",
            seed=self.seed,
        )


@dataclass(frozen=True)
class Course:
    losses: list[float]
    widths: list[int]
    network: wg.Network
    anatomy: wg.Anatomy
    gradients: dict

    @property
    def rows(self) -> np.ndarray:
        hidden, output = self.network.dense
        assert hidden.bias is not None
        return np.vstack([hidden.weight, hidden.bias[None], output.weight.T])

    def shown(self) -> list[str]:
        """Return the three large numbers: effective width, largest difference, loss."""
        apart = float(np.ptp(self.rows, axis=1).max())
        return [f"{self.widths[-1]} / {self.rows.shape[1]}", number(apart), number(self.losses[-1])]


def train(copies: Copies, steps: int, *, watched: bool = False) -> Course:
    """Train as the room does, by whygrad; ``watched`` counts different neurons at every step."""
    with jax.enable_x64(True):
        x, y = (np.asarray(part, np.float64) for part in circles())
        rule = getattr(optax, copies.optimizer)(copies.rate)
        look = lambda network: wg.backward(  # noqa: E731
            network, wg.forward(network, x), y[:, None], loss="binary_cross_entropy"
        )

        @jax.jit
        def advance(network, state):
            anatomy = look(network)
            change, state = rule.update(anatomy.gradients(), state)
            after = optax.apply_updates(network.parameters, change)
            return network.with_parameters(after), state, anatomy.loss

        network = copies.network()
        state = rule.init(network.parameters)
        losses, widths = [], []
        for step in range(steps + 1):
            if step == copies.touch:
                network = touched(network)
            if watched or step == steps:
                widths.append(wg.effective_width(network)["hidden1"])
            if step < steps:
                network, state, loss = advance(network, state)
                losses.append(float(loss))
        anatomy = look(network)
        return Course([*losses, float(anatomy.loss)], widths, network, anatomy, anatomy.gradients())


def touched(network: wg.Network) -> wg.Network:
    parameters = network.parameters
    weight = parameters["hidden1"]["weight"].at[0, 0].add(1e-6)
    return network.with_parameters(
        parameters | {"hidden1": parameters["hidden1"] | {"weight": weight}}
    )


def figures(page) -> list[str]:
    return page.locator(".figure b").all_inner_texts()


def reach(page, step: int) -> None:
    """Wait until the page shows a step."""
    page.wait_for_function(
        "step => document.querySelector('.copying') && "
        "document.querySelector('.step-count').textContent.match(/\\d+/)[0] === step",
        arg=str(step),
        timeout=60_000,
    )


def visit(hand, hash: str) -> None:
    """Go on to a state of the room, in whichever way the page is used."""
    hand.page.evaluate("hash => { location.hash = hash }", hash)
    hand.page.wait_for_selector(".copying")


def play(hand) -> int:
    """Play to the end by mouse, and a while in the other ways. Return the step."""
    hand.page.locator(".speed select").select_option("1000")
    hand.press(PLAY)
    if hand.__class__.__name__ == "Mouse":
        reach(hand.page, 1000)
        return 1000
    hand.page.wait_for_function(f"() => ({STEP}) > 60", timeout=60_000)
    hand.press(PLAY)
    return int(hand.page.evaluate(STEP))


def tiles(page) -> list[str]:
    """Return the pictures of the neurons."""
    return page.locator(".tile canvas").evaluate_all("all => all.map(one => one.toDataURL())")


def cells(page) -> dict[str, str]:
    """Return the numbers of the two neurons that are compared."""
    return page.locator(".proof [data-number]").evaluate_all(
        "all => Object.fromEntries(all.map(one => [one.dataset.number, one.textContent]))"
    )


def differing(page) -> list[str]:
    """Return in which numbers the two neurons differ, also where that is too little to be read."""
    return page.locator(".proof .apart td:last-child [data-number]").evaluate_all(
        "all => all.map(one => one.dataset.number)"
    )


def test_sixteen_copies_are_one_neuron(hand):
    """Task 8."""
    visit(hand, Copies(start="random").hash())
    hand.press("[data-start=half]")
    assert number(1.401289753118359) in hand.page.locator(".figure.loss b").inner_text()
    steps = play(hand)
    wanted = train(Copies(), steps)
    assert figures(hand.page) == wanted.shown()
    if steps == 1000:
        assert figures(hand.page) == ["1 / 16", "0", "0.5704"]
        assert hand.page.locator(".one-mark").count() == 21
    assert len(set(tiles(hand.page))) == 1 and len(tiles(hand.page)) == 16
    legend = hand.page.locator(".legend").inner_text()
    assert number(wanted.losses[-1]) in legend
    apart = float(legend.split("Off by ")[1].split(" of")[0])
    assert apart < 1e-12
    assert hand.page.locator(".says").inner_text() == t(
        "lab.copying.says.alike.now", step=str(steps), steps=steps, n="16", apart=0, neurons=16,
        first=wanted.losses[0], loss=wanted.losses[-1],
    )  # fmt: skip


@pytest.mark.parametrize(
    "copies",
    [
        Copies(constant=1.0),
        Copies(constant=-0.7, width=8),
        Copies(constant=0.3, activation="sigmoid"),
        Copies(constant=0.5, optimizer="sgd", rate=0.5),
        Copies(constant=0.2, activation="relu", width=4, rate=0.01),
    ],
    ids=str,
)
def test_no_constant_lets_copies_part(show, lab, copies):
    page = show(lab, copies.hash(150), **CALM)
    reach(page, 150)
    wanted = train(copies, 150)
    assert figures(page)[0] == f"1 / {copies.width}" and figures(page)[1] == "0"
    assert figures(page)[2] == number(wanted.losses[-1])
    off = float(page.locator(".legend").inner_text().split("Off by ")[1].split(" of")[0])
    assert off < 1e-11


def test_what_nothing_gets_through_is_said_to_stand_still(show, lab):
    """Different weights out are of no use where the slope at 0 is 0."""
    copies = Copies(start="out", constant=0, activation="relu")
    page = show(lab, copies.hash(20), **CALM)
    reach(page, 20)
    course = train(copies, 20)
    moved = course.rows - train(copies, 0).rows
    assert not moved.any() and course.losses[-1] != course.losses[0]
    share = float(np.mean(circles()[1]))
    guess = -share * math.log(share) - (1 - share) * math.log(1 - share)
    told = {"step": "20", "steps": 20, "loss": course.losses[-1], "guess": guess}
    assert page.locator(".says").inner_text() == t("lab.copying.says.zero.classes", **told)


def test_zeros_teach_the_bias_of_the_output_alone(hand):
    """Task 9."""
    visit(hand, Copies().hash())
    hand.press("[data-start=zeros]")
    steps = play(hand)
    assert figures(hand.page) == train(Copies(constant=0.0), steps).shown()
    if steps == 1000:
        share = float(np.mean(circles()[1]))
        entropy = -share * math.log(share) - (1 - share) * math.log(1 - share)
        assert figures(hand.page) == ["1 / 16", "0", number(entropy)]
    lit = hand.page.locator(".lamp.lit").evaluate_all("all => all.map(one => one.dataset.number)")
    assert lit == ["moved.outputBias"]
    others = hand.page.locator(".lamp:not(.lit) b").all_inner_texts()
    assert others == ["0", "0", "0"]


def test_ones_end_where_ones_end(show, lab):
    page = show(lab, Copies(constant=1.0).hash(1000), **CALM)
    reach(page, 1000)
    assert figures(page) == train(Copies(constant=1.0), 1000).shown() == ["1 / 16", "0", "0.6018"]


def test_weights_out_part_what_weights_in_do_not(hand):
    """Task 10."""
    visit(hand, Copies().hash())
    hand.press("[data-start=out]")
    before = cells(hand.page)
    assert before["w1.1"] == before["w1.2"] and before["a.1"] == before["a.2"]
    assert differing(hand.page) == ["v.2", "delta.2", "dw1.2", "dw2.2", "db.2"]
    hand.press(".player-button:nth-of-type(4)")
    reach(hand.page, 1)
    # by Adam's first step, which is as long for all: even those of one sign part, by its epsilon
    assert differing(hand.page) == list(cells(hand.page))[1::2]
    assert figures(hand.page) == train(Copies(start="out"), 1).shown()
    assert figures(hand.page)[0] == "16 / 16"


@pytest.mark.parametrize("seed", [0, 5])
def test_random_biases_part_them_too_and_more_slowly(show, lab, seed):
    """Task 11."""
    losses = {}
    for start in ("biases", "random"):
        copies = Copies(start=start, seed=seed)
        page = show(lab, copies.hash(60), **CALM)
        reach(page, 60)
        wanted = train(copies, 60)
        assert figures(page) == wanted.shown()
        assert figures(page)[0] == "16 / 16"
        assert len(set(tiles(page))) == 16
        losses[start] = wanted.losses[-1]
    assert losses["biases"] > losses["random"]


def test_a_touch_parts_one_neuron_and_does_so_again(hand):
    """Task 12."""
    copies = Copies(constant=1.0)
    visit(hand, copies.hash(20))
    reach(hand.page, 20)
    hand.press(".player-button:nth-of-type(1)")
    hand.press("[data-control=touch]")
    steps = play(hand)
    wanted = train(replace(copies, touch=0), steps, watched=True)
    assert wanted.widths[0] == 1 and wanted.widths[-1] == 2
    first = next(step for step, width in enumerate(wanted.widths) if width > 1)
    assert (
        f"At step {first} its neuron first counts as different; now 2 of 16"
        in hand.page.locator(".says").inner_text()
    )
    assert figures(hand.page)[0] == "2 / 16"
    assert figures(hand.page)[2] == number(wanted.losses[-1])
    hand.press(".player-button:nth-of-type(1)")
    reach(hand.page, 0)
    visit(hand, replace(copies, touch=0).hash(first))
    reach(hand.page, first)
    assert figures(hand.page)[0] == "2 / 16"
    hand.press(".player-button:nth-of-type(2)")
    reach(hand.page, first - 1)
    assert figures(hand.page)[0] == "1 / 16"


def test_a_touch_on_the_way_stays_where_it_is(show, lab):
    page = show(lab, Copies(touch=120).hash(200), **CALM)
    reach(page, 200)
    assert figures(page) == train(Copies(touch=120), 200).shown()
    page.locator("[data-control=touch]").click()
    reach(page, 200)
    assert figures(page) == train(Copies(), 200).shown()


def numbers_of(course: Course, pair: tuple[int, int]) -> dict[str, str]:
    """Return the numbers of two neurons as the page writes them."""
    layer, output = course.anatomy["hidden1"], course.gradients["output"]
    gradient = course.gradients["hidden1"]
    wanted = {}
    for k in pair:
        w1, w2, b, v = course.rows[:, k - 1]
        wanted |= {f"w1.{k}": w1, f"w2.{k}": w2, f"b.{k}": b, f"v.{k}": v}
        wanted |= {f"a.{k}": layer.output[0, k - 1], f"delta.{k}": layer.delta[0, k - 1]}
        wanted |= {f"dw{j}.{k}": gradient["weight"][j - 1, k - 1] for j in (1, 2)}
        wanted |= {f"db.{k}": gradient["bias"][k - 1], f"dv.{k}": output["weight"][k - 1, 0]}
    return {name: number(float(value)) for name, value in wanted.items()}


def test_the_numbers_of_two_neurons_are_whygrads(show, lab):
    page = show(lab, "#room=copying", **CALM)
    for copies, step, pair in (
        (Copies(start="random", seed=3), 30, (4, 9)),
        (Copies(start="out", activation="sigmoid", constant=-0.8, width=5, seed=5), 4, (5, 2)),
        (Copies(start="biases", activation="relu", optimizer="sgd", width=6, rate=0.5), 7, (1, 3)),
    ):
        page.evaluate(
            "hash => { location.hash = hash }", f"{copies.hash(step)}&look={pair[0]},{pair[1]}"
        )
        reach(page, step)
        assert cells(page) == numbers_of(train(copies, step), pair)


def test_a_gradient_can_be_doubted(hand):
    visit(hand, Copies(start="random", seed=1).hash(10))
    reach(hand.page, 10)
    found = cells(hand.page)
    for name in ("delta.2", *(f"{one}.2" for one in GRADIENTS)):
        asked = f".proof [data-number='{name}']"
        if hand.__class__.__name__ == "Keyboard":  # a grid has one tab stop
            hand.page.locator(".proof [data-number='w1.1']").focus()
            for _ in range(12):
                if hand.page.evaluate(f"document.activeElement.matches({asked!r})"):
                    break
                hand.page.keyboard.press("ArrowDown")
                if hand.page.evaluate("document.activeElement.dataset.number.endsWith('.1')"):
                    hand.page.keyboard.press("ArrowRight")
            hand.page.keyboard.press("Enter")
        else:
            hand.press(asked)
        hand.page.wait_for_function("() => document.activeElement.className === 'close'")
        hand.press(".asked .action")
        difference = hand.page.locator("[data-is=difference]").inner_text()
        told = float(found[name].replace("−", "-"))
        assert float(difference.replace("−", "-")) == pytest.approx(told, rel=2e-4, abs=1e-10)
        hand.page.keyboard.press("Escape")


def test_every_number_on_screen_can_be_asked(show, lab):
    page = show(lab, Copies().hash(20), **CALM)
    reach(page, 20)
    names = page.locator(".copying [data-number]").evaluate_all(
        "all => all.map(one => one.dataset.number)"
    )
    assert len(names) == 3 + 20 + 4
    for name in names:
        page.locator(f".copying [data-number='{name}']").evaluate("one => one.click()")
        assert page.locator(".asked").get_attribute("data-asked") == name
        assert "lab." not in page.locator(".asked").inner_text()
        page.keyboard.press("Escape")


def test_a_neuron_is_chosen_to_be_compared(hand):
    visit(hand, Copies(start="random").hash())
    if hand.__class__.__name__ == "Keyboard":
        hand.reach(".tile")
        for key in ("ArrowDown", "ArrowRight", "ArrowRight"):
            hand.page.keyboard.press(key)
        hand.page.keyboard.press("Enter")
    else:
        hand.press(".tile:nth-of-type(7)")
    hand.page.wait_for_selector(".proof [data-number='w1.7']")
    hand.page.wait_for_url("**look=1%2C7**")


def test_back_is_exact(show, lab):
    page = show(lab, Copies(start="random").hash(3), **CALM)
    reach(page, 3)
    before = figures(page), cells(page)
    page.locator(".player-button").nth(3).click()
    page.locator(".player-button").nth(1).click()
    reach(page, 3)
    assert (figures(page), cells(page)) == before


def test_a_link_leads_to_the_same_step(show, lab):
    """Task 18."""
    page = show(lab, Copies(start="biases", seed=2).hash(300), **CALM)
    reach(page, 300)
    page.get_by_role("button", name="Link").click()
    link = page.locator(".panel textarea").input_value()
    assert len(link.partition("#")[2]) < 300
    other = show(lab, f"#{link.partition('#')[2]}", locale="zh-CN", **CALM)
    reach(other, 300)
    assert figures(other) == figures(page) and cells(other) == cells(page)


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("copies", "step"),
    [
        (Copies(), 1000),
        (Copies(start="biases", seed=3, touch=12), 40),
        (Copies(start="out", width=7, optimizer="sgd"), 1),
    ],
    ids=str,
)
def test_the_program_prints_the_same_numbers(show, lab, tmp_path, copies, step):
    page = show(lab, copies.hash(step), **CALM)
    reach(page, step)
    width, apart, loss = figures(page)
    page.get_by_role("button", name="Python").click()
    program = tmp_path / "program.py"
    program.write_text(page.locator(".panel textarea").input_value(), encoding="utf-8")
    done = subprocess.run([sys.executable, program], capture_output=True, text=True, check=True)
    lines = [line.split("  ") for line in done.stdout.splitlines() if not line.startswith(" ")]
    printed = {line[0]: line[-1].strip() for line in lines}
    assert number(float(printed["loss"])) == loss
    assert printed["effective width"] == width
    assert number(float(printed["apart"])) == apart
    gradients = [line.split()[-1] for line in done.stdout.splitlines() if "dC/d" in line]
    found = cells(page)
    wanted = [found[f"{name}.{k}"] for k in (1, 2) for name in GRADIENTS]
    assert [number(float(one)) for one in gradients] == wanted


def test_the_table_holds_every_neuron(show, lab):
    copies = Copies(start="random", width=5)
    page = show(lab, copies.hash(2), accept_downloads=True, **CALM)
    reach(page, 2)
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV").click()
    lines = Path(download.value.path()).read_text(encoding="utf-8-sig").splitlines()
    assert lines[0] == "neuron,w1,w2,b,a,v,delta,dw1,dw2,db,dv"
    values = np.array([[float(one) for one in line.split(",")] for line in lines[1:]])
    rows = train(copies, 2).rows
    np.testing.assert_allclose(values[:, [1, 2, 3, 5]], rows.T, rtol=1e-12)


def test_a_locked_task_shows_what_it_needs_and_ends(show, made, keyboard):
    """Task 19."""
    page = show(made(task="copying", lock=True, lang="zh"), **CALM)
    with speaking("zh"):
        assert page.locator(".task p").first.inner_text() == t("lab.copying.task.clones")
        assert page.locator("[data-control=touch], .choice, .strip").count() == 0
        keyboard(page).press("[data-start=ones]")
        page.locator(".speed select").select_option("1000")
        keyboard(page).press(PLAY)
        page.wait_for_selector(".task.done")
        done = page.locator(".task.done").inner_text()
        assert t("lab.copying.task.clones.done") in done


@pytest.mark.parametrize(
    ("task", "press"), [("pencil", "[data-control=touch]"), ("ring", "[data-start=random]")]
)
def test_the_other_tasks_end(show, made, mouse, task, press):
    page = show(made(task=task, lock=True), **CALM)
    page.wait_for_selector(".copying")
    assert page.locator(".task.done").count() == 0
    mouse(page).press(press)
    page.locator(".speed select").select_option("1000")
    mouse(page).press(PLAY)
    page.wait_for_selector(".task.done", timeout=60_000)


def test_everyone_can_use_it(show, lab, axe, language, theme, width):
    hash = f"{Copies(start='random').hash(40)}&lang={language}&theme={theme}&ask=dw1.1"
    page = show(lab, hash, width=width, **CALM)
    reach(page, 40)
    assert axe(page) == []
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


@pytest.mark.parametrize("width", [360, 390, 1280])
def test_what_is_pressed_is_large_enough(show, lab, width):
    page = show(lab, Copies(start="biases").hash(), width=width, **CALM)
    reach(page, 0)
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    small = page.locator("button, select, [role=slider], .copying [role=button]").evaluate_all(
        """all => all.filter(one => one.checkVisibility()).map(one => {
             const box = (one.querySelector(".hit") ?? one).getBoundingClientRect();
             return [one.outerHTML.slice(0, 80), box.width, box.height];
           }).filter(([, width, height]) => width < 39.5 || height < 35)"""
    )
    assert small == []
