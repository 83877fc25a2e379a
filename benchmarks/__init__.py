"""The speed of whygrad beside its peers, measured on this machine: ``python -m benchmarks.run``."""

import os

# pip leaves modules compiled: a process that is timed must not compile JAX's, which takes a second
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
