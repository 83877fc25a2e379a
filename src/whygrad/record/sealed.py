"""What a run's files hold, with checksums inside: one JSON object, tensors, or lines.

A checksum stands in the file that it is of, so that both are replaced by one rename. It is CRC-32:
it notices every accident up to 32 bits in a row, and all but one in four billion of any others. It
is no signature: whoever may write the file can write a checksum that fits.

    run.json        over the whole text, with the checksum's own eight digits as zeros
    *.safetensors   the same over the header, which holds the checksum of every tensor besides; so
                    reading one tensor verifies that one, and the header's stands for the whole file
    *.jsonl         the same over each line, so that a flipped bit and a torn last line differ

Runs of format 1 were written without; of them alone a checksum may be missing.
"""

import json
import re
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save

from whygrad.errors import RunError
from whygrad.record.files import read_regular, reading, write_whole
from whygrad.words.visible import as_json

KEY = "checksum"
OF_TENSORS = "checksums"  # in the metadata of a tensor file: JSON, name -> checksum
ZEROS = "0" * 8
ALIGNED = 8  # bytes; of the first tensor in its file
SEAL = re.compile(rb'"checksum": "([0-9a-f]{8})"')
LINE_SEAL = b'"checksum": "'
LINE_END = re.compile(rb'"checksum": "([0-9a-f]{8})"}\Z')
LINE_OVERRUN = re.compile(rb'"checksum": "[0-9a-f]{8}"}.', re.DOTALL)
LINE_TAIL = len(ZEROS) + len('"}')

CODED = "\x00"  # before names of arrays that are written as JSON
SURROGATE = re.compile("[\ud800-\udfff]")

Exempt = Callable[[dict[str, Any]], bool]
TRIES = 100  # at a file that another process goes on replacing


def crc(content: Any) -> str:
    """Return the CRC-32 of some bytes, eight hexadecimal digits."""
    return f"{zlib.crc32(content):08x}"


# --- JSON, read strictly: what is none, or says one thing twice, is an error and not a guess --


def parse(text: "str | bytes") -> Any:
    """Return the value that a JSON text stands for.

    Raises:
        ValueError: it is none, nor are NaN and Infinity, which Python would read; or an object
            holds a name twice, of which Python would take the last.
        RecursionError: it is nested too deep.
    """
    text = text if isinstance(text, str) else text.decode()
    return _DECODER.decode(text)


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        raise ValueError("a name stands twice in an object")
    return content


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no number in JSON")


_DECODER = json.JSONDecoder(object_pairs_hook=_once_each, parse_constant=_refuse)
_PLAIN_DECODER = json.JSONDecoder(parse_constant=_refuse)  # of names that stand twice, the last


# --- one JSON object --------------------------------------------------------------------------


def sealed_json(content: Mapping[str, Any]) -> bytes:
    """Return JSON with its checksum; numbers that are not finite are an error, never ``NaN``."""
    ordered = {KEY: ZEROS} | dict(content) | {KEY: ZEROS}  # first, where it is looked for
    return _seal(as_json(ordered, indent=2).encode() + b"\n")


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON file whole, with its checksum."""
    write_whole(path, sealed_json(content), shared=False)


def read_json(path: Path, exempt: Exempt = lambda content: False) -> dict[str, Any]:
    """Read a JSON file that holds an object, and verify it.

    Args:
        exempt: told the content with its checksum, whether it need not be verified.

    Raises:
        RunError: it is missing or damaged.
    """
    with reading(path):
        raw = read_regular(path)
        content = parse(raw)
        if not isinstance(content, dict):
            raise TypeError("not an object")
        if not exempt(content):
            _verify(raw, content[KEY])
    content.pop(KEY, None)
    return content


# --- tensors ----------------------------------------------------------------------------------


def sealed_tensors(
    tensors: Mapping[str, np.ndarray], notes: Mapping[str, Any]
) -> tuple[Sequence[bytes | memoryview], str]:
    """Return a file of arrays, in pieces, and the checksum that stands for all of it.

    Args:
        notes: JSON-able data, kept beside the arrays.
    """
    stored = {_stored(name): np.asarray(one, order="C") for name, one in tensors.items()}
    # the numbers themselves are written from where they are
    header, own, data, end = {}, {}, [], 0
    for name, one in sorted(stored.items(), key=lambda pair: (-pair[1].itemsize, pair[0])):
        raw = one.reshape(-1).view(np.uint8).data
        begin, end = end, end + raw.nbytes
        offsets = {"shape": list(one.shape), "data_offsets": [begin, end]}
        header[name] = {"dtype": _name_of(one.dtype), **offsets}
        own[name] = crc(raw)
        data.append(raw)
    words = {KEY: ZEROS, OF_TENSORS: json.dumps(own)}
    words |= {name: as_json(value) for name, value in notes.items()}
    text = json.dumps({"__metadata__": words, **header}, ensure_ascii=False).encode()
    text = _seal(text + b" " * (-len(text) % ALIGNED))
    return (len(text).to_bytes(8, "little"), text, *data), _place(text)[1]


@cache
def _name_of(dtype: np.dtype) -> str:
    """Return what safetensors calls a type."""
    return json.loads(save({"": np.empty(0, dtype)})[8:])[""]["dtype"]


def write_tensors(path: Path, tensors: Mapping[str, np.ndarray], notes: Mapping[str, Any]) -> str:
    """Write arrays whole, with JSON-able notes, and return the checksum of the file."""
    content, checksum = sealed_tensors(tensors, notes)
    write_whole(path, content, shared=False)
    return checksum


class TensorFile:
    """A file of arrays, opened: each is verified when it is asked for.

    Attributes:
        path: of the file.
        notes: what was kept beside the arrays.
        checksum: what stands for the whole file; None where it was written without.
    """

    def __init__(self, path: Path, opened: Any, metadata: dict[str, str]):
        self.path = path
        self._opened = opened
        own = json.loads(metadata[OF_TENSORS]) if KEY in metadata else None
        self._checksums: dict[str, str] | None = own
        self.checksum = metadata.get(KEY)
        told = {name: text for name, text in metadata.items() if name not in (KEY, OF_TENSORS)}
        self.notes: dict[str, Any] = {name: parse(text) for name, text in told.items()}

    @property
    def names(self) -> list[str]:
        coded = {name: name.removeprefix(CODED) for name in self._opened.keys()}
        # in order, for the library has none
        return sorted(text if name == text else json.loads(text) for name, text in coded.items())

    def __getitem__(self, name: str) -> np.ndarray:
        stored = _stored(name)
        tensor = self._opened.get_tensor(stored)
        if self._checksums is not None:
            if self._checksums[stored] != crc(np.asarray(tensor, order="C").reshape(-1).view("u1")):
                raise RunError("error.run_tensor_damaged", path=self.path, tensor=name)
        return tensor


@contextmanager
def open_tensors(
    path: Path, *, may_lack: bool = False, checksum: str | None = None
) -> Iterator[TensorFile]:
    """Open a file of arrays and verify its header, which says what each array must be.

    Args:
        may_lack: whether a file without checksums will do.
        checksum: what stands for the file that is wanted; None for any.

    Raises:
        RunError: the file is missing, damaged or another one, also where an array is asked for.
    """
    with reading(path), ExitStack() as stack:
        for _ in range(TRIES):
            header = _read_header(path)
            opened = stack.enter_context(safe_open(path, framework="numpy"))
            metadata = opened.metadata() or {}
            if metadata == json.loads(header).get("__metadata__", {}):
                break  # else another process has replaced the file between the two
        if KEY in metadata or not may_lack:
            _verify(header, metadata[KEY])
        if checksum not in (None, metadata.get(KEY)):
            raise ValueError("sound, but not the file that run.json speaks of")
        yield TensorFile(path, opened, metadata)


def read_tensors(
    path: Path,
    names: Sequence[str] | None = None,
    *,
    may_lack: bool = False,
    checksum: str | None = None,
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Read arrays and their notes.

    Args:
        names: of the arrays that are wanted, as far as they are there; None for all.
        may_lack, checksum: as :func:`open_tensors` takes them.

    Raises:
        RunError: the file is missing, damaged or another one.
    """
    with open_tensors(path, may_lack=may_lack, checksum=checksum) as file:
        wanted = [name for name in file.names if names is None or name in names]
        return {name: file[name] for name in wanted}, file.notes


def _stored(name: str) -> str:
    """Return the name of an array as the format can hold it: UTF-8, and not the format's own."""
    is_fit = name != "__metadata__" and not name.startswith(CODED) and not SURROGATE.search(name)
    return name if is_fit else CODED + json.dumps(name)


def _read_header(path: Path) -> bytes:
    start = read_regular(path, 8)
    length = int.from_bytes(start, "little")
    if len(start) < 8 or length > path.stat().st_size:
        raise ValueError("shorter than it says")
    return read_regular(path, 8 + length)[8:]


# --- lines ------------------------------------------------------------------------------------


def sealed_lines(lines: Sequence[Mapping[str, Any]]) -> bytes:
    """Return one line of JSON each, with its checksum at its end."""
    sealed = []
    for line in lines:
        told = {name: value for name, value in line.items() if name != KEY} | {KEY: ZEROS}
        text = json.dumps(told, allow_nan=False).encode()
        sealed.append(text[:-LINE_TAIL] + crc(text).encode() + b'"}\n')
    return b"".join(sealed)


def read_lines(path: Path, *, may_lack: bool = False) -> list[dict[str, Any]]:
    """Read and verify lines; a torn last one, of an append that was cut off, is ignored.

    Args:
        may_lack: whether lines without a checksum will do, or no file at all.

    Raises:
        RunError: the file is missing, or a line is damaged; it is named.
    """
    if may_lack and not path.exists():
        return []
    whole, torn = split_lines(path)
    lines = _read_together(whole)
    if lines is None:  # one by one, to name what is damaged
        lines = [read_line(path, i + 1, line, may_lack=may_lack) for i, line in enumerate(whole)]
    if LINE_OVERRUN.search(torn):  # it was whole: its line end is what is damaged
        raise RunError("error.run_line_damaged", path=path, line=len(lines) + 1)
    return lines


def _read_together(lines: Sequence[bytes]) -> list[dict[str, Any]] | None:
    """Return what :func:`read_line` makes of sound lines, or None where one may not be sound.

    One by one they take three times as long: a long run has hundreds of thousands.
    """
    blank = ZEROS.encode() + b'"}'
    for line in lines:
        if line[-len(LINE_SEAL) - LINE_TAIL :] != LINE_SEAL + b'%08x"}' % zlib.crc32(
            line[:-LINE_TAIL] + blank
        ):
            return None
    try:
        contents = _parse_together(b"[" + b",".join(lines) + b"]")
    except (ValueError, RecursionError):
        return None
    if len(contents) != len(lines) or not all(type(content) is dict for content in contents):
        return None
    for content in contents:
        content.pop(KEY, None)
    return contents


def _parse_together(text: bytes) -> Any:
    """Return what :func:`parse` makes of a list of objects, sooner where no text has a colon.

    There are at least as many colons as names; so where there are no more than in what was read,
    none stood twice.
    """
    contents = _PLAIN_DECODER.decode(text.decode())
    names = sum(len(content) for content in contents if type(content) is dict)
    return contents if names == text.count(b":") else parse(text)


def split_lines(path: Path) -> tuple[list[bytes], bytes]:
    """Return the lines of a file, without their ends, and what stands behind the last end."""
    with reading(path):
        *whole, torn = read_regular(path).split(b"\n")
    return whole, torn


def read_line(path: Path, number: int, line: bytes, *, may_lack: bool) -> dict[str, Any]:
    """Read and verify line ``number`` of a file, counted from 1.

    Raises:
        RunError: it is damaged.
    """
    found = LINE_END.search(line)
    is_sound = may_lack and b'"checksum"' not in line
    if found is not None:
        is_sound = crc(line[:-LINE_TAIL] + ZEROS.encode() + b'"}') == found[1].decode()
    try:
        content = parse(line)
    except (ValueError, RecursionError):
        content = None
    if not is_sound or not isinstance(content, dict):
        raise RunError("error.run_line_damaged", path=path, line=number)
    content.pop(KEY, None)
    return content


# --- a checksum in the text that it is of -----------------------------------------------------


def _seal(blank: bytes) -> bytes:
    begin, _ = _place(blank)
    return blank[:begin] + crc(blank).encode() + blank[begin + len(ZEROS) :]


def _verify(text: bytes, claimed: object) -> None:
    begin, found = _place(text)
    blank = text[:begin] + ZEROS.encode() + text[begin + len(ZEROS) :]
    if found != claimed or crc(blank) != found:
        raise ValueError("not what was written")


def _place(text: bytes) -> tuple[int, str]:
    """Return where the checksum of a text stands, and what it is."""
    found = SEAL.search(text)
    if found is None:
        raise ValueError("no checksum")
    return found.start(1), found[1].decode()
