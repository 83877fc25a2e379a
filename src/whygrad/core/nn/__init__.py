"""Layers, activations, losses, initialisers, and the names of their parts."""

from whygrad.core.nn.dense import Dense
from whygrad.core.nn.network import Network, Parameters
from whygrad.record.address import Address

__all__ = ["Address", "Dense", "Network", "Parameters"]
