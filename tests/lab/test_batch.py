"""The fifth room in Chromium: a batch in numbers, both ways round, held to whygrad's."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import whygrad as wg
from whygrad.lab.scenes import batch
from whygrad.words import catalogue, number, speaking, t

pytestmark = pytest.mark.long

CALM = {"reduced_motion": "reduce"}
INPUTS, NEURONS, RATE = 2, 3, 1.0
TOLERANCE = 1e-9  # relative, of two engines after a few steps


@pytest.fixture(scope="module")
def lab(made) -> Path:
    """Return the page as a file, opened on this room."""
    return made(room="batch")


class Batch:
    """What is on screen, computed by whygrad in float64; columns are samples, as in the notes."""

    def __init__(self, **changes: float):
        scene = batch()
        (dense,) = scene.network.dense
        self.x, self.y = np.array(scene.x, float).T, np.array(scene.y, float).T
        self.w, self.b = np.array(dense.weight, float).T, np.array(dense.bias, float)
        self.w, self.b = self.w.round(6), self.b.round(6)  # they come as float32
        for name, value in changes.items():
            table = getattr(self, name[0])
            table[tuple(int(digit) - 1 for digit in name[1:])] = value

    def walk(self, divide: str = "mean") -> dict[str, Any]:
        """Return every table, and the loss."""
        with jax.enable_x64(True):
            network = wg.Network.from_arrays([self.w.T], [self.b], activations=["sigmoid"])
            anatomy = wg.backward(network, wg.forward(network, self.x.T), self.y.T, loss="squared")
            layer, gradient = anatomy["output"], anatomy.gradients()["output"]
            factor = 1 if divide == "mean" else self.x.shape[1]
            return {
                "z": np.array(layer.preactivation).T, "a": np.array(layer.output).T,
                "d": np.array(layer.delta).T, "gb": np.array(gradient["bias"]) * factor,
                "gw": np.array(gradient["weight"]).T * factor, "loss": anatomy.loss.item() * factor,
                "x": self.x, "y": self.y, "w": self.w, "b": self.b,
            }  # fmt: skip

    def train(self, steps: int, divide: str = "mean", rate: float = RATE) -> "Batch":
        for _ in range(steps):
            found = self.walk(divide)
            by = rate / self.x.shape[1] if divide == "rate" else rate
            self.w, self.b = self.w - by * found["gw"], self.b - by * found["gb"]
        return self


def named(tables: dict[str, Any]) -> dict[str, float]:
    """Return every number by the name that the page gives it."""
    return {
        f"{sort}{''.join(str(i + 1) for i in index)}": float(value)
        for sort, table in tables.items()
        if sort != "loss"
        for index, value in np.ndenumerate(table)
    }


READ = """() => Object.fromEntries([...document.querySelectorAll(".tables .cell")].map(
  one => [one.dataset.number, one.title || one.textContent]))"""


def read(page) -> dict[str, str]:
    """Return every number of the tables with all of its digits."""
    return page.evaluate(READ)


def expect(page, tables: dict[str, Any]) -> None:
    """Wait until the tables show numbers, and nothing else."""
    wanted = {name: number(value) for name, value in named(tables).items()}
    page.wait_for_function(
        f"wanted => {{ const found = ({READ})(); "
        "return Object.entries(wanted).every(([name, text]) => found[name] === text); }",
        arg=wanted,
    )
    assert {name for name in read(page) if not name.startswith("nb")} == set(wanted)


def turn_to(page, hash: str) -> None:
    """Show what another address says."""
    page.evaluate(
        """hash => { history.replaceState(null, "", `#${hash}`);
                     dispatchEvent(new HashChangeEvent("hashchange")); }""",
        hash,
    )
    wanted = parse_qs(hash).get("step", ["0"])[0]
    page.wait_for_function(
        "step => document.querySelector('.step-count').textContent.endsWith(step)",
        arg=wanted,
    )


def shape(page, sort: str) -> str:
    return page.locator(f".of-{sort} .shape").inner_text()


def code(page) -> str:
    return page.locator(".code").first.inner_text()


def says(page) -> str:
    return page.locator(".says").inner_text()


def press_keys_to(page, name: str) -> None:
    """Come to a number of a table by arrow keys, from wherever in the table the keyboard is."""
    for key in ("ArrowUp", "ArrowLeft"):
        for _ in range(8):
            page.keyboard.press(key)
    row, column = (int(digit) for digit in re.findall(r"\d", f"{name}1")[:2])
    for key, times in (("ArrowDown", row - 1), ("ArrowRight", column - 1)):
        for _ in range(times):
            page.keyboard.press(key)
    assert page.evaluate("document.activeElement.dataset.number") == name


def go_to(hand, name: str) -> None:
    """Point at a number: by the pointer, a tap, or the keyboard."""
    kind = type(hand).__name__
    cell = hand.page.locator(f".tables [data-number={name}]")
    if kind == "Keyboard":
        hand.reach(f".of-{name.rstrip('0123456789')} .cell")
        press_keys_to(hand.page, name)
    elif kind == "Touch":
        cell.tap()
    else:
        cell.hover()


def test_it_opens_on_a_batch_of_five_in_numbers_that_can_be_read(
    show, lab, language, theme, width, axe
):
    """Task 13, and who can use it."""
    page = show(lab, f"#lang={language}&theme={theme}", width=width, **CALM)
    wanted = Batch().walk()
    expect(page, wanted)
    assert [shape(page, sort) for sort in ("d", "gb", "gw")] == ["(3, 5)", "(3, 1)", "(3, 2)"]
    assert np.allclose(wanted["d"].sum(axis=1) / 5, wanted["gb"], rtol=1e-12)
    cells = page.locator(".of-d .cell")
    assert cells.count() == 15
    sizes = cells.evaluate_all("all => all.map(one => parseFloat(getComputedStyle(one).fontSize))")
    assert min(sizes) >= 12
    for text, value in zip(cells.all_inner_texts(), wanted["d"].ravel(), strict=True):
        assert text in (number(value), number(value, 3))
    first, tag = wanted["gb"][0], {"zh-Hans": "zh"}.get(language, language)
    with speaking(tag):
        assert says(page) == t(
            "lab.batch.says.mean", sum=first * 5, samples="5", gb1=first, **{"is": "="}
        )
    assert spilling(page) == [] and axe(page) == []
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def spilling(page) -> list[str]:
    """Return the numbers that are wider than their cell."""
    return page.locator(".tables .cell").evaluate_all(
        """all => all.filter(one => one.scrollWidth > one.clientWidth + 1)
             .map(one => one.textContent)"""
    )


@pytest.mark.parametrize("width", [360, 1000, 1280])
def test_nothing_spills_over(show, lab, width, axe):
    page = show(lab, width=width, **CALM)
    for hash in ("samples=8&library=JAX", "samples=8&layout=rows", "keepdims=0&step=1"):
        turn_to(page, hash)
        assert axe(page, "main") == []
        assert spilling(page) == []
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def test_columns_come_together_one_by_one(show, lab):
    """Task 13: what is added up in motion is what stands there in the end."""
    page = show(lab)
    page.clock.install()
    page.reload()
    found = Batch().walk()
    page.clock.run_for(3400)
    assert page.locator(".ghost.out").count() >= NEURONS
    page.clock.run_for(1900)
    sums = np.cumsum(found["d"], axis=1)
    seen = set()
    for _ in range(40):
        page.clock.run_for(150)
        shown = tuple(read(page)[f"gb{k}"] for k in (1, 2, 3))
        seen.add(shown)
        if page.locator(".tables.now-rest").count():
            break
    assert {tuple(number(one) for one in sums[:, i]) for i in range(4)} <= seen
    expect(page, found)
    assert page.locator(".ghost").count() == 0


def test_turning_the_tables_changes_no_number(hand):
    """Task 14."""
    before = read(hand.page)
    pairs = {"x": "(2, 5)", "w": "(3, 2)", "b": "(3, 1)", "d": "(3, 5)", "gb": "(3, 1)"}
    assert {sort: shape(hand.page, sort) for sort in pairs} == pairs
    assert "np.sum(Delta, axis=1, keepdims=True) / m" in code(hand.page)
    assert "dW = Delta @ A_prev.T / m" in code(hand.page)
    hand.press("[data-value=rows]")
    pairs = {"x": "(5, 2)", "w": "(2, 3)", "b": "(3,)", "d": "(5, 3)", "gb": "(3,)"}
    assert {sort: shape(hand.page, sort) for sort in pairs} == pairs
    assert "np.sum(delta, axis=0) / m" in code(hand.page)
    assert "dW = input.T @ delta / m" in code(hand.page)
    assert read(hand.page) == before
    lines = hand.page.locator(".of-d .line")
    assert lines.count() == 5 and lines.first.locator(".cell").count() == 3
    assert says(hand.page) == t("lab.batch.says.rows")


def test_turning_keeps_the_steps_that_were_taken(show, lab):
    page = show(lab, "#step=3", **CALM)
    before = read(page)
    page.locator("[data-value=rows]").click()
    assert read(page) == before
    assert page.locator(".step-count").inner_text() == "step 3"


def test_without_keepdims_the_bias_becomes_a_table(hand):
    """Task 15."""
    found = Batch().walk()
    hand.press("[data-control=keepdims]")
    assert shape(hand.page, "gb") == "(3,)" and shape(hand.page, "nb") == "(3, 3)"
    wrong = hand.page.locator(".table.wrong")
    assert wrong.count() == 1 and "✗" in wrong.evaluate(
        "one => getComputedStyle(one.querySelector('.title'), '::after').content"
    )
    table = found["b"][:, None] - RATE * found["gb"]  # (3, 1) - (3,)
    assert table.shape == (3, 3)
    assert {name: text for name, text in read(hand.page).items() if name.startswith("nb")} == {
        name: number(value) for name, value in named({"nb": table}).items()
    }
    assert hand.page.locator(".repair").inner_text() == t("lab.batch.repair")
    assert "np.sum(Delta, axis=1) / m" in code(hand.page)
    assert "(3, 1) - (3,) → (3, 3)" in hand.page.locator(".code .wrong").last.inner_text()
    hand.press("[data-control=keepdims]")
    assert shape(hand.page, "nb") == "(3, 1)" and hand.page.locator(".table.wrong").count() == 0


def wrongly_trained(one: Batch, steps: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return W, b and Delta as NumPy finds them without keepdims."""
    w, b = one.w, one.b[:, None]
    for _ in range(steps + 1):
        a = 1 / (1 + np.exp(-(w @ one.x + b)))
        delta = (a - one.y) * a * (1 - a)
        last = w, b, delta
        b = b - RATE * delta.mean(axis=1)
        w = w - RATE * delta @ one.x.T / one.x.shape[1]
    return last


def test_a_bias_that_fits_no_batch_stops_what_follows_as_numpy_does(show, lab):
    page = show(lab, "#keepdims=0", **CALM)
    page.get_by_role("button", name="Play").click()
    page.get_by_role("button", name="Play").wait_for()  # it has stopped by itself
    assert page.locator(".step-count").inner_text() == "step 1"
    with pytest.raises(ValueError, match="broadcast") as refused:
        wrongly_trained(Batch(), 1)
    assert page.locator(".origin .error").inner_text() == f"ValueError: {refused.value}".strip()
    assert shape(page, "b") == "(3, 3)"
    assert set(page.locator(".of-z .cell").all_inner_texts()) == {"–"}
    assert says(page) == t("lab.batch.says.broken", samples="5")


def test_with_three_samples_nobody_notices(show, lab):
    page = show(lab, "#keepdims=0&step=4&samples=3", **CALM)
    one = Batch()
    one.x, one.y = one.x[:, :3], one.y[:, :3]
    w, b, delta = wrongly_trained(one, 4)
    found = read(page)
    for name, value in named({"w": w, "b": b, "d": delta}).items():
        assert found[name] == number(value)
    assert says(page) == t("lab.batch.says.unnoticed")


def of_one_sample() -> Batch:
    one = Batch()
    one.x, one.y = one.x[:, :1], one.y[:, :1]
    return one


def test_a_single_sample_is_a_batch_too(show, lab):
    page = show(lab, "#samples=1", **CALM)
    found = of_one_sample().walk()
    for divide in ("mean", "sum", "rate"):
        page.locator(f"[data-value={divide}]").click()
        numbers = read(page)
        for name, value in named({sort: found[sort] for sort in ("z", "d", "gw")}).items():
            assert numbers[name] == number(value)
        assert numbers["gb1"] == numbers["d11"] == number(found["gb"][0])
        assert says(page) == t("lab.batch.says.one", gb1=float(found["gb"][0]))
    assert (shape(page, "x"), shape(page, "d"), shape(page, "gb")) == ("(2, 1)", "(3, 1)", "(3, 1)")
    page.locator("[data-value=rows]").click()
    assert (shape(page, "x"), shape(page, "gb")) == ("(1, 2)", "(3,)")
    page.locator(".player-button").nth(3).click()
    assert "the one sample moved" in says(page)


def test_a_single_sample_is_copied_to_every_column_of_a_square_bias(show, lab):
    """b is (3, 3): adding it works, and the product after it does not."""
    page = show(lab, "#keepdims=0&samples=1&step=1", **CALM)
    one = of_one_sample()
    found = one.walk()
    b = one.b[:, None] - RATE * found["d"].sum(axis=1)
    z = (one.w - RATE * found["gw"]) @ one.x + b
    a = 1 / (1 + np.exp(-z))
    delta = (a - one.y) * a * (1 - a)
    with pytest.raises(ValueError, match="mismatch") as refused:
        delta @ one.x.T
    numbers = read(page)
    for name, value in named({"b": b, "z": z, "d": delta}).items():
        assert numbers[name] == number(value)
    assert numbers["gb2"] == number(delta[1].sum())
    assert numbers["gw11"] == "–" and shape(page, "d") == "(3, 3)"
    assert page.locator(".origin .error").inner_text() == f"ValueError: {refused.value}"
    assert says(page) == t("lab.batch.says.spread")
    assert code(page).count("✗") == 4 and "(3, 3) @ (1, 2)  ✗" in code(page)
    page.locator(".player-button").nth(3).wait_for()
    assert page.locator(".player-button").nth(3).is_disabled()


def shown(value: float) -> float:
    """Return a number as a reader can type it into a calculator."""
    return float(number(value).replace("−", "-"))


def relation(result: float, calculated: float) -> str:
    """Return = where a calculator finds what is printed, ≈ where rounding shows."""
    return "=" if number(result) == number(calculated) else "≈"


def signs_of(page) -> list[str]:
    return re.findall(r"[=≈]", "".join(page.locator(".origin .terms td").all_inner_texts()))


def test_equal_is_what_a_calculator_finds_equal(show, lab):
    page = show(lab, "#ask=d12", **CALM)
    all_signs = set()
    for name in ("gw11", "gw12", "gw31", "z13"):
        page.locator(f".tables [data-number={name}]").hover()
        all_signs |= set(signs_of(page))
    assert all_signs == {"=", "≈"}  # so that the test of each entry sees both


@pytest.mark.parametrize("name", ["gw21", "gb3"])
def test_an_entry_of_a_gradient_shows_its_products(hand, name):
    """Task 16."""
    found = Batch().walk()
    go_to(hand, name)
    row, column = int(name[2]), int(name[3]) if name.startswith("gw") else None
    lit = hand.page.locator(".tables .source").evaluate_all(
        "all => all.map(one => one.dataset.number)"
    )
    inputs = [f"x{column}{i}" for i in range(1, 6)] if column else []
    assert sorted(lit) == sorted([f"d{row}{i}" for i in range(1, 6)] + inputs)
    factors = found["x"][column - 1] if column else np.ones(5)
    products = found["d"][row - 1] * factors
    told = hand.page.locator(".origin .terms .product").all_inner_texts()
    value = named(found)[name]
    assert told == [number(one) for one in [*products, products.sum(), value]]
    assert products.sum() / 5 == pytest.approx(value, rel=1e-12)
    signs = signs_of(hand.page)
    assert signs == [
        relation(one, shown(delta) * shown(factor))
        for one, delta, factor in zip(products, found["d"][row - 1], factors, strict=True)
    ] + [
        relation(products.sum(), sum(shown(one) for one in products)),
        relation(value, shown(products.sum()) / 5),
    ]
    rows = hand.page.locator(".origin .terms tr").all_inner_texts()
    assert "÷ 5" in rows[-1] and len(rows) == 7


@pytest.mark.parametrize("divide", ["mean", "sum"])
def test_numbers_can_be_doubted(show, lab, divide):
    page = show(lab, f"#divide={divide}", **CALM)
    found = named(Batch().walk(divide))
    for name in ("d24", "gb2", "gw32"):
        page.locator(f".tables [data-number={name}]").click()
        assert page.locator(".asked").get_attribute("data-asked") == name
        page.locator(".asked .action").click()
        assert page.locator("[data-is=difference]").inner_text() == number(found[name])
        page.keyboard.press("Escape")
    page.locator(".tables [data-number=z12]").click()
    terms = page.locator(".asked .terms .product").all_inner_texts()
    one = Batch()
    parts = [*(one.w[0] * one.x[:, 1]), one.b[0]]
    assert terms == [number(part) for part in [*parts, sum(parts)]]


def test_a_number_is_dragged_moved_by_keys_or_typed(hand):
    kind = type(hand).__name__
    name, by = "x12", 0.4
    cell = hand.page.locator(f".tables [data-number={name}]")
    if kind == "Keyboard":
        go_to(hand, name)
        for _ in range(round(by * 10)):
            hand.page.keyboard.press("+")
    else:
        cell.scroll_into_view_if_needed()
        box = cell.bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        hand.drag((x, y), (x + 24, y))
        assert hand.page.locator(".asked").count() == 0
    expect(hand.page, Batch(x12=-0.6).walk())
    hand.page.evaluate("document.activeElement.blur()")
    go_to(hand, name)
    if kind == "Keyboard":
        hand.page.keyboard.press("Enter")
    if kind == "Mouse":
        cell.click()
    hand.page.locator(".typed input").fill("−1.25")
    hand.page.keyboard.press("Enter")
    expect(hand.page, Batch(x12=-1.25).walk())


@pytest.mark.parametrize("divide", ["mean", "sum", "rate"])
def test_steps_are_those_of_whygrad_and_go_back_exactly(show, lab, divide):
    page = show(lab, f"#divide={divide}", **CALM)
    button = lambda at: page.locator(".player-button").nth(at)  # noqa: E731
    for steps in (1, 2, 3):
        button(3).click()
        expect(page, Batch().train(steps, divide).walk(divide))
    third = read(page)
    button(3).click()
    button(1).click()
    assert read(page) == third
    first, last = Batch().walk(divide)["loss"], Batch().train(3, divide).walk(divide)["loss"]
    values = {"step": "3", "steps": 3, "first": first, "loss": last, "count": 5, "weights": "6"}
    assert says(page) == t("lab.batch.says.learnt", **values)
    button(0).click()
    expect(page, Batch().walk(divide))


def test_the_rate_divided_by_m_takes_the_step_of_the_mean():
    mean, rate = Batch().train(5, "mean"), Batch().train(5, "rate")
    assert np.allclose(mean.w, rate.w, rtol=TOLERANCE) and np.allclose(mean.b, rate.b)


def drawn(page) -> Batch:
    """Return what the address says of another start."""
    page.wait_for_url("**seed=*")
    given = {name: float(one[0]) for name, one in parse_qs(page.url.split("#")[1]).items()
             if re.fullmatch(r"[xywb]\d+", name)}  # fmt: skip
    return Batch(**{name: value for name, value in given.items() if int(name[-1]) <= 5})


def test_another_start_is_another_batch_and_can_be_shared(show, lab):
    page = show(lab, **CALM)
    page.get_by_role("button", name="New start").click()
    expect(page, drawn(page).walk())
    assert read(page) != read(show(lab, **CALM))
    page.get_by_role("button", name="Link").click()
    link = page.locator(".panel textarea").input_value()
    other = show(lab, f"#{link.partition('#')[2]}", locale="zh-CN", **CALM)
    assert read(other) == read(page)
    assert other.evaluate("document.documentElement.lang") == "zh-Hans"


PROGRAMS = (
    *("", "divide=sum&step=3", "layout=rows&step=2", "keepdims=0"),
    *("layout=rows&divide=rate&step=1", "keepdims=0&samples=3&step=2", "samples=1&step=2"),
)
SORTS = {
    **{"W": "w", "b": "b", "Z": "z", "A": "a", "Delta": "d"},
    **{"z": "z", "a": "a", "delta": "d", "db": "gb", "dW": "gw"},
}
X64 = 'jax.config.update("jax_enable_x64", True)'  # for the whole process
ALL = """import runpy, sys
for path in sys.argv[1:]:
    runpy.run_path(path)
    print("end")
"""


def program(page) -> str:
    page.get_by_role("button", name="Python").click()
    source = page.locator(".panel textarea").input_value()
    page.locator(".panel").get_by_role("button", name="Close").click()
    return source


def test_the_program_prints_the_same_numbers(show, lab, tmp_path):
    page = show(lab, **CALM)
    shown, paths = [], []
    for at, hash in enumerate(PROGRAMS):
        turn_to(page, hash)
        shown.append((read(page), {sort: shape(page, sort) for sort in SORTS.values()}))
        paths.append(tmp_path / f"{at}.py")
        paths[-1].write_text(program(page), encoding="utf-8")
    command = [sys.executable, "-c", ALL, *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    told = done.stdout.split("end\n")[:-1]
    for hash, (found, shapes), text in zip(PROGRAMS, shown, told, strict=True):
        tables = as_tables(text)
        assert len(tables) == 7
        for title, (told_shape, table) in tables.items():
            sort = SORTS[title]
            assert told_shape == shapes[sort], hash
            is_square = table.shape == (3, 3)
            if sort in ("b", "gb"):
                by_neuron = table if is_square else table.ravel()
            else:
                by_neuron = table.T if "layout=rows" in hash else table
            for name, value in named({sort: by_neuron}).items():
                assert found[name] == number(value), (hash, name)


def as_tables(printed: str) -> dict[str, tuple[str, np.ndarray]]:
    """Return the shape and the numbers of each table that a program has printed."""
    tables: dict[str, tuple[str, list]] = {}
    for line in printed.splitlines():
        if "(" in line:
            title, _, told = line.partition(" ")
            tables[title] = told, []
        else:
            tables[title][1].append([float(one) for one in line.split()])
    return {title: (told, np.array(rows)) for title, (told, rows) in tables.items()}


def test_the_program_stops_where_numpy_stops(show, lab, capsys):
    source = program(show(lab, "#keepdims=0&step=1", **CALM))
    exec(source.replace(X64, ""), {})
    assert capsys.readouterr().out.startswith("operands could not be broadcast together")
    source = program(show(lab, "#keepdims=0&step=1&samples=1", **CALM))
    exec(source.replace(X64, ""), {})
    assert capsys.readouterr().out.startswith("matmul: ")


@pytest.mark.parametrize("layout", ["columns", "rows"])
@pytest.mark.parametrize("library", ["NumPy", "PyTorch", "TensorFlow", "JAX"])
def test_the_code_of_each_library_finds_the_same(show, lab, library, layout):
    modules = {"NumPy": "numpy", "PyTorch": "torch", "TensorFlow": "tensorflow", "JAX": "jax.numpy"}
    module = pytest.importorskip(modules[library], reason=f"{library} is not installed")
    page = show(lab, f"#library={library}&layout={layout}", **CALM)
    one = Batch()
    arrays = {"W": one.w, "b": one.b[:, None], "A_prev": one.x, "Y": one.y}
    if layout == "rows":
        arrays = {"W": one.w.T, "b": one.b, "input": one.x.T, "y": one.y.T}
    kinds = {"PyTorch": "tensor", "TensorFlow": "constant"}
    as_array = getattr(module, kinds[library]) if library in kinds else module.array
    space: dict[str, Any] = {name: as_array(array) for name, array in arrays.items()}
    space |= {"m": 5, "rate": RATE, "np": np, "torch": module, "tf": module, "jax": jax, "jnp": jnp}
    with jax.enable_x64(True):
        exec(code(page), space)
    found = one.walk()
    turned = (lambda array: array.T) if layout == "rows" else (lambda array: array)
    assert np.allclose(turned(as_numpy(space["dW"])), found["gw"], atol=1e-6)
    assert np.allclose(as_numpy(space["db"]).ravel(), found["gb"], atol=1e-6)
    assert as_numpy(space["b"]).shape == ((3, 1) if layout == "columns" else (3,))


def as_numpy(array) -> np.ndarray:
    return np.array(array.numpy() if hasattr(array, "numpy") else array)


@pytest.mark.parametrize(("layout", "samples"), [("columns", 4), ("columns", 1), ("rows", 7)])
def test_what_jax_runs_is_what_jax_says(show, lab, layout, samples):
    page = show(lab, f"#library=JAX&layout={layout}&samples={samples}", **CALM)
    shapes = jax.ShapeDtypeStruct
    x, delta = jnp.ones((INPUTS, samples)), jnp.ones((NEURONS, samples))
    w, b = shapes((NEURONS, INPUTS), jnp.float32), shapes((NEURONS, 1), jnp.float32)
    if layout == "columns":
        way = lambda x, delta: jax.linear_transpose(lambda w, b: w @ x + b, w, b)(delta)  # noqa: E731
    else:
        w, b, x, delta = shapes((2, 3), jnp.float32), shapes((3,), jnp.float32), x.T, delta.T
        way = lambda x, delta: jax.linear_transpose(lambda w, b: x @ w + b, w, b)(delta)  # noqa: E731
    shown = page.locator(".jaxpr").inner_text()
    assert shown == str(jax.make_jaxpr(way)(x, delta))
    axes = f"reduce_sum[axes=({1 if layout == 'columns' else 0},)"
    assert (axes in shown) == (samples > 1)


def test_the_table_is_what_the_tables_show(show, lab):
    page = show(lab, "#layout=rows", accept_downloads=True, **CALM)
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV").click()
    lines = Path(download.value.path()).read_text(encoding="utf-8-sig").splitlines()
    delta = [line.split(",")[2:5] for line in lines if line.startswith("Delta,")]
    assert np.allclose(np.array(delta, float), Batch().walk()["d"].T, rtol=1e-12)
    assert lines[0] == "table,row,1,2,3"


@pytest.mark.parametrize(
    ("name", "do"),
    [
        ("repair", lambda page: page.locator("[data-control=keepdims]").click()),
        ("same_step", lambda page: page.locator("[data-value=rate]").click()),
        ("balance", lambda page: typed(page, "b1", "0.49")),
    ],
)
def test_a_locked_task_shows_what_it_needs_and_ends(show, made, name, do):
    page = show(made(task=name, lock=True, lang="zh"), **CALM)
    with speaking("zh"):
        assert page.locator(".task p").first.inner_text() == t(f"lab.batch.task.{name}")
        assert page.locator(".task.done").count() == 0
        assert page.locator(".quiz, .strip").count() == 0
        do(page)
        assert t(f"lab.batch.task.{name}.done") in page.locator(".task.done").inner_text()


def typed(page, name: str, text: str) -> None:
    page.locator(f".tables [data-number={name}]").click()
    page.locator(".typed input").fill(text)
    page.keyboard.press("Enter")


def test_the_slides_show_what_they_ask_about(show, made):
    page = show(made(room="batch", slides=True, lang="en"), **CALM)
    slides = [key for key in catalogue("en") if key.startswith("lab.batch.slide.")]
    told = []
    for _ in slides:
        told.append(page.locator(".slide p").inner_text().split("?")[0])
        page.keyboard.press("ArrowRight")
    assert sorted(told) == sorted(t(key).split("?")[0] for key in slides)
    assert shape(page, "nb") == "(3, 3)"
