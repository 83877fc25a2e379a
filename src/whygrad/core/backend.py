"""The one door to JAX: :func:`start` is called before anything is computed.

JAX starts its backend, with the threads that do the work, at its first use. A forked child has none
of these threads and would wait for them forever; a flag that XLA does not know ends the whole
process; a device that is not there is an error from deep inside. Here each becomes a sentence.
"""

import os
import subprocess
import sys
from pathlib import Path

from whygrad.core import arrays, compiled
from whygrad.core.jax_private import is_running
from whygrad.errors import BackendError, in_short

# ends well unless XLA ends the process; what Python hears of is told elsewhere
PROBE = "import contextlib, jax\nwith contextlib.suppress(Exception): jax.devices()"

# They check a program's own use of JAX, and stop on what is allowed without them.
CHECKS = ("JAX_NUMPY_RANK_PROMOTION", "JAX_NUMPY_DTYPE_PROMOTION", "JAX_TRANSFER_GUARD")

_started_in: int | None = None  # the process in which the backend was started


def drop_checks() -> None:
    """Leave the checks of JAX code to those who write it: the command line is not their program."""
    for name in [name for name in os.environ if name.startswith(CHECKS)]:
        del os.environ[name]


def start() -> None:
    """Start JAX's backend, once in a process.

    Raises:
        BackendError: this is a forked child of a process in which JAX was started, or JAX does not
            start with these environment variables and on these devices.
    """
    global _started_in
    if _started_in == os.getpid():
        return
    if _is_forked():
        raise BackendError("error.backend_forked", process=os.getpid())
    if not is_running():
        _check_flags()
    if compiled.is_kept():
        compiled.seal()
    _start()
    arrays.tell_jax()
    _started_in = os.getpid()


def _environment() -> str:
    """Return the variables that decide how JAX starts, as they are set."""
    ours = ("JAX_COMPILATION_CACHE", "JAX_PERSISTENT_CACHE")  # of the command line, as a rule
    names = [name for name in os.environ if name.startswith(("JAX_", "XLA_"))]
    names = [name for name in names if not name.startswith(ours)]
    return ", ".join(f"{name}={os.environ[name]}" for name in sorted(names)) or "—"


def _start() -> None:
    import jax

    try:
        jax.devices()
    except AssertionError as error:  # all that JAX says of a platform without a plugin
        raise BackendError("error.backend_no_device", environment=_environment()) from error
    except Exception as error:
        raise BackendError(
            "error.backend_not_started",
            problem=in_short(error),
            environment=_environment(),
        ) from error


def _is_forked() -> bool:
    """Return whether the backend was started in a process of which this one is a fork.

    Where it was started by others, the threads tell: a process that started it has many.
    """
    if _started_in is not None:
        return True
    threads = Path("/proc/self/task")
    return is_running() and threads.is_dir() and len(list(threads.iterdir())) == 1


def _check_flags() -> None:
    """Try the flags for XLA in another process: one that it does not know ends the process."""
    flags = os.environ.get("XLA_FLAGS", "").strip()
    if not flags:
        return
    tried = subprocess.run(
        [sys.executable, "-P", "-c", PROBE],
        env=os.environ | {"JAX_PLATFORMS": "cpu"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
    )
    if tried.returncode:
        # "E1129 12:37:19.58 12711 command_line_flags.cc:93] what is wrong", and much below
        said = tried.stderr.decode(errors="replace").partition("] ")[2].partition("\n")[0]
        raise BackendError("error.backend_flags", flags=flags, problem=said[:300].rstrip("."))
