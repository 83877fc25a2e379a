"""No command listens to other machines: its sockets are looked at while it runs."""

import ast
import socket
import subprocess
import sys
from contextlib import ExitStack, suppress
from ipaddress import ip_address
from pathlib import Path

import psutil
import pytest

import whygrad

pytestmark = pytest.mark.long

LOOK = 0.05  # seconds between two looks; what listens does so for longer
SOURCE = Path(whygrad.__file__).parent
TRAINING = ("train", "digits", "--epochs", "1", "--hidden", "4", "--devices", "1", "--out", "run")
JOB = ("--coordinator", "{address}", "--processes", "2", "--process")
# Every command that can listen, as small as it goes; what runs at the same time stands together.
LISTENING = {
    "lesson parallel": [["lesson", "parallel", "--largest", "10", "--devices", "2", "--json"]],
    "train": [[*TRAINING, *JOB, "0"], [*TRAINING, *JOB, "1"]],
}
# What can listen, and the only files that may use it; each belongs to a command above.
DOORS = {
    "socket": {"lessons/instruments/workers.py"},
    "jax.distributed": {"core/processes.py", "lessons/instruments/all_reduce.py"},
    # these hear of the processes that a program starts, and start none
    "multiprocessing": {"capture/session.py", "capture/children.py"},
}


def listening(process: psutil.Process) -> set[str]:
    """Return the addresses at which a process and all that it started listen at this moment."""
    found = set()
    for one in [process, *process.children(recursive=True)]:
        try:
            sockets = one.net_connections(kind="inet")
        except psutil.NoSuchProcess:  # it has just ended
            continue
        found |= {s.laddr.ip for s in sockets if s.status == psutil.CONN_LISTEN}
    return found


def is_loopback(address: str) -> bool:
    found = ip_address(address)
    return (getattr(found, "ipv4_mapped", None) or found).is_loopback


@pytest.mark.sampled
@pytest.mark.parametrize("name", LISTENING)
def test_a_command_listens_to_this_machine_alone(environment, tmp_path, name):
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{one.getsockname()[1]}"
    settings = {"cwd": tmp_path, "env": environment, "stdout": subprocess.PIPE}
    seen, processes = set(), []
    with ExitStack() as stack:
        for arguments in LISTENING[name]:
            told = [one.format(address=address) for one in arguments]
            command = [sys.executable, "-m", "whygrad", *told]
            processes.append(stack.enter_context(subprocess.Popen(command, **settings)))
        while any(process.poll() is None for process in processes):
            for process in processes:
                with suppress(psutil.NoSuchProcess):
                    seen |= listening(psutil.Process(process.pid))
                with suppress(subprocess.TimeoutExpired):
                    process.wait(LOOK)
        said = [process.stdout.read() for process in processes]
    assert [process.returncode for process in processes] == [0] * len(processes), said
    assert seen and all(map(is_loopback, seen)), seen


def used(path: Path) -> set[str]:
    """Return every dotted name that a file imports or reads."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Attribute):
            names.add(ast.unparse(node))
    return names


def test_nothing_else_can_listen():
    servers = ("socket", "socketserver", "http.server", "asyncio", "xmlrpc", "wsgiref")
    servers += ("multiprocessing", "jax.distributed", "torch.distributed.init_process_group")
    found = {}
    for path in SOURCE.rglob("*.py"):
        for name in used(path):
            door = next((d for d in servers if name == d or name.startswith(f"{d}.")), None)
            if door is not None:
                found.setdefault(door, set()).add(path.relative_to(SOURCE).as_posix())
    assert found == DOORS
