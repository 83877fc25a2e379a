"""Functions in which a parameter meets an activation in a product or a sum, as einsum tells them.

    linear     ...i,oi->...o        Conv1D     ...i,io->...o        a scale   ...o,o->...o
    experts    ...ei,eio->...eo     bilinear   ...i,oij,...j->...o  a bias          o->...o

Keyed by the name of the function, which is the same as torch's, a method and an operator.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

Labels = tuple[int, ...]
ROW, SUM, COLUMN, BATCH = 0, 1, 2, 3  # axes of a matrix product; batches count on from the last


@dataclass(frozen=True)
class Contraction:
    """A product, as an einsum.

    Attributes:
        operands: the factors.
        labels: of the axes of each.
        output: of the axes of the result.
    """

    operands: tuple[Tensor, ...]
    labels: tuple[Labels, ...]
    output: Labels

    def fitting(self, result: Tensor) -> bool:
        """Return whether every axis has a label, and each label one length, or 1 beside it."""
        axes = [*zip(self.labels, self.operands, strict=True), (self.output, result)]
        sizes: dict[int, int] = {}
        for labels, tensor in axes:
            if len(labels) != tensor.dim() or len(set(labels)) != len(labels):
                return False
            for label, size in zip(labels, tensor.shape, strict=True):
                if size != 1 and sizes.setdefault(label, size) != size:
                    return False
        return True

    def tells(self, place: int) -> bool:
        """Return whether every axis of an operand is one of the output's, or of another operand."""
        others = [labels for at, labels in enumerate(self.labels) if at != place]
        known = {label for labels in (*others, self.output) for label in labels}
        return known.issuperset(self.labels[place])


def _broadcast(count: int) -> Labels:
    """Return labels of axes that are aligned at the last one."""
    return tuple(range(BATCH + count - 1, BATCH - 1, -1))


def elementwise(*operands: Any) -> Contraction | None:
    tensors = tuple(one for one in operands if isinstance(one, Tensor))
    most = max(one.dim() for one in tensors)
    return Contraction(tensors, tuple(_broadcast(one.dim()) for one in tensors), _broadcast(most))


def matrices(a: Tensor, b: Tensor) -> Contraction:
    """``matmul``, with its rules for vectors and for batches."""
    of_a = (*_broadcast(max(a.dim() - 2, 0)), *((ROW, SUM) if a.dim() > 1 else (SUM,)))
    of_b = (*_broadcast(max(b.dim() - 2, 0)), *((SUM, COLUMN) if b.dim() > 1 else (SUM,)))
    most = _broadcast(max(a.dim() - 2, b.dim() - 2, 0))
    output = (*most, *((ROW,) if a.dim() > 1 else ()), *((COLUMN,) if b.dim() > 1 else ()))
    return Contraction((a, b), (of_a, of_b), output)


def linear(input: Tensor, weight: Tensor, bias: Any = None) -> Contraction:
    before = _broadcast(input.dim() - 1)
    return Contraction((input, weight), ((*before, SUM), (COLUMN, SUM)), (*before, COLUMN))


def inner(a: Tensor, b: Tensor) -> Contraction:
    of_a = _broadcast(a.dim() - 1)
    of_b = tuple(label + a.dim() for label in _broadcast(b.dim() - 1))
    return Contraction((a, b), ((*of_a, SUM), (*of_b, SUM)), (*of_a, *of_b))


def outer(a: Tensor, b: Tensor) -> Contraction:
    return Contraction((a, b), ((ROW,), (COLUMN,)), (ROW, COLUMN))


def bilinear(a: Tensor, b: Tensor, weight: Tensor, bias: Any = None) -> Contraction:
    before = _broadcast(a.dim() - 1)
    labels = ((*before, ROW), (*before, SUM), (COLUMN, ROW, SUM))
    return Contraction((a, b, weight), labels, (*before, COLUMN))


def tensordot(a: Tensor, b: Tensor, dims: Any = 2, out: Any = None) -> Contraction | None:
    if isinstance(dims, Tensor):
        return None
    if isinstance(dims, int):
        dims = (range(a.dim() - dims, a.dim()), range(dims))
    of_a, of_b = list(range(a.dim())), list(range(a.dim(), a.dim() + b.dim()))
    pairs = [(i % a.dim(), j % b.dim()) for i, j in zip(*dims, strict=True)]
    for i, j in pairs:
        of_b[j] = of_a[i]
    left = [label for at, label in enumerate(of_a) if at not in {i for i, _ in pairs}]
    left += [label for at, label in enumerate(of_b) if at not in {j for _, j in pairs}]
    return Contraction((a, b), (tuple(of_a), tuple(of_b)), tuple(left))


def einsum(equation: Any, *operands: Any) -> Contraction | None:
    if not isinstance(equation, str):
        return None
    if len(operands) == 1 and isinstance(operands[0], list | tuple):
        operands = tuple(operands[0])
    left, has_output, right = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    if not has_output:
        letters = left.replace(",", "").replace(".", "")
        right = "".join(sorted({one for one in letters if letters.count(one) == 1}))
        right = ("..." if "..." in left else "") + right
    widths = [
        tensor.dim() - len(term.replace("...", ""))
        for term, tensor in zip(terms, operands, strict=True)
        if "..." in term
    ]

    def labels(term: str, width: int) -> Labels:
        before, _, after = term.partition("...")
        dots = tuple(range(width - 1, -1, -1)) if "..." in term else ()
        return (*(ord(c) + 64 for c in before), *dots, *(ord(c) + 64 for c in after))

    of_each = tuple(
        labels(term, tensor.dim() - len(term.replace("...", "")))
        for term, tensor in zip(terms, operands, strict=True)
    )
    return Contraction(tuple(operands), of_each, labels(right, max(widths, default=0)))


def added_product(
    start: Tensor, a: Tensor, b: Tensor, *, beta: float = 1, alpha: float = 1
) -> Contraction:
    """``addmm`` and its like, but for what is added."""
    return matrices(a.detach() * alpha, b) if alpha != 1 else matrices(a, b)


def lerp(start: Tensor, end: Tensor, weight: Any) -> Contraction | None:
    """Start + weight * (end - start): of the weight."""
    if not isinstance(weight, Tensor):
        return None
    return elementwise((end - start).detach(), weight)


def addcmul(start: Tensor, a: Tensor, b: Tensor, *, value: float = 1) -> Contraction | None:
    return elementwise(a, b) if value == 1 else None


PRODUCTS: dict[str, Callable[..., Contraction | None]] = {
    "mul": elementwise,
    "multiply": elementwise,
    "__rmul__": elementwise,
    "matmul": matrices,
    "__matmul__": matrices,
    "__rmatmul__": lambda a, b: matrices(b, a),
    "mm": matrices,
    "bmm": matrices,
    "mv": matrices,
    "dot": matrices,
    "vdot": matrices,
    "linear": linear,
    "inner": inner,
    "outer": outer,
    "ger": outer,
    "bilinear": bilinear,
    "tensordot": tensordot,
    "einsum": einsum,
    "addmm": added_product,
    "addmv": added_product,
    "baddbmm": added_product,
    "addcmul": addcmul,
    "lerp": lerp,
}


def _both(a: Any, b: Any, *, alpha: float = 1) -> list[tuple[Any, float]]:
    return [(a, 1.0), (b, alpha)]


def _start(start: Any, *_: Any, beta: float = 1, **__: Any) -> list[tuple[Any, float]]:
    return [(start, beta)]


SUMS: dict[str, Callable[..., list[tuple[Any, float]]]] = {  # what is added, and times what
    "add": _both,
    "add_": _both,
    "__radd__": _both,
    "sub": lambda a, b, *, alpha=1: [(a, 1.0), (b, -alpha)],
    "sub_": lambda a, b, *, alpha=1: [(a, 1.0), (b, -alpha)],
    "subtract": lambda a, b, *, alpha=1: [(a, 1.0), (b, -alpha)],
    "rsub": lambda a, b, *, alpha=1: [(a, -alpha), (b, 1.0)],
    "__rsub__": lambda a, b: [(a, -1.0), (b, 1.0)],
    "addmm": _start,
    "addmv": _start,
    "baddbmm": _start,
    "addcmul": _start,
    "linear": lambda input, weight, bias=None: [(bias, 1.0)],
    "bilinear": lambda a, b, weight, bias=None: [(bias, 1.0)],
}


def contraction(
    name: str, args: tuple, kwargs: Mapping[str, Any], result: Tensor
) -> Contraction | None:
    """Return the product that a function takes; None where it takes none that is known."""
    rule = PRODUCTS.get(name)
    found = None if rule is None else rule(*args, **_without_out(kwargs))
    return found if found is not None and found.fitting(result) else None


def summands(name: str, args: tuple, kwargs: Mapping[str, Any]) -> list[tuple[Tensor, float]]:
    """Return the tensors that a function adds up, each with what it is multiplied by."""
    rule = SUMS.get(name)
    found = [] if rule is None else rule(*args, **_without_out(kwargs))
    return [(one, float(times)) for one, times in found if isinstance(one, Tensor)]


def _without_out(kwargs: Mapping[str, Any]) -> dict[str, Any]:
    renamed = {"other": "b", "mat2": "b", "vec2": "b", "mat1": "a", "tensor1": "a", "tensor2": "b"}
    renamed |= {"tensor": "b", "batch1": "a", "batch2": "b", "mat": "a", "vec": "b"}
    return {renamed.get(name, name): value for name, value in kwargs.items() if name != "out"}


def torch_einsum(*given: tuple[Tensor, Labels], output: Labels) -> Tensor:
    """Return an einsum by labels, however large their numbers are."""
    small = {label: at for at, label in enumerate(sorted({one for _, ls in given for one in ls}))}
    parts = [part for tensor, labels in given for part in (tensor, [small[x] for x in labels])]
    return torch.einsum(*parts, [small[label] for label in output])
