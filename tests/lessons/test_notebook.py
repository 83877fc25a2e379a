"""The notebook: both languages in every text, no outputs kept, and every cell runs."""

import re
from pathlib import Path

import nbclient
import nbformat
import pytest

pytestmark = [pytest.mark.long, pytest.mark.sampled]

NOTEBOOK = Path(__file__).parents[2] / "lessons.ipynb"
HAN = re.compile("[一-鿿]")
ENGLISH = re.compile(r"\b[A-Za-z]+ [a-z]+ [a-z]+\b")


@pytest.fixture(scope="module")
def written():
    return nbformat.read(NOTEBOOK, as_version=4)


@pytest.fixture(scope="module")
def executed(written, tmp_path_factory):
    """Run all cells in a kernel of their own, in an empty folder."""
    notebook = nbformat.from_dict(written)
    where = {"metadata": {"path": str(tmp_path_factory.mktemp("notebook"))}}
    nbclient.NotebookClient(notebook, timeout=120, resources=where).execute()
    return notebook


def of_kind(notebook, kind: str) -> list:
    return [cell for cell in notebook.cells if cell.cell_type == kind]


def outputs(notebook) -> list:
    return [one for cell in of_kind(notebook, "code") for one in cell.outputs]


def shown(notebook, kind: str) -> list[str]:
    """Return what the cells showed as one kind of media."""
    return [one.data[kind] for one in outputs(notebook) if kind in one.get("data", {})]


def printed(notebook) -> str:
    return "".join(one.text for one in outputs(notebook) if one.output_type == "stream")


def test_the_notebook_is_valid_and_keeps_no_outputs(written):
    nbformat.validate(written)
    cells = of_kind(written, "code")
    assert cells and all(not cell.outputs and cell.execution_count is None for cell in cells)


def test_every_text_is_first_english_then_chinese(written):
    for cell in of_kind(written, "markdown"):
        first_han = HAN.search(cell.source)
        assert first_han is not None, cell.source
        assert ENGLISH.search(cell.source[: first_han.start()]), cell.source


def test_every_cell_runs_and_says_nothing_on_stderr(executed):
    assert [one for one in outputs(executed) if one.get("name") == "stderr"] == []
    assert all(cell.outputs for cell in of_kind(executed, "code"))


def test_it_tells_shows_and_draws(executed):
    assert "\nThe law held in this run.\n" in printed(executed) and "\x1b" not in printed(executed)
    assert "constant: " in printed(executed)  # the help of a lesson
    assert sum("whygrad" in page for page in shown(executed, "text/html")) == 1
    assert len(shown(executed, "image/png")) == 2


def test_an_exercise_is_answered_and_a_law_fails_as_the_text_says(executed):
    assert any("'equal': True" in text for text in shown(executed, "text/plain"))
    (broken,) = re.findall(r"^False (\[.*\])$", printed(executed), re.M)
    assert "lowest" in broken
