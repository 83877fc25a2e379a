"""Tables of the reader's own in Chromium, in three ways of use; numbers are whygrad's."""

import io
from contextlib import redirect_stdout
from pathlib import Path

import jax
import numpy as np
import pytest

from whygrad.lab.draws import create
from whygrad.lab.page import Lab, as_page
from whygrad.lab.reference import Scene, reference
from whygrad.settings import Settings
from whygrad.words import number, speaking, t

pytestmark = pytest.mark.long

CALM = {"reduced_motion": "reduce"}
X64 = 'jax.config.update("jax_enable_x64", True)\n'
DRAWS = np.random.default_rng(18)
INPUTS = np.round(DRAWS.normal((170, 60, 3), (10, 15, 1), (30, 3)), 2)
IS_DOG = DRAWS.permutation(30) < 11
NAMES = ["height", "<b>weight</b>", "legs, both"]
CATS = "\n".join(
    ['height,<b>weight</b>,"legs, both",kind']
    + [f"{h},{w},{n},{'dog' if d else 'cat'}" for (h, w, n), d in zip(INPUTS, IS_DOG, strict=True)]
)
X = (INPUTS - INPUTS.mean(axis=0)) / INPUTS.std(axis=0)
Y = IS_DOG[:, None].astype(float)
LINE = np.round(DRAWS.normal(0, 2, (12, 2)), 1)
COMMAS = "x;y\n" + "\n".join(f"{a};{b}".replace(".", ",") for a, b in LINE)


def paste(page, text: str) -> None:
    page.locator(".own-line button").first.click()
    page.locator(".own textarea").fill(text)


def use(page) -> None:
    page.locator(".own .action").click()
    page.locator(".own textarea").wait_for(state="detached")


def figures(page) -> list[str]:
    return page.locator(".figure b").all_inner_texts()


def turn_to(page, hash: str, step: int = 0) -> None:
    """Show what another address says."""
    page.evaluate("hash => { location.hash = hash }", hash)
    room = hash.partition("room=")[2].partition("&")[0]
    page.wait_for_selector(f".{room}")
    page.wait_for_function(
        "step => document.querySelector('.step-count').textContent.match(/\\d+/)[0] === step",
        arg=str(step),
    )


def copies(x: np.ndarray, y: np.ndarray, steps: int, init: str, loss: str) -> dict:
    """Return what whygrad makes of the copying machine on other samples."""
    output = "sigmoid" if loss == "binary_cross_entropy" else "identity"
    network = create([x.shape[1], 16, 1], activations=["tanh", output], init=init)
    settings = Settings(loss=loss, optimizer="adam", learning_rate=0.05)
    return reference(Scene(network, x, y, settings), steps=steps)


def printed(page) -> str:
    """Return what the page's program prints."""
    page.get_by_role("button", name="Python").click()
    source = page.locator(".panel:not(.own) textarea").input_value()
    page.keyboard.press("Escape")
    out = io.StringIO()
    with jax.enable_x64(True), redirect_stdout(out):
        exec(source.replace(X64, ""), {})
    return out.getvalue()


def test_a_pasted_table_is_learnt_from_in_every_room_that_can(show, lab, axe):
    page = show(lab, "#room=copying", accept_downloads=True, **CALM)
    before = figures(page)
    paste(page, CATS)
    assert page.locator(".facts dd").all_inner_texts() == [
        "30 × 4", t("lab.data.head.names"), t("lab.data.separator.comma"),
        t("lab.data.decimal.point"),
    ]  # fmt: skip
    cells = page.locator(".columns tbody td").all_inner_texts()
    assert cells[0::4] == [*NAMES, "kind"]
    assert cells[2::4] == [*map(number, INPUTS.mean(axis=0)), "–"]
    assert cells[3::4] == [*map(number, INPUTS.std(axis=0)), "–"]
    assert axe(page) == []
    use(page)
    says_what_it_learns_from(page)
    trains_on_it(page)
    shares_it_honestly(page)
    compares_starts_on_it(page)
    shows_its_first_rows(page)
    page.reload()
    page.wait_for_selector(".batch")
    assert page.locator(".of-x .line").count() == 3
    page.locator(".own-line button").first.click()
    page.locator(".own").get_by_role("button", name=t("lab.data.back")).click()
    turn_to(page, "#room=copying")
    assert figures(page) == before


def says_what_it_learns_from(page) -> None:
    told = page.locator(".own-line > p").inner_text()
    for key, values in (
        ("in_use", {"count": "30", "counted": 30, "target": "kind"}),
        ("learns.classes", {"zero": "cat", "one": "dog"}),
        ("with.classes", {}),
        ("plane.many", {}),
    ):
        assert t(f"lab.data.{key}", **values) in told
    assert page.locator(".own-line .input").all_inner_texts()[1] == "x2 <b>weight</b>"


def trains_on_it(page) -> None:
    """The copying machine: at each step, back again, and as a program."""
    page.locator("[data-start=random]").click()
    step = page.locator(".player-button").nth(3)
    for _ in range(3):
        step.click()
    told = copies(X, Y, 4, "glorot_normal", "binary_cross_entropy")
    assert figures(page)[0] == "16 / 16" and figures(page)[2] == number(told["losses"][3])
    third = figures(page), page.locator(".proof").inner_text()
    step.click()
    page.locator(".player-button").nth(1).click()
    assert (figures(page), page.locator(".proof").inner_text()) == third
    page.locator(".proof [data-number='dw3.2']").click()
    page.locator(".asked .action").click()
    doubt = page.locator(".doubt .result").all_inner_texts()
    assert float(doubt[0].replace("−", "-")) == pytest.approx(
        float(doubt[1].replace("−", "-")), rel=1e-3
    )
    page.keyboard.press("Escape")
    shown = page.locator(".proof [data-number]").evaluate_all(
        "all => Object.fromEntries(all.map(one => [one.dataset.number, one.textContent]))"
    )
    lines = printed(page).splitlines()
    assert lines[0].split()[-1] == f"{told['losses'][3]:.4g}"
    gradients = [number(float(line.split()[-1])) for line in lines if "dC/d" in line]
    names = ("dw1", "dw2", "dw3", "db", "dv")
    assert gradients == [shown[f"{name}.{k}"] for k in (1, 2) for name in names]
    page.locator(".player-button").nth(0).click()
    assert figures(page)[2] == number(told["losses"][0])


def shares_it_honestly(page) -> None:
    page.get_by_role("button", name="Link").click()
    assert page.locator(".panel:not(.own) p").inner_text() == t("lab.share.link.without")
    assert "height" not in page.locator(".panel:not(.own) textarea").input_value()
    page.keyboard.press("Escape")
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV").click()
    head = Path(download.value.path()).read_text(encoding="utf-8-sig").splitlines()[0]
    assert head == "neuron,w1,w2,w3,b,a,v,delta,dw1,dw2,dw3,db,dv"


def compares_starts_on_it(page) -> None:
    turn_to(page, "#room=biases&step=2", 2)
    lines = printed(page).splitlines()
    _, _, _, zero, _, random = lines[-2].split()
    assert [number(float(zero)), number(float(random))] == figures(page)[:2]
    assert f"ahead in {figures(page)[2][0]} of 8" in lines[-1]


def shows_its_first_rows(page) -> None:
    turn_to(page, "#room=batch&step=1&w13=0.9", 1)
    found = page.locator(".tables .cell").evaluate_all(
        """all => Object.fromEntries(all.map(one =>
             [one.dataset.number, one.title || one.textContent]))"""
    )
    x = {f"x{j + 1}{i + 1}": number(X[i, j]) for i in range(5) for j in range(3)}
    y = {f"y{k}{i + 1}": number(Y[i, 0]) for i in range(5) for k in (1, 2, 3)}
    assert x.items() <= found.items() and y.items() <= found.items()
    assert page.locator(".of-x .control, .of-y .control").count() == 0
    told = printed(page)
    delta = told.partition("Delta (3, 5)\n")[2].splitlines()[:3]
    assert [number(float(one)) for line in delta for one in line.split()] == [
        found[f"d{k}{i}"] for k in (1, 2, 3) for i in range(1, 6)
    ]
    assert "(3, 5) @ (5, 3) → (3, 3)" in page.locator(".code").first.inner_text()


def test_a_quantity_by_touch_on_a_phone(show, lab, axe, tmp_path):
    file = tmp_path / "line.csv"
    file.write_text(COMMAS, encoding="utf-8")
    settings = {"locale": "zh-CN", "has_touch": True, "is_mobile": True, "color_scheme": "dark"}
    page = show(lab, "#room=copying", width=390, height=844, **settings, **CALM)
    with speaking("zh"):
        page.locator(".own-line button").first.tap()
        page.locator(".own input[type=file]").set_input_files(
            {"name": "cat.png", "mimeType": "image/png", "buffer": b"\x89PNG\0"}
        )
        problem = t("lab.data.problem.no_text", name="cat.png")
        page.locator(".own .problem").get_by_text(problem).wait_for()
        page.locator(".own input[type=file]").set_input_files(file)
        page.locator(".columns").wait_for()
        facts = page.locator(".facts dd").all_inner_texts()
        assert facts[2:] == [t("lab.data.separator.semicolon"), t("lab.data.decimal.comma")]
        assert axe(page) == []
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        page.locator(".own .action").tap()
        page.locator("[data-start=zeros]").tap()
        page.locator(".player-button").nth(3).tap()
        scaled = (LINE - LINE.mean(axis=0)) / LINE.std(axis=0)
        told = copies(scaled[:, :1], scaled[:, 1:], 2, "constant:0", "squared")
        assert figures(page)[2] == number(told["losses"][1])
        assert page.locator(".guess-line").count() == 1
        assert axe(page) == []
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        assert t("lab.data.plane.one") in page.locator(".own-line > p").inner_text()
        turn_to(page, "#room=batch")
        line = page.locator(".own-line > p").inner_text()
        assert line == f"{t('lab.data.misfit.kind')}{t('lab.data.kept')}"
        assert page.locator(".of-x .line").count() == 2


DROP = """(dialog, text) => {
  const dataTransfer = new DataTransfer();
  dataTransfer.items.add(new File([text], "table.csv"));
  dialog.dispatchEvent(new DragEvent("drop", { dataTransfer, cancelable: true }));
}"""


def test_a_table_by_keyboard_alone(show, lab, keyboard):
    page = show(lab, "#room=biases", **CALM)
    hand = keyboard(page)
    hand.press(".own-line button")
    page.wait_for_function("() => document.activeElement.matches('.own textarea')")
    page.keyboard.insert_text("1,2,x\n2,z,y\n3,5,x")
    problem = t("lab.data.problem.no_number", row="2", column="2", actual="z")
    assert page.locator(".own .problem").inner_text() == problem
    assert page.locator(".own .action").is_disabled()
    page.keyboard.press("Control+A")
    page.keyboard.insert_text("1,2,x\n2,4,y\n3,5,x")
    hand.press(".own .toggle")
    assert page.locator(".columns th[scope=col]").count() == 2
    hand.press(".own .action")
    assert page.evaluate("document.activeElement.closest('.own-line') !== null")
    assert t("lab.data.unscaled") in page.locator(".own-line > p").inner_text()
    page.keyboard.press("Enter")
    page.locator(".own").evaluate(DROP, CATS)
    page.wait_for_function("() => document.querySelector('.facts dd')?.textContent === '30 × 4'")


def test_a_scene_hands_out_a_table_and_a_frame_forgets_what_is_pasted(show, tmp_path):
    """In a frame of a notebook there is no storage."""
    kinds = np.where(IS_DOG, "dog", "cat").tolist()
    rows = [[*row, kind] for row, kind in zip(INPUTS.tolist(), kinds, strict=True)]
    scene = {"room": "copying", "data": rows, "head": [*NAMES, "kind"]}
    host = tmp_path / "host.html"
    frame = Lab(as_page(scene=scene))._repr_html_()
    host.write_text(f"<!DOCTYPE html><title>host</title>{frame}", encoding="utf-8")
    inside = show(host, **CALM).frame_locator("iframe")
    told = t("lab.data.in_use", count="30", counted=30, target="kind")
    assert told in inside.locator(".own-line > p").inner_text()
    losses = copies(X, Y, 1, "constant:0.5", "binary_cross_entropy")["losses"]
    assert inside.locator(".figure.loss b").inner_text() == number(losses[0])
    inside.locator(".own-line button").first.click()
    assert inside.get_by_role("button", name=t("lab.data.back")).count() == 0
    inside.locator(".own textarea").fill("1 0\n2 1\n4 0")
    inside.locator(".own .action").click()
    told = t("lab.data.in_use", count="3", counted=3, target="column 2")
    assert told in inside.locator(".own-line > p").inner_text()
    inside.locator(".own-line button").first.click()
    inside.get_by_role("button", name=t("lab.data.back")).click()
    assert inside.locator(".figure.loss b").inner_text() == number(losses[0])
