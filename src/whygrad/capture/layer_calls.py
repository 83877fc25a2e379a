"""One call of a layer or of an activation, from its forward to its backward pass."""

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from whygrad.capture.accumulators import Accumulators, Opened, Sizes, sum_of_sizes
from whygrad.capture.functions import ActivationOfTorch
from whygrad.capture.kinds import KINDS, Use, wide
from whygrad.capture.registry import RegisteredLayer
from whygrad.capture.torch_private import view_base


@dataclass
class Backward:
    """What the calls of one step share on the way back.

    Attributes:
        sizes: absolute values of gradients.
        frees: whether the graph is let go behind the pass under way, so that nothing comes twice.
        asked: the parameters that the pass under way is to reach; None where it is all of them.
    """

    sizes: Sizes = field(default_factory=Sizes)
    frees: bool = False
    asked: frozenset[str] | None = None

    def reaches(self, parameter: str) -> bool:
        """Return whether the pass under way puts anything into a parameter's gradient."""
        return self.asked is None or parameter in self.asked


@dataclass
class LayerCall:
    """One call of a layer, from its forward to its backward pass.

    Attributes:
        use: how it was called; None once the step is over.
        activation: that was called on its output.
        is_told: whether the graph tells what this call puts into its weight's gradient.
    """

    layer: RegisteredLayer
    use: Use | None
    accumulators: Accumulators
    backward: Backward
    activation: ActivationOfTorch | None = None
    is_told: bool = False

    @property
    def needs_gradient(self) -> bool:
        """Whether what this call puts into its weight's gradient is wanted apart."""
        return self.layer.is_shared or self.accumulators.snapshot is not None

    def let_go(self) -> None:
        """Hold nothing of the step any longer, for whoever keeps its graph keeps this, too."""
        self.use, self.accumulators = None, Accumulators()

    def on_delta(self, gradient: Tensor) -> None:
        """Take in dC/dz, from the hook on the layer's output."""
        if self.use is None or not self.backward.reaches(self.layer.weight):
            return
        with torch.no_grad():
            sizes = self.backward.sizes.of(gradient)
            if self.activation is None:
                self.accumulators.add_upstream(sum_of_sizes(self.use, sizes))
            self.accumulators.add_delta(self.use, gradient, sizes)
            if self.needs_gradient and not self.is_told:
                own = KINDS[self.use.kind].contract(self.use, self.use.x, wide(gradient))
                self.accumulators.add_gradient(own)
        if self.backward.frees:  # the input, which torch lets go of now, too
            self.use = self.use.emptied()

    def on_gradient(self, own: Tensor | None) -> None:
        """Take in this call's part in dC/dw, from the hook on the layer's node in the graph.

        A copy: torch may make the tensor the parameter's gradient, and others write into that.
        """
        if self.use is not None and own is not None:
            self.accumulators.add_gradient(own.detach().clone())


@dataclass
class ActivationCall:
    """One call of an activation, behind one layer, or behind a layer and its norm."""

    layer_calls: list[LayerCall]
    backward: Backward
    opened: Opened | None = None  # counted when it is called; a pass that comes back takes it in

    def on_upstream(self, gradient: Tensor) -> None:
        """Take in dC/da, from the hook on the activation's output."""
        use = self._use()
        if use is None:
            return
        with torch.no_grad():
            pushed = sum_of_sizes(use, self.backward.sizes.of(gradient))
            for layer_call in self._reached():
                layer_call.accumulators.add_upstream(pushed)
                if self.opened is not None:
                    layer_call.accumulators.add_opened(self.opened)
                if layer_call.accumulators.snapshot is not None:
                    layer_call.accumulators.snapshot.waiting = gradient

    def _reached(self) -> list[LayerCall]:
        return [one for one in self.layer_calls if self.backward.reaches(one.layer.weight)]

    def _use(self) -> Use | None:
        """The use of the layer nearest to the activation; all of them lay out neurons alike."""
        return self.layer_calls[-1].use


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
