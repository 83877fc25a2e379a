"""Files that a user names: opened only if they are ordinary ones, read only as far as they go.

A pipe waits for ever, a device never ends, and some files of ``/proc`` do both. Opening a device
may even do something. So what stands at a path is looked at before it is opened, and again after.
"""

from __future__ import annotations

import errno
import io
import os
import stat
from collections.abc import Callable
from pathlib import Path

from whygrad.errors import InputError
from whygrad.words import byte_size

SPECIAL: dict[str, Callable[[int], bool]] = {
    "folder": stat.S_ISDIR,
    "pipe": stat.S_ISFIFO,
    "socket": stat.S_ISSOCK,
    "device": lambda mode: stat.S_ISCHR(mode) or stat.S_ISBLK(mode),
}


def open_given(path: Path) -> tuple[io.BufferedReader, int]:
    """Open an ordinary file and return it with its size in bytes, which no reader should pass.

    Files of ``/proc`` have the size 0.

    Raises:
        InputError: it is a folder, a pipe, a socket or a device.
        OSError: it is not there, or may not be opened.
    """
    try:
        _check_kind(path, path.stat().st_mode)
        plain = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        file = os.fdopen(os.open(path, plain), "rb")
    except ValueError as error:  # a name that no file can have
        if isinstance(error, InputError):
            raise
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path)) from None
    status = os.fstat(file.fileno())
    try:
        _check_kind(path, status.st_mode)
    except InputError:
        file.close()
        raise
    return file, status.st_size


def read_given(path: Path, most: int) -> bytes:
    """Return the content of an ordinary file.

    Args:
        most: bytes that it may have.

    Raises:
        InputError: it is no ordinary file, or longer.
        OSError: it cannot be read.
    """
    file, size = open_given(path)
    with file:
        if size > most:
            values = {"came": byte_size(size), "most": byte_size(most)}
            raise InputError("error.file_too_long", path=path, **values)
        return file.read(size)


def _check_kind(path: Path, mode: int) -> None:
    kind = next((kind for kind, is_kind in SPECIAL.items() if is_kind(mode)), None)
    if kind is not None:
        raise InputError("error.special_file", path=path, what=kind)
