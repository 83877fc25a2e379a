"""Files that survive a crash or a power cut whole: written aside, synced, renamed, folder synced.

A rename is durable only once its folder is synced, and so is the entry of a new folder in the one
above. Temporary names cannot be guessed and are never opened through a link. What belongs to a run
is for its user alone (folders 0700, files 0600); what a user makes to hand on (a report, an export)
follows the umask.
"""

import atexit
import errno
import io
import os
import secrets
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from safetensors import SafetensorError

from whygrad.errors import RunError

try:
    import fcntl
except ImportError:  # Windows has no flock; there, two writers are not kept apart
    fcntl = None

# whatever a file can do to who reads it, its content being anything at all
DAMAGE = (OSError, SafetensorError, ValueError, TypeError, LookupError, AttributeError)
DAMAGE += (OverflowError, RecursionError)

PRIVATE_FOLDER, PRIVATE_FILE, SHARED_FILE = 0o700, 0o600, 0o666  # the last before the umask
# Windows has none of these; a folder cannot be opened there at all, nor be synced
NO_FOLLOW, FOLDER, CLOSED_IN_CHILDREN, AT_ONCE = (
    getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_DIRECTORY", "O_CLOEXEC", "O_NONBLOCK")
)
NO_LOCKS = (errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOLCK)  # of some network file systems
AS_BYTES = getattr(os, "O_BINARY", 0)

Content = bytes | Sequence[bytes | memoryview]  # in one piece or in several


def temporary_folder() -> Path:
    """Return a new folder that is gone with the process."""
    folder = Path(tempfile.mkdtemp(prefix="whygrad-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def make_folder(path: Path, *, is_new: bool = False) -> None:
    """Make a folder that only its user may enter, and any that are missing above it.

    Args:
        is_new: whether it must not be there yet, so that of several processes only one makes it.

    Raises:
        FileExistsError: it is there already, or something that is no folder.
        OSError: it cannot be made.
    """
    for missing in reversed([one for one in path.parents if not one.exists()]):
        with suppress(FileExistsError):
            missing.mkdir()
        _sync_folder(missing.parent)
    try:
        path.mkdir(PRIVATE_FOLDER)
    except FileExistsError:
        if is_new or not path.is_dir():
            raise
    _sync_folder(path.parent)  # also of one that is there: whoever made it may not have


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn whatever goes wrong with the content of a file into one error that names the file.

    Raises:
        RunError: the file is missing, cannot be read, or is damaged.
    """
    try:
        yield
    except FileNotFoundError as error:
        raise RunError("error.run_file_missing", path=path) from error
    except OSError as error:
        problem = error.strerror or str(error)
        raise RunError("error.run_file_unreadable", path=path, problem=problem) from error
    except DAMAGE as error:
        raise RunError("error.run_file_damaged", path=path) from error


def read_regular(path: Path, count: int = -1) -> bytes:
    """Return the first ``count`` bytes of a file, or all; never waits for a pipe or a device.

    Raises:
        OSError: it cannot be read, or is no regular file.
    """
    flags = os.O_RDONLY | AT_ONCE | CLOSED_IN_CHILDREN | AS_BYTES
    with os.fdopen(os.open(path, flags), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "not a regular file")
        return file.read(count)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn a refusal of the file system into an error that names the file and the reason.

    Raises:
        RunError: the file cannot be written, or only through a link.
    """
    try:
        yield
    except OSError as error:
        for link in (path, path.parent):
            if error.errno in (errno.ELOOP, errno.ENOTDIR) and link.is_symlink():
                target = link.readlink()
                raise RunError("error.run_through_link", path=link, target=target) from error
        raise RunError("error.run_not_written", path=path, problem=error.strerror) from error


def write_whole(path: Path, content: Content, *, shared: bool = True) -> None:
    """Write a file so that a reader, a crash or a power cut sees all of it or the file before.

    Args:
        shared: whether it is made to be handed on; else it is private and no link leads to it.

    Raises:
        RunError: it cannot be written; the file before is still there.
    """
    write_together({path: content}, shared=shared)


def write_together(contents: Mapping[Path, Content], *, shared: bool = True) -> None:
    """Write files that belong together: each whole, and none before all of them can be.

    Raises:
        RunError: one cannot be written; what was there before still is.
    """
    with prepared(contents, shared=shared) as files:
        files.publish(*contents)


@contextmanager
def prepared(contents: Mapping[Path, Content], *, shared: bool = False) -> Iterator["Prepared"]:
    """Write files aside and sync them, all at once, for what is done inside to publish in order.

    Raises:
        RunError: one cannot be written; what was there before still is.
    """
    with ExitStack() as stack:
        files = Prepared({})
        for path, content in contents.items():
            with writing(path):
                folder = stack.enter_context(_Folder.opened(path.parent, follow=shared))
                files.waiting[path] = _Waiting(folder, path.name, shared)
                stack.callback(files.waiting[path].close)
                files.waiting[path].write(content)
                if path.is_dir():  # nothing replaces that
                    raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        for path in list(contents)[:1]:
            with writing(path):
                _sync_all([one.number for one in files.waiting.values()])
        yield files


@contextmanager
def written_in_pieces(path: Path) -> Iterator["Pieces"]:
    """Write a file aside, piece by piece, to be handed on: it is there once it is whole.

    Raises:
        RunError: it cannot be written; the file before is still there.
    """
    with prepared({path: b""}, shared=True) as files:
        pieces = Pieces(path, files.waiting[path].write)
        yield pieces
        with writing(path):
            os.fsync(files.waiting[path].number)
        files.publish(path)


class Pieces(io.RawIOBase):
    """What a file is written through; a refusal of the file system names the file."""

    def __init__(self, path: Path, write: Callable[[bytes], None]):
        super().__init__()
        self.path, self.hand_on = path, write
        self.length = 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.length

    def write(self, piece) -> int:
        with writing(self.path):
            self.hand_on(bytes(piece))
        self.length += len(piece)
        return len(piece)


class Prepared:
    """Files that are written and synced under temporary names."""

    def __init__(self, waiting: "dict[Path, _Waiting]"):
        self.waiting = waiting

    def publish(self, *paths: Path, appended: Mapping[Path, bytes] | None = None) -> None:
        """Give files their names, durably: what is published next comes after them.

        Args:
            appended: to other files, behind the last whole line of each, and synced with the rest.

        Raises:
            RunError: one cannot be given its name, or appended to.
        """
        for path in paths:
            with writing(path):
                self.waiting[path].rename()
        folders = {path.parent: self.waiting[path].folder.number for path in paths}
        numbers = [number for number in folders.values() if number is not None]
        with ExitStack() as stack:
            for path, content in (appended or {}).items():
                with writing(path):
                    numbers.append(stack.enter_context(_appended(path, content)))
            for path in [*paths, *(appended or {})][:1]:
                with writing(path):
                    _sync_all(numbers)


class _Folder:
    """A folder held open, so that no link can take its place while files are written into it."""

    def __init__(self, path: Path, number: int | None):
        self.path = path
        self.number = number  # None where the system cannot open folders

    @classmethod
    @contextmanager
    def opened(cls, path: Path, *, follow: bool) -> Iterator["_Folder"]:
        number = _open_folder(path, follow=follow)
        try:
            yield cls(path, number)
        finally:
            if number is not None:
                os.close(number)

    def place(self, name: str) -> tuple[str, int | None]:
        """Return a name in here as system calls take it: a path, and the folder it starts from."""
        return (str(self.path / name), None) if self.number is None else (name, self.number)


class _Waiting:
    """One file under a temporary name."""

    def __init__(self, folder: _Folder, name: str, shared: bool):
        self.folder, self.name = folder, name
        self.aside = f".{secrets.token_hex(8)}.part"
        path, start = folder.place(self.aside)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | NO_FOLLOW | CLOSED_IN_CHILDREN | AS_BYTES
        mode = SHARED_FILE if shared else PRIVATE_FILE
        self.number = os.open(path, flags, mode, dir_fd=start)
        self.is_open = True

    def write(self, content: Content) -> None:
        for piece in [content] if isinstance(content, bytes) else content:
            _write_all(self.number, piece)

    def rename(self) -> None:
        os.close(self.number)  # Windows renames no open file
        self.is_open = False
        (old, start), (new, _) = self.folder.place(self.aside), self.folder.place(self.name)
        os.replace(old, new, src_dir_fd=start, dst_dir_fd=start)
        self.aside = ""

    def close(self) -> None:
        if self.is_open:
            os.close(self.number)
        if self.aside:
            path, start = self.folder.place(self.aside)
            with suppress(OSError):
                os.unlink(path, dir_fd=start)


@contextmanager
def _appended(path: Path, content: bytes) -> Iterator[int]:
    """Append to a file and give it, still open, to be synced."""
    number = os.open(path, os.O_RDWR | NO_FOLLOW | CLOSED_IN_CHILDREN | AT_ONCE | AS_BYTES)
    try:
        _cut_torn_line(number)
        _write_all(number, content)
        yield number
    finally:
        os.close(number)


def remove(paths: Iterable[Path]) -> None:
    """Remove files, whether or not they are still there.

    Raises:
        RunError: one cannot be removed.
    """
    for path in paths:
        with writing(path):
            path.unlink(missing_ok=True)


@contextmanager
def only_writer(folder: Path, *, wait: bool = False) -> Iterator[None]:
    """Hold the right to write into a run folder; the system gives it back if the process dies.

    Args:
        wait: until another process has given it back, rather than refuse.

    Raises:
        RunError: another process holds it, or the folder is a link or cannot be written.
    """
    flags = os.O_RDWR | os.O_CREAT | NO_FOLLOW | CLOSED_IN_CHILDREN | AT_ONCE
    with writing(folder / "run.lock"), _Folder.opened(folder, follow=False) as opened:
        path, start = opened.place("run.lock")
        number = os.open(path, flags, PRIVATE_FILE, dir_fd=start)
    process = os.getpid()
    try:
        _lock(number, folder, wait)
        yield
    finally:
        # a forked child holds it open, too: it must neither keep the lock nor give it back
        if fcntl is not None and os.getpid() == process:
            with suppress(OSError):
                fcntl.flock(number, fcntl.LOCK_UN)
        os.close(number)


def _lock(number: int, folder: Path, wait: bool) -> None:
    if fcntl is None:
        return
    try:
        fcntl.flock(number, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError as error:
        if error.errno in NO_LOCKS:
            return
        raise RunError("error.run_in_use", path=folder) from error


def _open_folder(path: Path, *, follow: bool) -> int | None:
    if not FOLDER:
        return None
    flags = os.O_RDONLY | FOLDER | CLOSED_IN_CHILDREN
    try:
        return os.open(path, flags | (0 if follow else NO_FOLLOW))
    except PermissionError:
        if follow:  # one that may be written into, but not read, cannot be synced
            return None
        raise


def _sync_folder(path: Path) -> None:
    number = _open_folder(path, follow=True)
    if number is not None:
        try:
            os.fsync(number)
        finally:
            os.close(number)


def _sync_all(numbers: Sequence[int]) -> None:
    """Sync open files side by side: the file system takes them in one turn."""
    if len(numbers) == 1:
        os.fsync(numbers[0])
    elif numbers:
        with ThreadPoolExecutor(len(numbers)) as pool:
            list(pool.map(os.fsync, numbers))


def _write_all(number: int, content: bytes | memoryview) -> None:
    left = memoryview(content).cast("B")
    while left:
        left = left[os.write(number, left) :]


def _cut_torn_line(number: int) -> None:
    """Cut off what stands behind the last line end, and go there."""
    end = os.lseek(number, 0, os.SEEK_END)
    while end:
        begin = max(end - 4096, 0)
        os.lseek(number, begin, os.SEEK_SET)
        newline = os.read(number, end - begin).rfind(b"\n")
        if newline >= 0:
            begin += newline + 1
            break
        end = begin
    else:
        begin = 0
    if begin < os.lseek(number, 0, os.SEEK_END):
        os.ftruncate(number, begin)
    os.lseek(number, begin, os.SEEK_SET)
