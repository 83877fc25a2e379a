"""Attacks on whygrad from outside: damaged files, killed processes, hostile tables and names.

Each kind is a module with a function ``attack(seed, folder)`` that yields trials without end; how
many are taken is up to the caller: ``make attack`` takes what fits into ten minutes, the tests a
few of each.
"""

from typing import NamedTuple


class Trial(NamedTuple):
    """One attack.

    Attributes:
        what: what was done, enough to do it again with the same seed.
        problem: what went wrong; empty if whygrad held.
    """

    what: str
    problem: str = ""
