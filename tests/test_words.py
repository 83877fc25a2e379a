"""The catalogue: both languages say the same things, and everything said is in it."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path
from string import Formatter

import pytest

from whygrad import words
from whygrad.words import (
    LANGUAGES,
    Filled,
    catalogue,
    categories,
    language,
    language_of,
    number,
    speaking,
    t,
    written,
)

SOURCE = Path(words.__file__).parents[1]
VECTORS = json.loads((Path(__file__).parent / "vectors" / "numbers.json").read_text("utf-8"))
KEY = re.compile(r"[a-z][a-z0-9]*(\.[a-z0-9_-]+)+")
ADJECTIVES = (
    "different|hidden|recorded|backward|linear|random|output|such|class|favourite|whole|training"
)
NOUNS = (
    "neurons|steps|samples|seeds|epochs|layers|weights|inputs|rows|classes|pairs|passages|outputs|"
    "biases|columns|parameters|networks|activations|devices|processes|clones|units|bytes|targets|"
    "images|labels|texts|features|entries|lines|roundings|additions|rounds|trainings|runs|passes|"
    "experiments|cores|places|powers|others|ones|digits|errors|findings|files"
)
# placeholders of names, of measures and of ordinal numbers
NO_COUNTS = {"activation", "column", "layer", "loss", "name", "path", "random", "smallest"}
FORMS = re.compile(r"\{\w+:(?:[^{}]|\{\w+\})*\}")
HAN = re.compile(r"[\u4e00-\u9fff]")


def placeholders(sentence: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(sentence) if name is not None}


def forms_in(sentence: str) -> list[list[str]]:
    """Return the plural forms of every counted word in a sentence."""
    return [forms.split("|") for _, name, forms, _ in Formatter().parse(sentence) if name and forms]


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


@pytest.mark.parametrize("name", LANGUAGES)
def test_a_counted_word_has_every_form_of_its_language(name):
    expected = len(categories(name))
    assert [
        (key, forms)
        for key, sentence in catalogue(name).items()
        for forms in forms_in(sentence)
        if len(forms) != expected or not all(forms)
    ] == []


def test_no_counted_plural_is_without_forms():
    """A plural right after a number would be wrong beside a 1: "1 hidden layers"."""
    plural = re.compile(rf"\{{(\w+)\}} (?:(?:{ADJECTIVES}) ){{0,2}}({NOUNS})\b")
    assert [
        (key, found[0])
        for key, sentence in catalogue("en").items()
        for found in plural.finditer(FORMS.sub("", sentence))
        if found[1] not in NO_COUNTS
    ] == []


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 steps."), (1, "1 step."), (1.0, "1 step."), (2, "2 steps."), (1.5, "1.5 steps."),
     ("1", "1 step."), ("many", "many steps."), (-1, "-1 step."), (float("inf"), "∞ steps."),
     (float("nan"), "NaN steps."), (10**400, f"1{'0' * 400} steps.")],
)  # fmt: skip
def test_a_counted_word_takes_the_form_of_its_number(count, text):
    assert t("export.step", step=count) == f"The network after {text}"


def test_the_forms_of_other_languages_are_known():
    assert categories("en") == ("one", "other")
    assert categories("zh") == ("other",)
    assert categories("pl") == ("one", "few", "many", "other")
    forms = "{0:plik|pliki|plików|pliku}"
    polish = [forms.format(Filled(str(n), n, "pl")) for n in (1, 2, 5, 22, 1.5)]
    assert polish == ["plik", "pliki", "plików", "pliki", "pliku"]


def test_importing_the_words_does_not_load_the_rules_of_languages():
    code = "import sys, whygrad.words; sys.exit('babel' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


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
        assert t("error.dropout", actual=2.0) == (
            "dropout 应是 [0, 1) 之间的比例，收到 2。不用 dropout 请写 0。"
        )
        with speaking(None):
            assert language() == "zh"
    assert t("error.dropout", actual=2.0) == (
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
