"""What PyTorch's two peers share: the same network, its data, and its parameters back."""

import numpy as np
import torch

from benchmarks.cases import BETA1, BETA2, EPSILON, LEARNING_RATE, Case, Parameters, draw_parameters


def build(case: Case, device: str = "cpu") -> torch.nn.Sequential:
    """Return the network of a case with the start that all peers share."""
    layers = []
    for weight, bias in draw_parameters(case):
        linear = torch.nn.Linear(*weight.shape, device=device)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(weight.T))
            linear.bias.copy_(torch.from_numpy(bias))
        layers += [linear, torch.nn.ReLU()]
    return torch.nn.Sequential(*layers[:-1])


def adam(model: torch.nn.Module, **options: bool) -> torch.optim.Adam:
    """Return PyTorch's Adam with the settings of all peers."""
    return torch.optim.Adam(
        model.parameters(), lr=LEARNING_RATE, betas=(BETA1, BETA2), eps=EPSILON, **options
    )


def parameters_of(model: torch.nn.Sequential) -> Parameters:
    """Return weights (n_in, n_out) and biases as NumPy arrays."""
    linears = [layer for layer in model if isinstance(layer, torch.nn.Linear)]
    return [(layer.weight.detach().numpy().T, layer.bias.detach().numpy()) for layer in linears]


def as_tensors(x: np.ndarray, y: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the data as tensors; PyTorch wants classes as int64."""
    return torch.from_numpy(x), torch.from_numpy(y).long()
