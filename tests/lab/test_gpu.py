"""Room 6 of the lab in Chromium: two orders of one sum, counted and added again in Python."""

import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest

import whygrad as wg
from whygrad.lab.draws import Draws
from whygrad.lab.page import Lab, as_page
from whygrad.lessons.instruments.summation import ORDERS
from whygrad.words import catalogue, number, speaking, t

pytestmark = pytest.mark.long

CALM = {"reduced_motion": "reduce"}
PHASE = """() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() =>
  done(true))))"""


class Summed:
    """The same sums, by NumPy in float32, of the errors that whygrad finds."""

    def __init__(self, m: int, cards: int = 1, seed: int = 0):
        x = Draws(seed, 0).normal(size=(m, 1))
        y = np.where(Draws(seed, 1).uniform(size=(m, 1)) < 0.3, 1.0, 0.0)
        with jax.enable_x64(True):
            weights, biases = [np.array([[1.5]])], [np.array([0.5])]
            network = wg.Network.from_arrays(
                weights, biases, activation=None, activations=["sigmoid"]
            )
            anatomy = wg.backward(network, wg.forward(network, x), y, loss="squared")
            delta = np.asarray(anatomy["output"].delta)[:, 0]
            self.gradient = float(anatomy.gradients()["output"]["bias"][0])
        self.terms = delta.astype(np.float32)
        self.queue = float(np.cumsum(self.terms, dtype=np.float32)[-1])
        each = m // cards
        lanes, block = min(32, each), min(256, each)
        held = self.terms.reshape(cards, each // block, block // lanes, lanes)
        self.tree = float(ORDERS["halving"](self._folded(held)[:, None])[0])
        self.exact = float(self.terms.astype(np.float64).sum())
        self.size = float(np.abs(self.terms.astype(np.float64)).sum())
        self.rounds = int(np.log2(m))
        exchanging = int(np.log2(cards))
        self.additions = m - cards + cards * exchanging

    @staticmethod
    def _folded(held: np.ndarray) -> np.ndarray:
        """Return one sum a card: threads, then warps, then blocks, half onto half."""
        while held.ndim > 1:
            while held.shape[-1] > 1:
                half = held.shape[-1] // 2
                held = held[..., :half] + held[..., half:]
            held = held[..., 0]
        return held

    def shown(self) -> dict[str, str]:
        """Return the numbers of the table as the page writes them."""
        m = len(self.terms)
        off = [abs(total - self.exact) / self.size for total in (self.queue, self.tree)]
        return {
            "additions_queue": number(m - 1),
            "additions_tree": number(self.additions),
            "rounds_queue": number(m - 1),
            "rounds_tree": number(self.rounds),
            "sum_queue": number(self.queue, 8),
            "sum_tree": number(self.tree, 8),
            "error_queue": number(off[0], 2),
            "error_tree": number(off[1], 2),
            "gradient": number(self.gradient),
        }


def shown(page) -> dict[str, str]:
    return page.locator(".counts .figure, .mean .figure").evaluate_all(
        "all => Object.fromEntries(all.map(one => [one.dataset.number, one.textContent]))"
    )


def says(page) -> str:
    return page.locator(".says").text_content()


def go_to(page, hash: str) -> None:
    """Follow a link into the room."""
    page.evaluate("hash => { location.hash = hash; }", f"room=gpu&{hash}")
    page.wait_for_function(PHASE)


@pytest.fixture
def room(hand):
    """Return the page in each of the ways, in this room."""
    go_to(hand.page, "")
    hand.page.wait_for_selector(".gpu")
    return hand


def test_counts_and_float32_sums_are_those_of_numpy(show, lab):
    page = show(lab, "#room=gpu", **CALM)
    for power, cards, seed in [(3, 1, 0), (5, 1, 3), (6, 2, 0), (10, 1, 7), (10, 8, 1), (3, 8, 0)]:
        go_to(page, f"power={power}&cards={cards}&seed={seed}")
        wanted = Summed(2**power, cards, seed)
        found = shown(page)
        assert found == wanted.shown(), (power, cards, seed)
        if cards > 1:  # more additions as a tree than in a queue
            counts = {"m": str(2**power), "cards": str(cards), "additions": 2**power - 1}
            added = int(found["additions_tree"])
            told = counts | {"rounds": power, "tree": str(added), "added": added}
            assert says(page) == t("lab.gpu.says.cards", **told)


def test_eight_terms_and_a_thousand(room):
    """Task 17."""
    page = room.page
    found = shown(page)
    assert found == Summed(8).shown()
    assert [found[f"additions_{one}"] for one in ("queue", "tree")] == ["7", "7"]
    assert [found[f"rounds_{one}"] for one in ("queue", "tree")] == ["7", "3"]
    assert says(page) == t("lab.gpu.says.start", m="8", additions=7, rounds=3)
    room.move("power", 10)
    page.wait_for_function("() => document.querySelector('.terms .value').textContent === '1024'")
    found = shown(page)
    assert found == Summed(1024).shown()
    assert found["additions_tree"] == found["additions_queue"] == "1023"
    assert found["rounds_tree"] == "10" and float(found["error_tree"]) > 0


def test_the_eight_terms_are_drawn_with_all_of_their_sums(show, lab):
    page = show(lab, "#room=gpu", **CALM)
    terms = Summed(8).terms
    stairs = page.locator(".stairs .sum-box text").all_text_contents()
    sums = [float(one) for one in np.cumsum(terms, dtype=np.float32)[1:]]
    assert stairs == [number(float(one)) for one in (*terms, *sums)]
    held, wanted = terms, list(map(float, terms))
    while len(held) > 1:
        held = held[: len(held) // 2] + held[len(held) // 2 :]
        wanted += map(float, held)
    floors = page.locator(".floors .sum-box text").all_text_contents()
    assert floors == [number(one) for one in wanted]


def test_rounds_are_taken_and_taken_back(room):
    press = lambda at: room.press(f".player-button:nth-of-type({at})")  # noqa: E731
    page = room.page
    count = "text => document.querySelector('.step-count').textContent === text"
    for step in (1, 2, 3):
        press(4)
        page.wait_for_function(count, arg=f"step {step}")
        assert page.locator(".stairs .done").count() == 3 * step  # two ways and a sum each
        assert page.locator(".floors .sum-box.done").count() == (4, 6, 7)[step - 1]
    told = {"step": "3", "steps": 3, "rounds": 3, "left": 4, "lefts": "4"}
    assert says(page) == t("lab.gpu.says.waiting", **told)
    press(2)
    page.wait_for_function(count, arg="step 2")
    assert page.locator(".floors .sum-box.done").count() == 6
    press(1)
    page.wait_for_function(count, arg="step 0")


def test_the_sentence_says_what_was_counted(show, lab):
    """Of several cards, of equal sums, of errors that only luck tells apart."""
    page = show(lab, "#room=gpu", **CALM)
    go_to(page, "cards=4")
    tree = Summed(8, 4).additions
    told = {"m": "8", "additions": 7, "rounds": 3, "cards": "4", "tree": str(tree), "added": tree}
    assert says(page) == t("lab.gpu.says.cards", **told)
    for seed in (0, 1, 10, 23):
        go_to(page, f"step=7&seed={seed}")
        one = Summed(8, seed=seed)
        queue, tree = (abs(total - one.exact) / one.size for total in (one.queue, one.tree))
        key = "closer" if queue > tree else "even" if queue == tree else "luck"
        key = "same" if one.queue == one.tree else key
        assert says(page) == t(
            f"lab.gpu.says.{key}", queue=number(queue, 2), tree=number(tree, 2)
        ), seed


def test_play_ends_where_the_queue_does(show, lab):
    page = show(lab, "#room=gpu", **CALM)
    page.locator(".speed select").select_option("100")
    page.get_by_role("button", name="Play").click()
    page.wait_for_function("() => document.querySelector('.step-count').textContent === 'step 7'")
    page.get_by_role("button", name="Play").wait_for()
    assert page.get_by_role("button", name="Step").is_disabled()
    one = Summed(8)
    off = [abs(total - one.exact) / one.size for total in (one.queue, one.tree)]
    key = "closer" if off[0] > off[1] else "even" if off[0] == off[1] else "luck"
    written = {"queue": number(off[0], 2), "tree": number(off[1], 2)}
    assert says(page) == t(f"lab.gpu.says.{key}", **written)


@pytest.mark.parametrize(("power", "step"), [(5, 2), (10, 7), (10, 700)])
def test_the_threads_show_who_still_holds_a_sum(show, lab, power, step):
    page = show(lab, f"#room=gpu&power={power}&step={step}", **CALM)
    m = 2**power
    cells = lambda order, kind: page.locator(  # noqa: E731
        f"[data-order={order}] .cell.{kind}"
    ).evaluate_all("all => all.map(one => one.getAttribute('d').split('M').length - 1)")
    bars = {
        order: cells(order, "positive")[0] + cells(order, "negative")[0]
        for order in ("queue", "tree")
    }
    assert cells("tree", "idle") == cells("queue", "idle") == [m]
    assert bars == {"queue": m - step, "tree": max(m >> step, 1)}
    label = page.locator("[data-order=tree]").get_attribute("aria-label")
    left = max(m >> step, 1)
    assert label == t("lab.gpu.grid.tree", m=str(m), row="32", left=str(left), lefts=left)


def test_the_rounds_are_shared_out_over_warps_blocks_and_cards(show, lab):
    page = show(lab, "#room=gpu", **CALM)
    levels = lambda: page.locator(".levels b").all_text_contents()  # noqa: E731
    for power, cards, wanted in [
        (3, 1, "3"),
        (5, 1, "5"),
        (10, 1, "532"),
        (10, 2, "5311"),
        (10, 8, "523"),
    ]:
        go_to(page, f"power={power}&cards={cards}")
        assert levels() == list(wanted)
        assert sum(map(int, levels())) == power
    go_to(page, "power=10&cards=2&step=6")
    now = page.locator(".levels .now")
    assert t("lab.gpu.level.block", rounds=3, parts="8") in now.text_content()


def test_one_term_is_followed_by_keys_and_by_touch(show, lab, keyboard):
    page = show(lab, "#room=gpu", **CALM)
    keyboard(page).reach("[data-control=term]")
    page.keyboard.press("End")
    term = page.locator(".one-term")
    page.wait_for_function("() => document.querySelector('.one-term sub').textContent === '7'")
    terms = Summed(8).terms
    assert number(float(terms[7])) in term.text_content()
    told = {"queue": 1, "tree": 3, "queues": "1", "trees": "3"}
    assert t("lab.gpu.rounded", **told) in term.text_content()
    assert page.locator(".stairs .sum-box.looked").count() == 2
    assert page.locator(".floors .sum-box.looked").count() == 4
    go_to(page, "power=10")
    page.locator("[data-order=tree]").click(position={"x": 3, "y": 3})
    assert term.locator("sub").text_content() == "0"
    page.locator("[data-control=term]").focus()
    page.keyboard.press("ArrowDown")
    page.wait_for_function("() => document.querySelector('.one-term sub').textContent === '32'")
    told = {"queue": 992, "tree": 10, "queues": "992", "trees": "10"}
    assert t("lab.gpu.rounded", **told) in term.text_content()


def test_numbers_say_where_they_come_from_and_can_be_doubted(room):
    for name in ("gradient", "d0"):
        room.press(f"[data-number={name}]")
        room.press(".asked .action")
        room.page.locator(".doubt").wait_for()
        results = room.page.locator(".doubt .result").all_text_contents()
        assert results[0] == results[1]
        room.page.keyboard.press("Escape")
    room.press("[data-number=error_tree]")
    one = Summed(8)
    card = room.page.locator(".asked")
    assert number(one.exact, 12) in card.text_content()
    assert number(abs(one.tree - one.exact) / one.size) in card.text_content()


@pytest.mark.parametrize("hash", ["power=10&cards=4&seed=5"])
def test_the_program_prints_the_same_numbers(show, lab, tmp_path, hash):
    page = show(lab, f"#room=gpu&{hash}", **CALM)
    page.get_by_role("button", name="Python").click()
    program = tmp_path / "program.py"
    program.write_text(page.locator(".panel textarea").input_value(), encoding="utf-8")
    done = subprocess.run([sys.executable, program], capture_output=True, text=True, check=True)
    printed = [line.split()[-10:] for line in done.stdout.splitlines()]
    found = shown(page)
    for order, line in zip(("queue", "tree"), printed, strict=True):
        total, off = line[0].rstrip(","), line[3]
        assert number(float(total), 8) == found[f"sum_{order}"]
        assert number(float(off), 2) == found[f"error_{order}"]


def test_the_table_holds_every_term(show, lab):
    page = show(lab, "#room=gpu&power=4", **CALM)
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV").click()
    lines = Path(download.value.path()).read_text(encoding="utf-8-sig").splitlines()
    table = {line.split(",")[0]: [float(one) for one in line.split(",")[1:]] for line in lines[1:]}
    one = Summed(16)
    assert table["sum in float32"] == [one.queue, one.tree]
    assert [table[f"delta {i}"][0] for i in range(16)] == [float(term) for term in one.terms]


def test_a_link_leads_to_the_same_picture(show, lab):
    page = show(lab, "#room=gpu&lang=zh-Hans&power=9&cards=2&step=4&look=t100", **CALM)
    page.get_by_role("button", name="链接").click()
    link = page.locator(".panel textarea").input_value().partition("#")[2]
    assert len(link) < 300
    other = show(lab, f"#{link}", **CALM)
    paths = "[...document.querySelectorAll('.grid path')].map(one => one.getAttribute('d'))"
    assert other.evaluate(paths) == page.evaluate(paths)
    assert other.locator(".one-term sub").text_content() == "100"


@pytest.mark.parametrize("task", ["ten", "waiting"])
def test_a_locked_task_shows_what_it_needs_and_ends(show, tmp_path, keyboard, task):
    path = tmp_path / "task.html"
    Lab(as_page("gpu", task=task, lock=True, lang="zh")).write(path)
    page = show(path, **CALM)
    hand = keyboard(page)
    with speaking("zh"):
        assert page.locator(".task p").first.text_content() == t(f"lab.gpu.task.{task}")
        assert page.locator(".task.done, .gpu .cards, .strip").count() == 0
        assert page.locator("[data-control=power]").count() == (task == "ten")
        if task == "ten":
            hand.move("power", 10)
        else:
            for _ in range(5):
                page.get_by_role("button", name="走一步").click()
        page.locator(".task.done").wait_for()
        assert t(f"lab.gpu.task.{task}.done") in page.locator(".task.done").text_content()


def test_slides_show_what_they_ask_about(show, tmp_path):
    path = tmp_path / "slides.html"
    Lab(as_page("gpu", slides=True, lang="en")).write(path)
    page = show(path, **CALM)
    found = []
    for _ in [key for key in catalogue("en") if key.startswith("lab.gpu.slide.")]:
        page.wait_for_function(PHASE)
        found.append("".join(page.locator(".levels b").all_text_contents()))
        page.keyboard.press("ArrowRight")
    assert found == ["3", "3", "5", "532", "532"]


def test_everyone_can_use_it(show, lab, axe, language, theme, width):
    page = show(lab, f"#room=gpu&lang={language}&theme={theme}&ask=d0", width=width, **CALM)
    page.locator(".asked .action").click()
    assert axe(page) == []
    page.keyboard.press("Escape")
    go_to(page, "power=10&cards=2&step=5")
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert axe(page, "main") == []


@pytest.mark.parametrize("width", [360, 1280])
def test_no_number_of_the_trees_lies_over_another(show, lab, width):
    page = show(lab, "#room=gpu&step=2", width=width, **CALM)
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    outside = page.locator(".sum-box").evaluate_all(
        """all => all.filter(one => {
             const place = part => one.querySelector(part).getBoundingClientRect();
             const [box, text] = [place("rect"), place("text")];
             return text.left < box.left || text.right > box.right;
           }).map(one => one.textContent)"""
    )
    assert outside == []


def test_what_is_pressed_is_large_enough(show, lab):
    page = show(lab, "#room=gpu", width=390, **CALM)
    small = page.locator("button, select, [role=slider]").evaluate_all(
        """all => all.filter(one => one.checkVisibility()).map(one => {
             const box = (one.querySelector(".hit") ?? one).getBoundingClientRect();
             return [one.outerHTML.slice(0, 80), box.width, box.height];
           }).filter(([, width, height]) => width < 43.5 || height < 35)"""
    )
    assert small == []
