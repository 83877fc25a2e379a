"""The peers, by the name the results carry. Each module has the same two things:

CHOICES                          ways to run this peer; the fastest at a case is the one shown
prepare(case, x, y, choice)      a Trainer that has done its set-up, but no step
"""

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.cases import Parameters

MODULES = {
    "whygrad": "whygrad_loop",
    "NumPy": "numpy_mlp",
    "PyTorch eager": "torch_eager",
    "torch.compile": "torch_compiled",
    "scikit-learn": "sklearn_mlp",
    "Flax": "flax_loop",
}
GPU_MODULES = {
    "whygrad": "whygrad_loop",
    "PyTorch eager": "torch_cuda",
    "torch.compile": "torch_cuda",
    "CUDA graphs": "torch_cuda",
}
PACKAGES = {
    "whygrad": "jax",
    "NumPy": "numpy",
    "PyTorch eager": "torch",
    "torch.compile": "torch",
    "scikit-learn": "scikit-learn",
    "Flax": "flax",
}

RECORDING = ("record_every=0", "record_every=10", "record_every=1")  # whygrad's cost of recording


@dataclass(frozen=True)
class Trainer:
    """A network in training.

    Attributes:
        train: takes so many steps (whole epochs) and returns when they are done.
        parameters: returns the weights (n_in, n_out) and biases (n_out,) as they stand.
    """

    train: Callable[[int], None]
    parameters: Callable[[], Parameters]

    def __call__(self, steps: int) -> None:
        self.train(steps)
