"""``whygrad lesson``: what it prints, writes and says, and how it ends."""

import json
import os
import re
import signal
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whygrad import lessons
from whygrad.cli import app, lesson_runs
from whygrad.lessons.lesson import AT_MOST, Exercise, Law, Lesson, Place
from whygrad.lessons.options import option, setup
from whygrad.lessons.story import Say, Story
from whygrad.settings import Range
from whygrad.words import catalogue, speaking, t

CHINESE = re.compile("[一-鿿]")


@setup
class Options:
    """Options of every kind."""

    batch: int = option(6, Range(int, 1, 4097))
    learning_rate: float = option(0.1, Range(float, 0, includes_low=False))
    activation: str = option("tanh", ("sigmoid", "tanh"))
    constants: tuple = option((0.0, 0.5), Range(float, -100, 100))


TINY = Lesson(
    name="tiny",
    claim=1,
    setup=Options,
    measure=lambda setup, tick: {"batch": setup.batch, "largest": max(setup.constants)},
    laws=lambda setup, measured: (Law("small", measured["largest"], AT_MOST, 1.0),),
    tell=lambda setup, measured: Story((Say("lesson.tiny.told", measured),), ()),
    exercises=(
        Exercise("alone", lambda setup, measured: measured["batch"] == 1, {"batch": 1}),
        Exercise("large", lambda setup, measured: measured["largest"] > 9, {"constants": (10,)}),
    ),
    lab=lambda setup: Place("neuron"),
)
WORDS = {
    "lesson.tiny.title": ("One small lesson", "一堂小课"),
    "lesson.tiny.question": ("Is it small?", "它小吗？"),
    "lesson.tiny.statement": ("It is small.", "它很小。"),
    "lesson.tiny.told": ("The largest is {largest}.", "最大的是 {largest}。"),
    "lesson.tiny.law.small": ("It is small.", "它很小。"),
    "lesson.tiny.exercise.alone": ("When is a sample alone?", "样本何时独自一个？"),
    "lesson.tiny.exercise.alone.answer": ("In a batch of one.", "批次只有一个时。"),
    "lesson.tiny.exercise.large": ("When is it large?", "它何时很大？"),
    "lesson.tiny.exercise.large.answer": ("Above nine.", "大于九时。"),
    "lesson.option.batch": ("how many samples", "有多少样本"),
    "lesson.option.learning_rate": ("how far a step goes", "每一步走多远"),
    "lesson.option.activation": ("f in [a = f(z)]", "[a = f(z)] 中的 f"),
    "lesson.option.constants": ("where weights start", "权重的起点"),
    "lesson.option.constants.name": ("starts", "起点"),
}
LARGE = ("tiny", "--constants", "0,2")  # its law does not hold


def interrupted(setup, tick):
    os.kill(os.getpid(), signal.SIGINT)
    raise AssertionError("the interrupt never came")


@pytest.fixture
def put(monkeypatch):
    """Put other lessons in the place of all: the tiny one, each with something else changed."""

    def put(*changed):
        names = [f"tiny{place}" for place in range(2, len(changed) + 1)]
        names = ("tiny", *names)
        found = {
            name: replace(TINY, name=name, claim=place, **changes)
            for place, (name, changes) in enumerate(zip(names, changed, strict=True), 1)
        }
        monkeypatch.setattr(lessons, "NAMES", names)
        monkeypatch.setattr(lessons, "find", found.__getitem__)
        for key, sentences in WORDS.items():
            for name in names:
                for language, sentence in zip(("en", "zh"), sentences, strict=True):
                    own = key.replace("lesson.tiny", f"lesson.{name}")
                    monkeypatch.setitem(catalogue(language), own, sentence)

    return put


def write_names(results, out: Path, *, lab=None) -> Path:
    """Stand in for the book, whose look is tested elsewhere."""
    out.write_text(" ".join(result.lesson.name for result in results))
    if lab is None:
        out.with_suffix(".alone").touch()
    return out


@pytest.fixture
def inside(tmp_path, monkeypatch, put) -> Path:
    """Be in an empty folder, with the tiny lesson only, and pages that are quickly written."""
    put({})
    monkeypatch.setattr(lesson_runs, "write_book", write_names)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def files_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_the_list_has_number_name_and_question_of_all_and_imports_none(whygrad, tmp_path):
    outcome = whygrad("lesson", cwd=tmp_path)
    assert (outcome.code, outcome.err) == (0, "")
    told = " ".join(outcome.out.split())
    for place, name in enumerate(lessons.NAMES, 1):
        assert f"{place} {name} {t(f'lesson.{name}.question')}" in told
    as_json = json.loads(whygrad("lesson", "--json", cwd=tmp_path).out)
    assert [one["name"] for one in as_json] == list(lessons.NAMES)
    assert [one["number"] for one in as_json] == list(range(1, len(lessons.NAMES) + 1))


@pytest.mark.parametrize("arguments", [[], ["--help"]], ids=["list", "help"])
def test_what_only_tells_about_lessons_starts_no_device(environment, tmp_path, arguments):
    code = (
        "import sys; from whygrad.cli.app import run; run(sys.argv[1:]); "
        "print([name for name in ('jax', 'numpy', 'matplotlib') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "lesson", *arguments],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.long
def test_a_lesson_as_a_process(whygrad, tmp_path):
    outcome = whygrad("lesson", "broadcast", "--batch", "2", "--width", "2", cwd=tmp_path)
    assert (outcome.code, outcome.err) == (0, "")
    lines = outcome.out.splitlines()
    assert lines[:2] == ["Lesson 12", t("lesson.broadcast.title")]
    assert lines[3].startswith("Set-up: batch size m = 2 (--batch), inputs of a sample = 4")
    assert "The law held in this run." in lines
    assert lines[-1] == "The page, with pictures, is in lessons/broadcast.html"
    assert files_in(tmp_path) == ["lessons/broadcast-lab.html", "lessons/broadcast.html"]
    page = (tmp_path / "lessons" / "broadcast.html").read_text("utf-8")
    assert page.startswith("<!DOCTYPE html>") and t("lesson.broadcast.title") in page


def test_a_lesson_tells_its_story_and_writes_its_page(inside, capsys):
    assert app.run(["lesson", "tiny"]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert told.startswith(
        "Lesson 1 One small lesson Is it small? Set-up: batch size m = 6 (--batch), "
        "learning rate η = 0.1 (--learning-rate), activation: tanh (--activation), "
        "starts = 0,0.5 (--constants). The largest is 0.5. measured must be "
        "✓ It is small. 0.5 ≤ 1 The law held in this run."
    )
    assert told.endswith("The page, with pictures, is in lessons/tiny.html")
    assert files_in(inside) == ["lessons/tiny.html"]


def test_a_lesson_as_json_writes_a_page_only_where_one_is_named(inside, capsys):
    assert app.run(["lesson", "tiny", "--batch", "2", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["options"]["batch"] == 2 and told["holds"] is True and "path" not in told
    assert told["laws"][0]["name"] == "small" and files_in(inside) == []
    assert app.run(["lesson", "tiny", "--json", "--out", "a/b/page.html"]) == 0
    assert json.loads(capsys.readouterr().out)["path"] == "a/b/page.html"
    assert files_in(inside) == ["a/b/page.html"]


def test_a_page_may_be_asked_for_without_the_lab(inside, put, capsys):
    assert app.run(["lesson", "tiny", "--no-lab"]) == 0
    assert app.run(["lesson", "tiny", "--check", "--out", "page.html", "--no-lab"]) == 1
    put({}, {})
    assert app.run(["lesson", "all", "--no-lab"]) == 0
    alone = ["lessons/book.alone", "lessons/tiny.alone", "page.alone"]
    assert [name for name in files_in(inside) if name.endswith(".alone")] == alone
    assert capsys.readouterr().err == ""


def test_json_may_be_asked_for_before_the_name(inside, capsys):
    assert app.run(["lesson", "--json", "tiny"]) == 0
    assert json.loads(capsys.readouterr().out)["lesson"] == "tiny"


def test_every_option_reaches_the_set_up(inside, capsys):
    given = ["--batch", "3", "--learning-rate", "0.25", "--activation", "sigmoid"]
    assert app.run(["lesson", "tiny", *given, "--constants", "-1, 0.5,1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["options"] == {
        "batch": 3,
        "learning_rate": 0.25,
        "activation": "sigmoid",
        "constants": [-1.0, 0.5, 1.0],
    }


def test_a_law_that_does_not_hold_ends_with_1(inside, capsys):
    assert app.run(["lesson", *LARGE]) == 1
    told = capsys.readouterr().out
    assert "The law did not hold here." in told
    assert re.search(r"✗  It is small\. +2  ≤ 1\n", told)
    assert app.run(["lesson", *LARGE, "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["holds"] is False


def test_check_says_what_is_answered_and_the_verdict(inside, capsys):
    assert app.run(["lesson", "tiny", "--check"]) == 1
    open_ = capsys.readouterr().out
    assert open_.count("○ Not yet: this run does not answer it.") == 2
    assert "The law held in this run." in open_ and "In a batch of one." not in open_
    assert app.run(["lesson", "tiny", "--check", "--constants", "10"]) == 0
    answered = capsys.readouterr().out
    assert answered.count("○ Not yet") == 1 and "✓ Answered. Above nine." in answered
    assert "The law did not hold here." in answered and files_in(inside) == []


def test_check_as_json(inside, capsys):
    assert app.run(["lesson", "tiny", "--check", "--batch", "1", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["exercises"] == {"alone": True, "large": False} and told["holds"] is True
    assert told["check"] == {
        "alone": {
            "question": "When is a sample alone?",
            "answered": True,
            "answer": "In a batch of one.",
        },
        "large": {"question": "When is it large?", "answered": False, "answer": None},
    }


def test_check_writes_a_page_where_one_is_named(inside, capsys):
    assert app.run(["lesson", "tiny", "--check", "--out", "page.html"]) == 1
    assert capsys.readouterr().out.endswith("The page, with pictures, is in page.html\n")
    assert files_in(inside) == ["page.html"]


FAULTS = {  # arguments -> what is said, whole
    ("tinny",): "There is no lesson called tinny. Did you mean tiny? Known: tiny, all.",
    ("tiny", "--bach", "3"): (
        "There is no option --bach here. Did you mean --batch? See: whygrad lesson tiny --help"
    ),
    ("tiny", "--batch", "0"): (
        "batch must be a whole number ≥ 1, < 4097, got 0. Choose a value in that range."
    ),
    ("tiny", "--batch", "many"): (
        "batch must be a whole number ≥ 1, < 4097, got 'many'. Choose a value in that range."
    ),
    ("tiny", "--constants", "0,nan"): (
        "constants must be a finite number ≥ -100, < 100, got nan. Choose a value in that range."
    ),
    ("tiny", "--constants", ","): (
        "constants must be one or more values, written a,b,c (in Python a tuple), got (). "
        "Give at least one."
    ),
    ("tiny", "--activation", "tan"): (
        "activation must be one of sigmoid, tanh, got 'tan'. Choose one of them."
    ),
    ("tiny", "--batch"): "--batch needs a value, and none came. Write one after it.",
    ("tiny", "--json=1"): (
        "--json is a switch and takes no value, but one came. Write --json alone."
    ),
    ("tiny", "5"): (
        "The command whygrad lesson tiny takes no more values, and 5 came. "
        "See: whygrad lesson tiny --help"
    ),
    ("all", "--batch", "5"): (
        "whygrad lesson all runs every lesson with its own defaults, so there is no --batch here. "
        "Give options to one lesson: whygrad lesson NAME --batch …"
    ),
    ("all", "5"): (
        "The command whygrad lesson all takes no more values, and 5 came. "
        "See: whygrad lesson all --help"
    ),
    ("tiny", "--out", "."): (
        "--out must be a file, and . is a folder. Name a file in it, for example ./lesson.html."
    ),
}


@pytest.mark.parametrize("arguments", FAULTS, ids=" ".join)
def test_a_fault_is_told_whole_and_ends_with_2(inside, capsys, arguments):
    assert app.run(["lesson", *arguments]) == 2
    streams = capsys.readouterr()
    assert (streams.out, " ".join(streams.err.split())) == ("", f"Error: {FAULTS[arguments]}")
    with speaking("zh"):
        assert app.run(["lesson", *arguments]) == 2
    assert CHINESE.search(capsys.readouterr().err) and files_in(inside) == []


@pytest.mark.parametrize("arguments", [["tiny", "--batch", "0"], ["nothing"]], ids=" ".join)
def test_a_fault_as_json(inside, capsys, arguments):
    assert app.run(["lesson", *arguments, "--json"]) == 2
    streams = capsys.readouterr()
    assert json.loads(streams.out)["error"]["kind"] == "OptionError" and streams.err == ""


def test_a_page_that_cannot_be_written_is_told_before_the_run(inside, capsys, put):
    put({"measure": interrupted})
    (inside / "file").write_text("mine")
    assert app.run(["lesson", "tiny", "--out", "file/page.html"]) == 1
    assert "Error: The operating system refused file" in capsys.readouterr().err
    assert (inside / "file").read_text() == "mine"


def test_the_help_of_a_lesson_shows_its_question_and_options(inside, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    assert app.run(["lesson", "tiny", "--help"]) == 0
    told = " ".join(capsys.readouterr().out.replace("│", " ").split())
    assert "One small lesson Is it small?" in told
    for option_, words in {
        "--batch 6": "how many samples; a whole number ≥ 1, < 4097. [default: 6]",
        "--learning-rate 0.1": "how far a step goes; a number > 0. [default: 0.1]",
        "--activation tanh": "f in [a = f(z)]; one of sigmoid, tanh. [default: tanh]",
        "--constants 0,0.5": (
            "where weights start; numbers ≥ -100, < 100, with commas. [default: 0,0.5]"
        ),
    }.items():
        assert f"{option_} {words}" in told


@pytest.mark.long
@pytest.mark.parametrize("arguments", [["lesson", "broadcast"], ["train"]], ids=" ".join)
def test_the_chinese_help_is_not_cut_off(whygrad, tmp_path, arguments):
    outcome = whygrad(*arguments, "--help", "--lang", "zh", cwd=tmp_path)
    assert outcome.code == 0 and CHINESE.search(outcome.out) and "…" not in outcome.out


def test_a_shell_completes_names_and_options(environment, tmp_path):
    for words, completed in {
        "whygrad lesson sy": ["symmetry"],
        "whygrad lesson all --js": ["--json"],
    }.items():
        asked = {"_WHYGRAD_COMPLETE": "complete_bash", "COMP_WORDS": words}
        done = subprocess.run(
            [sys.executable, "-c", "from whygrad.cli import main; main()"],
            cwd=tmp_path,
            env=environment | asked | {"COMP_CWORD": str(len(words.split()) - 1)},
            capture_output=True,
            text=True,
        )
        assert done.stdout.split() == completed


def test_an_interrupted_lesson_says_so_and_writes_nothing(inside, capsys, put):
    put({"measure": interrupted})
    assert app.run(["lesson", "tiny"]) == 130
    streams = capsys.readouterr()
    assert streams.err == "Interrupted before the lesson was over; nothing was written.\n"
    assert streams.out == "" and files_in(inside) == []


def rows_of(out: str) -> list[list[str]]:
    return [line.split() for line in out.splitlines() if line[:1].isdigit()]


def test_all_writes_the_book_and_a_table(inside, capsys, put):
    never = {"laws": lambda setup, measured: (Law("small", float("nan"), AT_MOST, 1.0),)}
    put({}, never, {})
    assert app.run(["lesson", "all"]) == 1
    streams = capsys.readouterr()
    rows = rows_of(streams.out)
    assert [row[:2] for row in rows] == [["1", "tiny"], ["2", "tiny2"], ["3", "tiny3"]]
    assert ["✗" in row for row in rows] == [False, True, False]
    assert all(re.fullmatch(r"\d+\.\d", row[-1]) for row in rows)
    assert streams.out.endswith("The book is in lessons/book.html\n") and streams.err == ""
    assert files_in(inside) == ["lessons/book.html"]
    put({}, {})
    assert app.run(["lesson", "all", "--out", "my/book.html"]) == 0
    assert files_in(inside) == ["lessons/book.html", "my/book.html"]


def test_all_as_json(inside, capsys, put):
    put({}, {})
    assert app.run(["lesson", "all", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["holds"] and told["is_whole"] and "path" not in told and files_in(inside) == []
    assert [one["lesson"] for one in told["lessons"]] == ["tiny", "tiny2"]
    assert all(one["seconds"] > 0 for one in told["lessons"])


def test_an_interrupted_book_keeps_what_was_finished(inside, capsys, put):
    put({}, {}, {"measure": interrupted})
    assert app.run(["lesson", "all"]) == 1
    streams = capsys.readouterr()
    assert len(rows_of(streams.out)) == 2 and "The book is in lessons/book.html" in streams.out
    assert streams.err == (
        "Interrupted: lessons finished 2 of 3. Nothing that was finished is lost.\n"
    )
    assert (inside / "lessons" / "book.html").read_text() == "tiny tiny2"
    put({}, {"measure": interrupted})
    assert app.run(["lesson", "all", "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert not told["is_whole"] and len(told["lessons"]) == 1


def test_interrupted_before_anything_there_is_no_book(inside, capsys, put):
    put({"measure": interrupted})
    assert app.run(["lesson", "all"]) == 1
    assert capsys.readouterr().out == "" and files_in(inside) == []


def test_interrupted_while_the_book_is_written_it_is_written_all_the_same(
    inside, capsys, monkeypatch
):
    calls = []

    def first_time_interrupted(results, out, *, lab):
        calls.append(out)
        if len(calls) == 1:
            os.kill(os.getpid(), signal.SIGINT)
        return write_names(results, out, lab=lab)

    monkeypatch.setattr(lesson_runs, "write_book", first_time_interrupted)
    assert app.run(["lesson", "all"]) == 0
    assert len(calls) == 2 and files_in(inside) == ["lessons/book.html"]


def test_a_lesson_that_fails_does_not_take_the_others_with_it(inside, capsys, put):
    def fail(setup, tick):
        raise OSError(28, "No space left on device", "scratch")

    put({}, {"measure": fail}, {})
    assert app.run(["lesson", "all"]) == 1
    streams = capsys.readouterr()
    assert "The book is in lessons/book.html" in streams.out
    assert "Interrupted: lessons finished 1 of 3." in streams.err
    assert "The operating system refused scratch: No space left on device." in streams.err


def test_progress_names_what_is_under_way(inside, put, monkeypatch):
    seen = []

    @contextmanager
    def watched(doing):
        yield lambda name, share: seen.append((name, share))

    def halfway(setup, tick):
        tick(0.5)
        return TINY.measure(setup, tick)

    monkeypatch.setattr(lesson_runs, "progress", watched)
    put({}, {"measure": halfway})
    assert app.run(["lesson", "all"]) == 0
    assert seen == [
        ("1 of 2: One small lesson", 0.0),
        ("1 of 2: One small lesson", 0.5),
        ("2 of 2: One small lesson", 0.5),
        ("2 of 2: One small lesson", 0.75),
        ("2 of 2: One small lesson", 1.0),
    ]


SAID = st.sampled_from(
    [
        "tiny", "all", "tinny", "--batch", "--batch=1", "--constants", "--constants=0,2", "0,0.5",
        "--activation", "tanh", "--learning-rate", "1e-3", "--check", "--json", "--out",
        "page.html", "a/b.html", ".", "--lang", "zh", "-1", "nan", "", "--", "-", "[red]", "--help",
        "--nonsense", "--json=1", "９", "中文", "9" * 400,
    ]
)  # fmt: skip


@given(st.lists(SAID, max_size=6))
def test_any_command_line_ends_with_0_1_or_2_and_a_sentence(inside, capsys, words):
    assert app.run(["lesson", *words]) in (0, 1, 2)
    streams = capsys.readouterr()
    assert (streams.out + streams.err).strip()
