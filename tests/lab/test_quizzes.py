"""Guess first, then see: what the page finds, and the code that tells a teacher of it."""

import json
import random
import re
from itertools import combinations

import pytest

from whygrad.cli.app import run
from whygrad.errors import OptionError
from whygrad.lab.codes import ALPHABET, MOST, checked
from whygrad.lab.pack import STATIC
from whygrad.lab.page import all_quizzes, rooms
from whygrad.words import catalogue, number, speaking, t

CALM = {"reduced_motion": "reduce"}
QUIZZES = all_quizzes()
# what is right, by other ways: the lessons and the notes say so
RIGHT = {
    "batch.shape": "(3, 3)", "batch.sum": "times", "biases.better": "overlap",
    "copying.alike": "one", "copying.zero": "output", "forces.asleep": "fades",
    "forces.silent": "leaving", "gpu.rounds": "10", "neuron.die": "both",
    "neuron.held": "weight",
}  # fmt: skip


@pytest.fixture(scope="module")
def codes(node) -> dict[str, list[bool | None]]:
    """Return results by the code that the page makes of them."""
    draws = random.Random(18)
    drawn = [[draws.choice((None, True, False)) for _ in QUIZZES] for _ in range(200)]
    drawn += [[one] * len(QUIZZES) for one in (None, True, False)]
    return dict(zip(node("codes.mjs", [[QUIZZES, one] for one in drawn]), drawn, strict=True))


def is_refused(code: str) -> bool:
    try:
        checked(code)
    except OptionError:
        return True
    return False


def test_a_code_says_which_guesses_were_right(codes):
    for code, results in codes.items():
        assert re.fullmatch(f"[{ALPHABET}]{{8}}", code)
        assert checked(code) == dict(zip(QUIZZES, results, strict=True))
    code = next(iter(codes))
    assert checked(f" {code[:4].lower()}-{code[4:]} ") == checked(code)


def test_every_wrong_letter_is_found(codes):
    for code in list(codes)[:20]:
        for at in range(8):
            others = set(ALPHABET) - {code[at]}
            assert all(is_refused(code[:at] + one + code[at + 1 :]) for one in others)


def test_letters_that_changed_places_are_found(codes):
    for code in codes:
        for i, k in combinations(range(8), 2):
            letters = list(code)
            letters[i], letters[k] = letters[k], letters[i]
            assert code[i] == code[k] or is_refused("".join(letters))


def test_a_code_of_other_questions_is_refused(node):
    others = [[*QUIZZES[:-1], f"{QUIZZES[-1]}_too"], list(QUIZZES[:-1]), ["other", *QUIZZES]]
    results: list[bool | None] = [True, False, None]
    given = [[names, [results[i % 3] for i in range(len(names))]] for names in others]
    assert [is_refused(code) for code in node("codes.mjs", given)] == [True] * 3


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (
            "ABCDEFG",
            "A code of the lab has 8 letters, never I, L or O, got ABCDEFG. "
            "Copy it from the page once more.",
        ),
        (
            "ABCDEFGI",
            "A code of the lab has 8 letters, never I, L or O, got ABCDEFGI. "
            "Copy it from the page once more.",
        ),
        (
            "abcdefgh",
            "Two letters of a code check the other six, and in ABCDEFGH they do not fit: a letter "
            "is wrong, or the code comes from a page with other questions. Compare it with the "
            "page, or check it with the version of whygrad that wrote the page.",
        ),
    ],
)
def test_what_is_wrong_with_a_code_is_said(code, message):
    with pytest.raises(OptionError) as raised:
        checked(code)
    assert str(raised.value) == message


def test_the_command_tells_what_was_right(node, capsys):
    results = [None, True, *[False] * (len(QUIZZES) - 2)]
    (code,) = node("codes.mjs", [[QUIZZES, results]])
    assert run(["lab", "--check", code]) == 0
    told = capsys.readouterr().out
    counts = {"done": str(len(QUIZZES) - 1), "all": str(len(QUIZZES)), "right": "1"}
    assert t("lab.quiz.progress", **counts) in told and t("cli.lab_code.says") in told
    assert told.count(t("cli.lab_code.wrong")) == len(QUIZZES) - 2
    assert run(["lab", "--check", code, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "quizzes": dict(zip(QUIZZES, results, strict=True))
    }
    assert run(["lab", "--check", f"{code[:-1]}I"]) == 2
    assert "never I, L or O" in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize("room", rooms())
def test_every_quiz_of_a_room_has_its_words(room):
    source = STATIC.joinpath("rooms", room, "quizzes.js").read_text("utf-8")
    names = re.findall(r"\bname: \"(\w+)\"", source)
    assert names and {f"{room}.{name}" for name in names} == {
        quiz for quiz in QUIZZES if quiz.startswith(f"{room}.")
    }
    for name in names:
        assert f"lab.{room}.quiz.{name}.shows" in catalogue("en")
    said = {key.split(".")[3] for key in catalogue("en") if key.startswith(f"lab.{room}.answer.")}
    assert said <= set(re.findall(r"\"(\w+)\"", source))


def test_all_quizzes_fit_into_a_code():
    assert len(QUIZZES) <= MOST and 3**MOST < len(ALPHABET) ** 6
    assert set(RIGHT) == set(QUIZZES)


# --- in the browser ----------------------------------------------------------------------------


def answer(page, room: str, name: str, choice: str, right: str) -> str:
    """Answer the quiz on screen, and return the verdict once the experiment is there."""
    question = page.locator(".quiz .question").inner_text()
    assert question == t(f"lab.{room}.quiz.{name}")
    page.locator(f'.quiz [data-answer="{choice}"]').click()
    verdict = t(f"lab.quiz.{'right' if choice == right else 'wrong'}", answer=label(room, right))
    page.wait_for_function(  # some experiments are hundreds of steps
        "said => document.querySelector('.quiz .verdict').textContent.startsWith(said)",
        arg=verdict,
        timeout=60_000,
    )
    return page.locator(".quiz .verdict").inner_text()


def label(room: str, choice: str) -> str:
    key = f"lab.{room}.answer.{choice}"
    return t(key) if key in catalogue("en") else choice


@pytest.mark.long
def test_every_room_asks_first_and_then_shows(show, lab, axe, numbers_of):
    """All quizzes on one page: every second first guess is wrong, and then made good."""
    page = show(lab, **CALM)
    names = [name.partition(".")[::2] for name in QUIZZES]
    results, codes = {}, []
    for place, room in enumerate(rooms()):
        page.locator(".strip button").nth(place).click()
        order = [t(f"lab.{one}.quiz.{name}") for one, name in names if one == room]
        for _ in order:
            question = page.locator(".quiz .question").inner_text()
            name = next(n for r, n in names if r == room and t(f"lab.{r}.quiz.{n}") == question)
            right = RIGHT[f"{room}.{name}"]
            choices = page.locator(".quiz .answer").evaluate_all(
                "all => all.map(one => one.dataset.answer)"
            )
            results[f"{room}.{name}"] = is_right = len(results) % 2 == 0
            first = right if is_right else next(one for one in choices if one != right)
            answer(page, room, name, first, right)
            verdict = answer(page, room, name, right, right)
            if name == "die":
                found = numbers_of(bias=-30.0)
                values = {"weight": found["weightGradient"], "bias": found["biasGradient"]}
                shows = t("lab.neuron.quiz.die.shows", slope=found["slope"], **values)
                assert verdict.endswith(shows.replace("a_in", "ain"))
            if page.locator(".quiz .next").count():
                page.locator(".quiz .next").click()
        codes.append(page.locator(".quiz .code-letters").inner_text())
        told = {"done": str(len(results)), "right": str(sum(results.values()))}
        progress = t("lab.quiz.progress", all=str(len(QUIZZES)), **told)
        assert progress in page.locator(".quiz .progress").inner_text()
        assert checked(codes[-1]) == {one: results.get(one) for one in QUIZZES}
    assert set(results) == set(QUIZZES) and len(set(codes)) == len(codes)
    page.get_by_role("button", name="中文").click()
    assert page.locator(".quiz .code-letters").inner_text() == codes[-1]
    with speaking("zh"):
        assert page.locator(".quiz .question").inner_text() == t("lab.gpu.quiz.rounds")
    assert axe(page) == []


@pytest.mark.long
def test_a_guess_is_judged_only_by_what_is_on_screen(show, lab, mouse):
    """Who touches the picture sees no verdict; the first guess stays the first."""
    page = show(lab, **CALM)
    answer(page, "neuron", "die", "none", "both")
    mouse(page).move("bias", 0)
    assert page.locator(".quiz .verdict").inner_text() == ""
    answer(page, "neuron", "die", "both", "both")
    told = t("lab.quiz.progress", done="1", all=str(len(QUIZZES)), right="0")
    assert page.locator(".quiz .progress").inner_text() == told
    assert number(-30.0) in page.locator(".picture [data-number=bias]").text_content()
