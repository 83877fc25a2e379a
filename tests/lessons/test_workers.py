"""Processes of a lesson: their answers, their errors, and that none stays behind."""

import subprocess
import sys

import pytest

from whygrad.errors import WhygradError
from whygrad.lessons.instruments import workers

pytestmark = [pytest.mark.long, pytest.mark.sampled]

MODULE = "task_of_a_test"
SOURCE = """
import json, os, sys
from whygrad.lessons.instruments.workers import end_with_parent
task = json.loads(sys.argv[1])["do"]
print("a library says hello", flush=True)
if task == "fail":
    print("----", file=sys.stderr)
    raise SystemExit("no memory left\\n-----")
if task == "silent":
    raise SystemExit
if task == "wait":
    os.read(0, 1)
if task == "watch":
    end_with_parent()
    print("ready", flush=True)
    import threading
    threading.Event().wait()
print(json.dumps({"task": task, "seen": os.environ.get("JAX_PLATFORMS")}))
"""


@pytest.fixture(autouse=True)
def module(tmp_path, monkeypatch):
    folder = tmp_path / "modules"
    folder.mkdir()
    (folder / f"{MODULE}.py").write_text(SOURCE)
    monkeypatch.setenv("PYTHONPATH", str(folder))


@pytest.fixture
def started(monkeypatch):
    """Return the processes that were started, as they are started."""
    kept, right = [], subprocess.Popen

    def start(*given, **options):
        kept.append(right(*given, **options))
        return kept[-1]

    monkeypatch.setattr(workers.subprocess, "Popen", start)
    return kept


def error_of(*tasks, **options) -> str:
    with pytest.raises(WhygradError) as raised:
        workers.answers(MODULE, [{"do": task} for task in tasks], **options)
    return str(raised.value)


def test_answers_come_in_the_order_of_the_tasks_whatever_else_is_said():
    found = workers.answers(MODULE, [{"do": {"a": 1}}, {"do": [2]}])
    assert [one["task"] for one in found] == [{"a": 1}, [2]]


def test_a_worker_computes_on_the_cpu_whatever_this_process_does(monkeypatch):
    for name, value in {
        "JAX_PLATFORMS": "cuda",
        "JAX_ENABLE_X64": "1",
        "JAX_NUM_CPU_DEVICES": "7",
        "XLA_FLAGS": "--xla_force_host_platform_device_count=3",
        "HTTPS_PROXY": "http://10.0.0.1:1",
        "http_proxy": "http://10.0.0.1:1",
    }.items():
        monkeypatch.setenv(name, value)
    seen = workers._environment()
    assert seen["JAX_PLATFORMS"] == "cpu" and seen["CUDA_VISIBLE_DEVICES"] == ""
    gone = {"JAX_ENABLE_X64", "JAX_NUM_CPU_DEVICES", "XLA_FLAGS", "HTTPS_PROXY", "http_proxy"}
    assert gone.isdisjoint(seen)
    assert workers.answers(MODULE, [{"do": "x"}])[0]["seen"] == "cpu"


def test_a_file_of_the_folder_one_stands_in_is_not_imported(tmp_path, monkeypatch):
    (tmp_path / "json.py").write_text("raise SystemExit('the wrong json')")
    monkeypatch.chdir(tmp_path)
    assert workers.answers(MODULE, [{"do": "x"}])[0]["task"] == "x"


def test_the_error_of_a_worker_is_the_last_line_of_its_complaint():
    assert error_of("fail") == (
        "A process that this lesson started (task_of_a_test) was expected to answer, but ended "
        "with code 1: no memory left. Run the lesson again; if that does not help, try smaller "
        "numbers, which need less memory."
    )


def test_a_worker_that_says_nothing_is_an_error_too():
    assert "ended with code 0: ?." in error_of("silent")


def test_when_one_fails_the_others_are_ended(started):
    assert "no memory left" in error_of("wait", "fail")
    assert [process.poll() is not None for process in started] == [True, True]


def test_when_time_is_up_all_are_ended(started):
    assert error_of("wait", "wait", limit=0.0) == (
        "A process that this lesson started (task_of_a_test) was expected to answer within 0 s, "
        "and did not. It has been ended. Run the lesson again when the machine is less busy, or "
        "with smaller numbers."
    )
    assert [process.poll() is not None for process in started] == [True, True]


def test_when_the_user_stops_the_lesson_all_are_ended(started):
    def stop():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        workers.answers(MODULE, [{"do": "wait"}, {"do": "wait"}], stop)
    assert [process.poll() is not None for process in started] == [True, True]


def test_a_worker_ends_itself_when_its_parent_is_gone():
    command = [sys.executable, "-m", MODULE, '{"do": "watch"}']
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        while process.stdout.readline() != b"ready\n":
            pass
        process.stdin.close()
        assert process.wait(timeout=60) == 1


def test_where_no_process_may_start_the_error_says_so(monkeypatch):
    monkeypatch.setattr(workers.sys, "executable", "/no/such/python")
    assert error_of("x") == (
        "A process that this lesson needs (task_of_a_test) could not be started: [Errno 2] No "
        "such file or directory: '/no/such/python'. Run the lesson where Python may start other "
        "processes."
    )


def test_a_free_port_is_one_that_may_be_listened_at():
    port = workers.free_port()
    with workers.socket.socket() as probe:
        probe.bind(("127.0.0.1", port))
