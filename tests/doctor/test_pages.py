"""The page on debugging a PyTorch model: what it suspects, the doctor can explain."""

import re
from pathlib import Path

from whygrad.doctor.watched.finding import AILMENTS

DOCS = Path(__file__).parents[2] / "docs"


def suspects(page: str) -> list[list[str]]:
    """Return the ailments of every row of the table from symptoms to causes."""
    rows = re.findall(r"^\| [^|`]+ \| (`.+`) \|$", (DOCS / page).read_text(), re.M)
    return [re.findall(r"`(\w+)`", row) for row in rows]


def test_every_suspect_is_an_ailment_and_both_pages_name_the_same():
    named = suspects("pytorch.md")
    assert len(named) > 5
    assert {kind for row in named for kind in row} <= set(AILMENTS)
    assert suspects("pytorch.zh-CN.md") == named
