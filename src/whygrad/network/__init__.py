"""Level 1: layers, activations, losses, initialisers, and the names of their parts."""

from whygrad.network.address import Address
from whygrad.network.dense import Dense
from whygrad.network.model import Network, Parameters

__all__ = ["Address", "Dense", "Network", "Parameters"]
