"""The commands: what they print, and how they end, killed and cut off too."""

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import whygrad as wg
from whygrad.record.folder import RunFolder, find_runs
from whygrad.record.sealed import read_json, write_json

pytestmark = pytest.mark.long

TINY = ("--samples", "60", "--hidden", "3", "--epochs", "2", "--batch-size", "16")
CHINESE = re.compile("[一-鿿]")
ENGLISH = re.compile(r"\b[A-Za-z]{2,} [a-z]{2,} [a-z]{2,} [a-z]{2,}\b")


def hashes(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def numbers_of(run: Path) -> tuple:
    """Return everything in a run that is a number, as bytes."""
    newest = max((run / "checkpoints").glob("*"), key=lambda path: int(path.stem))
    return newest.name, newest.read_bytes(), (run / "history.jsonl").read_bytes()


def test_training_as_json_says_how_it_ended(trained):
    told = json.loads(trained.outcome.out)
    assert told["state"] == "finished" and told["steps"] == 6
    assert set(told["result"]) == {"train", "validation", "test"}
    assert told["health"]["severity"] in ("well", "worth_a_look", "ill")
    assert told["network"]["sizes"] == [2, 3, 1] and told["settings"]["epochs"] == 2


def test_training_to_read(whygrad, tmp_path):
    outcome = whygrad("train", "xor", *TINY, cwd=tmp_path)
    assert outcome.code == 0 and outcome.err == ""
    assert "Network 2 → 3 → 1 (relu, identity)" in outcome.out
    assert (tmp_path / "runs" / "xor-1" / "run.json").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("runs", "--json"),
        ("show", "a"),
        ("why", "a", "hidden1.weight[0, 1]", "--sample", "2"),
        ("why", "a", "hidden9[0]", "--json"),
        ("trian",),
    ],
    ids=" ".join,
)
def test_a_process_of_its_own_says_what_is_said_here(whygrad, process, trained, arguments):
    assert process(*arguments, cwd=trained.home) == whygrad(*arguments, cwd=trained.home)


def test_why_in_three_shapes(whygrad, trained):
    asked = ("why", "runs/a", "hidden1.weight[0, 1]", "--sample", "2")
    read = whygrad(*asked, cwd=trained.home)
    assert read.code == 0 and read.out.startswith(
        "hidden1.weight[0, 1]  hidden1.weight[x1, 1]  at step 5 (epoch 2)"
    )
    assert max(map(len, read.out.splitlines())) <= 100
    told = json.loads(whygrad(*asked, "--json", cwd=trained.home).out)
    assert told["address"] == "hidden1.weight[0, 1]" and told["chain"]["row"] == 2
    assert whygrad("why", "a", "output", "--step", "0", cwd=trained.home).code == 0


def test_runs_and_show(whygrad, trained):
    listed = json.loads(whygrad("runs", "--json", cwd=trained.home).out)
    assert [run["path"] for run in listed] == ["runs/a"]
    assert "runs/a" in whygrad("runs", cwd=trained.home).out
    told = json.loads(whygrad("show", "a", "--json", cwd=trained.home).out)
    assert told["state"] == "finished" and told["path"] == "runs/a"
    assert whygrad("show", str(trained.path), cwd=Path("/")).code == 0


def test_no_runs_is_no_failure(whygrad, tmp_path):
    outcome = whygrad("runs", cwd=tmp_path)
    assert (outcome.code, outcome.out) == (
        0,
        "There is no run in runs yet. Make one: whygrad train digits\n",
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ("runs",),
        ("show", "a"),
        ("why", "a", "hidden1.weight[0, 1]", "--sample", "2"),
        ("why", "a", "hidden1"),
        ("show", "nowhere"),
        ("why", "a", "hidden7[0]"),
        ("train", "nothing"),
    ],
    ids=" ".join,
)
def test_in_chinese_there_is_no_english_sentence(whygrad, trained, arguments):
    outcome = whygrad(*arguments, "--lang", "zh", cwd=trained.home)
    assert CHINESE.search(outcome.said)
    assert not ENGLISH.search(outcome.said), ENGLISH.search(outcome.said)


@pytest.mark.parametrize("command", ["", "train", "why", "runs", "show", "report"])
def test_the_help_is_in_the_language_in_use(whygrad, tmp_path, command):
    arguments = [command] if command else []
    outcome = whygrad(*arguments, "--help", cwd=tmp_path, WHYGRAD_LANG="zh_CN.UTF-8")
    assert outcome.code == 0 and CHINESE.search(outcome.out)
    assert "Show this message" not in outcome.out


def test_chinese_where_the_terminal_has_none_is_no_failure(whygrad, trained):
    outcome = whygrad(
        "show", "a", "--lang", "zh", cwd=trained.home, PYTHONIOENCODING="ascii", PYTHONUTF8="0"
    )
    assert outcome.code == 0 and "\\u" in outcome.out


def test_a_configuration_and_a_run_give_the_same_numbers_again(whygrad, trained, tmp_path):
    (tmp_path / "plan.toml").write_text(
        '[data]\nsource = "xor"\nsamples = 60\n[network]\nhidden = [3]\n'
        "[training]\nepochs = 2\nbatch_size = 16\n"
    )
    for number, config in enumerate(("plan.toml", str(trained.path), f"{trained.path}/run.json")):
        outcome = whygrad("train", "--config", config, "--out", str(number), cwd=tmp_path)
        assert outcome.code == 0, outcome.err
        assert numbers_of(tmp_path / str(number)) == numbers_of(trained.path)


def test_a_configuration_may_ask_for_what_no_flag_does(whygrad, tmp_path):
    (tmp_path / "plan.toml").write_text(
        '[data]\nsource = "xor"\nsamples = 60\n[network]\nhidden = [3, 2]\ndropout = [0.5, 0]\n'
        'output_activation = "sigmoid"\n[training]\nepochs = 1\nl1 = 0.01\nmaximize = true\n'
        'shuffle = "apart"\nreduction = "sum"\n'
    )
    asked = ("train", "--config", "plan.toml", "--loss", "mean_squared", "--out", "a", "--json")
    outcome = whygrad(*asked, cwd=tmp_path)
    assert outcome.code == 0, outcome.err
    told = json.loads(outcome.out)
    assert told["network"]["dropout"] == [0.5, 0.0]
    names = ("loss", "l1", "maximize", "shuffle", "reduction")
    came = {name: told["settings"][name] for name in names}
    assert list(came.values()) == ["mean_squared", 0.01, True, "apart", "sum"]
    again = whygrad("train", "--config", "a", "--out", "b", cwd=tmp_path)
    assert again.code == 0, again.err
    assert numbers_of(tmp_path / "a") == numbers_of(tmp_path / "b")


def test_a_dropout_that_is_no_number_is_told(whygrad, tmp_path):
    (tmp_path / "plan.toml").write_text('[data]\nsource = "xor"\n[network]\ndropout = ["much"]\n')
    outcome = whygrad("train", "--config", "plan.toml", cwd=tmp_path)
    assert outcome.code == 2
    assert outcome.err == (
        "Error: In the configuration, dropout under [network] must be a number or a list of "
        "numbers, got ['much']. Write for example dropout = 0.2, or dropout = [0.2, 0.5].\n"
    )


def test_the_command_line_goes_before_the_configuration(whygrad, trained, tmp_path):
    asked = ("train", "--config", str(trained.path), "--epochs", "1", "--out", "b", "--json")
    told = json.loads(whygrad(*asked, cwd=tmp_path).out)
    assert told["settings"]["epochs"] == 1 and told["settings"]["batch_size"] == 16


FAULTS = {  # arguments -> exit code and what is said, whole
    ("show", "nowhere"): (
        1,
        "Error: There is no run in nowhere: a run is a folder with a run.json, and none was "
        "found. See the runs with: whygrad runs\n",
    ),
    ("train", "xor", "--epochs", "0"): (
        2,
        "Error: epochs must be a whole number ≥ 1, got 0. Choose a value in that range.\n",
    ),
    ("train", "xor", "--epochs", "x"): (
        2,
        "Error: --epochs must be a whole number, and its value is none. "
        "See: whygrad train --help\n",
    ),
    ("train", "xor", "--epoch", "1"): (
        2,
        "Error: There is no option --epoch here. Did you mean --epochs? "
        "See: whygrad train --help\n",
    ),
    ("why", "a"): (
        2,
        "Error: The command whygrad why needs PARAMETER, and it is missing. "
        "See: whygrad why --help\n",
    ),
    ("trian",): (
        2,
        "Error: There is no command trian. Did you mean train? See: whygrad --help\n",
    ),
    ("train", "xor", "--hidden", "a"): (
        2,
        "Error: --hidden must be whole numbers separated by commas, from first to last hidden "
        "layer, got a. Write for example --hidden 32,32, or an empty string for no hidden layer.\n",
    ),
    ("train", "xor", "--out", "/dev/null/x"): (
        1,
        "Error: The run cannot be written to /dev/null/x: Not a directory. Choose a folder that "
        "you may write to, on a disk with free space.\n",
    ),
    ("why", "a", "hidden9[0]"): (
        2,
        "Error: The network has no layer called hidden9. Its layers: hidden1, output.\n",
    ),
    ("why", "a", "hidden1", "--step", "6"): (
        2,
        "Error: Step 6 cannot be replayed: the run has the steps 0 to 5. Choose one of them.\n",
    ),
}


@pytest.mark.parametrize("arguments", FAULTS, ids=" ".join)
def test_a_fault_is_told_whole_and_ends_with_its_code(whygrad, trained, arguments):
    outcome = whygrad(*arguments, cwd=trained.home)
    assert (outcome.code, outcome.err) == FAULTS[arguments]
    as_json = whygrad(*arguments, "--json", cwd=trained.home)
    told = json.loads(as_json.out)["error"]
    assert f"Error: {told['message']}\n" == outcome.err and as_json.err == ""
    assert as_json.code == outcome.code


def test_an_out_folder_with_something_in_it_is_left_alone(whygrad, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("mine")
    outcome = whygrad("train", "xor", *TINY, "--out", "mine", cwd=tmp_path)
    assert outcome.code == 1 and "must be new or empty" in outcome.err
    assert hashes(tmp_path) == {"mine/thesis.txt": hashlib.sha256(b"mine").hexdigest()}


def test_markup_in_names_is_shown_as_it_is(whygrad, tmp_path, trained):
    outcome = whygrad("runs", "[/]", cwd=tmp_path)
    assert outcome.code == 0 and "[/]" in outcome.out
    shutil.copytree(trained.path, tmp_path / "runs" / "[red]x[" / "[b]")
    shutil.copytree(trained.path, tmp_path / "runs" / "[bold]")
    assert "[bold]" in whygrad("runs", cwd=tmp_path).out
    assert "[bold]" in whygrad("show", "[bold]", cwd=tmp_path).out


def test_a_name_that_is_no_text_is_told(whygrad, tmp_path):
    name = os.fsdecode(b"\xff\xfe")
    for arguments in (("show", name), ("show", name, "--json"), ("runs", name)):
        assert whygrad(*arguments, cwd=tmp_path).code in (0, 1)


def test_a_reader_that_has_enough_is_no_failure_to_read_about(environment, trained):
    for arguments in ("runs --json", "show a", "why a hidden1 --json"):
        command = f"{sys.executable} -m whygrad {arguments} | head -c 1"
        done = subprocess.run(
            command, shell=True, cwd=trained.home, env=environment, capture_output=True
        )
        assert done.stderr == b"" and len(done.stdout) == 1


def test_a_closed_reader_is_silent(environment, trained):
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "whygrad", "show", "a"],
        cwd=trained.home,
        env=environment,
        stdout=writer,
        stderr=subprocess.PIPE,
    )
    os.close(writer)
    assert done.stderr == b"" and done.returncode == 1


# long enough for JAX, which takes these steps faster than NumPy
LONG = ("--samples", "4000", "--hidden", "4", "--epochs", "100", "--batch-size", "4")
LONG += ("--record-every", "50", "--seed", "3")
LONG += ("--dropout", "0", "--learning-rate", "0.003", "--weight-decay", "0")  # nothing is tried


@pytest.fixture(scope="module")
def uninterrupted(whygrad, tmp_path_factory) -> Path:
    home = tmp_path_factory.mktemp("whole")
    assert whygrad("train", "xor", *LONG, "--out", "a", cwd=home).code == 0
    return home / "a"


def started(environment: dict[str, str], home: Path, *more: str) -> subprocess.Popen:
    arguments = [sys.executable, "-m", "whygrad", "train", "xor", *LONG, "--out", "a", *more]
    return subprocess.Popen(
        arguments, cwd=home, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def wait_for(process: subprocess.Popen, is_there, turns: int = 10**7) -> None:
    """Look until something is there or the process is over; the turns are a bound."""
    for _ in range(turns):
        if is_there() or process.poll() is not None:
            return
        os.sched_yield()
    raise AssertionError("it never came")


def checkpoints(run: Path) -> int:
    return len(list((run / "checkpoints").glob("*.safetensors")))


def lines(run: Path) -> int:
    history = run / "history.jsonl"
    return history.read_bytes().count(b"\n") if history.exists() else 0


def parts(run: Path) -> int:
    return len(list(run.rglob(".*.part")))


MOMENTS = {
    "the folder": lambda run: run.exists(),
    "run.json": lambda run: (run / "run.json").exists(),
    "first lines": lambda run: lines(run) > 0,
    "a half-written file": lambda run: (run / "run.json").exists() and parts(run) > 0,
    "checkpoint 7": lambda run: checkpoints(run) >= 7,
}


EARLY = ("the folder", "run.json", "first lines")  # long before the end on any machine


def same_run(run: Path, whole: Path) -> None:
    assert numbers_of(run) == numbers_of(whole)
    one, other = RunFolder(run), RunFolder(whole)
    for layer in one.layers:
        for a, b in zip(one.rows(layer), other.rows(layer), strict=True):
            assert a.tobytes() == b.tobytes()
    assert one.description["result"] == other.description["result"]


@pytest.mark.sampled(2)
@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_at_any_moment_it_goes_on_to_the_same_end(
    whygrad, environment, tmp_path, uninterrupted, moment
):
    run = tmp_path / "a"
    process = started(environment, tmp_path)
    wait_for(process, lambda: MOMENTS[moment](run))
    process.kill()
    process.communicate()
    assert moment not in EARLY or process.returncode == -signal.SIGKILL, "it was to be cut off"
    find_runs(tmp_path)  # it can be read as it lies
    outcome = whygrad("train", "xor", *LONG, "--out", "a", "--resume", cwd=tmp_path)
    assert outcome.code == 0, outcome.err
    same_run(run, uninterrupted)


def test_ctrl_c_and_a_second_writer_and_a_reader(whygrad, environment, tmp_path, uninterrupted):
    run = tmp_path / "a"
    process = started(environment, tmp_path)
    wait_for(process, lambda: checkpoints(run) >= 2)
    second = whygrad("train", "--resume", "--out", "a", cwd=tmp_path)
    if process.poll() is None:  # slow enough to have been in the way
        assert second.code == 1 and "is being written by another process" in second.err
        assert whygrad("why", "a", "hidden1[0]", cwd=tmp_path).code == 0
    process.send_signal(signal.SIGINT)
    _, err = process.communicate()
    assert b"Traceback" not in err
    outcome = whygrad("train", "--resume", "--out", "a", cwd=tmp_path)
    assert outcome.code == 0
    same_run(run, uninterrupted)


def test_every_command_ends_in_words_on_a_damaged_run(whygrad, trained, tmp_path):
    """One process a command; each file in turn is tried in tests/record/test_damage.py."""
    run = tmp_path / "runs" / "a"
    shutil.copytree(trained.path, run)
    described = read_json(run / "run.json")
    del described["data"]["name"]
    write_json(run / "run.json", described)
    (run / "data.safetensors").write_bytes(b"?")
    before = hashes(tmp_path)
    for command in (("show", "a"), ("why", "a", "hidden1"), ("report", "a"), ("runs",)):
        outcome = whygrad(*command, cwd=tmp_path)
        assert outcome.code in (0, 1, 2) and outcome.said.strip()
        assert outcome.code or command == ("runs",)
    assert hashes(tmp_path) == before


def test_the_version_is_told(whygrad, tmp_path):
    outcome = whygrad("--version", cwd=tmp_path)
    assert (outcome.code, outcome.out, outcome.err) == (0, f"whygrad {wg.__version__}\n", "")
