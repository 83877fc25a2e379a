"""Any command line ends with 0, 1 or 2 and a sentence, and leaves the user's files alone."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import whygrad as wg
from whygrad.cli import app
from whygrad.cli import commands as cli_commands
from whygrad.errors import WhygradError
from whygrad.run.beginning import begin
from whygrad.settings import OPTIMIZERS, SCHEDULES, Settings

COMMANDS = ["train", "why", "runs", "show"]
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
OPTIONS = [
    "--target", "--hidden", "--activation", "--output-activation", "--init", "--bias-init",
    "--bias", "--no-bias", "--dropout", "--loss", "--optimizer", "--learning-rate", "--schedule",
    "--warmup", "--batch-size", "--epochs", "--patience", "--momentum", "--l2", "--weight-decay",
    "--clip-norm", "--class-weight", "--seed", "--record-every", "--validation", "--test",
    "--weight", "--drop", "--task", "--delimiter", "--samples", "--noise", "--config", "--out",
    "--resume", "--json", "--step", "--sample", "--help", "--nonsense", "-x",
]  # fmt: skip


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    """A folder with one of everything that a user may have."""
    home = tmp_path_factory.mktemp("fuzz")
    (home / "table.csv").write_text(
        "a,b,y\n" + "".join(f"{i},{i % 7},{i % 2}\n" for i in range(40))
    )
    (home / "binary.csv").write_bytes(bytes(range(256)) * 4)
    (home / "plan.toml").write_text(
        '[data]\nsource = "xor"\nsamples = 40\n[network]\nhidden = [2]\n'
    )
    (home / "bad.toml").write_text("[data\n")
    (home / "folder").mkdir()
    (home / "folder" / "mine.txt").write_text("mine")
    start = wg.Network.create([2, 2, 1], seed=0)
    wg.train(start, wg.load("xor", samples=40), epochs=1, out=home / "run")
    return home


class Reached(WhygradError):
    """The command line was read, and training would begin; that it trains is tested elsewhere."""


@pytest.fixture
def inside(home, monkeypatch):
    """Be in that folder, and stop where training would begin to take time."""
    monkeypatch.chdir(home)

    def stop(plan, data, out, attendant=None):
        network = cli_commands.make_network(plan, data)
        run = begin(out, network, data, Settings.from_dict(dict(plan.training)), plan.to_dict())
        assert run.description["state"] == "training"
        raise Reached("cli.interrupted")

    def go_on(path, attendant=None):
        raise Reached("cli.interrupted")

    monkeypatch.setattr(cli_commands, "start_run", stop)
    monkeypatch.setattr(cli_commands, "go_on", go_on)


def mine(home: Path) -> dict[str, bytes]:
    """Return what the user had; new run folders may come beside it."""
    names = ["table.csv", "binary.csv", "plan.toml", "bad.toml", "folder/mine.txt"]
    kept = [*names, *(str(p.relative_to(home)) for p in (home / "run").rglob("*") if p.is_file())]
    return {name: (home / name).read_bytes() for name in kept}


def ends_well(home: Path, capfd, arguments: list[str]) -> None:
    before = mine(home)
    capfd.readouterr()
    code = app.run(arguments)
    out, err = capfd.readouterr()
    assert code in (0, 1, 2), code
    assert "Traceback" not in out + err
    assert (out + err).strip(), "silence is no answer"
    assert mine(home) == before
    assert [path.name for path in (home / "folder").iterdir()] == ["mine.txt"]


PAIRS = st.tuples(st.sampled_from(OPTIONS), VALUES).map(
    lambda pair: list(pair) if pair[0] not in ("--resume", "--json", "--help") else [pair[0]]
)


@settings(max_examples=150)
@given(
    command=st.sampled_from(COMMANDS),
    words=st.lists(VALUES, max_size=2),
    pairs=st.lists(PAIRS, max_size=3),
)
def test_any_words_end_in_words(home, inside, capfd, command, words, pairs):
    given_ = [word for pair in pairs for word in pair]
    ends_well(home, capfd, [command, *words, *given_])


@settings(max_examples=150)
@given(pairs=st.lists(PAIRS.filter(lambda pair: pair[0] in OPTIONS[:35]), min_size=1, max_size=2))
@pytest.mark.parametrize("source", ["xor", "table.csv"])
def test_any_option_of_training_ends_in_words(home, inside, capfd, source, pairs):
    size = [] if source != "xor" else ["--samples", "40"]
    given_ = [word for pair in pairs for word in pair]
    ends_well(home, capfd, ["train", source, *size, "--hidden", "2", "--epochs", "1", *given_])


@given(
    address=VALUES
    | st.from_regex(r"(hidden1|output)(\.(weight|bias))?\[[0-9, ]{0,5}\]", fullmatch=True)
)
def test_any_address_ends_in_words(home, inside, capfd, address):
    ends_well(home, capfd, ["why", "run", "--", address])


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
def test_any_value_in_a_configuration_ends_in_words(home, inside, capfd, tmp_path, name, value):
    plan = {"data.source": '"xor"', "data.samples": "40", "network.hidden": "[2]", name: value}
    path = tmp_path / "c.toml"
    path.write_text("".join(f"{key} = {given_}\n" for key, given_ in plan.items()))
    ends_well(home, capfd, ["train", "--config", str(path)])


@pytest.mark.parametrize(
    ("option", "known"), [("--optimizer", OPTIMIZERS), ("--schedule", SCHEDULES)]
)
def test_every_known_name_is_taken(home, inside, capfd, option, known):
    for name in known:
        code = app.run(["train", "xor", "--samples", "40", option, name])
        assert code == 1 and "Interrupted" in capfd.readouterr().err
