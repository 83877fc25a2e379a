"""The links of a report into the lab beside it: each leads to a place that is there."""

import json
import re
from html import unescape
from pathlib import Path
from urllib.parse import parse_qs, unquote

import pytest

import whygrad as wg
from whygrad.cli.app import run as command
from whygrad.doctor.finding import Finding
from whygrad.render.page.lab_links import lab_beside
from whygrad.render.report.diagnosis import _in_lab
from whygrad.render.report.in_lab import LabLinks

pytestmark = pytest.mark.long
RECORDED = Path(__file__).parents[2] / "record" / "format1"
LINK = re.compile(r'<a href="([^"]*)" class="lab">')
DATA = re.compile(r'(?<=id="data">).*?(?=</script>)', re.S)


def links_of(page: Path) -> list[dict[str, str]]:
    """Return where every link into the lab leads, by parts; all of them to the file beside it."""
    found = []
    for href in LINK.findall(page.read_text("utf-8")):
        file, _, hash = unescape(href).partition("#")
        assert unquote(file) == lab_beside(page).name
        parts = parse_qs(hash, keep_blank_values=True, strict_parsing=True)
        found.append({name: values[0] for name, values in parts.items()})
    return found


def held_by(page: Path) -> dict:
    """Return what the lab beside a page holds of the run."""
    text = DATA.search(lab_beside(page).read_text("utf-8"))
    assert text is not None
    return json.loads(text[0])["recorded"]


@pytest.fixture(scope="session", params=["digits", "dead", "watched"])
def reported(request, tmp_path_factory) -> tuple[wg.Run, Path]:
    is_watched = request.param == "watched"
    run = (
        wg.open_run(RECORDED / "watched") if is_watched else request.getfixturevalue(request.param)
    )
    return run, run.report(tmp_path_factory.mktemp("page") / "a report.html")


@pytest.mark.sampled
def test_every_link_leads_to_a_place_that_the_lab_holds(reported):
    _, page = reported
    held, links = held_by(page), links_of(page)
    layers = {layer["name"]: layer for layer in held["layers"]}
    for link in links:
        assert link["room"] == "recorded"
        assert "at" not in link or int(link["at"]) in held["steps"]
        layer = layers[link["layer"]] if link.get("layer") else None
        if layer is None:
            assert set(link) <= {"room", "at", "layer"}
            continue
        assert 0 <= int(link.get("neuron", 0)) < layer["neurons"]
        weight = link.get("weight", "0")
        assert weight == "bias" or 0 <= int(weight) < layer["inputs"]
        assert "weight" not in link or "neuron" in link


def test_what_a_ledger_tells_of_is_whole_in_the_lab(reported):
    """Its own weight or neuron, and the sample that pulls most."""
    run, page = reported
    whole = {step["step"]: step for step in held_by(page)["whole"]}
    pulling = [link for link in links_of(page) if "sample" in link]
    assert bool(pulling) == (run.name != "dead")  # there no sample pulls
    for link in pulling:
        place = [layer["name"] for layer in held_by(page)["layers"]].index(link["layer"])
        rows = whole[int(link["at"])]["layers"][place]["rows"]
        assert int(link["sample"]) in rows["numbers"]


def test_ledgers_findings_and_timelines_have_links(reported, read):
    run, page = reported
    root = read(page.read_text("utf-8"))
    sections = {one.attributes["id"]: one for one in root.all("section")}
    articles = sections["ledgers"].all("article")
    assert articles
    for article in articles:
        address = article.all("p")[0].text("zh-Hans").partition(":")[0]
        first = next(a for a in article.all("a") if a.attributes.get("class") == "lab")
        assert address in first.text("zh-Hans")
    found = run.doctor().findings
    lines = [p for p in sections["diagnosis"].all("p") if p.attributes.get("class") == "in-lab"]
    assert len(lines) == len(found)
    for line, finding in zip(lines, found, strict=True):
        assert (finding.layer or "") in line.text("zh-Hans")
    timelines = [a for a in sections["timelines"].all("a") if a.attributes.get("class") == "lab"]
    assert len(timelines) > len(run.layers)


def test_the_page_says_what_file_its_links_lead_to(reported, read):
    _, page = reported
    text = read(page.read_text("utf-8")).all("header")[0].text("zh-Hans")
    assert f"Links into the lab lead to {lab_beside(page).name}, a file beside this page" in text


def test_of_a_run_without_records_there_is_no_lab(unrecorded, tmp_path):
    page = unrecorded.report(tmp_path / "report.html")
    assert links_of(page) == [] and not lab_beside(page).exists()


def test_a_report_may_be_asked_for_without_the_lab(digits, page_of, tmp_path, capsys):
    out = tmp_path / "report.html"
    assert command(["report", str(digits.path), "--out", str(out), "--no-lab"]) == 0
    assert capsys.readouterr().out.split() == f"The report is in {out}".split()  # it may be long
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
    assert out.read_text("utf-8") == page_of("digits") and links_of(out) == []


def test_the_command_writes_the_lab_beside_the_report(clones, tmp_path, capsys):
    out = tmp_path / "r.html"
    assert command(["report", str(clones.path), "--out", str(out), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"report": str(out)}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["r-lab.html", "r.html"]


def test_progress_is_told_to_the_end(clones, tmp_path):
    told = []
    clones.report(tmp_path / "r.html", progress=lambda done, total: told.append((done, total)))
    assert told == [(i, len(told)) for i in range(1, len(told) + 1)]


def hrefs(finding: Finding) -> list[str]:
    line = _in_lab(LabLinks("a-lab.html"), finding)
    assert line is not None
    return [unescape(href) for href in LINK.findall(line)]


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        ({}, ["layer="]),
        ({"step": 7}, ["at=7&layer="]),
        ({"layer": "a b/c"}, ["layer=a%20b%2Fc"]),
        (
            {"step": 0, "layer": "x", "neurons": (3, 5)},
            ["at=0&layer=x", "at=0&layer=x&neuron=3", "at=0&layer=x&neuron=5"],
        ),
    ],
)
def test_a_finding_leads_as_far_as_it_is_known(known, expected):
    found = hrefs(Finding("dead", 0.9, **known))
    assert found == [f"a-lab.html#room=recorded&{one}" for one in expected]


def test_without_a_lab_no_link_is_made():
    assert _in_lab(None, Finding("dead", 0.9)) is None
