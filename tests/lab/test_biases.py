"""The room that asks why biases may be 0, in Chromium; its numbers are whygrad's."""

import subprocess
import sys
from functools import cache, partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import whygrad as wg
from whygrad.lab.draws import create
from whygrad.lab.scenes import WIDTH, circles
from whygrad.words import number, speaking, t

pytestmark = pytest.mark.long

CALM = {"reduced_motion": "reduce"}
SEEDS = 8


@partial(jax.jit, static_argnums=(1, 2))
def run(networks: wg.Network, steps: int, rate: float) -> wg.Network:
    """Train several networks, each on all samples."""
    x, y = (jnp.asarray(np.asarray(part, np.float64)) for part in circles())
    adam = optax.adam(rate)

    def one(network):
        def step(_, carry):
            network, state = carry
            trace = wg.forward(network, x)
            anatomy = wg.backward(network, trace, y[:, None], loss="binary_cross_entropy")
            change, state = adam.update(anatomy.gradients(), state)
            after = optax.apply_updates(network.parameters, change)
            return network.with_parameters(after), state

        return jax.lax.fori_loop(0, steps, step, (network, adam.init(network.parameters)))[0]

    return jax.vmap(one)(networks)


@cache
def trained(
    steps: int, spread: float = 0.1, seed: int = 0, activation: str = "tanh", rate: float = 0.02
) -> dict[str, list[wg.Network]]:
    """Return the networks of both kinds after some steps, by whygrad, one a seed."""
    with jax.enable_x64(True):
        found = {}
        for kind, bias_init in (("zero", "zeros"), ("random", f"normal:{spread}")):
            starts = [
                create(
                    [2, WIDTH, 1],
                    activations=[activation, "sigmoid"],
                    init="glorot_normal",
                    bias_init=bias_init,
                    seed=seed + i,
                )
                for i in range(SEEDS)
            ]
            stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *starts)
            after = run(stacked, steps, rate)
            found[kind] = [jax.tree.map(lambda leaf, i=i: leaf[i], after) for i in range(SEEDS)]
        return found


def anatomy_of(network: wg.Network) -> wg.Anatomy:
    x, y = (np.asarray(part, np.float64) for part in circles())
    trace = wg.forward(network, x)
    return wg.backward(network, trace, y[:, None], loss="binary_cross_entropy")


def losses_of(networks: dict[str, list[wg.Network]]) -> dict[str, np.ndarray]:
    with jax.enable_x64(True):
        return {
            kind: np.array([float(anatomy_of(one).loss) for one in of])
            for kind, of in networks.items()
        }


def figures(page) -> list[str]:
    return page.locator(".figure b").all_inner_texts()


def wanted(losses: dict[str, np.ndarray]) -> list[str]:
    """Return the three large numbers."""
    ahead = int(np.sum(losses["zero"] < losses["random"]))
    medians = [number(float(np.median(losses[kind]))) for kind in ("zero", "random")]
    return [*medians, f"{ahead} / {SEEDS}"]


def reach(page, step: int) -> None:
    """Wait until the page shows a step."""
    page.wait_for_function(
        "step => document.querySelector('.biases') && "
        "document.querySelector('.step-count').textContent.match(/\\d+/)[0] === step",
        arg=str(step),
        timeout=60_000,
    )


def visit(hand, hash: str) -> None:
    """Go on to a state of the room, in whichever way the page is used."""
    hand.page.evaluate("hash => { location.hash = hash }", hash)
    hand.page.wait_for_selector(".biases")


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("step", "given"),
    [
        (0, {}),
        (120, {}),
        (60, {"spread": 2.5, "seed": 40}),
        (50, {"activation": "relu", "rate": 0.05, "seed": 8}),
    ],
    ids=str,
)
def test_sixteen_networks_are_whygrads(show, lab, step, given):
    more = "".join(f"&{name}={value}" for name, value in given.items())
    page = show(lab, f"#room=biases&step={step}{more}", **CALM)
    reach(page, step)
    losses = losses_of(trained(step, **given))
    assert figures(page) == wanted(losses)
    small = page.locator(".half b").all_inner_texts()
    both = np.stack([losses["zero"], losses["random"]], axis=1)
    assert small == [number(float(one), 3) for one in both.ravel()]


def test_the_bands_overlap_after_all_steps(hand):
    """What the notes say: biases of 0 cost nothing."""
    visit(hand, "#room=biases")
    hand.page.locator(".speed select").select_option("100")
    hand.press(".player-button:nth-of-type(3)")
    hand.page.wait_for_function(
        "() => document.querySelector('.step-count').textContent.match(/\\d+/)[0] > 60",
        timeout=60_000,
    )
    hand.press(".player-button:nth-of-type(3)")
    steps = int(hand.page.locator(".step-count").inner_text().removeprefix("step "))
    losses = losses_of(trained(steps))
    assert figures(hand.page) == wanted(losses)
    zero, random = losses["zero"], losses["random"]
    assert max(zero.min(), random.min()) <= min(zero.max(), random.max())
    key = "lab.biases.says.overlap"
    apart = abs(np.median(zero) - np.median(random))
    if apart >= zero.max() - zero.min():
        key = "lab.biases.says.touch"
    assert hand.page.locator(".says").inner_text() == t(
        key, step=str(steps), steps=steps, seeds="8", ahead=figures(hand.page)[2][0],
        zero=float(np.median(zero)), random=float(np.median(random)),
        low=float(zero.min()), high=float(zero.max()),
    )  # fmt: skip


def test_large_biases_part_the_bands(hand):
    visit(hand, "#room=biases&step=80&spread=4.5")
    reach(hand.page, 80)
    hand.move("spread", 5)
    reach(hand.page, 0)
    hand.page.evaluate("location.hash = '#room=biases&spread=5&step=100'")
    reach(hand.page, 100)
    losses = losses_of(trained(100, spread=5))
    assert figures(hand.page) == wanted(losses)
    assert losses["zero"].max() < losses["random"].min()
    assert hand.page.locator(".says").inner_text().startswith("Biases this large do matter")


def test_neurons_differ_without_random_biases(show, lab):
    page = show(lab, "#room=biases", **CALM)
    reach(page, 0)
    says = t("lab.biases.says.start", width=str(WIDTH), n=str(WIDTH), neurons=WIDTH)
    assert page.locator(".says").inner_text() == says
    page.evaluate("location.hash = '#room=biases&spread=0'")
    none = t("lab.biases.says.none", zero=0.0, width=str(WIDTH), n=str(WIDTH), neurons=WIDTH)
    page.get_by_text(none.split(", at 0")[0]).wait_for()
    page.evaluate("location.hash = '#room=biases'")
    page.get_by_text(says).wait_for()
    with jax.enable_x64(True):
        first = trained(0)["zero"][0]
        z = np.asarray(anatomy_of(first)["hidden1"].preactivation)[0]
    assert len({float(one) for one in z}) == WIDTH
    labels = page.locator(".kind.zero .dot").evaluate_all(
        "all => all.map(one => one.getAttribute('aria-label'))"
    )
    kind = t("lab.biases.kind.zero")
    assert labels == [
        t("lab.biases.dot", k=str(k + 1), kind=kind, z=float(one)) for k, one in enumerate(z)
    ]


def test_a_neuron_of_any_seed_can_be_asked(hand):
    visit(hand, "#room=biases&step=20")
    reach(hand.page, 20)
    if hand.__class__.__name__ == "Keyboard":
        hand.reach(".seed")
        hand.page.keyboard.press("ArrowDown")
        hand.page.keyboard.press("ArrowRight")
        hand.page.keyboard.press("Enter")
        hand.reach(".dot")
        hand.page.keyboard.press("ArrowRight")
        hand.page.keyboard.press("Enter")
    else:
        hand.press(".seed:nth-of-type(6)")
        hand.page.locator(".kind.zero .dot").nth(1).dispatch_event("click")
    hand.page.wait_for_url("**look=6%2C2**")
    cells = hand.page.locator(".proof [data-number]").evaluate_all(
        "all => Object.fromEntries(all.map(one => [one.dataset.number, one.textContent]))"
    )
    with jax.enable_x64(True):
        for kind in ("zero", "random"):
            network = trained(20)[kind][5]
            anatomy = anatomy_of(network)
            layer, hidden = anatomy["hidden1"], network.dense[0]
            assert hidden.bias is not None
            z, b = float(layer.preactivation[0, 1]), float(hidden.bias[1])
            told = {
                "loss": float(anatomy.loss),
                "width": wg.effective_width(network)["hidden1"],
                "b": b,
                "z": z,
                "a": float(layer.output[0, 1]),
                "db": float(anatomy.gradients()["hidden1"]["bias"][1]),
            }
            assert {name: cells[f"{name}.{kind}"] for name in told} == {
                name: number(value) for name, value in told.items()
            }
    hand.page.locator(".proof [data-number='db.zero']").focus()
    hand.page.keyboard.press("Enter")
    hand.page.wait_for_function("() => document.activeElement.className === 'close'")
    hand.press(".asked .action")
    difference = hand.page.locator("[data-is=difference]").inner_text().replace("−", "-")
    assert float(difference) == pytest.approx(
        float(cells["db.zero"].replace("−", "-")), rel=2e-4, abs=1e-10
    )


def test_every_number_on_screen_can_be_asked(show, lab):
    page = show(lab, "#room=biases&step=2", **CALM)
    reach(page, 2)
    names = page.locator(".biases [data-number]").evaluate_all(
        "all => all.map(one => one.dataset.number)"
    )
    assert len(names) == 3 + 14
    for name in names:
        page.locator(f".biases [data-number='{name}']").evaluate("one => one.click()")
        assert page.locator(".asked").get_attribute("data-asked") == name
        assert "lab." not in page.locator(".asked").inner_text()
        page.keyboard.press("Escape")


def test_the_program_prints_the_same_numbers(show, lab, tmp_path):
    page = show(lab, "#room=biases&step=30&spread=0.7&seed=3", **CALM)
    reach(page, 30)
    page.get_by_role("button", name="Python").click()
    program = tmp_path / "program.py"
    program.write_text(page.locator(".panel textarea").input_value(), encoding="utf-8")
    done = subprocess.run([sys.executable, program], capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    small = [number(float(line.split()[-1])) for line in lines[:-2]]
    assert small == [
        number(float(one))
        for one in np.stack([*losses_of(trained(30, 0.7, 3)).values()], axis=1).ravel()
    ]
    _, _, _, zero, _, random = lines[-2].split()
    assert [number(float(zero)), number(float(random))] == figures(page)[:2]
    assert f"ahead in {figures(page)[2][0]} of 8" in lines[-1]


def test_the_table_holds_every_seed(show, lab):
    page = show(lab, "#room=biases&step=5&seed=16", accept_downloads=True, **CALM)
    reach(page, 5)
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV").click()
    lines = Path(download.value.path()).read_text(encoding="utf-8-sig").splitlines()
    values = np.array([[float(one) for one in line.split(",")] for line in lines[1:]])
    losses = losses_of(trained(5, seed=16))
    assert lines[0] == "seed,biases 0,biases random"
    np.testing.assert_array_equal(values[:, 0], np.arange(16, 24))
    np.testing.assert_allclose(values[:, 1:].T, [*losses.values()], rtol=1e-10)


def test_new_start_draws_eight_other_seeds(show, lab):
    page = show(lab, "#room=biases", **CALM)
    reach(page, 0)
    before = figures(page)
    page.get_by_role("button", name="New start").click()
    page.wait_for_url("**seed=8**")
    assert figures(page) == wanted(losses_of(trained(0, seed=8))) != before


def test_a_locked_task_shows_what_it_needs_and_ends(show, made, keyboard):
    page = show(made(task="harm", lock=True, lang="zh"), **CALM)
    with speaking("zh"):
        assert page.locator(".task p").first.inner_text() == t("lab.biases.task.harm")
        assert page.locator(".choice, .strip").count() == 0
        keyboard(page).move("spread", 5)
        page.locator(".speed select").select_option("100")
        keyboard(page).press(".player-button:nth-of-type(3)")
        page.wait_for_selector(".task.done", timeout=60_000)
        assert t("lab.biases.task.harm.done") in page.locator(".task.done").inner_text()


def test_everyone_can_use_it(show, lab, axe, language, theme, width):
    hash = f"#room=biases&step=10&ask=db.zero&lang={language}&theme={theme}"
    page = show(lab, hash, width=width, **CALM)
    reach(page, 10)
    assert axe(page) == []
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


@pytest.mark.parametrize("width", [360, 390, 1280])
def test_what_is_pressed_is_large_enough(show, lab, width):
    page = show(lab, "#room=biases", width=width, **CALM)
    reach(page, 0)
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    small = page.locator("button, select, [role=slider], .proof [role=button]").evaluate_all(
        """all => all.filter(one => one.checkVisibility()).map(one => {
             const box = (one.querySelector(".hit") ?? one).getBoundingClientRect();
             return [one.outerHTML.slice(0, 80), box.width, box.height];
           }).filter(([, width, height]) => width < 39.5 || height < 35)"""
    )
    assert small == []
