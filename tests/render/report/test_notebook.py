"""A run in a notebook: what it was, how it ended, and its layers, in the language in use."""

import subprocess
import sys
from pathlib import Path

import pytest

import whygrad as wg
from whygrad.doctor.diagnosis import Diagnosis
from whygrad.doctor.finding import Finding
from whygrad.doctor.rendering import verdict
from whygrad.doctor.wording import in_short, sentence
from whygrad.render.run import STYLE
from whygrad.words import number, speaking, t

RECORDED = Path(__file__).parents[2] / "record" / "format1"


def test_it_holds_the_numbers_of_the_run(digits, read):
    style, body = read(digits._repr_html_()).children
    assert (style.tag, style.text()) == ("style", STYLE)
    assert body.attributes == {"class": "whygrad-run", "lang": "en"}
    told = body.text()
    assert "64 → 12 → 8 → 10 (relu, identity)" in told
    for measures in digits.description["result"].values():
        assert all(number(value) in told for value in measures.values())
    shapes = [row.text() for row in body.all("table")[1].all("tr")]
    assert len(shapes) == 4 and "64 × 12" in shapes[1]


def test_it_speaks_the_language_in_use(digits, read):
    with speaking("zh"):
        _, body = read(digits._repr_html_()).children
        assert t("report.fact.samples") in body.text()
    assert body.attributes["lang"] == "zh-Hans"


@pytest.mark.parametrize("name", ["begun", "failed", "unrecorded", "one_step", "nasty"])
def test_every_run_has_one(name, request, read):
    run = request.getfixturevalue(name)
    _, body = read(run._repr_html_()).children
    assert run.path.name in body.text()
    assert not body.all("script") and not body.all("img")


def test_every_rule_of_the_style_stays_inside():
    selectors = [rule.partition("{")[0].strip() for rule in STYLE.split("}") if rule.strip()]
    assert all(one.startswith(".whygrad-run") for one in selectors)


def test_of_a_watched_model_what_is_known_is_told(read):
    run = wg.open_run(RECORDED / "watched")
    _, body = read(run._repr_html_()).children
    described = run.description
    assert described["model"] in body.text() and str(described["parameters"]) in body.text()
    assert [row.all("th")[0].text() for row in body.all("tr")[1:]] == run.layers
    assert len(body.all("table")) == 1  # there are no measures


def test_a_diagnosis_is_told_as_in_a_terminal(dead, read):
    diagnosis = dead.doctor()
    for language in ("en", "zh"):
        with speaking(language):
            style, body = read(diagnosis._repr_html_()).children
            told = body.text().replace("\xa0", " ")
            assert verdict(diagnosis) in told
            assert all(sentence(found) in told for found in diagnosis.findings)
            assert all(in_short(one) in told for one in diagnosis.notes)
    rules = style.text().strip().split("}\n")
    assert all(rule.startswith(".whygrad-diagnosis") for rule in rules)
    assert repr(diagnosis).startswith("Diagnosis(") and "\n" not in repr(diagnosis)


def test_a_line_to_change_is_code_and_names_in_it_are_text(read):
    evidence = {"loss": "<b>", "low": 0.1, "high": 0.2}
    found = Finding("softmax_twice", 0.95, evidence, can_be_tried=False)
    diagnosis = Diagnosis((found,), (), steps=3)
    _, body = read(diagnosis._repr_html_()).children
    assert body.all("code")[0].text() == "nn.Softmax" and not body.all("b")
    assert sentence(found) in body.text()


READING = """
import sys
import whygrad as wg
run = wg.open_run(sys.argv[1])
run.doctor(), run.report(sys.argv[2]), run._repr_html_(), run.why(run.layers[0] + "[0]")
print(*sorted({"jax", "jaxlib", "optax"} & set(sys.modules)))
"""


def test_whoever_reads_a_watched_run_waits_for_no_library_of_ours(tmp_path):
    arguments = [str(RECORDED / "watched"), str(tmp_path / "report.html")]
    told = subprocess.run(
        [sys.executable, "-c", READING, *arguments], capture_output=True, text=True, check=True
    )
    assert told.stdout == "\n"


@pytest.mark.long
@pytest.mark.sampled
@pytest.mark.parametrize("command", ["show", "why", "doctor", "report"])
def test_nor_does_the_command_line(command, tmp_path):
    words = {"why": ["0[0]"], "report": ["--out", str(tmp_path / "report.html")]}
    arguments = [command, str(RECORDED / "watched"), *words.get(command, [])]
    reading = (
        "import sys; from whygrad.cli.app import run; code = run(sys.argv[1:]); "
        "print(code, *sorted({'jax', 'jaxlib', 'optax'} & set(sys.modules)), file=sys.stderr)"
    )
    told = subprocess.run(
        [sys.executable, "-c", reading, *arguments], capture_output=True, text=True, check=True
    )
    assert told.stderr.splitlines()[-1] in ("0", "1")
