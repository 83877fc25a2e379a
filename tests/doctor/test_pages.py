"""The page on debugging a PyTorch model: what it suspects, the doctor can explain."""

import re
from pathlib import Path

from whygrad.doctor.faults import faults_of

DOCS = Path(__file__).parents[2] / "docs"


def suspects(page: str) -> list[list[str]]:
    """Return the faults of every row of the table from symptoms to causes."""
    rows = re.findall(r"^\| [^|`]+ \| (`.+`) \|$", (DOCS / page).read_text(), re.M)
    return [re.findall(r"`(\w+)`", row) for row in rows]


def test_every_suspect_is_a_fault_and_both_pages_name_the_same():
    named = suspects("pytorch.md")
    assert len(named) > 5
    assert {kind for row in named for kind in row} <= {fault.kind for fault in faults_of("watched")}
    assert suspects("pytorch.zh-CN.md") == named
