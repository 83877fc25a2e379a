"""The help of every command says what the catalogue says: markup eats nothing of it."""

import re
import subprocess
import sys

import pytest

from whygrad import lessons
from whygrad.words import LANGUAGES, catalogue, speaking, t

PRINT = """
import sys
from whygrad import words
words.choose(sys.argv[1])
from whygrad.cli.app import run_command
for command in sys.argv[2:]:
    print("\\n===", command)
    run_command([*command.split(), "--help"])
"""
COMMANDS = (
    "train", "why", "runs", "show", "evaluate", "predict", "report", "export", "log", "doctor",
    "lab", "lesson", "watch",
)  # fmt: skip
LESSONS = ("lesson all", "lesson detectors")
SHARED = ("help.json", "help.lang", "help.help")


@pytest.fixture(scope="module", params=LANGUAGES)
def told(request, environment) -> tuple[str, dict[str, str]]:
    """Return a language, and the help of every command in it, without frames and line breaks."""
    argv = [sys.executable, "-c", PRINT, request.param, *COMMANDS, *LESSONS]
    wide = environment | {"COLUMNS": "300", "TERMINAL_WIDTH": "300"}
    done = subprocess.run(argv, env=wide, capture_output=True, text=True, timeout=300, check=True)
    parts = re.split(r"=== (.+)", done.stdout)[1:]
    return request.param, dict(zip(parts[::2], map(squeezed, parts[1::2]), strict=True))


def squeezed(text: str) -> str:
    """Return text without white space and frames: where lines break is not what is compared."""
    return re.sub(r"[\s│╭╮╰╯─]", "", text)


def pattern(sentence: str) -> str:
    """Return a sentence as a pattern, with anything where a value stands."""
    plain = squeezed(sentence.replace("`", ""))
    return ".+?".join(re.escape(part) for part in re.split(r"\{\w+\}", plain))


def sentences(command: str) -> list[str]:
    """Return the keys of what the help of a command says."""
    own = [key for key in catalogue("en") if re.fullmatch(rf"help\.{command}(\.\w+)?", key)]
    return [*own, *(key for key in SHARED if key.replace("help", f"help.{command}") not in own)]


@pytest.mark.long
@pytest.mark.sampled
@pytest.mark.parametrize("command", [name for name in COMMANDS if name != "lesson"])
def test_help_is_printed_as_it_is_written(told, command):
    language, printed = told
    keys = sentences(command)
    assert len(keys) > len(SHARED)
    missing = [
        key for key in keys if not re.search(pattern(catalogue(language)[key]), printed[command])
    ]
    assert missing == []


def test_the_help_of_lessons_is_printed_as_it_is_written(told):
    language, printed = told
    expected = {
        "lesson": ["help.lesson", "help.lesson.examples", *SHARED]
        + [f"lesson.{name}.question" for name in lessons.NAMES],
        "lesson all": ["help.lesson.all", "help.lesson.book", *SHARED],
        "lesson detectors": [
            "lesson.detectors.title", "lesson.detectors.question", "help.lesson.option",
            "help.lesson.out", "help.lesson.check", *SHARED,
        ],
    }  # fmt: skip
    assert [
        (command, key)
        for command, keys in expected.items()
        for key in keys
        if not re.search(pattern(catalogue(language)[key]), printed[command])
    ] == []


def test_brackets_of_sections_and_ranges_stay(told):
    language, printed = told
    assert "[data]" in printed["train"] and "[network]" in printed["train"]
    assert "[training]" in printed["train"]
    assert "[0,1)" in printed["train"] and "[[" not in printed["train"]
    with speaking(language):
        assert squeezed(t("help.train.config")) in printed["train"]
