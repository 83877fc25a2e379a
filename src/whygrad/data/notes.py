"""Notes: what is worth knowing about a table, and no reason to stop."""

from collections.abc import Mapping
from dataclasses import dataclass

from whygrad.errors import in_words
from whygrad.words import t


@dataclass(frozen=True)
class Note:
    """Something worth knowing about a table that does not stop training.

    Args:
        key: key of the sentence, such as ``note.data_constant``.
        values: what the sentence says, JSON-able.
    """

    key: str
    values: Mapping[str, object]

    def __str__(self) -> str:
        return t(self.key, **in_words(self.values))
