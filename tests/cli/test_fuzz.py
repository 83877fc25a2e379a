"""Any command line ends with 0, 1 or 2 and a sentence, and leaves the user's files alone."""

import random
from pathlib import Path

import pytest
from benchmarks.attack import commands
from hypothesis import given, settings
from hypothesis import strategies as st

from whygrad.cli import app, training
from whygrad.errors import WhygradError
from whygrad.settings import OPTIMIZERS, SCHEDULES, Settings
from whygrad.training.beginning import begin

TRIED = 25  # command lines a seed; ``make attack`` tries thousands
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)
VALUES = st.one_of(
    st.sampled_from(
        [
            "", " ", "0", "-1", "1", "2", "1e400", "nan", "inf", "-inf", "1.5", "999999999999",
            "9" * 400, "0x10", "１２", "中文", "[/]", "[red]", "%s", "{x}", "--", "-", ".", "..",
            "/", "~", "a" * 300, "/dev/null", "missing/file.csv", "table.csv", "binary.csv",
            "plan.toml", "bad.toml", "folder", "run", "run/run.json", "xor", "iris", "relu", "adam",
            "constant:0.5", "normal:nan", "constant:inf", "hidden1", "hidden1[0]", "balanced",
            "hidden1.weight[0, 0]", "hidden1.weight[9, 9]", "output.bias[0]", "3,3", ",", "0,0",
        ]
    ),
    TEXT,
    st.integers().map(str),
    st.floats().map(str),
)  # fmt: skip


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    """A folder with one of everything that a user may have."""
    home = tmp_path_factory.mktemp("fuzz")
    commands.make_home(home)
    return home


class Reached(WhygradError):
    """The command line was read, and training would begin; that it trains is tested elsewhere."""


@pytest.fixture
def inside(home, monkeypatch):
    """Be in that folder, and stop where training would begin to take time."""
    monkeypatch.chdir(home)

    def stop(plan, network, data, out, callback=None, devices=None):
        run = begin(out, network, data, Settings.from_dict(dict(plan.training)), plan.to_dict())
        assert run.description["state"] == "training"
        raise Reached("cli.interrupted")

    def go_on(path, callback=None, devices=None):
        raise Reached("cli.interrupted")

    monkeypatch.setattr(training, "start_run", stop)
    monkeypatch.setattr(training, "go_on", go_on)


def ends_well(home: Path, arguments: list[str]) -> None:
    assert commands.problem_inside(home, arguments) == "", arguments


@pytest.mark.parametrize("seed", range(4))
def test_any_command_line_ends_in_words(home, inside, seed):
    draw = random.Random(seed)
    lines = [commands.command_line(draw) for _ in range(TRIED)]
    for line in lines:
        if line[0] != "doctor":  # which takes seconds
            ends_well(home, line)


@given(
    address=VALUES
    | st.from_regex(r"(hidden1|output)(\.(weight|bias))?\[[0-9, ]{0,5}\]", fullmatch=True)
)
def test_any_address_ends_in_words(home, inside, address):
    ends_well(home, ["why", "run", "--", address])


TOML_VALUES = st.sampled_from(
    ["1", "-1", "0.5", "nan", "inf", "true", '""', '"x"', "[]", "[1]", '["a"]', "[[1]]", "{a = 1}",
     "1979-05-27", "99999999999999999999", '"relu"', "[2, 2]", "[0]", "[true]", "1e300"]
)  # fmt: skip
NAMES = [
    *(f"data.{name}" for name in ("source", "target", "weight", "validation", "test", "seed")),
    *(f"data.{name}" for name in ("standardize", "delimiter", "samples", "noise", "drop", "task")),
    *(f"network.{name}" for name in ("hidden", "activation", "output_activation", "init")),
    *(f"network.{name}" for name in ("bias_init", "bias", "dropout", "seed", "nonsense")),
    *(f"training.{name}" for name in ("loss", "optimizer", "learning_rate", "schedule", "warmup")),
    *(f"training.{name}" for name in ("batch_size", "epochs", "record_every", "seed", "l2")),
    *(f"training.{name}" for name in ("clip_norm", "patience", "class_weight", "epsilon")),
    *(f"training.{name}" for name in ("l1", "maximize", "shuffle", "reduction")),
]


@settings(max_examples=150)
@given(name=st.sampled_from(NAMES), value=TOML_VALUES)
def test_any_value_in_a_configuration_ends_in_words(home, inside, tmp_path, name, value):
    plan = {"data.source": '"xor"', "data.samples": "40", "network.hidden": "[2]", name: value}
    path = tmp_path / "c.toml"
    path.write_text("".join(f"{key} = {given_}\n" for key, given_ in plan.items()))
    ends_well(home, ["train", "--config", str(path)])


@pytest.mark.parametrize(
    ("option", "known"), [("--optimizer", OPTIMIZERS), ("--schedule", SCHEDULES)]
)
def test_every_known_name_is_taken(home, inside, capfd, option, known):
    for name in known:
        code = app.run(["train", "xor", "--samples", "40", option, name])
        assert code == 1 and "Interrupted" in capfd.readouterr().err
