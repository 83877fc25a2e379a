"""The speed of whygrad beside its peers, measured on this machine: ``python -m benchmarks.run``."""
