"""torch's optimisers: what they remember of a parameter, and with which settings they work."""

from typing import Any

from torch import Tensor
from torch.optim.optimizer import Optimizer

SETTINGS = (
    "lr",
    "momentum",
    "dampening",
    "weight_decay",
    "nesterov",
    "maximize",
    "betas",
    "eps",
    "amsgrad",
    "decoupled_weight_decay",
    "alpha",
    "centered",
)


def settings_of(parameter: Tensor, optimizers: list[Optimizer]) -> dict[str, Any]:
    """Return the optimiser of a parameter by name, with the settings of its group."""
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            if any(parameter is one for one in group["params"]):
                chosen = {name: _plain(group[name]) for name in SETTINGS if name in group}
                step = optimizer.state.get(parameter, {}).get("step")
                own = {} if step is None else {"step": int(step)}
                return {"name": type(optimizer).__name__, **chosen, **own}
    return {}


def state_of(parameter: Tensor, optimizers: list[Optimizer]) -> dict[str, Tensor]:
    """Return the tensors that an optimiser keeps of a parameter."""
    for optimizer in optimizers:
        if parameter in optimizer.state:
            state = optimizer.state[parameter]
            return {name: value for name, value in state.items() if isinstance(value, Tensor)}
    return {}


def _plain(value: Any) -> Any:
    if isinstance(value, Tensor):
        return float(value)
    return [_plain(one) for one in value] if isinstance(value, tuple | list) else value
