"""Names in addresses: inputs and outputs by what the data call them.

    hidden1.weight[petal length (cm), 3]     from the input of this name to neuron 3
    output.weight[5, setosa]                 from input 5 to the output of this class

A number is always an index, also where a column is called by one: a name that is a number stands in
quotes, ``hidden1.weight["3", 0]``. So does a name that holds what addresses are made of; in double
or single quotes a backslash stands before a quote or a backslash, and characters that nobody sees
are written as they are shown: ``\\n``, ``\\x1b``, ``\\u202e``. Without quotes any name is taken as
it is, as long as it can be read in one way only.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from whygrad.errors import AddressError
from whygrad.words.visible import visible

NEAR = 3  # names that an error tells
LONGEST = 80  # letters of one; a longer one is told by its number
INDEX = re.compile(r"\d{1,18}")
ITEM = r"""\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^,"'\[\]]+?)\s*"""
QUOTED = re.compile(r"""(["'])((?:(?!\1)[^\\]|\\.)*)\1""", re.DOTALL)
ESCAPE = re.compile(r"\\(x[0-9a-f]{2}|u[0-9a-f]{4}|U00(?:0[0-9a-f]|10)[0-9a-f]{4}|.)", re.DOTALL)
LETTERS = {"n": "\n", "r": "\r", "t": "\t"}
BARE = re.compile(r"""[^\s,"'\[\]\\](?:[^,"'\[\]\\]*[^\s,"'\[\]\\])?""")


@dataclass(frozen=True)
class Names:
    """What the data call the inputs of the first layer, and the neurons of the last.

    Attributes:
        inputs: one each; a category is ``column=category``.
        outputs: the classes, labels or numbers; of a single output for two classes, the second.
    """

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


@dataclass(frozen=True)
class Axis:
    """What a place inside the brackets of an address counts.

    Attributes:
        what: ``input`` or ``neuron``.
        layer: of whose parameter it is an axis.
        count: how many there are.
        names: one each, or none.
    """

    what: str
    layer: str
    count: int
    names: tuple[str, ...]

    def places(self, item: str) -> list[int]:
        """Return the places that an item may mean: a number, or each place with that name."""
        item = item.strip()
        if INDEX.fullmatch(item):
            return [int(item)]
        quoted = QUOTED.fullmatch(item)
        inside = None if quoted is None else ESCAPE.sub(_meant, quoted[2])
        found = [place for place, name in enumerate(self.names) if name == inside]
        return found or [place for place, name in enumerate(self.names) if name == item]

    def written(self, place: int) -> str:
        """Return a place by its name, in quotes where it needs them; by its number without one."""
        name = self.names[place] if place < len(self.names) else ""
        if self.names.count(name) != 1:
            return str(place)
        if BARE.fullmatch(name) and not INDEX.fullmatch(name) and visible(name) == name:
            return name
        return visible('"' + re.sub(r'(["\\])', r"\\\1", name) + '"')

    def unknown(self, address: str, item: str) -> AddressError:
        """Return the error for an item that names nothing here: the nearest names."""
        told = {"address": address, "layer": self.layer, "what": self.what, "last": self.count - 1}
        name = item.strip()
        if not self.names:
            return AddressError("error.place_without_names", name=name, **told)
        places = [self.names.index(one) for one in self._near(name)]
        near = ", ".join(
            self.written(place) if len(self.names[place]) <= LONGEST else str(place)
            for place in places
        )
        return AddressError("error.unknown_place", name=name, near=near, **told)

    def _near(self, name: str) -> list[str]:
        """Return the names nearest to one that is not there: a column's categories first."""
        wanted = name.strip("\"'").casefold()
        alike = [one for one in self.names if one.casefold() == wanted]
        alike += [one for one in self.names if one.casefold().startswith(f"{wanted}=")]
        alike += get_close_matches(name, self.names, n=NEAR, cutoff=0.3)
        return list(dict.fromkeys(alike or self.names))[:NEAR]


def _meant(escape: re.Match[str]) -> str:
    code = escape[1]
    return LETTERS.get(code, code) if len(code) == 1 else chr(int(code[1:], 16))


def found_by_name(address: str, inside: str, axes: Sequence[Axis]) -> tuple[int, ...]:
    """Return the index that stands inside the brackets of an address, names and numbers mixed.

    Args:
        address: the whole, for errors.
        axes: one or two.

    Raises:
        AddressError: there is no such name, or the text can be read in several ways.
    """
    strict = re.fullmatch(",".join([ITEM] * len(axes)), inside, re.DOTALL)
    readings = [strict.groups()] if strict else []
    readings += _readings(inside, len(axes))
    for group in (readings[: bool(strict)], readings):
        found = {index for reading in group for index in _indices(reading, axes)}
        if len(found) == 1:
            return found.pop()
    if found:
        ways = " | ".join(f"[{', '.join(map(str, index))}]" for index in sorted(found)[: 2 * NEAR])
        raise AddressError("error.address_ambiguous", address=address, ways=ways)
    if not readings:
        raise AddressError("error.address", address=address)
    # the reading that fits best tells what is unknown
    best = max(readings, key=lambda one: sum(map(bool, map(Axis.places, axes, one))))
    axis, item = next(pair for pair in zip(axes, best, strict=True) if not pair[0].places(pair[1]))
    raise axis.unknown(address, item)


def _readings(inside: str, axes: int) -> list[tuple[str, ...]]:
    """Return the ways to cut a text at one of its commas, where there are two axes."""
    if axes == 1:
        return [(inside,)] if inside.strip() else []
    commas = [at for at, letter in enumerate(inside) if letter == ","]
    return [(inside[:at], inside[at + 1 :]) for at in commas]


def _indices(reading: Sequence[str], axes: Sequence[Axis]) -> Iterator[tuple[int, ...]]:
    first, *others = (axis.places(item) for axis, item in zip(axes, reading, strict=True))
    for place in first:
        if not others:
            yield (place,)
        for other in others[0] if others else ():
            yield place, other
