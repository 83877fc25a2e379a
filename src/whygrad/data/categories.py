"""Which words of a column have an input of their own, and which share one.

A word is 1 in its input and 0 in all others of the column, so it looks up one row of the first
weight matrix. That serves rare words as well: weight decay holds their rows back. (Where words of
fewer than five rows shared an input, R² fell by .06 on drawn tables of 120 and 300 words with
effects of their own, and moved by .01 where these effects were small.) But there is an end to how
many inputs a column can have: beyond it the rarest share one, as do words that training never saw.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from whygrad.data.columns import Column
from whygrad.data.notes import Note

MISSING = "?"  # the category of missing text
RARE = "(rare)"  # the category of rare words
MANY = 50  # different words: more of them need a few rows each
FEWEST = 5  # rows of a word from which something general can be learned
MOST = 1000  # words with an input of their own
MOST_WORDS = 10_000  # different ones: more are free text


def known_categories(counts: Mapping[str, int], *, lacks_some: bool) -> tuple[str, ...]:
    """Return the categories of a column, in the order of their letters.

    Args:
        counts: how many training rows hold each word.
        lacks_some: whether some training rows hold none.
    """
    known = set(counts)
    if len(known) > MOST:
        known = {*sorted(known, key=lambda word: (-counts[word], word))[:MOST], RARE}
    return tuple(sorted(known | {MISSING} if lacks_some else known))


def notes_of_rare(column: str, counts: Mapping[str, int]) -> tuple[Note, ...]:
    """Return how many words of a column share an input, where some do.

    Args:
        counts: how many training rows hold each word.
    """
    known = known_categories(counts, lacks_some=False)
    if RARE not in known:
        return ()
    values = {"column": column, "count": len(set(counts).difference(known)), "most": MOST}
    return (Note("note.data_rare", values | {"name": f"{column}={RARE}"}),)


def are_mostly_rare(counts: np.ndarray) -> bool:
    """Say whether too few rows of a column hold words that others hold as well.

    Args:
        counts: how many rows hold each word, (words,).
    """
    if len(counts) <= MANY:
        return False
    often = np.sort(counts[counts >= FEWEST])[-MOST:]
    return len(counts) > MOST_WORDS or 2 * int(often.sum()) < int(counts.sum())


def codes_of(column: Column, known: Sequence[str]) -> np.ndarray:
    """Return the place of each sample's category among those known, -1 for none; shape (m,)."""
    place = {word: index for index, word in enumerate(known)}
    missing, strange = place.get(MISSING, -1), place.get(RARE, -1)
    text = column.as_text()
    if text.kind != "text":  # all are missing
        return np.full(len(text.values), missing)
    return np.array([*(place.get(word, strange) for word in text.known), missing])[text.values]
