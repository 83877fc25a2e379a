"""Hooks on tensors and on nodes of the graph, which only read."""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from whygrad.capture.torch_private import view_base


def follow_weight(result: Tensor, hook: Callable[[Tensor | None], None]) -> bool:
    """Hand what a call puts into its weight's gradient to a hook; return False where none can be.

    A convolution's node in the graph takes the product with the input in one piece, and to take it
    a second time would cost a third of the step.
    """
    node = result.grad_fn
    if node is None or node.name() != "ConvolutionBackward0":
        return False
    node.register_hook(lambda parts, _: hook(parts[1]))
    return True


def follow(tensor: Tensor, hook: Callable[[Tensor], None]) -> None:
    """Hand every gradient of a tensor to a hook, also where the tensor is written over in place.

    A layer's output may be a view: of three axes, on two. What is written into a view takes its
    place in the graph, and with it its hooks; those of the tensor that it is a view of stay, and
    hear of the same gradient later.
    """
    base = view_base(tensor)
    _ = tensor.grad_fn  # of a view whose base was written over torch makes the node only when asked
    if base is None or base.numel() != tensor.numel() or not base.requires_grad:
        tensor.register_hook(hook)
        return
    shape, heard = tensor.shape, []

    def at_view(gradient: Tensor) -> None:
        heard.append(True)
        hook(gradient)

    def at_base(gradient: Tensor) -> None:
        if not heard:
            hook(gradient.reshape(shape))
        heard.clear()

    tensor.register_hook(at_view)
    base.register_hook(at_base)


def follow_edges(
    edges: list[tuple[Any, int]], shape: torch.Size, hook: Callable[[Tensor], None]
) -> None:
    """Hand what nodes of the graph give to some of their edges to a hook.

    Args:
        edges: nodes, and which of their edges.
        shape: of the tensor that these lead to.
    """
    for node, place in edges:
        node.register_hook(partial(_hand_over, hook, place, shape))


def _hand_over(
    hook: Callable[[Tensor], None], place: int, shape: torch.Size, parts: Any, _: Any
) -> None:
    part = parts[place]
    if part is not None:  # of a table whose rows are seldom looked up it may be sparse
        hook((part.to_dense() if part.is_sparse else part).sum_to_size(shape))
