"""A link of a report or of a lesson is followed, and the state that it tells of arrives."""

import re
import sys
from pathlib import Path

import pytest

from whygrad import lessons
from whygrad.lab.page import as_page
from whygrad.lessons.rendering.book import write_book

sys.path.insert(0, str(Path(__file__).parent))  # what tests share lies beside them
from recorded_runs import trained, watched

pytestmark = pytest.mark.long

CALM = {"reduced_motion": "reduce"}
LOOK = "[document.documentElement.lang, document.documentElement.dataset.theme]"


def lab_with(rooms) -> str:
    return as_page(only=rooms)


def follow(page, inside: str, seen: str, *, nth: int = 0) -> str:
    """Follow a link, and return what the lab says once something is seen there."""
    page.locator(f"{inside} .lab").nth(nth).click()
    page.wait_for_selector(seen)
    assert page.url.partition("#")[0].endswith("/a%20report-lab.html")
    return page.locator(".says").inner_text()


@pytest.mark.sampled
@pytest.mark.parametrize("made", [trained, watched])
def test_a_report_leads_to_what_it_tells_of(show, made, tmp_path):
    run = made(tmp_path / "run")
    report = run.report(tmp_path / "a report.html")
    page = show(report, "#lang=zh-Hans&theme=dark", **CALM)
    weight = "#ledgers article:last-of-type"
    told = page.locator(f"{weight} .in-lab .lab").first.inner_text()  # 第 42 步的 hidden1.weight[…]
    _, step, address = re.findall(r"\d+|[\w.]+\[[\d, ]+\]|第", told)
    says = follow(page, weight, ".weight-detail")
    assert address in says and f"第 {step} 步" in says
    assert page.evaluate(LOOK) == ["zh-Hans", "dark"]
    page.go_back()
    follow(page, weight, ".chain math", nth=1)
    row = page.locator(".list-samples [aria-selected=true]").get_attribute("data-key")
    page.go_back()
    assert row in page.locator(f"{weight} .in-lab .lab").nth(1).inner_text()
    neuron = page.locator("#ledgers article:first-of-type .in-lab .lab").first.inner_text()
    says = follow(page, "#ledgers article:first-of-type", ".neuron-detail")
    assert neuron.split(" ")[-1].strip("的\u00a0↗") in says
    page.go_back()
    page.get_by_role("button", name="English").click()
    page.get_by_role("button", name="light").click()
    layer = run.layers[0]
    says = follow(page, "#timelines .in-lab", ".list-neurons")
    assert f"{layer} at step {run.rows(layer)[0][-1]}" in says
    assert page.evaluate(LOOK) == ["en", "light"]
    page.go_back()
    page.locator("#timelines summary").first.click()
    step = page.locator("#timelines th .lab").nth(2).inner_text()
    follow(page, "#timelines th", ".network", nth=2)
    assert page.locator(".now b").inner_text() == f"Step {step}"


def test_a_lesson_leads_to_its_own_neuron(show, tmp_path, expect):
    result = lessons.find("chain").start({"input": 2.0}).run(lambda share: None)
    page = write_book([result], tmp_path / "chain.html", lab=lab_with)
    page = show(page, "#lang=en", **CALM)
    assert page.locator("footer").inner_text().endswith("pass both on together.")
    page.locator(".in-lab .lab").click()
    page.wait_for_selector("#lab main")
    chain = result.measured["chain"]
    names = {"weight_gradient": "weightGradient", "bias_gradient": "biasGradient"}
    shown = ("preactivation", "output", "loss", "delta", *names)
    expect(page, **{names.get(name, name): chain[name] for name in shown})
