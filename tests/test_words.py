"""The catalogue: both languages say the same things, and everything said is in it."""

import ast
import json
import re
from pathlib import Path
from string import Formatter

import pytest

from whygrad import words
from whygrad.words import catalogue, language, language_of, number, speaking, t, written

SOURCE = Path(words.__file__).parents[1]
VECTORS = json.loads((Path(__file__).parent / "vectors" / "numbers.json").read_text("utf-8"))
KEY = re.compile(r"[a-z][a-z0-9]*(\.[a-z0-9_-]+)+")
HAN = re.compile(r"[\u4e00-\u9fff]")


def placeholders(sentence: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(sentence) if name is not None}


def keys_in(path: Path) -> list[str]:
    """Return the literal keys given to t(...) and to errors."""
    calls = (node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if is_spoken(node))
    first = (call.args[0] for call in calls if call.args)
    return [word.value for word in first if isinstance(word, ast.Constant)]


def is_spoken(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call):
        return False
    name = getattr(node.func, "id", getattr(node.func, "attr", ""))
    return name == "t" or name.endswith("Error")


def test_both_languages_have_the_same_keys():
    assert sorted(catalogue("en")) == sorted(catalogue("zh"))


def test_both_languages_have_the_same_placeholders():
    english, chinese = catalogue("en"), catalogue("zh")
    assert [
        key for key in english if placeholders(english[key]) != placeholders(chinese[key])
    ] == []
    assert [key for key in english if "" in placeholders(english[key])] == []


def test_errors_end_alike_in_both_languages():
    english, chinese = catalogue("en"), catalogue("zh")
    errors = [key for key in english if key.startswith("error.")]
    assert [
        key for key in errors if english[key].endswith(".") != chinese[key].endswith("。")
    ] == []


def test_each_language_is_written_in_its_own_script():
    assert [key for key, text in catalogue("en").items() if HAN.search(text)] == []
    errors = {key: text for key, text in catalogue("zh").items() if key.startswith("error.")}
    assert [key for key, text in errors.items() if not HAN.search(text)] == []


def test_every_key_in_the_source_is_in_the_catalogue():
    missing = {
        f"{path.relative_to(SOURCE)}: {key}"
        for path in SOURCE.rglob("*.py")
        for key in keys_in(path)
        if isinstance(key, str) and KEY.fullmatch(key) and key not in catalogue("en")
    }
    assert missing == set()


def test_every_kind_of_thing_that_errors_name_has_a_noun():
    named = {
        call.args[0].value
        for path in SOURCE.rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "unknown_name"
        if isinstance(call.args[0], ast.Constant)
    }
    assert {"activation", "loss", "initialiser", "setting"} <= named
    assert [name for name in named if f"noun.{name}" not in catalogue("en")] == []


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: str(vector["value"]))
def test_numbers_are_written_as_in_the_shared_vectors(vector):
    assert number(float(vector["value"])) == vector["text"]


def test_digits_may_be_chosen():
    assert number(3.14159, digits=2) == "3.1"


def test_only_floating_point_values_are_rounded():
    assert written(123456) == "123456"
    assert written(0.123456) == "0.1235"
    assert written("a") == "a"


@pytest.mark.parametrize(
    ("tag", "expected"),
    [("zh_CN.UTF-8", "zh"), ("zh-Hans", "zh"), ("ZH", "zh"), ("en_US@posix", "en"),
     ("de_DE", "en"), ("", "en"), ("C.UTF-8", "en")],
)  # fmt: skip
def test_a_tag_chooses_by_its_prefix(tag, expected):
    assert language_of(tag) == expected


def test_a_sentence_comes_in_the_language_spoken():
    with speaking("zh"):
        assert t("error.dropout", came=2.0) == (
            "dropout 应是 [0, 1) 之间的比例，收到 2。不用 dropout 请写 0。"
        )
        with speaking(None):
            assert language() == "zh"
    assert t("error.dropout", came=2.0) == (
        "The dropout must be a share in [0, 1), got 2. Write 0 for no dropout."
    )


def test_the_environment_chooses_in_order(monkeypatch):
    for name in ("WHYGRAD_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    assert language() == "en"
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    assert language() == "zh"
    monkeypatch.setenv("WHYGRAD_LANG", "en")
    assert language() == "en"


def test_a_value_may_be_called_key():
    assert t("noun.loss", key="anything") == "loss"
