"""The files around the code: what they name exists, and both languages say the same."""

import re
import tomllib
from pathlib import Path

import pytest

yaml = pytest.importorskip("yaml")

ROOT = Path(__file__).parents[1]
GITHUB = ROOT / ".github"
PAGES = sorted(
    path
    for folder in (ROOT, ROOT / "docs", ROOT / "examples", GITHUB)
    for path in folder.glob("*.md")
)
LINK = re.compile(r"\]\(([^)\s]+)\)|<img src=\"([^\"]+)\"")
FENCE = re.compile(r"^```.*?^```$", re.M | re.S)
TARGET = re.compile(r"\bmake ([a-z][a-z-]*)")
HAN = re.compile(r"[\u3400-\u9fff]")
HAN_A_WORD = 1.6  # characters, about
MOST_WORDS = 1200


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def parsed(path: Path):
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z][a-z-]*):", text("Makefile"), re.M))


def words(page: str) -> float:
    """Count words: those between spaces, and of Chinese a share of a word a character."""
    others = HAN.sub(" ", page).split()
    return len(HAN.findall(page)) / HAN_A_WORD + sum(bool(re.search(r"\w", one)) for one in others)


def steps(job: dict) -> list[str]:
    return [step["run"] for step in job["steps"] if "run" in step]


def test_the_workflow_runs_everything_on_every_python():
    jobs = parsed(GITHUB / "workflows" / "ci.yml")["jobs"]
    assert steps(jobs["all"]) == [".ci/run"]
    assert jobs["all"]["strategy"]["matrix"]["python"] == ["3.11", "3.12", "3.13"]


def test_the_workflow_tries_the_lowest_and_the_newest_dependencies():
    job = parsed(GITHUB / "workflows" / "ci.yml")["jobs"]["dependencies"]
    tried = {one["versions"]: one["python"] for one in job["strategy"]["matrix"]["include"]}
    assert tried == {"lowest": "3.11", "newest": "3.13"}
    (command,) = steps(job)
    for versions in tried:
        made = command.replace("${{ matrix.versions }}", versions)
        assert made.removeprefix("make ") in make_targets()


def test_every_job_checks_the_code_out_and_sets_python_up():
    for job in parsed(GITHUB / "workflows" / "ci.yml")["jobs"].values():
        used = [step["uses"].split("@")[0] for step in job["steps"] if "uses" in step]
        assert used == ["actions/checkout", "actions/setup-python"]
        assert job["timeout-minutes"] and job["runs-on"]


def test_pre_commit_calls_targets_of_the_makefile():
    (repository,) = parsed(ROOT / ".pre-commit-config.yaml")["repos"]
    assert repository["repo"] == "local"
    for hook in repository["hooks"]:
        assert hook["entry"].removeprefix("make ") in make_targets()
        assert hook["language"] == "system" and hook["pass_filenames"] is False


@pytest.mark.parametrize("name", ["bug", "question"])
def test_an_issue_form_has_what_a_form_needs(name):
    form = parsed(GITHUB / "ISSUE_TEMPLATE" / f"{name}.yml")
    assert form["name"] and form["description"] and form["labels"]
    fields = [one for one in form["body"] if one["type"] != "markdown"]
    assert len({one["id"] for one in fields}) == len(fields) > 0
    assert all(one["attributes"]["label"] for one in fields)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_to_files_that_exist(page):
    written = FENCE.sub("", page.read_text(encoding="utf-8"))
    for link in (one or other for one, other in LINK.findall(written)):
        if not re.match(r"[a-z]+:|#", link):
            assert (page.parent / link.partition("#")[0]).exists(), link


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_targets_that_a_page_names_exist(page):
    code = re.findall(r"`[^`]*`|^ {4}.*$|^\$ .*$", page.read_text(encoding="utf-8"), re.M)
    named = {name for part in code for name in TARGET.findall(part)}
    assert named <= make_targets()


def test_the_command_of_ci_is_made_of_targets():
    assert set(TARGET.findall(re.sub(r"^#.*$", "", text(".ci/run"), flags=re.M))) <= make_targets()
    assert "make test\n" in text(".ci/run")


@pytest.mark.parametrize("page", ["README.md", "README.zh-CN.md"])
def test_a_readme_is_short_and_names_both_commands(page):
    assert words(text(page)) <= MOST_WORDS
    assert all(f"    make {command} " in text(page) for command in ("demo", "test"))
    assert text(page).count("<img ") == 1


@pytest.mark.parametrize("page", ["README", "CONTRIBUTING", "SECURITY"])
def test_both_languages_stand_in_step(page):
    english, chinese = text(f"{page}.md"), text(f"{page}.zh-CN.md")
    for mark in (r"^#+ ", r"^```", r"^\|", r"^- ", r"^\d\. "):
        assert len(re.findall(mark, english, re.M)) == len(re.findall(mark, chinese, re.M)), mark
    assert links(english) == {link.replace(".zh-CN.md", ".md") for link in links(chinese)}


def links(page: str) -> set[str]:
    """Return where a page leads, without the other language."""
    found = {one or other for one, other in LINK.findall(page)}
    return {one for one in found if not re.fullmatch(r"[A-Z]+(\.zh-CN)?\.md", one)}


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*[!N].md")), ids=lambda p: p.name)
def test_every_page_of_the_documentation_has_a_place_and_a_chinese_twin(page):
    assert page.with_suffix(".zh-CN.md").exists()
    assert f"\n  - {page.name}\n" in text("mkdocs.yml")


def test_the_changelog_keeps_its_form():
    headings = re.findall(r"^## (.*)$", text("CHANGELOG.md"), re.M)
    assert headings[0] == "[Unreleased]"
    kinds = set(re.findall(r"^### (.*)$", text("CHANGELOG.md"), re.M))
    assert kinds <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def test_what_is_shipped_as_source_exists():
    shipped = tomllib.loads(text("pyproject.toml"))["tool"]["hatch"]["build"]["targets"]["sdist"]
    assert all((ROOT / name).exists() for name in shipped["include"])
