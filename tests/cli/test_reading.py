"""What the command line reads: configurations of any content, and a bar while a table is read."""

from functools import partial
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from whygrad.cli import training
from whygrad.cli.plan import Plan, make_plan
from whygrad.errors import InputError
from whygrad.words import speaking

NESTED = (
    "The configuration {path} must be a flat table of settings, but it nests its brackets too "
    "deeply, or holds a number that is far too long. Write sections such as [training], and lines "
    "such as epochs = 20."
)
UNREADABLE = (
    "The configuration {path} must be a TOML text file or the folder of a run, and it cannot be "
    "read. Check the path."
)
CONFIGS = {
    "brackets": (b"a=" + b"[" * 90_000, NESTED),
    "tables": (b"a=" + b"{a=" * 50_000, NESTED),
    "dots": (b"a." * 90_000 + b"b=1", NESTED),
    "dots and spaces": (b'a . "b" . ' * 9_000 + b"b=1", NESTED),
    "dots in a header": (b"[" + b"a." * 90_000 + b"b]", NESTED),
    "digits": (b"a=" + b"1" * 10_000, NESTED),
    "UTF-16": ('a="b"'.encode("utf-16"), UNREADABLE),
    "Latin-1": ('a="ä"'.encode("latin-1"), UNREADABLE),
    "no section": (
        b"data = 3",
        "In the configuration, data must be a section with settings below it, got 3. Write [data] "
        "on a line of its own.",
    ),
    "two sections": (
        b"[[data]]\na = 1",
        "In the configuration, data must be a section with settings below it, got [{{'a': 1}}]. "
        "Write [data] on a line of its own.",
    ),
    "too long": (
        b"# \n" * 100_000,
        "{path} may be at most 200 kB long, but it has 300 kB. Check that this is the right file.",
    ),
    "a long value": (
        b"[data]\nsource = [" + b'"iris", ' * 1000 + b"]",
        "In the configuration, source under [data] must be a string, got "
        + str(["iris"] * 1000)[:80]
        + "…. Write it in quotes.",
    ),
}


@pytest.mark.parametrize("case", CONFIGS)
def test_a_configuration_of_any_content_ends_in_a_sentence(tmp_path, case):
    content, message = CONFIGS[case]
    path = tmp_path / "c.toml"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        make_plan(path, {})
    assert str(caught.value) == message.format(path=path)
    with speaking("zh"):
        assert "配置" in str(caught.value) or "文件" in str(caught.value)


def test_dots_in_texts_and_numbers_are_no_nesting(tmp_path):
    path = tmp_path / "c.toml"
    layers = ", ".join(["0.25"] * 30)
    path.write_text(f'[data]\nsource = "{"a." * 60}csv"\n[network]\ndropout = [{layers}]\n')
    plan = make_plan(path, {})
    assert plan.data["source"] == "a." * 60 + "csv"
    assert plan.network["dropout"] == [0.25] * 30


def test_a_mark_of_byte_order_is_no_part_of_a_configuration(tmp_path):
    path = tmp_path / "c.toml"
    path.write_bytes(b'\xef\xbb\xbf[data]\r\nsource = "iris"\r\n')
    assert make_plan(path, {}).data == {"source": "iris"}


def test_a_device_is_no_configuration():
    with pytest.raises(InputError) as caught:
        make_plan(Path("/dev/zero"), {})
    assert str(caught.value) == (
        "/dev/zero must be an ordinary file, but it is a device. Save its content to a file, and "
        "give the path of that file."
    )


@pytest.fixture
def screen(monkeypatch) -> StringIO:
    """What a terminal would show."""
    shown = StringIO()
    terminal = partial(Console, file=shown, force_terminal=True, width=80)
    monkeypatch.setattr(training, "Console", lambda **_: terminal())
    return shown


@pytest.fixture
def plan(tmp_path) -> Plan:
    path = tmp_path / "a [b].csv"
    path.write_text("a,y\n" + "".join(f"{i % 7},{i % 2}\n" for i in range(50)))
    return Plan({"source": str(path), "target": "y"}, {}, {})


def test_a_bar_shows_how_much_of_a_table_is_read(screen, plan):
    training.load_data(plan)
    assert "Reading a [b].csv" in screen.getvalue()
    assert "100%" in screen.getvalue()


def test_there_is_no_bar_where_none_is_wanted_or_seen(screen, plan, monkeypatch):
    training.load_data(plan, quiet=True)
    assert screen.getvalue() == ""
    plain = StringIO()
    monkeypatch.setattr(training, "Console", lambda **_: Console(file=plain))
    training.load_data(plan)
    assert plain.getvalue() == ""


def test_a_set_that_comes_with_whygrad_needs_no_bar(screen):
    training.load_data(Plan({"source": "iris"}, {}, {}))
    assert "Reading" not in screen.getvalue()
