"""What JAX compiled, kept for the next command, and read only if it is what was written.

JAX writes an entry in place and reads it back without a checksum of its own: a process that was
killed or a full disk leaves a torn one, which JAX complains about at every start and never
replaces. Here every entry carries a checksum; one that does not fit is thrown away and compiled
again, without a word. What was not asked for the longest makes room for what is new; JAX's own
bound, ``JAX_COMPILATION_CACHE_MAX_SIZE``, would need a package more, and holds besides.
"""

import os
import platform
import shutil
from contextlib import suppress
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from whygrad.core import jax_private

DIGEST = 32  # bytes in front of an entry
MOST_BYTES = 256 * 2**20  # of all entries; a command adds less than one
SEALED = "-sealed"

_is_kept = False


def keep() -> None:
    """Let JAX keep what it compiles; to be called before JAX is imported.

    The user's own ``JAX_COMPILATION_CACHE_DIR`` goes before. Where no folder can be written,
    nothing is kept.
    """
    global _is_kept
    _is_kept = True
    try:
        home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        folder = Path(home) / "whygrad" / "compiled"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        is_ours = folder.stat().st_uid == os.getuid()  # what is read there will be executed
    except (OSError, RuntimeError):  # the latter where nobody has a home
        return
    if is_ours and os.access(folder, os.W_OK):
        os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(folder))
        os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.1")
        os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "0")


def is_kept() -> bool:
    """Return whether :func:`keep` was called in this process."""
    return _is_kept


def seal() -> None:
    """Put a checksum on every entry that JAX keeps, from here on in this process.

    Where this JAX takes no cache but its own, nothing is kept.
    """
    import jax

    if not jax_private.wrap_file_caches(lambda files, folder: Sealed(files, Path(folder))):
        jax.config.update("jax_enable_compilation_cache", False)


class Sealed:
    """A cache of files, such as JAX's own, in which every entry begins with its checksum.

    Args:
        files: has ``get`` and ``put``.
        folder: where it writes them, each under its key and ``-cache``.
    """

    def __init__(self, files: Any, folder: Path):
        self.files = files
        self._path = folder  # under this name JAX mentions it in its log

    def get(self, key: str) -> bytes | None:
        """Return what was put under a key, or None if it was not or is not what it was."""
        try:
            entry = self.files.get(self.name_of(key))
        except OSError:
            entry = b""
        if entry is None:
            return None
        value = entry[DIGEST:]
        if sha256(value).digest() == entry[:DIGEST]:
            with suppress(OSError):
                os.utime(self._path_of(key))  # asked for just now
            return value
        self._throw_away(key)
        return None

    def put(self, key: str, value: bytes) -> None:
        """Keep a value, where there is room for it."""
        self._make_room(DIGEST + len(value))
        try:
            self.files.put(self.name_of(key), sha256(value).digest() + value)
        except OSError:
            self._throw_away(key)

    def _make_room(self, size: int) -> None:
        """Throw away what was not asked for the longest, until so many bytes fit into the bound.

        Other processes do the same at the same time, and an entry may be gone meanwhile.
        """
        entries = []
        for path in self._path.glob(f"*{SEALED}-cache"):
            with suppress(OSError):
                told = path.lstat()
                entries.append((told.st_mtime_ns, told.st_size, path))
        size += sum(bytes_of for _, bytes_of, _ in entries)
        for _, bytes_of, path in sorted(entries):
            if size <= MOST_BYTES:
                return
            with suppress(OSError):
                path.unlink()
            size -= bytes_of

    def _path_of(self, key: str) -> Path:
        return self._path / f"{self.name_of(key)}-cache"

    def _throw_away(self, key: str) -> None:
        path = self._path_of(key)
        try:
            path.unlink(missing_ok=True)
        except OSError:  # a folder, or not ours to remove
            shutil.rmtree(path, ignore_errors=True)

    @staticmethod
    def name_of(key: str) -> str:
        """Return the name of an entry.

        Another JAX program may use the same folder without checksums, and another machine without
        the same instructions.
        """
        return f"{key}-{_machine()}{SEALED}"


@cache
def _machine() -> str:
    """Return a short name for the instructions that the processor has."""
    try:
        lines = Path("/proc/cpuinfo").read_text("ascii", "replace").splitlines()
    except OSError:
        lines = []
    can = next((line for line in lines if line.lower().startswith(("flags", "features"))), "")
    told = (platform.machine(), platform.processor(), " ".join(sorted(can.split())))
    return sha256(repr(told).encode()).hexdigest()[:8]
