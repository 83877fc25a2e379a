"""The ledger: everything that made one parameter, neuron or layer move in one step."""

import math
from dataclasses import asdict, dataclass, field
from typing import Any

from whygrad.record.address import Address
from whygrad.record.step import Closeness
from whygrad.words.visible import finite


@dataclass(frozen=True)
class Factor:
    """One of the four factors, and what is normal for its kind.

    Attributes:
        name: upstream, slope, input or agreement.
        value: the factor.
        median: of the same factor over the neighbours: all weights, biases or neurons of the
            layer, or all layers. Those that do not have it are left out; NaN where none has.
        rank: share of the neighbours that have a smaller one and half of those that have an equal
            one, in [0, 1]; None where it is 1 by definition, or cannot be told.
        is_cause: whether it is the factor that makes the gradient small.
        is_there: False where a factor before it is 0. Nothing is left then that it could be a share
            of, and its value stands for 0/0.
    """

    name: str
    value: float
    median: float
    rank: float | None
    is_cause: bool = False
    is_there: bool = True


@dataclass(frozen=True)
class Pusher:
    """A neuron of the next layer, and what it adds to the upstream.

    Attributes:
        neuron: its address.
        weight: of the connection to it.
        part: mean over the samples of weight * delta; the parts sum to the mean upstream.
        share: of its size in the sum of all sizes.
    """

    neuron: str
    weight: float
    part: float
    share: float


@dataclass(frozen=True)
class Pull:
    """A sample of the batch, and its term in the gradient.

    Attributes:
        row: its row in the training part; what ``--sample`` takes.
        target: its target, in the user's words; None where the run holds no data.
        value: its term; the terms sum to the gradient. A negative one raises the parameter.
        place: sample and position of the row of a watched model; () where they are not known.
        token: what was looked up there; None where nothing was.
        text: what the token stands for, where a tokenizer was given.
    """

    row: int
    target: str | None
    value: float
    place: tuple[int, ...] = ()
    token: int | None = None
    text: str | None = None


@dataclass(frozen=True)
class StageEntry:
    """What one optimiser stage made of what came to it.

    Attributes:
        name: of the stage.
        before: what came: the gradient, or the last stage's output (norms for neurons, layers).
        after: what it put out.
    """

    name: str
    before: float
    after: float

    @property
    def factor(self) -> float | None:
        """after / before; None where it made something out of 0, from its memory."""
        return self.after / self.before if self.before else (0.0 if not self.after else None)


@dataclass(frozen=True)
class Term:
    """One term of a weighted sum: label, weight and value."""

    label: str
    weight: float
    value: float

    @property
    def product(self) -> float:
        return self.weight * self.value


@dataclass(frozen=True)
class Smoothing:
    """How a target was smoothed: target * (1 - amount) + amount / classes.

    Attributes:
        amount: see :class:`whygrad.Settings`.
        target: of this output, as it was.
        classes: among how many the amount is spread.
    """

    amount: float
    target: float
    classes: int


@dataclass(frozen=True)
class SampleChain:
    """The chain rule for one sample, with its numbers.

    Attributes:
        row: row in the training part.
        target, loss: its target in words, and its loss.
        terms: the largest terms of z = sum_j weight_j * input_j + bias.
        rest: sum of the other terms.
        bias: the bias, or None.
        preactivation, output, slope, delta: of the neuron.
        upstream: dC/da of the neuron.
        upstream_terms: the largest terms of upstream = sum_k weight_k * delta_k; empty at the
            output, where the loss itself asks.
        upstream_rest: sum of the other terms.
        input: what arrives at the parameter: input j, 1 for a bias, a norm for a neuron.
        gradient: delta * input: this sample's gradient, before the mean.
        is_matched: whether loss and activation are one function here.
        claim: how the loss reads the output; of logits, the probability that they stand for.
        wanted: the target of this output, as the loss is given it.
        smoothing: how it came about, where labels are smoothed and the loss asks here.
        link: the activation by which the loss reads the output, else ``identity``.
        loss_name: of the loss.
    """

    row: int
    target: str
    loss: float
    terms: tuple[Term, ...]
    rest: float
    bias: float | None
    preactivation: float
    output: float
    activation: str
    slope: float
    upstream: float
    upstream_terms: tuple[Term, ...]
    upstream_rest: float
    delta: float
    input: float
    gradient: float
    is_matched: bool
    claim: float
    wanted: float
    smoothing: Smoothing | None
    link: str
    loss_name: str


@dataclass(frozen=True)
class Development:
    """How the four factors of a neuron (or a layer's median neuron) went over the run.

    Attributes:
        steps: recorded steps.
        values: by factor, one number a recorded step; without a bias's input, which is always 1.
    """

    steps: tuple[int, ...]
    values: dict[str, tuple[float, ...]]


@dataclass(frozen=True)
class Ledger:
    """Why a weight, a bias, a neuron or a layer moved as it did in one step.

    For a neuron or a layer, ``value``, ``gradient``, ``update`` and ``movement`` are norms over its
    incoming weights.

    Attributes:
        address: what was asked about.
        step: when.
        epoch: of a run of whygrad's own; None where somebody else trained.
        loss: of the batch.
        source: name of the input that a weight comes from, else None.
        value: before the step.
        gradient: mean over the batch, with its sign where it has one.
        factors: the four, in order; they multiply to |gradient|.
        cause: key of the sentence that says what makes the gradient small, with its values.
        pushers: next-layer neurons with the largest parts in the upstream.
        pushers_rest: how many more there are.
        left_over: share of the upstream that is left after they cancel each other.
        raising, lowering: samples that pull the parameter up and down most.
        samples: how many samples the batch had.
        stages: from the gradient to the update.
        update: what the optimiser asks to add.
        movement: what the parameter really did; rounding may swallow a part.
        clones: other neurons of the layer that are equal to this one.
        development: over the run.
        chain: for one sample, if it was asked for.
        is_recorded: whether the run recorded this step, so that the replay was compared with it.
        is_from_loss: where there are no pushers, whether that is because the loss itself pushes.
        data: what the data set is called; "" where it is not known.
        named: the address with the names of inputs and classes in place of their numbers.
        tied: other layers that have this weight.
        closeness: how close the numbers are to what was, where not all was kept as it was.
    """

    address: Address
    step: int
    epoch: int | None
    loss: float
    activation: str
    source: str | None
    value: float
    gradient: float
    factors: tuple[Factor, ...]
    cause: tuple[str, dict[str, Any]]
    pushers: tuple[Pusher, ...]
    pushers_rest: int
    left_over: float | None
    raising: tuple[Pull, ...]
    lowering: tuple[Pull, ...]
    samples: int
    stages: tuple[StageEntry, ...]
    update: float
    movement: float
    clones: tuple[int, ...]
    development: Development
    chain: SampleChain | None
    is_recorded: bool
    is_from_loss: bool = True
    data: str = ""
    named: str = ""
    tied: tuple[str, ...] = ()
    closeness: Closeness = field(default_factory=Closeness)

    @property
    def product(self) -> float:
        """The four factors multiplied: the size of the gradient."""
        return math.prod(factor.value for factor in self.factors)

    @property
    def swallowed(self) -> float:
        """Share of the update that float rounding swallowed, in [0, 1]."""
        lost = abs(self.update - self.movement)
        return min(lost / abs(self.update), 1.0) if self.update else 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON-able data; numbers that are not finite become None."""
        content = asdict(self) | {
            "address": str(self.address),
            "kind": self.address.kind,
            "product": self.product,
            "swallowed": self.swallowed,
            "cause": {"key": self.cause[0], **self.cause[1]},
            "stages": [asdict(stage) | {"factor": stage.factor} for stage in self.stages],
        }
        return finite(content)

    def __str__(self) -> str:
        from whygrad.explain.text import as_text

        return as_text(self)

    def _repr_html_(self) -> str:
        from whygrad.explain.html import as_html

        return as_html(self)
