"""Types and signatures: what an editor, a shell and a type checker know of the public names."""

import inspect
import os
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import get_type_hints

import pytest
from IPython.core.completer import IPCompleter, provisionalcompleter

import whygrad as wg
from whygrad.errors import OptionError
from whygrad.lessons import NAMES
from whygrad.settings import Settings, SettingsGiven

SOURCE = Path(wg.__file__).parent
PROGRAM = Path(__file__).with_name("user_program.py")
WITH_SETTINGS = (wg.train, wg.diagnose, wg.train_together)
WIDER = {"class_weight": list[float]}  # by name, a list is as good


def test_the_package_says_that_it_has_types():
    assert (SOURCE / "py.typed").is_file()


def test_settings_by_name_are_the_settings():
    own, given = get_type_hints(Settings), get_type_hints(SettingsGiven)
    assert list(own) == list(given) == [field.name for field in fields(Settings)]
    assert {
        name: kind | WIDER[name] if name in WIDER else kind for name, kind in own.items()
    } == given


@pytest.mark.parametrize("function", WITH_SETTINGS, ids=lambda function: function.__name__)
def test_a_signature_shows_every_setting_with_its_type_and_default(function):
    shown = inspect.signature(function).parameters.values()
    told = [(one.name, one.default, one.annotation) for one in shown]
    own = [(field.name, field.default, field.type) for field in fields(Settings)]
    assert told[-len(own) :] == own
    assert all(one.kind is not inspect.Parameter.VAR_KEYWORD for one in shown)


@pytest.mark.parametrize("call", ["wg.train(net, data, ", "wg.diagnose(net, data, "])
def test_completion_finds_a_setting(call):
    completer = IPCompleter(shell=None, namespace={"wg": wg}, global_namespace={})
    with provisionalcompleter():
        for typed, name in {"ep": "epochs=", "batch": "batch_size=", "pat": "patience="}.items():
            found = completer.completions(f"{call}{typed}", len(call) + len(typed))
            assert name in [one.text for one in found]


def test_an_unknown_setting_still_names_the_nearest():
    network, data = wg.Network.create([4, 3], seed=0), wg.load("iris")
    for call in (wg.train, wg.diagnose, lambda n, d, **s: wg.train_together([n], d, **s)):
        with pytest.raises(OptionError, match=r"no setting called epochz\. Did you mean epochs\?"):
            call(network, data, epochz=3)


def test_single_settings_go_before_those_given_together():
    network, data = wg.Network.create([4, 3], seed=0), wg.load("iris")
    settings = Settings(epochs=2, batch_size=40, record_every=0)
    together = wg.train_together([network], data, settings, epochs=3)
    assert together.losses.shape == (1, 3 * -(-len(data.train) // 40))


@pytest.mark.parametrize("function", [wg.watch_lightning, wg.watch_trainer])
def test_callbacks_take_what_watch_takes(function):
    of_watch = list(inspect.signature(wg.watch).parameters.values())
    assert list(inspect.signature(function).parameters.values()) == of_watch[1:]


@pytest.mark.parametrize("estimator", [wg.MLPClassifier, wg.MLPRegressor])
def test_every_parameter_of_an_estimator_has_its_type(estimator):
    shown = inspect.signature(estimator).parameters.values()
    assert all(one.annotation is not inspect.Parameter.empty for one in shown)


def test_the_program_uses_every_public_name():
    program = PROGRAM.read_text(encoding="utf-8")
    used = [name for name in wg.__all__ if f"wg.{name}" in program]
    assert used == wg.__all__
    assert all(f"wg.lessons.{name}" in program for name in NAMES)


@pytest.mark.long
@pytest.mark.again
def test_a_users_program_passes_the_strict_type_checker(tmp_path_factory):
    pytest.importorskip("mypy", reason="needs mypy, which comes with the extra test")
    cache = tmp_path_factory.getbasetemp().parent / "whygrad-mypy"
    strict = ["--strict", "--follow-imports=silent", "--config-file=", f"--cache-dir={cache}"]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", *strict, PROGRAM],
        env=os.environ | {"MYPYPATH": str(SOURCE.parent)},
        capture_output=True,
        text=True,
    )
    assert done.stdout.startswith("Success"), done.stdout + done.stderr
