"""The sizes of recorded steps on NumPy: put aside step by step, and worked out many at once.

What :func:`whygrad.training.recording.sizes` leaves to XLA is written out here, since NumPy takes
longer to be called than to compute, and longer still to come by new memory. Tests hold one to the
other.
"""

from itertools import pairwise

import numpy as np
from jaxtyping import Float

from whygrad.core.arrays import ones
from whygrad.core.backprop import Anatomy, LayerAnatomy
from whygrad.core.factors import is_open, pushes
from whygrad.core.nn.dense import Dense
from whygrad.core.nn.network import Network, Parameters
from whygrad.core.numpy_stages import Layout, Vector
from whygrad.core.symmetry import gradient_inward, inward
from whygrad.training.recording import KEPT, as_rows, width

# the order in which `recording.as_rows` takes them apart
PUSHED, THROUGH, OPENED, PER_SAMPLE, SQUARES, MARKS, MOVING = range(KEPT)
HELD_BYTES = 2**21  # of steps that are worked out together


class Record:
    """Keeps the sizes of one recorded step after the other, until their rows are asked for.

    Args:
        network: in training.
        batch: most samples of a step.

    Attributes:
        steps: how many are kept.
    """

    def __init__(self, network: Network, batch: int):
        dtype = network.dense[0].weight.dtype
        self.steps = self._held = 0
        self._network, self._layout, self._sizes = network, Layout.of(network), []
        ends = np.cumsum((0, *network.sizes[1:])).tolist()
        self._places = [slice(*two) for two in pairwise(ends)]
        numbers = 3 * batch * ends[-1] + 2 * self._layout.size
        most = max(HELD_BYTES // (numbers * dtype.itemsize), 1)
        self._layers = [_OfSamples(dense, most, batch) for dense in network.dense]
        self._share = np.zeros((most, batch), dtype)
        self._norms = np.zeros((len(self._layers), most, batch), dtype)
        self._parameters, self._gradients = np.empty((2, most, self._layout.size), dtype)

    def take(
        self,
        anatomy: Anatomy,
        gradients: Parameters,
        parameters: Vector,
        input_norm: Float[np.ndarray, " m"],
    ) -> None:
        """Put the step that was just taken aside.

        Args:
            parameters: after the step.
            input_norm: norm of each sample's input vector.
        """
        if self._held == len(self._share):
            self._look()
        at, (lowest, *above) = self._held, anatomy.layers.values()
        samples = len(input_norm)
        share, norms = self._share[at], self._norms[:, at]
        share[:samples], share[samples:] = lowest.share, 0
        norms[0, :samples] = input_norm
        for squared, layer in zip(norms[1:], above, strict=True):
            np.vecdot(layer.input, layer.input, out=squared[:samples])
        for of_samples, layer in zip(self._layers, (lowest, *above), strict=True):
            of_samples.take(at, layer)
        self._layout.vector(gradients, out=self._gradients[at])
        self._parameters[at] = parameters
        self._held, self.steps = self._held + 1, self.steps + 1

    def rows(self) -> Float[np.ndarray, "recorded fields neurons"]:
        """Return the numbers of ROW_FIELDS of the steps that are kept, and keep them no longer."""
        with np.errstate(all="ignore"):  # what is not finite is told by whoever asks
            self._look()
            none = np.empty((0, width(self._network)), self._share.dtype)
            rows = as_rows(self._network, np.concatenate([none, *self._sizes]))
        self.steps, self._sizes = 0, []
        return rows

    def _look(self) -> None:
        """Work out the sizes of the steps that are put aside."""
        if not self._held:
            return
        many = slice(self._held)
        kept = np.empty((self._held, KEPT, self._places[-1].stop), self._share.dtype)
        share, norms = self._share[many], self._norms[:, many]
        np.sqrt(norms[1:], out=norms[1:])
        pulls = np.multiply(norms, share, out=norms)  # of a delta of 1
        network = self._network.with_parameters(self._layout.views(self._parameters[many]))
        gradients = self._layout.views(self._gradients[many]).values()
        parts = zip(self._places, self._layers, pulls, network.dense, gradients, strict=True)
        for place, of_samples, pull, dense, gradient in parts:
            own, weight = kept[:, :, place], gradient["weight"]
            of_samples.add_up(share, pull, own)
            own[:, MARKS], own[:, MOVING] = inward(dense), gradient_inward(weight)
            squares = np.square(weight, out=weight)
            own[:, SQUARES] = ones(weight.shape[-2:-1], weight) @ squares
        whole = share.sum(axis=-1)  # 1, unless the loss is a sum over the batch
        kept[:, OPENED] /= np.where(whole == 0, 1, whole)[:, None]
        self._sizes.append(kept.reshape(len(kept), -1))
        self._held = 0


class _OfSamples:
    """What the samples of the steps that are put aside said of each neuron of a layer."""

    def __init__(self, dense: Dense, steps: int, batch: int):
        shape = (steps, batch, dense.n_out)
        self._pushed, self._through = np.zeros((2, *shape), dense.weight.dtype)
        self._opened = np.ones(shape, bool)  # as a matched layer always is

    def take(self, at: int, layer: LayerAnatomy) -> None:
        samples = len(layer.share)
        self._pushed[at, :samples] = pushes(layer)
        np.abs(layer.delta, out=self._through[at, :samples])
        if not layer.is_matched:
            self._opened[at, :samples] = is_open(layer)

    def add_up(
        self,
        share: Float[np.ndarray, "steps m"],
        pull: Float[np.ndarray, "steps m"],
        kept: Float[np.ndarray, "steps kept n_out"],
    ) -> None:
        many, of_mean = slice(len(share)), share[:, None]
        through = np.stack([share, pull], axis=1) @ self._through[many]
        kept[:, THROUGH], kept[:, PER_SAMPLE] = through[:, 0], through[:, 1]
        kept[:, PUSHED] = (of_mean @ self._pushed[many])[:, 0]
        kept[:, OPENED] = (of_mean @ self._opened[many].astype(share.dtype))[:, 0]
