"""Level 6: the answer to "why does this parameter move?", with its numbers and its words."""

from whygrad.ledger.explain import explain
from whygrad.ledger.record import Ledger

__all__ = ["Ledger", "explain"]
