"""The answer to "why does this parameter move?", with its numbers and its words."""

from whygrad.explain.explaining import explain
from whygrad.explain.ledger import Ledger

__all__ = ["Ledger", "explain"]
