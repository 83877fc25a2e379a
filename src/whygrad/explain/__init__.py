"""The answer to "why does this parameter move?", with its numbers and its words."""

from whygrad.explain.ledger import Ledger
from whygrad.explain.replayed import explain

__all__ = ["Ledger", "explain"]
