"""The old names of :mod:`whygrad.record.folder`, until all that use them are merged."""

from whygrad.record.description import words_of_overhead
from whygrad.record.folder import RunFolder

WatchedFolder = RunFolder
__all__ = ["WatchedFolder", "words_of_overhead"]
