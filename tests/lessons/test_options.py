"""The options of lessons: one table gives the checks, the errors, the help and the command line."""

import inspect
import subprocess
import sys
from dataclasses import fields
from importlib.util import find_spec

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import whygrad as wg
from whygrad import lessons
from whygrad.errors import OptionError
from whygrad.lessons.options import (
    allowed_values,
    call_text,
    defaults,
    described,
    make_setup,
    meaning_key,
    option,
    option_text,
    read_options,
    setup,
    told,
)
from whygrad.settings import Range
from whygrad.words import LANGUAGES, catalogue, speaking

WRITTEN = [name for name in lessons.NAMES if find_spec(f"whygrad.lessons.experiments.{name}")]
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@setup
class Options:
    """Options of every kind."""

    batch: int = option(6, Range(int, 1, 4097))
    learning_rate: float = option(0.1, Range(float, 0, includes_low=False))
    activation: str = option("tanh", ("sigmoid", "tanh"))
    constants: tuple = option((0.0, 0.5), Range(float, -100, 100))
    inits: tuple = option(("zeros",), ("zeros", "he_normal"))


def message(call, *given) -> str:
    with pytest.raises(OptionError) as raised:
        call(*given)
    return str(raised.value)


@pytest.mark.parametrize("name", WRITTEN)
def test_every_option_of_every_lesson_has_help(name):
    for option_ in fields(lessons.find(name).setup):
        key = meaning_key(name, option_.name)
        for language in LANGUAGES:
            assert {key, f"{key}.name"} <= catalogue(language).keys()


@pytest.mark.parametrize("name", WRITTEN)
def test_the_defaults_of_every_lesson_are_allowed(name):
    lesson = lessons.find(name)
    assert lesson.start(defaults(lesson.setup)) == lesson.start({})


@pytest.mark.parametrize("name", WRITTEN)
def test_every_default_is_read_back_from_the_way_it_is_written(name):
    lesson = lessons.find(name)
    written = {k: option_text(v) for k, v in defaults(lesson.setup).items()}
    assert lesson.start(read_options(lesson.setup, written)) == lesson.start({})


@pytest.mark.parametrize("name", WRITTEN)
def test_every_lesson_stands_at_the_place_of_its_statement(name):
    lesson = lessons.find(name)
    assert lesson.name == name and lesson.claim == lessons.NAMES.index(name) + 1


@pytest.mark.parametrize("name", WRITTEN)
def test_no_option_of_a_lesson_hides_one_that_all_share(name):
    assert {"out", "no_lab", "check", "json", "lang", "help"}.isdisjoint(
        allowed_values(lessons.find(name).setup)
    )


def test_options_are_read_as_they_are_written():
    written = {"batch": "3", "learning_rate": "1e-3", "activation": " sigmoid"}
    written |= {"constants": "0, .5,1,", "inits": "zeros,he_normal"}
    assert make_setup(Options, read_options(Options, written)) == Options(
        3, 1e-3, "sigmoid", (0.0, 0.5, 1.0), ("zeros", "he_normal")
    )


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (
            {"batch": "2.5"},
            "batch must be a whole number ≥ 1, < 4097, got '2.5'. Choose a value in that range.",
        ),
        (
            {"learning_rate": "0"},
            "learning_rate must be a finite number > 0, got 0.0. Choose a value in that range.",
        ),
        (
            {"activation": ""},
            "activation must be one of sigmoid, tanh, got ''. Choose one of them.",
        ),
        (
            {"constants": "1,x"},
            "constants must be a finite number ≥ -100, < 100, got 'x'. "
            "Choose a value in that range.",
        ),
        (
            {"inits": ""},
            "inits must be one or more values, written a,b,c (in Python a tuple), got (). "
            "Give at least one.",
        ),
    ],
    ids=lambda value: str(value)[:20],
)
def test_what_cannot_be_read_is_refused_with_its_range(written, said):
    assert message(make_setup, Options, read_options(Options, written)) == said


@given(st.dictionaries(st.sampled_from(sorted(allowed_values(Options))), TEXT))
def test_any_text_is_an_option_or_an_option_error(written):
    try:
        made = make_setup(Options, read_options(Options, written))
    except OptionError as error:
        assert str(error)
    else:
        again = {one.name: option_text(getattr(made, one.name)) for one in fields(made)}
        assert make_setup(Options, read_options(Options, again)) == made


@given(st.floats(-99, 99), st.lists(st.floats(-99, 99), min_size=1, max_size=4))
def test_numbers_survive_being_written(one, several):
    written = {"constants": option_text(tuple(several))}
    assert read_options(Options, written)["constants"] == tuple(several)
    assert float(option_text(one)) == one


def test_an_unknown_option_names_the_nearest_and_all():
    assert message(make_setup, Options, {"constnats": 1}) == (
        "There is no option called constnats. Did you mean constants? "
        "Known: batch, learning_rate, activation, constants, inits."
    )
    assert message(make_setup, Options, {"zzz": 1}) == (
        "There is no option called zzz. Known: batch, learning_rate, activation, constants, inits."
    )


def test_python_may_give_lists_and_numpy_numbers():
    made = Options(batch=np.int64(2), constants=[np.float32(0.5), 1])
    assert made.batch == 2 and made.constants == (0.5, 1.0)
    assert type(made.batch) is int and {type(one) for one in made.constants} == {float}


@pytest.mark.parametrize("several", [0.5, "0.5", (), None], ids=repr)
def test_an_option_of_several_values_takes_nothing_else(several):
    assert message(lambda: Options(constants=several)) == (
        "constants must be one or more values, written a,b,c (in Python a tuple), "
        f"got {several!r}. Give at least one."
    )


def test_help_says_what_each_option_may_be(monkeypatch):
    monkeypatch.setitem(catalogue("en"), "lesson.option.constants", "where weights start")
    monkeypatch.setitem(catalogue("en"), "lesson.option.inits", "how weights start")
    monkeypatch.setitem(catalogue("en"), "lesson.tiny.option.batch", "how many come")
    options = {one.name: one for one in described(Options, "tiny")}
    assert options["constants"].meaning == "where weights start"
    assert options["batch"].meaning == "how many come"  # the lesson's own words go first
    assert {name: one.allowed for name, one in options.items()} == {
        "batch": "a whole number ≥ 1, < 4097",
        "learning_rate": "a number > 0",
        "activation": "one of sigmoid, tanh",
        "constants": "numbers ≥ -100, < 100, with commas",
        "inits": "any of zeros, he_normal, with commas",
    }
    assert options["batch"].kind is int and options["inits"].kind == tuple[str, ...]


def test_an_option_is_told_in_words_with_its_value_and_how_it_is_typed():
    chain = lessons.find("chain")
    setup = chain.setup(weight=-0.5, loss="squared")
    names = ("weight", "activation", "loss")
    assert told("chain", setup, names) == (
        "weight w = −0.5 (--weight), activation: sigmoid (--activation), "
        "loss: squared error (--loss squared)"
    )
    with speaking("zh"):
        assert told("chain", setup, names) == (
            "权重 w = −0.5（--weight）、激活函数：sigmoid（--activation）、"
            "损失：平方误差（--loss squared）"
        )


def test_the_starter_has_the_options_in_its_signature_and_its_help():
    start = lessons.broadcast
    parameters = inspect.signature(start).parameters
    lesson = lessons.find("broadcast")
    assert {k: one.default for k, one in parameters.items()} == defaults(lesson.setup)
    assert {one.kind for one in parameters.values()} == {inspect.Parameter.KEYWORD_ONLY}
    documented = inspect.getdoc(start)
    assert documented is not None and start.__name__ == "broadcast"
    for one in described(lesson.setup, "broadcast"):
        assert (
            f"    {one.name}: {one.meaning}; {one.allowed}; default {one.default!r}" in documented
        )
    with speaking("zh"):
        assert "选项及其默认值：" in (inspect.getdoc(lessons.broadcast) or "")


def test_the_starter_starts_with_the_options_or_says_what_is_wrong():
    experiment = lessons.broadcast(batch=2)
    assert experiment.setup.batch == 2
    assert message(lambda: lessons.broadcast(batch=0)).startswith("batch must be a whole number")
    assert "Did you mean batch?" in message(lambda: lessons.broadcast(bach=2))


def test_an_experiment_shows_the_call_that_makes_it():
    made = Options(constants=(1,))
    assert call_text("tiny", made) == (
        "whygrad.lessons.tiny(batch=6, learning_rate=0.1, activation='tanh', constants=(1.0,), "
        "inits=('zeros',))"
    )
    shown = repr(lessons.broadcast(batch=2))
    assert shown.endswith("  # run it with .run()")
    again = eval(shown, {"whygrad": wg})
    assert again == lessons.broadcast(batch=2)


def test_an_unknown_lesson_names_the_nearest():
    assert message(lessons.find, "symetry") == (
        "There is no lesson called symetry. Did you mean symmetry? "
        f"Known: {', '.join(lessons.NAMES)}."
    )
    with pytest.raises(AttributeError, match=r"^module 'whygrad\.lessons' has no attribute 'a'$"):
        lessons.__getattr__("a")


def test_all_lessons_are_listed_and_importing_them_is_light():
    assert set(lessons.NAMES) <= set(dir(lessons))
    code = (
        "import sys, whygrad; whygrad.lessons.NAMES; dir(whygrad.lessons); "
        "print([name for name in ('jax', 'numpy', 'matplotlib', 'rich') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
