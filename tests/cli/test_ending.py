"""How a command ends when the world around it is not as it should be, or whygrad itself is not."""

import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import pytest

from whygrad.cli import app, ending
from whygrad.cli.streams import Stderr, Stdout, silence
from whygrad.errors import OptionError, WhygradError
from whygrad.words import speaking

FULL = (
    "The result cannot be written to standard output: No space left on device. Leave standard "
    "output open, or send it to a file on a disk with free space."
)


def failing(error: BaseException) -> Callable:
    def command():
        raise error

    return command


@pytest.fixture
def temporary(tmp_path, monkeypatch) -> Path:
    """The folder for temporary files, empty."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def test_an_error_of_our_own_is_one_sentence_and_a_private_file(temporary, capsys):
    arguments = ["why", "a", "hidden1[0]"]
    assert ending.end(failing(KeyError("left over\nand more")), arguments) == 70
    [path] = temporary.iterdir()
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err == (
        "Error: The command was not finished, because of an error in whygrad itself: KeyError: "
        f"'left over\\nand more'. The traceback is in {path}. Please report it, with that file: "
        "the project's issue tracker\n"
    )
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    lines = path.read_text("utf-8").splitlines()
    assert lines[0] == "whygrad 'why' 'a' 'hidden1[0]'" and lines[1].startswith("Python 3.")
    assert any(line.startswith("jax ") for line in lines)
    assert lines[-1] == "KeyError: 'left over\\nand more'"
    assert any(line.startswith("Traceback") for line in lines)


def test_an_error_of_our_own_in_chinese_and_as_json(temporary, capsys):
    with speaking("zh"):
        assert ending.end(failing(RecursionError("too deep.")), ["runs", "--json"]) == 70
    told = capsys.readouterr()
    error = json.loads(told.out)["error"]
    [path] = temporary.iterdir()
    assert error["key"] == "error.unexpected" and error["path"] == str(path)
    assert error["message"] == (
        "由于 whygrad 自身的错误，命令没有完成：RecursionError: too deep。错误的详细信息在 "
        f"{path} 中。请附上该文件报告此问题：项目的问题跟踪页"
    )
    assert told.err == ""


def test_where_no_file_can_be_written_the_sentence_says_so(monkeypatch, capsys):
    monkeypatch.setattr("tempfile.tempdir", "/dev/null/nowhere")
    assert ending.end(failing(KeyError("x")), ["runs"]) == 70
    assert capsys.readouterr().err == (
        "Error: The command was not finished, because of an error in whygrad itself: KeyError: "
        "'x'. The traceback could not be written to the temporary folder. Set TMPDIR to a folder "
        "that you may write to, run the command again, and report it: the project's issue tracker"
        "\n"
    )


def test_the_address_of_the_tracker_is_that_of_the_package(monkeypatch):
    class Told:
        def get_all(self, name):
            return ["Homepage, https://example.org/a", "Issues, https://example.org/b"]

    monkeypatch.setattr(metadata, "metadata", lambda name: Told())
    assert ending.tracker() == "https://example.org/b"


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (
            MemoryError(),
            1,
            "There is not enough memory for this network and batch. Use fewer neurons, a smaller "
            "batch, or less data.",
        ),
        (
            FileNotFoundError(2, "No such file or directory", "a"),
            1,
            "The operating system refused a: No such file or directory. Check the path and its "
            "permissions.",
        ),
        (
            ModuleNotFoundError("No module named 'jaxlib'", name="jaxlib"),
            1,
            "whygrad needs the package jaxlib, and importing it failed: ModuleNotFoundError: No "
            "module named 'jaxlib'. Check the environment variables that it reads, or install "
            "matching versions: pip install --upgrade whygrad jaxlib",
        ),
        (
            type("JaxRuntimeError", (RuntimeError,), {})("INTERNAL: it broke."),
            1,
            "JAX was to compute this and failed: JaxRuntimeError: INTERNAL: it broke. Check the "
            "environment variables JAX_* and XLA_FLAGS, and that the device has enough memory.",
        ),
        (
            OptionError("error.dropout", actual=2.0),
            2,
            "The dropout must be a share in [0, 1), got 2. Write 0 for no dropout.",
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_the_world_around_us_did_is_said(capsys, error, code, message):
    assert ending.end(failing(error), ["runs"]) == code
    assert capsys.readouterr() == ("", f"Error: {message}\n")


@pytest.mark.parametrize(
    "code", ["raise RuntimeError('too old')", "import nothing_of_this_name", "1 / 0"]
)
def test_a_package_that_fails_while_it_is_imported_is_named(tmp_path, monkeypatch, code):
    """As jaxlib does beside another version of jax, or jax under a variable that makes no sense."""
    (tmp_path / "broken_package").mkdir()
    (tmp_path / "broken_package" / "__init__.py").write_text("from broken_package import inner\n")
    (tmp_path / "broken_package" / "inner.py").write_text(f"{code}\n")
    monkeypatch.syspath_prepend(tmp_path)
    try:
        __import__("broken_package")
    except Exception as error:
        named = "nothing_of_this_name" if "import" in code else "broken_package"
        assert ending.broken_package(error) == named
    assert ending.broken_package(KeyError("x")) is None


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["train"], "Interrupted. Resume with: whygrad train --resume --out RUN"),
        (["lesson"], "Interrupted before the lesson was over; nothing was written."),
        (["why"], "Interrupted before the command was finished; no file was left half-written."),
        ([], "Interrupted before the command was finished; no file was left half-written."),
    ],
)
def test_an_interrupt_is_one_line_and_the_code_of_its_signal(capsys, arguments, sentence):
    assert ending.end(failing(KeyboardInterrupt()), arguments) == 130
    assert capsys.readouterr() == ("", f"{sentence}\n")
    assert ending.end(failing(KeyboardInterrupt()), [*arguments, "--json"]) == 130
    told = json.loads(capsys.readouterr().out)
    assert told == {"error": {"kind": "Interrupted", "message": sentence}}


ASKING = (signal.SIGTERM, signal.SIGHUP)


@pytest.mark.parametrize("ignored", [False, True], ids=["heard", "Ctrl-C is ignored"])
@pytest.mark.parametrize(("number", "code"), [*zip(ASKING, (143, 129), strict=True)])
def test_a_wish_to_end_is_heard_like_ctrl_c(monkeypatch, capsys, number, code, ignored):
    before = {each: signal.getsignal(each) for each in (signal.SIGINT, *ASKING)}
    monkeypatch.setattr(ending, "_ended_by", signal.SIGINT)
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)
    if ignored:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        ending.end_on_signals()
        assert ending.end(lambda: os.kill(os.getpid(), number), ["runs"]) == code
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
    assert capsys.readouterr().err.startswith("Interrupted")


def test_while_a_module_is_imported_the_process_ends_at_once(environment, tmp_path):
    """Else C code that is being imported aborts it, with a traceback of its own."""
    (tmp_path / "slow.py").write_text("import os, signal; os.kill(os.getpid(), signal.SIGTERM)")
    code = "from whygrad.cli.ending import *; end_on_signals(); import slow; print('went on')"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True
    )
    sentence = b"Interrupted before the command was finished; no file was left half-written.\n"
    assert (done.returncode, done.stdout, done.stderr) == (143, b"", sentence)


def test_nohup_stays_nohup(monkeypatch):
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)
    before = {each: signal.getsignal(each) for each in ASKING}
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        ending.end_on_signals()
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def test_a_stream_that_is_full_is_an_error_in_words_and_stderr_is_nobodys_loss():
    full = Stdout(Path("/dev/full").open("wb"), "utf-8", "backslashreplace")
    with pytest.raises(WhygradError) as failed:
        full.write("result")
        full.flush()
    assert str(failed.value) == FULL
    silence(full)  # closing it would fail as well
    full.close()
    lost = Stderr(Path("/dev/full").open("wb"), "utf-8", "backslashreplace")
    assert lost.write("problem\n") == 8
    lost.flush()
    silence(lost)
    lost.close()


def shell(environment: dict[str, str], cwd: Path, line: str) -> tuple[int, str, str]:
    """Return code, stdout and stderr of a line in which ``whygrad`` is the command."""
    line = line.replace("whygrad", f"{sys.executable} -m whygrad", 1)
    done = subprocess.run(["bash", "-c", line], cwd=cwd, env=environment, capture_output=True)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


CLOSED = f"Error: {FULL}\n".replace("No space left on device", "Bad file descriptor")
NO_COMMAND = "Error: There is no command rums. Did you mean runs? See: whygrad --help\n"


@pytest.mark.long
@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    ("line", "code", "out", "err"),
    [
        ("whygrad lesson >&-", 1, "", CLOSED),
        ("whygrad lesson --json >/dev/full", 1, "", f"Error: {FULL}\n"),
        ("whygrad --help >/dev/full", 1, "", f"Error: {FULL}\n"),
        ("whygrad rums 2>&-", 2, "", ""),
        ("whygrad rums 2>/dev/full", 2, "", ""),
        ("whygrad rums <&- >&-", 2, "", NO_COMMAND),
        ("whygrad lesson --json | head -c 1; exit ${PIPESTATUS[0]}", None, "[", ""),
        ("whygrad lesson | true; exit ${PIPESTATUS[0]}", None, "", ""),
    ],
)
def test_a_stream_that_is_closed_full_or_left(environment, tmp_path, line, code, out, err):
    ended, said, complained = shell(environment, tmp_path, line)
    assert (said, complained) == (out, err)
    assert ended in ((0, 1) if code is None else (code,))
    assert list(tmp_path.iterdir()) == []


def test_a_file_never_takes_the_place_of_a_closed_stream(environment, tmp_path):
    """Else what a library writes to stderr would stand in a file of the run."""
    code = "from whygrad.cli.streams import prepare_streams as p; p(); f = open('mine', 'w')\n"
    code += "import os; os.write(2, b'complaint'); assert f.fileno() > 2"
    line = f'{sys.executable} -c "{code}" 0<&- 1>&- 2>&-'
    subprocess.run(["bash", "-c", line], cwd=tmp_path, env=environment, check=True)
    assert (tmp_path / "mine").read_text() == ""


IN_ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


def test_json_is_json_in_a_locale_without_the_characters(environment, tmp_path):
    """A stream escapes in Python's way what its encoding lacks, which JSON cannot read."""
    said = {}
    for name, own in (("utf-8", {}), ("ascii", IN_ASCII), ("latin-1", {"PYTHONIOENCODING": "l1"})):
        line = "whygrad lesson é😀 --json --lang zh"
        code, out, err = shell(environment | own, tmp_path, line)
        assert (code, err) == (2, "")
        said[name] = json.loads(out)["error"]["name"]
    assert said == dict.fromkeys(said, "é😀")


def test_a_file_whose_name_is_no_text_is_a_file(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    rows = "".join(f"{i},{i % 2}\n" for i in range(40))
    Path("表\udcff.csv").write_text(f"特征,y\n{rows}", "utf-8")
    assert app.run(["train", "表\udcff.csv", "--target", "y", "--hidden", "2", "--out", "a"]) == 0
    capsys.readouterr()
    assert app.run(["show", "a"]) == 0
    assert "表\\udcff.csv" in capsys.readouterr().out
