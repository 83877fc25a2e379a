"""Every command on runs with hostile names: what it prints acts in no terminal."""

import json
import shutil
import sys
from io import StringIO
from unicodedata import category

import pytest
from benchmarks.attack.names import one_of_all, written

import whygrad as wg
from whygrad.cli.app import run as command
from whygrad.cli.console import show
from whygrad.words.visible import visible

FILE = "a<b>&'\"\x1b]52;c;x\x07\u202e[red]\n"
SHORT = [name for name in written() if 0 < len(name) < 100]


@pytest.fixture
def says(capsys, monkeypatch, tmp_path):
    """Return the function that runs a command and gives what it wrote, which may not act."""
    monkeypatch.chdir(tmp_path)

    def says(*arguments: object, code: int | None = None) -> str:
        came = command([str(one) for one in arguments])
        out, err = capsys.readouterr()
        assert acting(out + err) == []
        assert code is None or came == code
        if "--json" in arguments:
            json.loads(out)
        return out + err

    return says


def acting(text: str) -> list[str]:
    return [c for c in text if c != "\n" and category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")]


@pytest.mark.long
@pytest.mark.parametrize("json_or_not", [(), ("--json",)])
@pytest.mark.parametrize("kind", ["trained", "watched"])
def test_a_run_with_hostile_names_is_shown(request, says, kind, json_or_not):
    run = request.getfixturevalue(kind).hostile
    said = says("show", run.path, *json_or_not, code=0)
    if json_or_not:
        exact = json.loads(says("show", run.path, "--json"))
        assert exact["path"] == str(run.path)
        same = ("layers", "model") if kind == "watched" else ("device", "versions", "data")
        assert [exact[name] for name in same] == [run.description[name] for name in same]
    else:
        assert "\\x1b]52;c;" in said
    says("doctor", run.path, *json_or_not)
    layer = run.layers[0]
    said = says("why", run.path, f"{layer}[1]", *json_or_not, code=0)
    assert visible(layer)[:20] in said or json_or_not
    says("runs", run.path.parent, *json_or_not, code=0)
    says("export", run.path, "--out", f"{one_of_all()[:20]}.zip", *json_or_not, code=2)


def test_names_of_files_are_shown_when_a_folder_is_verified(watched, says, tmp_path):
    """Beside the run's own: a damaged file, and one that nobody knows, both with hostile names."""
    folder = tmp_path / "copy"
    shutil.copytree(watched.hostile.path, folder)
    (folder / f"{FILE}.txt").write_text("x")
    newest = sorted((folder / "whole").iterdir())[-1]
    newest.write_bytes(newest.read_bytes()[:-1])
    said = says("show", folder, "--check", code=1)
    assert said.count(FILE[:6]) == 1 and "\\x1b]52;c;x" in said
    assert len(said.rstrip().split("\n")) > 2
    says("show", folder, "--check", "--json", code=1)


def test_predictions_are_exact_in_a_file_and_visible_on_a_screen(trained, says, tmp_path):
    rows = next(trained.hostile.path.parent.glob("*.csv"))
    says("predict", trained.hostile.path, rows, "--out", "out.csv", code=0)
    import pandas as pd

    told = pd.read_csv(tmp_path / "out.csv")
    assert set(told["prediction"]) <= set(trained.hostile.data.target_names)
    says("evaluate", trained.hostile.path, code=0)


def test_lines_of_a_name_are_no_lines_of_ours(watched, says):
    """A name with a line break draws no second verdict."""
    lines = says("show", watched.hostile.path).split("\n")
    assert [line for line in lines if line.startswith("● output")] == []


@pytest.mark.parametrize("name", SHORT[::9])
@pytest.mark.parametrize("json_or_not", [(), ("--json",)])
def test_whatever_is_asked_for_comes_back_harmless(trained, watched, says, name, json_or_not):
    """Errors name what came: an unknown run, layer, column, option, command, format, key."""
    own, other = trained.hostile.path, watched.hostile.path
    says("show", f"./{name}", *json_or_not, code=1) if "\x00" not in name else None
    says("why", own, f"x{name}", *json_or_not, code=2)
    says("why", other, f"x{name}", *json_or_not, code=2)
    says("export", own, "--format", f"x{name}", *json_or_not, code=2)
    says("log", own, "--to", f"x{name}", *json_or_not, code=2)
    says("doctor", "--explain", f"x{name}", *json_or_not, code=2)
    says("train", "xor", "--activation", f"x{name}", *json_or_not, code=2)
    says("train", "xor", "--hidden", f"x{name}", *json_or_not, code=2)
    says("train", "xor", f"--x{name}", *json_or_not, code=2)
    says(f"x{name}", *json_or_not, code=2)
    says("lesson", f"x{name}", *json_or_not, code=2)
    says("lesson", "chain", "--seed", f"x{name}", *json_or_not, code=2)


TOML = """
[data]
source = "xor"
{place}
"""
PLACES = (
    "task = {text}",
    "[network]\nactivation = {text}",
    "[network]\n{text} = 1",
    "[{text}]\na = 1",
    "[training]\nloss = {text}",
    "[data.target]\n{text} = 1",
    "{text} = ",
)


@pytest.mark.parametrize("place", PLACES)
def test_a_configuration_is_text(says, tmp_path, place):
    for number, name in enumerate(SHORT[::11]):
        text = json.dumps(name.encode(errors="ignore").decode()).replace("\x7f", "\\u007f")
        path = tmp_path / f"{number}.toml"
        path.write_text(TOML.format(place=place.format(text=text)), "utf-8")
        says("doctor", path, code=2)
        says("train", "--config", path, "--json", code=2)


def test_what_python_users_print_is_harmless(trained, watched):
    for run in (trained.hostile, watched.hostile):
        ledger = run.why(f"{run.layers[0]}[1]")
        assert acting(str(ledger) + repr(run) + str(run.doctor())) == []
        with pytest.raises(wg.WhygradError) as caught:
            run.why(one_of_all())
        assert acting(str(caught.value)) == []
        assert caught.value.values["address"] == one_of_all()  # a program reads it as it is


def test_names_of_classes_of_other_libraries():
    for name in ("<b>\x1b[2J", "\u202ex", "[red]"):
        other = type(name, (), {"coefs_": 1})()
        with pytest.raises(wg.WhygradError) as caught:
            wg.from_sklearn(other)
        assert acting(str(caught.value)) == []


class Screen(StringIO):
    def isatty(self) -> bool:
        return True


def test_colours_and_nothing_else_reach_a_screen(trained, monkeypatch):
    """On a terminal the only codes are rich's own, for the styles that we chose."""
    from whygrad.cli.showing import run_page

    screen = Screen()
    monkeypatch.setattr(sys, "stdout", screen)
    monkeypatch.setenv("TERM", "xterm")
    show(run_page(trained.hostile))
    codes = {part.partition("m")[0] for part in screen.getvalue().split("\x1b")[1:]}
    assert codes == {"[1", "[2", "[0"}
    assert "\x07" not in screen.getvalue()
