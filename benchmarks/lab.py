"""How fast the lab is, from disk and in Chromium: ``python -m benchmarks.lab``.

What a reader does is done by a mouse: open the page, drag what can be dragged, click through a run.
The page itself notes when each frame is shown. Its engine is timed in Node.js, where there is one.
Writes ``benchmarks/results/lab.json``; ``python -m benchmarks.table`` fills docs/benchmarks.md.
"""

import json
import shutil
import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median, quantiles
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.machine import describe
from benchmarks.run import write
from benchmarks.targets import LAB_TARGETS, judge_all

CHROMIUM = Path("/usr/bin/chromium")
SWITCHES = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")
SCREEN = {"width": 1280, "height": 900}
ROUNDS = 5
SWEEPS, MOVES = 2, 60  # of a drag: there and back, and moves of the mouse in each direction
STEPS, BATCH = 1000, 64  # of the run that is clicked through

# When the page shows something: after the frame that it is in.
WATCH = """
globalThis.shown = () => new Promise(done => requestAnimationFrame(() => {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => done(performance.now());
  port2.postMessage(null);
}));
globalThis.until = async is => { while (!is()) await new Promise(requestAnimationFrame); };
globalThis.opened = until(() => document.querySelector(".picture .value")?.textContent).then(shown);
"""
# The milliseconds of each frame in which something changed, to the next one.
FRAMES = """() => {
  const times = [];
  let [isChanged, begun, frame] = [false, null, null];
  const observer = new MutationObserver(() => (isChanged = true));
  const all = { subtree: true, childList: true, attributes: true, characterData: true };
  observer.observe(document.querySelector("#lab"), all);
  const tick = now => {
    if (begun !== null) times.push(now - begun);
    begun = isChanged ? now : null;
    isChanged = false;
    frame = requestAnimationFrame(tick);
  };
  frame = requestAnimationFrame(tick);
  globalThis.endFrames = () => (cancelAnimationFrame(frame), observer.disconnect(), times);
}"""
# The milliseconds from the next click to the frame that answers it.
ANSWER = """() => {
  globalThis.answered = new Promise(done => addEventListener("click",
    async event => done(await shown() - event.timeStamp), { once: true, capture: true }));
}"""
LEARN = """async steps => {
  const begun = performance.now();
  location.hash = `room=copying&step=${steps}`;
  await until(() => document.querySelector(".step-count")?.textContent === `step ${steps}`);
  return await shown() - begun;
}"""


@dataclass(frozen=True)
class Drag:
    """Something that is dragged, on a page that opens at ``hash``, as far as it is wide or more."""

    hash: str
    selector: str
    reach: float = 0.0


def slider(control: str) -> str:
    return f"[role=slider][data-control={control}] .track"


DRAGS = {
    "neuron": Drag("#room=neuron", slider("input")),
    "forces": Drag("#room=forces&look=w200", slider("w200")),
    "copying": Drag("#room=copying", slider("constant")),
    "biases": Drag("#room=biases", slider("spread")),
    "batch": Drag("#room=batch", ".cell.control", reach=120),
    "gpu": Drag("#room=gpu", slider("power")),
}
RECORDED = Drag("#room=recorded", ".scrub")
# Each is clicked in turn: a layer, one of its neurons, a weight, a sample, two other neurons.
CLICKS = (
    "[data-layer='1'] .title",
    "[data-layer='1'] canvas",
    ".list-weights [role=option]:nth-child(2)",
    ".list-samples [role=option]:nth-child(2)",
    "[data-layer='2'] canvas",
    "[data-layer='0'] canvas",
)


def measure(browser: Any, rounds: int) -> dict:
    """Return all that is measured: milliseconds, bytes."""
    with TemporaryDirectory() as folder:
        lab, recorded = _pages(Path(folder))
        times = {
            "opening": [_opening(browser, lab) for _ in range(rounds)],
            "click": [one for _ in range(rounds) for one in _clicks(browser, recorded)],
            "learning": [_learning(browser, lab) for _ in range(rounds)],
        }
        dragged = {name: _dragged(browser, lab, drag) for name, drag in DRAGS.items()}
        dragged["recorded"] = _dragged(browser, recorded, RECORDED)
        return {
            "browser": f"Chromium {browser.version}",
            "bytes": {"lab": lab.stat().st_size, "recorded": recorded.stat().st_size},
            "milliseconds": {name: _summary(taken) for name, taken in times.items()},
            "drag": {name: _summary(taken) for name, taken in dragged.items()},
        }


def _pages(folder: Path) -> tuple[Path, Path]:
    """Write the page, and that of a run of three layers of 256 neurons, each step recorded."""
    import whygrad as wg

    data = wg.load("digits")
    a_pass = -(-len(data.train.x) // BATCH)
    run = wg.train(
        wg.Network.create([64, 256, 256, 256, 10], seed=0),
        data,
        out=folder / "run",
        epochs=-(-STEPS // a_pass),
        batch_size=BATCH,
        record_every=1,
        patience=None,
    )
    lab, recorded = folder / "lab.html", folder / "run.html"
    wg.lab(lang="en", out=lab)
    wg.lab(run, lang="en", out=recorded)
    return lab, recorded


def _summary(times: list[float]) -> dict[str, float]:
    last = quantiles(times, n=20, method="inclusive")[-1]
    return {"mean": fmean(times), "median": median(times), "p95": last}


@contextmanager
def _page(browser: Any, path: Path, hash: str = "") -> Iterator[Any]:
    """Open a page as a reader does for the first time: nothing of it is kept."""
    context = browser.new_context(viewport=SCREEN, reduced_motion="reduce")
    page = context.new_page()
    page.add_init_script(WATCH)
    page.goto(f"{path.as_uri()}{hash}")
    page.wait_for_selector(".badge[data-apart]")  # the page has done all that it does by itself
    yield page
    context.close()


def _opening(browser: Any, lab: Path) -> float:
    with _page(browser, lab) as page:
        return page.evaluate("opened")


def _learning(browser: Any, lab: Path) -> float:
    with _page(browser, lab, "#room=copying") as page:
        return page.evaluate(LEARN, STEPS)


def _clicks(browser: Any, recorded: Path) -> list[float]:
    with _page(browser, recorded, "#room=recorded&layer=") as page:
        return [_click(page, selector) for selector in CLICKS]


def _click(page: Any, selector: str) -> float:
    page.evaluate(ANSWER)
    page.click(selector)
    return page.evaluate("answered")


def _dragged(browser: Any, path: Path, drag: Drag) -> list[float]:
    """Return how long each frame took that a drag changed."""
    with _page(browser, path, drag.hash) as page:
        place = page.locator(drag.selector).first
        place.scroll_into_view_if_needed()
        box = place.bounding_box()
        y, left = box["y"] + box["height"] / 2, box["x"]
        right = left + (drag.reach or box["width"])
        page.mouse.move(left + 1, y)
        page.mouse.down()
        page.evaluate(FRAMES)
        for _ in range(SWEEPS):
            for x in (right, left):
                page.mouse.move(x, y, steps=MOVES)
        return page.evaluate("endFrames()")


def engine(rounds: int) -> dict:
    """Return the seconds of the engine alone, or nothing without Node.js."""
    node = shutil.which("node")
    if node is None:
        print("there is no node here, so the engine is not measured", file=sys.stderr)
        return {}
    command = [node, str(Path(__file__).with_suffix(".mjs")), str(rounds)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return {"engine": _summary(json.loads(done.stdout))}


@contextmanager
def chromium() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=[*SWITCHES])
        yield browser
        browser.close()


def main() -> None:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("-n", "--rounds", type=int, default=ROUNDS)
    rounds = parser.parse_args().rounds
    if not CHROMIUM.exists():
        print(f"there is no browser at {CHROMIUM}, so nothing is measured", file=sys.stderr)
        return
    with chromium() as browser:
        results = measure(browser, rounds)
    results |= engine(rounds) | {"machine": describe()}
    results["targets"] = judge_all(results, LAB_TARGETS)
    write(results, "lab")
    for verdict in results["targets"]:
        print(json.dumps(verdict))


if __name__ == "__main__":
    main()
