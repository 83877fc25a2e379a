"""The lab over a recorded run: its numbers are the record's and the ledger's; its size."""

import base64
import json
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

import whygrad as wg
from whygrad.cli.app import run as command
from whygrad.errors import AddressError, OptionError, RunError
from whygrad.lab.page import as_page
from whygrad.lab.recorded import ABSENT, INFINITE, UNDEFINED, ZERO, Plan, quantised, recording
from whygrad.lab.whole import AROUND, SPIKE, _worst
from whygrad.record.fields import FACTORS, ROW_FIELDS
from whygrad.words import number, t

sys.path.insert(0, str(Path(__file__).parent))  # what tests share lies beside them
from recorded_runs import trained, watched, written

LARGEST = 5_000_000  # bytes
ROUNDED = 6e-4  # of a number with four digits, that is 1.000 at worst
CALM = {"reduced_motion": "reduce"}
HOSTILE = ["</script><img src=x onerror=alert(1)>", "__proto__"]


@pytest.fixture(scope="module")
def own(tmp_path_factory) -> wg.Run:
    return trained(tmp_path_factory.mktemp("runs") / "own")


@pytest.fixture(scope="module")
def seen(tmp_path_factory) -> wg.Run:
    return watched(tmp_path_factory.mktemp("runs") / "seen")


@pytest.fixture(scope="module")
def page_of(tmp_path_factory):
    """Return the function that writes the page of a run, each once."""
    made: dict[Path, Path] = {}

    def make(run: wg.Run) -> Path:
        if run.path not in made:
            made[run.path] = tmp_path_factory.mktemp("lab") / "lab.html"
            made[run.path].write_text(as_page(run=run), encoding="utf-8")
        return made[run.path]

    return make


def unpacked(text: str, kind: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), kind)


def sizes_of(tier: dict) -> np.ndarray:
    """Return what the page makes of codes, (stops, factors, neurons), by a way of its own."""
    shape = (len(tier["stops"]), len(FACTORS), tier["count"])
    codes = unpacked(tier["codes"], "<u2").reshape(shape).astype(float)
    low, width = np.moveaxis(unpacked(tier["scale"], "<f4").reshape(*shape[1:], 2), -1, 0)
    sizes = np.exp2(low.astype(float) + (codes - 4) * width.astype(float))
    for code, value in ((ZERO, 0), (INFINITE, np.inf), (UNDEFINED, np.nan), (ABSENT, -1)):
        sizes[codes == code] = value
    return sizes


def test_codes_tell_a_size_within_the_error_that_is_said():
    draw = np.random.default_rng(1)
    rows = 10 ** draw.uniform(-30, 3, (50, 4, 6))
    rows[3, 0, 0], rows[4, 1, 1], rows[5, 2, 2], rows[6, 3, 3] = 0, np.inf, np.nan, -1
    rows[:, 2, 5] = 0.25  # always the same
    codes, scale, apart = quantised(rows)
    tier = {
        "stops": list(range(50)),
        "count": 6,
        "codes": base64.b64encode(codes.astype("<u2").tobytes()),
        "scale": base64.b64encode(scale.astype("<f4").tobytes()),
    }
    again = sizes_of(tier)
    is_number = np.isfinite(rows) & (rows > 0)
    worst = np.abs(again[is_number] / rows[is_number] - 1).max()
    assert worst == pytest.approx(apart) and 0 < apart < 1e-3
    np.testing.assert_array_equal(again[~is_number], rows[~is_number])


@pytest.mark.parametrize("which", ["own", "seen"])
def test_every_factor_is_the_records_within_the_error_that_is_said(which, request):
    run = request.getfixturevalue(which)
    told = recording(run)
    assert told["recorded"] == len(told["steps"])
    for layer in told["layers"]:
        steps, rows = run.rows(layer["name"])
        recorded = rows[:, [ROW_FIELDS.index(name) for name in FACTORS]]
        assert [told["steps"][stop] for stop in layer["single"]["stops"]] == steps.tolist()
        again = sizes_of(layer["single"])
        np.testing.assert_allclose(again, recorded, rtol=told["error"] * 1.001 + 1e-12)
    losses = {line["step"]: line["loss"] for line in run.history_lines if "loss" in line}
    steps = unpacked(told["loss"]["steps"], "<u4").tolist()
    np.testing.assert_allclose(
        unpacked(told["loss"]["values"], "<f4"), [losses[step] for step in steps], rtol=1e-6
    )


def test_a_thousand_steps_of_three_layers_of_256_stay_small(tmp_path):
    run = written(tmp_path / "big", [20, 256, 256, 256], 1000, whole=[0, 333, 999])
    told = recording(run)
    assert len(as_page(run=run).encode()) < LARGEST
    assert 200 < len(told["steps"]) < told["recorded"] == 1000
    assert 0 < told["error"] < 1e-3
    whole = [(one["step"], one["why"]) for one in told["whole"]]
    assert whole == [(333, "spike"), (999, "last")]
    for layer in told["whole"][1]["layers"]:  # all samples, so that gradients can be added up
        assert len(layer["rows"]["numbers"]) == layer["rows"]["of"] == 64


@pytest.mark.parametrize("seed", range(20))
def test_the_loss_that_stands_out_most_is_found_as_by_going_through_all(seed):
    rng = np.random.default_rng(seed)
    steps = np.cumsum(rng.integers(1, 4, rng.integers(1, 40)))
    losses = {int(step): float(rng.lognormal(sigma=0.4)) for step in steps}
    losses |= dict.fromkeys(rng.choice(steps, len(steps) // 5).tolist(), None)
    told = [(step, loss) for step, loss in losses.items() if loss is not None]
    ratios = {}
    for at, (step, loss) in enumerate(told):
        around = [
            loss for _, loss in told[max(at - AROUND, 0) : at] + told[at + 1 : at + AROUND + 1]
        ]
        if at and loss / np.median(around) > SPIKE:
            ratios[step] = loss / np.median(around)
    assert _worst(steps, losses) == max(ratios, key=ratios.get, default=None)


def test_what_is_too_large_is_grouped_and_thinned():
    every = np.arange(0, 5000, 5)
    for neurons in ([16, 8], [256] * 3, [4096] * 20, [50_000], [3, 400_000], [9000, 9000]):
        plan = Plan.of(neurons, every, [0, 4995])
        single = len(plan.single) * sum(
            count for count, is_kept in zip(neurons, plan.fitting, strict=True) if is_kept
        )
        grouped = len(plan.steps) * sum(min(count, 64) for count in neurons) * plan.is_grouped
        assert 8 * (single + grouped) < 1_400_000
        assert {0, 4995} <= set(plan.steps.tolist()) <= set(every.tolist())
        assert len(plan.steps) >= 40
        assert all(plan.fitting) == (sum(neurons) < 20_000)


def test_without_a_recorded_step_it_says_what_to_do(tmp_path):
    network = wg.Network.create([2, 5, 70, 2], seed=3)
    run = wg.train(network, wg.load("circles"), out=tmp_path / "r", epochs=1, record_every=0)
    with pytest.raises(RunError) as caught:
        run.lab(tmp_path / "lab.html")
    assert str(caught.value) == t("error.lab_nothing_recorded", path=run.path)


def whole_of(told: dict) -> list[tuple[int, str]]:
    return [(one["step"], one["why"]) for one in told["whole"]]


def test_a_user_says_which_steps_are_whole(own, seen, tmp_path, capsys):
    told = recording(own, steps=[6, 0, 6])
    assert whole_of(told) == [(0, "asked"), (6, "asked")] and told["leftOut"] == []
    assert whole_of(recording(seen, steps=[3])) == [(3, "asked")]
    out = tmp_path / "lab.html"
    asked = ["--step", "3", "--step", "9", "--out", str(out), "--no-open"]
    assert command(["lab", str(own.path), *asked]) == 0
    assert whole_of(data_in(out)) == [(3, "asked"), (9, "asked")]
    own.lab(out, steps=[6])
    assert whole_of(data_in(out)) == [(6, "asked")]
    wg.lab(own, steps=[0], out=out)
    assert whole_of(data_in(out)) == [(0, "asked")]


def data_in(page: Path) -> dict:
    found = re.search(r'id="data">(.*?)</script>', page.read_text("utf-8"), re.S)
    assert found is not None
    return json.loads(found[1])["recorded"]


def test_a_step_that_cannot_be_whole_is_said(own, tmp_path, monkeypatch):
    with pytest.raises(AddressError) as caught:
        recording(own, steps=[0, 7])
    values = {"step": 7, "path": own.path, "count": len(own.rows("hidden1")[0]), "near": 6}
    assert str(caught.value) == t("error.lab_step_not_recorded", **values)
    run = written(tmp_path / "r", [3, 4, 2], 40, whole=[5, 30])
    with pytest.raises(AddressError) as caught:
        recording(run, steps=[12])
    assert str(caught.value) == t("error.step_not_whole", step=12, near=5, count=2)
    with pytest.raises(OptionError, match=r"^`--step` says which steps of a run"):
        as_page(steps=[3])
    broken = shutil.copytree(own.path, tmp_path / "broken")
    monkeypatch.setattr("whygrad.lab.recorded.seen_at", no_step)
    with pytest.raises(RunError):
        recording(wg.open_run(broken), steps=[0])
    assert recording(wg.open_run(broken))["whole"] == []  # nobody asked for them


def no_step(run: wg.Run, step: int) -> None:
    raise RunError("error.run_file_missing", path=run.path)


def test_many_steps_share_the_room_and_too_many_are_refused(tmp_path, monkeypatch):
    budget = 40_000
    monkeypatch.setattr("whygrad.lab.whole.BUDGET", budget)
    monkeypatch.setattr("whygrad.lab.recorded.WHOLE_BYTES", budget)
    steps = list(range(40))
    run = written(tmp_path / "r", [30, 40, 20], 40, whole=steps)
    with pytest.raises(OptionError) as caught:
        recording(run, steps=steps)
    most = caught.value.values["most"]
    assert str(caught.value) == t("error.lab_steps_too_many", most=most, actual=40)
    assert isinstance(most, int) and 2 <= most < 40
    told = recording(run, steps=steps[:most])
    assert len(told["whole"]) == most and len(json.dumps(told["whole"])) < 1.05 * budget * 4 / 3
    rows = [layer["rows"] for one in told["whole"] for layer in one["layers"]]
    assert all(0 < len(one["numbers"]) < one["of"] for one in rows)


def test_the_command_writes_the_page_of_a_run(own, tmp_path, capsys, monkeypatch):
    out = tmp_path / "lab.html"
    assert command(["lab", str(own.path), "--out", str(out), "--no-open", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"path": str(out)}
    assert '"recorded": {' in out.read_text("utf-8")
    assert command(["lab", str(tmp_path / "none"), "--out", str(out), "--no-open"]) != 0
    assert "There is no run in" in capsys.readouterr().err
    monkeypatch.chdir(tmp_path)
    assert wg.lab(own, out="own.html").path == Path("own.html")
    assert own.lab(tmp_path / "other.html").path == tmp_path / "other.html"


def test_without_a_run_nothing_of_it_travels():
    assert '"recorded.' not in as_page() and "mostTelling" not in as_page()


def test_its_folder_is_not_told(own, page_of):
    assert str(own.path.parent) not in page_of(own).read_text("utf-8")


# --- in the browser ----------------------------------------------------------------------------


def in_formula(page, inside: str) -> list[str]:
    """Return the numbers of a formula, in order."""
    return page.locator(f"{inside} math mtr:nth-child(2) mn").all_text_contents()


@pytest.mark.long
def test_its_numbers_are_the_ledgers(show, own, page_of):
    """Of a weight, a bias and a neuron: factors, gradient, samples, and the check."""
    step = recording(own)["whole"][-1]["step"]
    row = own.row("hidden2", step)
    assert row is not None
    k = int(np.prod(row[:4], axis=0).argmax())  # a neuron that learns
    for address, hash in (
        (f"hidden2.weight[3, {k}]", f"&neuron={k}&weight=3"),
        (f"hidden2.bias[{k}]", f"&neuron={k}&weight=bias"),
        (f"hidden2[{k}]", f"&neuron={k}"),
    ):
        ledger = own.why(address, step=step)
        page = show(page_of(own), f"#room=recorded&at={step}&layer=hidden2{hash}", **CALM)
        inside = ".neuron-detail" if address.startswith("hidden2[") else ".weight-detail"
        shown = in_formula(page, inside)[:5]
        if address.startswith("hidden2.bias"):
            shown[2] = number(1.0)
            assert page.locator(f"{inside} math mtr:nth-child(1) mn").text_content() == "1"
        told = [factor.value for factor in ledger.factors]
        assert [float(one.replace("−", "-")) for one in shown[:4]] == pytest.approx(
            told, rel=ROUNDED
        )
        page.locator(".doubt-button").click()
        doubt = page.locator(".recorded .doubt")
        again = float(doubt.get_attribute("data-own") or "nan")
        recorded = float(doubt.get_attribute("data-recorded") or "nan")
        assert recorded == pytest.approx(ledger.gradient, rel=1e-5)
        assert again == pytest.approx(ledger.gradient, rel=1e-4, abs=1e-9)
        rows = page.locator(".list-samples [role=option]").evaluate_all(
            "all => all.map(one => [one.dataset.key, one.lastElementChild.textContent])"
        )
        terms = {int(row): float(text.replace("−", "-")) for row, text in rows}
        for pull in (*ledger.raising, *ledger.lowering):
            if pull.row in terms:
                assert terms[pull.row] == pytest.approx(pull.value, rel=1e-3)
        strongest = max((*ledger.raising, *ledger.lowering), key=lambda pull: abs(pull.value))
        assert int(rows[0][0]) == strongest.row


@pytest.mark.long
def test_a_sample_shows_its_chain(show, own, page_of):
    step = recording(own)["whole"][0]["step"]
    at = f"#room=recorded&at={step}&layer=hidden1&neuron=2&weight=1"
    page = show(page_of(own), at, **CALM)
    page.locator(".list-samples [role=option]").nth(1).click()
    row = int(page.locator(".list-samples [aria-selected=true]").get_attribute("data-key") or "")
    chain = own.why("hidden1.weight[1, 2]", step=step, sample=row).chain
    share, *numbers = (float(one.replace("−", "-")) for one in in_formula(page, ".chain"))
    assert chain is not None
    told = [chain.upstream, chain.slope, chain.input, share * chain.gradient]
    assert numbers == pytest.approx(told, rel=2 * ROUNDED)
    assert f"sample {row}: {chain.target}" in page.locator(".chain").inner_text()
    page.wait_for_url(f"**&sample={row}*")
    page.reload()
    assert page.locator(".list-samples [aria-selected=true]").get_attribute("data-key") == str(row)


@pytest.mark.long
def test_a_watched_weight_is_called_as_in_its_model(show, seen, page_of):
    step = seen.whole_steps[-1]
    at = f"#room=recorded&at={step}&layer=layers.first&neuron=4&weight=2"
    page = show(page_of(seen), at, **CALM)
    address = "layers.first.weight[4, 2]"
    assert address in page.locator(".says").inner_text()
    ledger = seen.why(address, step=step)
    shown = [float(one) for one in in_formula(page, ".weight-detail")]
    assert shown[:4] == pytest.approx([one.value for one in ledger.factors], rel=ROUNDED)
    page.locator(".doubt-button").click()
    again = float(page.locator(".recorded .doubt").get_attribute("data-own") or "nan")
    assert again == pytest.approx(ledger.gradient, rel=1e-4)


@pytest.mark.long
def test_the_program_prints_the_same_ledger(show, own, page_of, tmp_path, monkeypatch, capsys):
    step = recording(own)["whole"][-1]["step"]
    at = f"#room=recorded&at={step}&layer=hidden1&neuron=2&weight=0"
    page = show(page_of(own), at, **CALM)
    page.get_by_role("button", name="Python").click()
    program = page.locator(".panel textarea").input_value()
    shutil.copytree(own.path, tmp_path / "runs" / own.name)
    monkeypatch.chdir(tmp_path)
    exec(compile(program, "program", "exec"), {})
    assert capsys.readouterr().out == f"{own.why('hidden1.weight[0, 2]', step=step)}\n"


@pytest.mark.long
def test_by_keyboard_alone(show, own, page_of, keyboard):
    page = show(page_of(own), "#room=recorded&lang=en", **CALM)
    hand = keyboard(page)
    hand.reach("[role=slider]")
    page.keyboard.press("Home")
    page.wait_for_function("document.querySelector('.now').textContent.includes('Step 0')")
    page.keyboard.press("ArrowRight")
    page.wait_for_function("document.querySelector('.now').textContent.includes('Step 3')")
    page.keyboard.press("Home")
    hand.press("[data-layer='0']")
    hand.reach(".list-neurons [role=listbox]")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_selector(".list-weights")
    assert "hidden1[1] at step 0" in page.locator(".says").inner_text()
    hand.reach(".list-weights [role=listbox]")
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    page.wait_for_selector(".weight-detail")
    hand.reach(".list-samples [role=listbox]")
    page.keyboard.press("Enter")
    page.wait_for_selector(".chain math")


@pytest.mark.long
def test_by_touch_on_a_phone(show, own, page_of):
    page = show(
        page_of(own),
        "#room=recorded",
        width=390,
        height=844,
        has_touch=True,
        is_mobile=True,
        **CALM,
    )
    page.locator(".wholes button").first.tap()
    page.locator("[data-layer='1']").tap(position={"x": 40, "y": 12})
    page.locator(".list-neurons [role=option]").nth(3).tap()  # a group
    page.locator(".list-neurons [role=option]").nth(1).tap()
    page.locator(".list-weights [role=option]").nth(1).tap()
    page.locator(".list-samples [role=option]").first.tap()
    assert page.locator(".chain math").is_visible()
    page.wait_for_url("**layer=hidden2&neuron=7&weight=*&sample=*")


@pytest.mark.long
def test_everyone_can_read_it(show, own, page_of, axe, language, theme, width):
    look = f"&lang={language}&theme={theme}"
    for place in (
        "&layer=&neuron=-1",
        "&layer=hidden2&neuron=-1",
        "&layer=hidden1&neuron=1&weight=0",
    ):
        page = show(page_of(own), f"#room=recorded{place}{look}", width=width, **CALM)
        assert axe(page) == []
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


@pytest.mark.long
def test_marks_and_what_was_left_out(show, tmp_path):
    marks = {(5, 0, 0): np.inf, (5, 1, 1): np.nan, (5, 2, 2): 0.0}
    marks |= {(5, factor, 3): -1 for factor in range(4)}  # not recorded
    run = written(tmp_path / "r", [3, 4, 2], 12, whole=[11], samples=5, marks=marks)
    path = tmp_path / "lab.html"
    path.write_text(as_page(run=run), encoding="utf-8")
    page = show(path, "#room=recorded&at=5&layer=layers.0", **CALM)
    cells = page.locator(".list-neurons [role=option]").evaluate_all(
        "all => all.map(one => [...one.children].map(cell => cell.lastChild.textContent))"
    )
    assert (cells[0][1], cells[1][2], cells[2][3]) == ("∞", "NaN", "0")
    assert (cells[0][5], cells[1][5], cells[2][5]) == ("∞", "NaN", "0")
    page.locator(".list-neurons [role=option]").nth(3).click()
    assert page.locator(".says").inner_text() == t("lab.recorded.not_recorded")
    page.get_by_role("button", name="layers.0").first.click()
    page.locator(".list-neurons [role=option]").first.click()
    page.locator(".left-out button").click()  # to the whole step
    page.wait_for_selector(".list-weights")
    assert "Step 11" in page.locator(".now").inner_text()


@pytest.mark.long
def test_names_are_never_markup(show, tmp_path):
    run = watched(tmp_path / "<b>run", HOSTILE)
    path = tmp_path / "lab.html"
    path.write_text(as_page(run=run), encoding="utf-8")
    name = f"layers.{HOSTILE[0]}"
    page = show(path, "", **CALM)
    page.locator("[data-layer='0']").click(position={"x": 20, "y": 15})
    assert page.locator(".card b").first.inner_text() == name
    assert page.locator("main img").count() == 0
    page.locator("[data-layer='1']").click(position={"x": 20, "y": 15})
    assert page.locator(".way").inner_text().endswith("layers.__proto__")
    page.wait_for_url(re.compile("layer=layers.__proto__"))
    page.reload()
    assert page.locator(".list-neurons [role=option]").count() == 2


@pytest.mark.long
def test_an_address_of_nonsense_does_no_harm(show, own, page_of):
    for hash in (
        "#room=recorded&at=1e99&layer=constructor&neuron=7&weight=9&sample=3",
        "#room=recorded&at=x&layer=hidden1&neuron=99&weight=__proto__&group=88",
    ):
        page = show(page_of(own), hash, **CALM)
        assert page.locator(".recorded .timeline").is_visible()


@pytest.mark.long
def test_slides_lead_from_the_run_to_a_weight(show, own, tmp_path):
    path = tmp_path / "lab.html"
    path.write_text(as_page(run=own, slides=True, lang="en"), encoding="utf-8")
    page = show(path, "", **CALM)
    assert t("lab.recorded.slide.run") in page.locator(".slide").inner_text()
    for seen in (".list-neurons", ".curves", ".weight-detail"):
        page.keyboard.press("ArrowRight")
        page.wait_for_selector(seen)
