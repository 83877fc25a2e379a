"""Pages opened in the browser; any error in the console fails the test."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

AXE = Path(__file__).parents[2] / "vendor" / "axe.min.js"
ONLY = "{resultTypes: ['violations']}"  # describing what passes takes thirty times as long


@pytest.fixture
def show(chromium) -> Iterator[Callable]:
    """Return the function that opens a file; at the end nothing may have gone wrong in it."""
    opened, problems = [], []

    def show(path: Path, hash: str = "", *, width: int = 1280, **settings):
        context = chromium.new_context(
            viewport={"width": width, "height": 900}, locale="en-US", **settings
        )
        opened.append(context)
        page = context.new_page()
        page.on("console", lambda message: problems.append(message.text))
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("request", lambda request: _must_be_local(request.url, problems))
        page.goto(f"{path.as_uri()}{hash}")
        return page

    yield show
    for context in opened:
        context.close()
    assert problems == []


def _must_be_local(url: str, problems: list[str]) -> None:
    if not url.startswith(("file:", "data:")):
        problems.append(f"asked for {url}")


@pytest.fixture(scope="session")
def axe() -> Callable:
    """Return the function that lists what axe finds on a page."""
    script = AXE.read_text(encoding="utf-8")

    def findings(page, inside: str = "html") -> list[str]:
        page.evaluate(script)
        found = page.evaluate(f"inside => axe.run(inside, {ONLY})", inside)
        return [
            f"{one['id']}: {node['html'][:200]}: {node['failureSummary']}"
            for one in found["violations"]
            for node in one["nodes"]
        ]

    return findings
