"""Where a function that was called meets parameters: the uses of each, by one rule for all layers.

Products and sums are told by :mod:`whygrad.capture.contractions`; what is copied or computed entry
by entry is followed to the product or sum that it goes into; and what goes alone into any other
function has the delta that comes back to it there.
"""

from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import Any

from torch import Tensor

from whygrad.capture.contractions import contraction, summands
from whygrad.capture.origins import Origins, is_plain, tensors_in
from whygrad.capture.products import Alone, Product, Shift
from whygrad.capture.uses import Use

LONGEST = 512  # nodes that one function may put into the graph


def uses_of_parameters(
    name: str,
    args: tuple,
    kwargs: dict[str, Any],
    result: Any,
    origins: Origins,
    known: Collection[int],
) -> Iterator[Use]:
    """Yield how a function, once it has run, has used each parameter that it was given.

    Args:
        name: of the function.
        result: what it returned.
        known: the tensors, by id, of which that is known.
    """
    met = {id(one): one for one in tensors_in((args, kwargs)) if origins.knows(one)}
    met = {key: one for key, one in met.items() if key not in known}
    given = (result, *tensors_in((args, kwargs)))
    if isinstance(result, Tensor) and all(map(is_plain, given)):
        product = contraction(name, args, kwargs, result)
        told: set[int] = set()
        layer, bias = _layer_with_bias(name, args, kwargs, met)
        for place, operand in enumerate(product.operands if product else ()):
            if product is not None and id(operand) in met and product.tells(place):
                told.add(id(operand))
                use = Product.of(product, place, result)
                yield use if id(operand) != id(layer) else replace(use, bias=bias)
        for one, times in summands(name, args, kwargs):
            if id(one) in met and one is not bias:
                yield Shift.of(one, times, result)
            told.add(id(one))
        met = {key: one for key, one in met.items() if key not in told}
    for operand in met.values():
        yield Alone.of(operand, 1.0, operand)


def _layer_with_bias(
    name: str, args: tuple, kwargs: dict[str, Any], met: dict[int, Tensor]
) -> tuple[Tensor | None, Tensor | None]:
    """Return weight and bias of what is a linear layer but for its name: ``addmm(b, x, w)``."""
    if name != "addmm" or kwargs or len(args) != 3:
        return None, None
    bias, _, weight = args
    is_layer = all(id(one) in met and one.is_leaf for one in (bias, weight))
    return (weight, bias) if is_layer and bias.shape == weight.shape[1:] else (None, None)


def edges_to(operand: Tensor, given: Any, results: Any) -> list[tuple[Any, int]]:
    """Return the nodes that a function put into the graph, and where each leads to an operand.

    Args:
        given: to the function, tensors among them.
        results: what it returned, tensors among them.
    """
    target = None if operand.is_leaf else operand.grad_fn
    waiting = [one.grad_fn for one in tensors_in(results) if one.grad_fn is not None]
    made = set(waiting)  # in place what was given is what was returned
    before = {one.grad_fn for one in tensors_in(given)} - made
    edges = []
    while waiting and len(made) < LONGEST:
        node = waiting.pop()
        for place, (after, output) in enumerate(node.next_functions):
            is_leaf = target is None and getattr(after, "variable", None) is operand
            if is_leaf or (target is not None and after is target and output == operand.output_nr):
                edges.append((node, place))
            elif after is not None and after not in before | made:
                made.add(after)
                waiting.append(after)
    return edges
