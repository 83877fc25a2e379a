"""What findings print as code is code: it parses, whatever the numbers and names in it."""

import ast
import random
import re

import pytest

from whygrad.doctor.faults import faults_of
from whygrad.doctor.finding import Finding
from whygrad.doctor.wording import line_in_general, line_to_change
from whygrad.words import catalogue, speaking

KINDS = [fault.kind for fault in faults_of("watched")]
CODE = re.compile("`([^`]*)`")
NAMES = (
    "0", "encoder.layers.11.linear1", "heads.a-b.0", "class.1st", "块.线性", 'quote"d.\'x',
    "a\u202eb", "a b", "in_proj[0:8]", "",
)  # fmt: skip
FIELDS = set(re.findall(r"\{(\w+)\}", " ".join(
    words for key, words in catalogue("en").items() if key.startswith("doctor.")
)))  # fmt: skip


def drawn(kind: str, draw: random.Random) -> Finding:
    """Return a finding whose numbers are of all sizes, and of both signs."""
    sizes = (0, -1, 1024, 123_456_789, -2.5, 1e-7, -3.25e-12, 6.02e23, 1e300)
    evidence = {name: draw.choice(sizes) for name in FIELDS}
    evidence |= {"optimizer": "SGD", "loss": "mse_loss"}
    return Finding(kind, 0.9, evidence, layer=draw.choice(NAMES))


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("kind", KINDS)
def test_the_code_in_a_finding_parses(kind, language):
    draw = random.Random(kind)
    with speaking(language):
        lines = [line_to_change(drawn(kind, draw)) for _ in range(20)] + [line_in_general(kind)]
    for line in lines:
        assert line.count("`") % 2 == 0
        for code in CODE.findall(line):
            ast.parse(code)


def test_a_number_in_code_is_told_in_full():
    finding = Finding("undivided_accumulation", 0.9, {"passes": 1024})
    assert line_to_change(finding) == "`(loss / 1024).backward()`"


@pytest.mark.parametrize("kind", KINDS)
def test_both_languages_print_the_same_code(kind):
    found = {}
    for language in ("en", "zh"):
        with speaking(language):
            found[language] = sorted(CODE.findall(line_in_general(kind)))
    assert found["en"] == found["zh"]


@pytest.mark.parametrize("kind", KINDS)
def test_no_call_is_printed_outside_of_the_code(kind):
    """What looks like code and is not marked as such would be parsed by nobody."""
    prose = CODE.sub("", line_in_general(kind))
    assert not re.search(r"\w\(|\w = |\)\.|nn\.", prose)
