"""Text in other encodings than UTF-8: read where one is named, and told by its looks where not."""

from __future__ import annotations

import codecs
import io

from whygrad.errors import DataError, InputError, OptionError

MARKS = (  # at the beginning of a text -> its encoding; the longer one first
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
MOSTLY = 0.9  # of the lines with letters beyond ASCII


def checked_encoding(encoding: str | None) -> str:
    """Return the name of an encoding as Python knows it; ``""`` for UTF-8.

    Raises:
        OptionError: there is no such encoding of text.
    """
    if encoding is None:
        return ""
    try:
        name = codecs.lookup(encoding).name
        "".encode(name)  # raises for what is none of text, such as hex
    except (LookupError, TypeError, ValueError):
        raise OptionError("error.data_encoding", actual=repr(encoding)) from None
    return "" if name in ("utf-8", "utf-8-sig", "ascii") else name


def likely_encoding(sample: bytes) -> str | None:
    """Return which encoding text that is not UTF-8 looks like; None if like none.

    What Windows writes in Western languages, ``cp1252``, knows nearly every byte, and is told last.
    In Chinese text of GB 2312, other than there, high bytes come in pairs.

    Args:
        sample: the beginning of the text, or lines of it.
    """
    for mark, encoding in MARKS:
        if sample.startswith(mark):
            return encoding
    if b"\0" in sample:
        gaps = [sample[start::2].count(0) * 2 / len(sample) for start in (0, 1)]
        return "utf-16-be" if gaps[0] > MOSTLY else "utf-16-le" if gaps[1] > MOSTLY else None
    whole = sample[: sample.rfind(b"\n") + 1] or sample  # the last line may be cut off
    lines = [line for line in whole.splitlines() if not line.isascii()]
    if 2 * sum(_is_text(line, "utf-8") for line in lines) >= len(lines):
        return None  # it is UTF-8, and damaged
    if sum(_is_text(line, "gb2312") for line in lines) > MOSTLY * len(lines):
        return "gb18030"  # of which GB 2312 is a part
    return "cp1252" if all(_is_text(line, "cp1252") for line in lines) else None


def _is_text(line: bytes, encoding: str) -> bool:
    try:
        line.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


class Recoded(io.RawIOBase):
    """The bytes of a text in another encoding as those of the same text in UTF-8.

    Args:
        name: of the table, for errors.
    """

    def __init__(self, raw: io.RawIOBase, encoding: str, name: str):
        super().__init__()
        self._raw, self._encoding, self._name = raw, encoding, name
        self._decoder = codecs.getincrementaldecoder(encoding)()
        self._waiting, self._lines = b"", 1

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        room = memoryview(buffer)
        while not self._waiting:
            content = self._raw.read(len(room))
            self._waiting = self._read(content or b"")
            if not content:
                break
        given, self._waiting = self._waiting[: len(room)], self._waiting[len(room) :]
        room[: len(given)] = given
        self._lines += given.count(b"\n")
        return len(given)

    def _read(self, content: bytes) -> bytes:
        try:
            return self._decoder.decode(content, final=not content).encode()
        except UnicodeDecodeError as error:
            line = self._lines + error.object.count(b"\n", 0, error.start)
            where = {"what": "file_line", "row": line}
            problem = InputError("error.data_not_encoded", encoding=self._encoding, **where)
            raise DataError(self._name, [problem]) from None

    def close(self) -> None:
        self._raw.close()
        super().close()
