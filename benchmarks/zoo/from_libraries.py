"""Public architectures at tiny sizes: those of transformers, timm, peft and torch_geometric.

What of timm and torch_geometric is tried is drawn from all that they have.
"""

import random
from collections.abc import Callable, Mapping
from functools import partial
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.zoo.case import Case, drawn, squares, whole
from benchmarks.zoo.sizes import CAUSAL, ENCODERS, OTHERS, SMALL, VISION

TOKENS, IMAGE = whole(3, 60, 2, 12), drawn(2, 3, 32, 32)
OF_TIMM, LARGEST, SIDE = 16, 12e6, 224  # architectures, parameters, pixels
OF_GRAPHS = 20
EDGES = whole(0, 12, 2, 40, seed=3)
ADAPTED = ("q_proj", "v_proj", "down_proj")
ADAPTERS: dict[str, dict[str, Any]] = {
    "LoraConfig": {"r": 4},
    "LoraConfig, DoRA": {"r": 4, "use_dora": True},
    "IA3Config": {"feedforward_modules": ["down_proj"]},
    "AdaLoraConfig": {"total_step": 10},
    "LoKrConfig": {"r": 4},
    "LoHaConfig": {"r": 4},
    "VeraConfig": {"r": 4, "target_modules": ["q_proj"]},
    "OFTConfig": {"r": 0, "oft_block_size": 4},
}


# --- transformers ----------------------------------------------------------------------------


def transformers_cases(seed: int) -> list[Case]:
    if not find_spec("transformers"):
        return []
    kinds: list[tuple[str, str, Mapping[str, Any], Callable[[nn.Module], Tensor]]] = []
    for kind, sizes in CAUSAL.items():
        kinds.append((kind, "AutoModelForCausalLM", {**SMALL, **sizes}, _next_token))
    for kind, sizes in ENCODERS.items():
        kinds.append((kind, "AutoModel", sizes, partial(_called, input_ids=TOKENS)))
    for kind, sizes in VISION.items():
        kinds.append((kind, "AutoModel", sizes, partial(_called, pixel_values=IMAGE)))
    for kind, (sizes, given) in OTHERS.items():
        kinds.append((kind, "AutoModel", sizes, partial(_called, **given)))
    return [
        Case(f"transformers/{kind}", partial(_of_transformers, auto, kind, sizes), loss)
        for kind, auto, sizes, loss in kinds
    ]


def _of_transformers(auto: str, kind: str, sizes: Mapping[str, Any]) -> nn.Module:
    import transformers

    config = transformers.AutoConfig.for_model(kind, **sizes)
    return getattr(transformers, auto).from_config(config)


def _next_token(model: Any) -> Tensor:
    return model(input_ids=TOKENS, labels=TOKENS, use_cache=False).loss


def _called(model: nn.Module, **given: Tensor) -> Tensor:
    return squares(model(**given))


def peft_cases(seed: int) -> list[Case]:
    if not (find_spec("peft") and find_spec("transformers")):
        return []
    return [
        Case(f"peft/{name}", partial(_adapted, name, options), _next_token)
        for name, options in ADAPTERS.items()
    ]


def _adapted(name: str, options: Mapping[str, Any]) -> nn.Module:
    import peft

    model: Any = _of_transformers("AutoModelForCausalLM", "llama", SMALL)
    told = {"target_modules": list(ADAPTED), "task_type": "CAUSAL_LM", **options}
    return peft.get_peft_model(model, getattr(peft, name.partition(",")[0])(**told))


# --- timm ------------------------------------------------------------------------------------


def timm_cases(seed: int) -> list[Case]:
    """Return architectures drawn from all, a family once."""
    if not find_spec("timm"):
        return []
    import timm

    names = timm.list_models()
    random.Random(seed).shuffle(names)
    families, found = set(), []
    for name in names:
        family = timm.models.model_entrypoint(name).__module__
        if family in families or not _is_small(name):
            continue
        families.add(family)
        found.append(name)
        if len(found) == OF_TIMM:
            break
    return [Case(f"timm/{name}", partial(_of_timm, name), _classified) for name in found]


def _of_timm(name: str) -> nn.Module:
    import timm

    return timm.create_model(name, num_classes=5)


def _is_small(name: str) -> bool:
    with torch.device("meta"):
        try:
            model = _of_timm(name)
        except Exception:  # some need what a meta device has not
            return False
    side = _side(model)
    return sum(p.numel() for p in model.parameters()) < LARGEST and side <= SIDE


def _classified(model: Any) -> Tensor:
    side = _side(model)
    return squares(model(drawn(2, 3, side, side)))


def _side(model: Any) -> int:
    return (getattr(model, "default_cfg", None) or {}).get("input_size", (3, SIDE, SIDE))[-1]


# --- torch_geometric -------------------------------------------------------------------------


def graph_cases(seed: int) -> list[Case]:
    """Return graph convolutions drawn from those that take nodes and edges alone."""
    if not find_spec("torch_geometric"):
        return []
    from torch_geometric.nn import conv

    names = sorted(name for name in conv.__all__ if name.endswith("Conv"))
    random.Random(seed).shuffle(names)
    found = [name for name in names if _takes_edges_alone(name)][:OF_GRAPHS]
    return [
        Case(f"torch_geometric/{name}", partial(_Convolved, name), _over_edges) for name in found
    ]


class _Convolved(nn.Module):
    def __init__(self, name: str):
        super().__init__()
        from torch_geometric.nn import conv

        self.first, self.last = getattr(conv, name)(4, 8), nn.Linear(8, 3)

    def forward(self, x: Tensor, edges: Tensor) -> Tensor:
        return self.last(self.first(x, edges).relu())


def _takes_edges_alone(name: str) -> bool:
    try:
        _over_edges(_Convolved(name))
    except Exception:  # it needs more, or another package
        return False
    return True


def _over_edges(model: nn.Module) -> Tensor:
    return squares(model(drawn(12, 4), EDGES))


FAMILIES: dict[str, Callable[[int], list[Case]]] = {
    "transformers": transformers_cases,
    "peft": peft_cases,
    "timm": timm_cases,
    "torch_geometric": graph_cases,
}
