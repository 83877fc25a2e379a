"""Losses: each with its derivative beside it, and the output activation that it matches.

A loss of one sample is the sum over its outputs, or their mean where it says so; the mean over
samples is taken elsewhere, once.
Every matched pair of loss and output activation has the same error signal: delta = a - y.
Losses that match none stand in :mod:`whygrad.core.nn.means`.
"""

from collections.abc import Callable
from dataclasses import dataclass

from jaxtyping import Float, Shaped
from numpy.typing import DTypeLike

from whygrad.core.arrays import Array, one_hot, row_sums, sigmoid, softmax_and_logsumexp
from whygrad.core.nn.activations import ACTIVATIONS
from whygrad.core.nn.means import MEANS, broadcast_squared, broadcast_squared_upstream
from whygrad.errors import unknown_name
from whygrad.record.arrays import xp
from whygrad.record.description import MATCHED

Outputs = Float[Array, "batch n_out"]
Ends = tuple[Float[Array, " batch"], Outputs]  # value and derivative
HUBER_WIDTH = 1.0
SMALLEST_PROBABILITY = 1e-7  # probabilities are clipped here, as Keras does; no gradient outside


@dataclass(frozen=True)
class Loss:
    """One loss.

    Attributes:
        value: (outputs, targets) -> loss of each sample, shape (batch,).
        upstream: (outputs, targets) -> dC_i/da, shape (batch, n_out).
        matched_value: (z, targets) -> the loss as one function with the output activation that it
            matches, see :data:`whygrad.record.description.MATCHED`: slope 1, delta = a - y.
        matched_upstream: (z, targets) -> its derivative by z.
        matched_ends: (z, targets) -> both, where they share most of their work.
        is_categorical: targets are classes or memberships, not quantities.
        is_broadcast: a sample meets the targets of the whole batch: ``value`` and ``upstream``
            take the samples' shares as well, and there is one output.
    """

    value: Callable[..., Array]
    upstream: Callable[..., Array]
    matched_value: Callable[[Array, Array], Array] | None = None
    matched_upstream: Callable[[Array, Array], Array] | None = None
    matched_ends: Callable[[Array, Array], Ends] | None = None
    is_categorical: bool = True
    is_broadcast: bool = False


def squared(a: Outputs, y: Outputs) -> Float[Array, " batch"]:
    return row_sums((a - y) ** 2) / 2


def squared_upstream(a: Outputs, y: Outputs) -> Outputs:
    return a - y


def absolute(a: Outputs, y: Outputs) -> Float[Array, " batch"]:
    return xp.sum(xp.abs(a - y), axis=-1)


def absolute_upstream(a: Outputs, y: Outputs) -> Outputs:
    return xp.sign(a - y)


def huber(a: Outputs, y: Outputs) -> Float[Array, " batch"]:
    near = xp.clip(a - y, -HUBER_WIDTH, HUBER_WIDTH)
    return xp.sum(near * (a - y) - near**2 / 2, axis=-1)


def huber_upstream(a: Outputs, y: Outputs) -> Outputs:
    return xp.clip(a - y, -HUBER_WIDTH, HUBER_WIDTH)


def softmax_cross_entropy_ends(z: Outputs, y: Outputs) -> Ends:
    total, (a, log_sum) = row_sums(y), softmax_and_logsumexp(z)
    return total * log_sum - row_sums(y * z), total[:, None] * a - y


def softmax_cross_entropy(z: Outputs, y: Outputs) -> Float[Array, " batch"]:
    return softmax_cross_entropy_ends(z, y)[0]


def softmax_cross_entropy_upstream(z: Outputs, y: Outputs) -> Outputs:
    return softmax_cross_entropy_ends(z, y)[1]


def cross_entropy(a: Outputs, y: Outputs) -> Float[Array, " batch"]:
    return -xp.sum(y * xp.log(_clipped(a)), axis=-1)


def cross_entropy_upstream(a: Outputs, y: Outputs) -> Outputs:
    return -y / _clipped(a) * _unclipped(a)


def binary_cross_entropy(a: Outputs, y: Outputs) -> Float[Array, " batch"]:
    p = _clipped(a)
    return -xp.sum(y * xp.log(p) + (1 - y) * xp.log1p(-p), axis=-1)


def binary_cross_entropy_upstream(a: Outputs, y: Outputs) -> Outputs:
    p = _clipped(a)
    return (p - y) / (p * (1 - p)) * _unclipped(a)


def binary_cross_entropy_of_logits(z: Outputs, y: Outputs) -> Float[Array, " batch"]:
    return row_sums(xp.logaddexp(z, 0) - y * z)


def binary_cross_entropy_of_logits_upstream(z: Outputs, y: Outputs) -> Outputs:
    return sigmoid(z) - y


def _clipped(p: Array) -> Array:
    return xp.clip(p, SMALLEST_PROBABILITY, 1 - SMALLEST_PROBABILITY)


def _unclipped(p: Array) -> Array:
    inside = (p >= SMALLEST_PROBABILITY) & (p <= 1 - SMALLEST_PROBABILITY)
    return inside.astype(p.dtype)


_OF_SOFTMAX = (
    softmax_cross_entropy,
    softmax_cross_entropy_upstream,
    softmax_cross_entropy_ends,
)
_OF_SIGMOID = (binary_cross_entropy_of_logits, binary_cross_entropy_of_logits_upstream)


def _of_quantities(value: Callable, upstream: Callable) -> Loss:
    return Loss(value, upstream, value, upstream, is_categorical=False)


LOSSES: dict[str, Loss] = {
    # Bridle 1990; the loss brings its softmax where the network has none of its own
    "softmax_cross_entropy": Loss(
        softmax_cross_entropy, softmax_cross_entropy_upstream, *_OF_SOFTMAX
    ),
    # the same, of outputs that claim to be probabilities already
    "cross_entropy": Loss(cross_entropy, cross_entropy_upstream, *_OF_SOFTMAX),
    # one yes-or-no question an output: binary and multi-label
    "binary_cross_entropy": Loss(binary_cross_entropy, binary_cross_entropy_upstream, *_OF_SIGMOID),
    "squared": _of_quantities(squared, squared_upstream),
    "absolute": _of_quantities(absolute, absolute_upstream),
    # Huber 1964, width 1
    "huber": _of_quantities(huber, huber_upstream),
}


LOSSES |= {
    name: Loss(value, upstream, is_categorical=False) for name, (value, upstream) in MEANS.items()
}
LOSSES["broadcast_squared"] = Loss(
    broadcast_squared, broadcast_squared_upstream, is_categorical=False, is_broadcast=True
)


def loss_rule(name: str) -> Loss:
    """Return the loss called ``name``.

    Raises:
        OptionError: there is none; the message names the nearest one.
    """
    if name not in LOSSES:
        raise unknown_name("loss", name, list(LOSSES))
    return LOSSES[name]


def is_matched(loss: str, output_activation: str) -> bool:
    """Return whether loss and output activation are taken as one function with slope 1."""
    loss_rule(loss)
    return output_activation in MATCHED[loss]


def sample_losses(
    loss: str,
    output_activation: str,
    preactivation: Outputs,
    output: Outputs,
    targets: Outputs,
    share: Float[Array, " batch"] | None = None,
) -> Float[Array, " batch"]:
    """Return the loss of each sample, from logits where loss and activation match.

    Args:
        share: of each sample in the mean; what share 0 has only fills the batch up.
    """
    rule = loss_rule(loss)
    if rule.matched_value and is_matched(loss, output_activation):
        return rule.matched_value(preactivation, targets)
    return rule.value(output, targets, *([share] if rule.is_broadcast else []))


def upstream_of_loss(
    loss: str,
    output_activation: str,
    preactivation: Outputs,
    output: Outputs,
    targets: Outputs,
    share: Float[Array, " batch"] | None = None,
) -> Outputs:
    """Return what the loss asks of the outputs: dC_i/da, or dC_i/dz of a matched pair.

    Source: Bishop 2006, section 4.3.6, for the matched ("canonical") pairs.
    """
    rule = loss_rule(loss)
    if rule.matched_upstream and is_matched(loss, output_activation):
        return rule.matched_upstream(preactivation, targets)
    return rule.upstream(output, targets, *([share] if rule.is_broadcast else []))


def ends_of_loss(
    loss: str,
    output_activation: str,
    preactivation: Outputs,
    output: Outputs,
    targets: Outputs,
    share: Float[Array, " batch"] | None = None,
) -> Ends:
    """Return :func:`sample_losses` and :func:`upstream_of_loss`, what they share done once."""
    rule, ends = loss_rule(loss), (preactivation, output, targets, share)
    if rule.matched_ends and is_matched(loss, output_activation):
        return rule.matched_ends(preactivation, targets)
    pair = (loss, output_activation)
    return sample_losses(*pair, *ends), upstream_of_loss(*pair, *ends)


def link_brought(loss: str, output_activation: str) -> str:
    """Return the activation by which a loss reads outputs that are logits, else ``identity``."""
    loss_rule(loss)
    is_logits = output_activation == "identity" and "identity" in MATCHED[loss]
    return MATCHED[loss][0] if is_logits else "identity"


def gives_probabilities(loss: str | None, output_activation: str) -> bool:
    """Return whether outputs are read as probabilities, by the loss or by their activation."""
    brought = link_brought(loss, output_activation) if loss else "identity"
    return bool({brought, output_activation} & {"softmax", "sigmoid"})


def predictions(loss: str, output_activation: str, output: Outputs) -> Outputs:
    """Return outputs as what they claim: probabilities where the loss brings the link itself."""
    return ACTIVATIONS[link_brought(loss, output_activation)].value(output)


def smoothed(loss: str, targets: Outputs, amount: float) -> Outputs:
    """Return targets of classes of which a share is spread evenly over the classes.

        y (1 - amount) + amount / K, of K classes

    Args:
        targets: memberships; or yes or no, 1 or 0, each.
        amount: in [0, 1).

    Source: Szegedy, Vanhoucke, Ioffe, Shlens and Wojna 2016, section 7.
    """
    return targets * (1 - amount) + amount / classes_of(loss, targets.shape[-1])


def classes_of(loss: str, outputs: int) -> int:
    """Return among how many classes an output is one: two where each is a question of its own."""
    return 2 if loss == "binary_cross_entropy" else outputs


def as_matrix(
    targets: Shaped[Array, " batch"] | Shaped[Array, "batch n_out"], n_out: int, dtype: DTypeLike
) -> Outputs:
    """Return targets as (batch, n_out): class indices become rows with a single 1."""
    if targets.ndim == 2:
        return targets.astype(dtype)
    if n_out == 1:
        return targets[:, None].astype(dtype)
    return one_hot(targets, n_out, dtype)
