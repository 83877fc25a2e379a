"""Coming in: dense networks of PyTorch, Flax, Keras and scikit-learn as a :class:`Network`.

Nothing of these libraries is imported here: what is given is read by its shape and its names.
"""

from whygrad.interop.importing.flax import from_flax
from whygrad.interop.importing.keras import from_keras
from whygrad.interop.importing.sklearn import from_sklearn
from whygrad.interop.importing.torch import from_torch

__all__ = ["from_flax", "from_keras", "from_sklearn", "from_torch"]
