"""Recurrent layers, whose kernels hide their gates: the recurrence is run again, gate by gate.

A gate is a layer of its own, twice: from the input and from the state before. Its sums run over the
samples and over time, in both directions::

    z = W_x x_t + b_x + W_h h_{t-1} + b_h     i, f, o = sigmoid(z)     g = tanh(z)       (LSTM)

What is kept are the inputs, and what came back to the outputs; that gives delta at every gate as
autograd has it.

Source: Hochreiter and Schmidhuber 1997; Cho and others 2014; as torch documents them.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from whygrad.capture.origins import tensors_in
from whygrad.capture.uses import wide

GATES: dict[str, tuple[Callable, ...]] = {
    "lstm": (torch.sigmoid, torch.sigmoid, torch.tanh, torch.sigmoid),
    "gru": (torch.sigmoid, torch.sigmoid, torch.tanh),
    "rnn_tanh": (torch.tanh,),
    "rnn_relu": (torch.relu,),
}
FUNCTIONS: dict[Callable, str] = {
    getattr(torch, name + cell): name for name in GATES for cell in ("", "_cell")
}
EXACT = {torch.float64: 1e-9, torch.float32: 1e-3}  # how far a run may be from the one before


@dataclass
class Gate:
    """One gate of one layer in one direction, or the projection of an output.

    Attributes:
        weight, bias: rows of the parameters.
        activation: the function behind the sum; None where it goes elsewhere first.
    """

    weight: Tensor
    bias: Tensor | None
    activation: Callable | None = None


@dataclass
class GateRun:
    """What a gate did in one run.

    Attributes:
        input: what its weights are multiplied with, (rows, n_in).
        preactivation: the sum, (rows, n_out).
        delta: what came back to it.
        upstream: what came back to the activation's output, where there is one.
    """

    input: Tensor
    preactivation: Tensor
    delta: Tensor
    upstream: Tensor | None = None


@dataclass
class Recurrence:
    """One call of a recurrent layer.

    Attributes:
        kind: a name of :data:`GATES`.
        input: (rows, n_in), step by step.
        sizes: how many samples each step has.
        state: what the recurrence begins with, (layers * directions, samples, n): h, and c.
        weights: of each layer and direction: input, state, their biases, projection.
        directions: 1 or 2.
        dropout: between the layers.
        random: state of the random numbers before the call, where it drew some.
        is_cell: whether it is one step, which returns no more than its state.
        is_batch_first: whether its output has samples before steps.
        leads_on: whether what comes back to the cell's c holds what comes to it from h, too.
        results: what it returned.
    """

    kind: str
    input: Tensor
    sizes: list[int]
    state: list[Tensor]
    weights: list[list[Tensor | None]]
    directions: int = 1
    dropout: float = 0.0
    random: Tensor | None = None
    is_cell: bool = False
    is_batch_first: bool = False
    leads_on: bool = False
    results: list[Tensor] = field(default_factory=list)

    def gates(self) -> Iterator[Gate]:
        """Yield all gates, layer by layer, first from the input and then from the state."""
        functions = GATES[self.kind]
        for weights in self.weights:
            for k, function in enumerate(functions):
                is_apart = self.kind == "gru" and k == 2  # the reset gate stands between
                for w, b in ((0, 2), (1, 3)):
                    rows = [_rows(weights[place], k, len(functions)) for place in (w, b)]
                    assert rows[0] is not None
                    yield Gate(rows[0], rows[1], None if is_apart and w == 1 else function)
            if weights[4] is not None:
                yield Gate(weights[4], None)

    def runs(self, deltas: dict[int, Tensor]) -> list[GateRun] | None:
        """Return what all gates did; None where the recurrence does not come out as it was.

        Args:
            deltas: what came back, by the place of the result.
        """
        apart = torch.random.fork_rng(devices=[], enabled=self.random is not None)
        with torch.enable_grad(), apart:
            if self.random is not None:
                torch.set_rng_state(self.random)
            asked: list[Tensor] = []
            made, outputs, ends = self._run_again(asked)
            known = [self._laid(one, place) for place, one in enumerate(self.results)]
            if not all(self._is_close(*both) for both in zip(outputs, known, strict=True)):
                return None
            places = sorted(deltas)
            given = [self._laid(deltas[place], place) for place in places]
            if self.leads_on and len(given) == 2:
                (h,), (c,) = ends
                (inner,) = torch.autograd.grad(h, c, given[0], retain_graph=True)
                given[1] = given[1] - inner
            ours = [
                outputs[place].view_as(one)
                for place, one in zip(sorted(deltas), given, strict=True)
            ]
            came = torch.autograd.grad(ours, asked, given, allow_unused=True)
        of = {
            id(one): torch.zeros_like(one) if delta is None else delta
            for one, delta in zip(asked, came, strict=True)
        }
        return [run for build in made for run in build(of)]

    def _laid(self, one: Tensor, place: int) -> Tensor:
        """Return a result, or what came back to it, step by step."""
        is_turned = self.is_batch_first and place == 0
        return wide(one.detach().transpose(0, 1) if is_turned else one.detach())

    def _is_close(self, ours: Tensor, theirs: Tensor) -> bool:
        error = EXACT.get(self.results[0].dtype, 3e-2)
        return torch.allclose(ours.detach().view_as(theirs), theirs, rtol=error, atol=error)

    def _run_again(
        self, asked: list[Tensor]
    ) -> tuple[list[Callable], list[Tensor], list[list[Tensor]]]:
        """Run all layers; return what makes their gates, what torch returned, and last states."""
        x, made = wide(self.input), []
        last: list[list[Tensor]] = [[] for _ in self.state]
        for at in range(0, len(self.weights), self.directions):
            halves = []
            for place in range(at, at + self.directions):
                start = [wide(one[place]) for one in self.state]
                one = Layer(self.kind, self.weights[place], x, self.sizes, start, place - at == 1)
                halves.append(one.run(asked))
                made.append(one.runs)
                for kept, end in zip(last, one.state, strict=True):
                    kept.append(end)
            x = torch.cat(halves, 1)
            if self.dropout and at + self.directions < len(self.weights):
                x = F.dropout(x, self.dropout)
        ends = [torch.stack(one) for one in last]
        return made, ends if self.is_cell else [x, *ends], last


class Layer:
    """One layer in one direction, while it is run again."""

    def __init__(
        self,
        kind: str,
        weights: list[Tensor | None],
        x: Tensor,
        sizes: list[int],
        state: list[Tensor],
        is_backwards: bool,
    ):
        self.kind, self.weights, self.x, self.sizes = kind, weights, x, sizes
        self.state, self.is_backwards = state, is_backwards
        self.of_input: Tensor = x
        self.rows: dict[int, tuple[Tensor, ...]] = {}  # state, its sums, outputs of gates; by step
        self.raw: dict[int, Tensor] = {}  # outputs before their projection
        self.outputs: dict[int, Tensor] = {}

    def run(self, asked: list[Tensor]) -> Tensor:
        """Return the outputs, (rows, n), and add to what is asked for."""
        w_x, w_h, b_x, b_h, projection = (
            None if one is None else wide(one.detach()) for one in self.weights
        )
        assert w_x is not None
        assert w_h is not None
        self.of_input = _asked(F.linear(self.x, w_x, b_x), asked)
        starts = [0]
        for size in self.sizes:
            starts.append(starts[-1] + size)
        order = list(range(len(self.sizes)))
        for step in reversed(order) if self.is_backwards else order:
            n = self.sizes[step]
            before = [one[:n] for one in self.state]
            of_state = _asked(F.linear(before[0], w_h, b_h), asked)
            of_input = self.of_input[starts[step] : starts[step] + n]
            after, gates = self._step(of_input, of_state, before)
            asked.extend(gates)
            self.rows[step] = (before[0], of_state, *gates)
            if projection is not None:
                self.raw[step] = after[0]
                after[0] = _asked(F.linear(after[0], projection), asked)
            self.outputs[step] = after[0]
            self.state = [
                torch.cat([new, old[n:]]) if n < len(old) else new
                for new, old in zip(after, self.state, strict=True)
            ]
        return torch.cat([self.outputs[step] for step in order])

    def _step(
        self, of_input: Tensor, of_state: Tensor, state: list[Tensor]
    ) -> tuple[list[Tensor], list[Tensor]]:
        """Return the state after one step, and the outputs of the gates."""
        functions = GATES[self.kind]
        if self.kind == "gru":
            (r_x, z_x, n_x), (r_h, z_h, n_h) = of_input.chunk(3, 1), of_state.chunk(3, 1)
            r, z = torch.sigmoid(r_x + r_h), torch.sigmoid(z_x + z_h)
            n = torch.tanh(n_x + r * n_h)
            return [(state[0] - n) * z + n], [r, z, n]
        sums = (of_input + of_state).chunk(len(functions), 1)
        gates = [function(one) for function, one in zip(functions, sums, strict=True)]
        if self.kind != "lstm":
            return gates[:1], gates
        i, f, g, o = gates
        c = f * state[1] + i * g
        return [o * torch.tanh(c), c], gates

    def runs(self, came: dict[int, Tensor]) -> Iterator[GateRun]:
        """Yield what the gates did, with what came back to every sum and output, by its id."""
        rows = [self.rows[step] for step in sorted(self.rows)]
        state = torch.cat([one[0] for one in rows]).detach()
        of_state = torch.cat([one[1] for one in rows]).detach()
        to_state = torch.cat([came[id(one[1])] for one in rows])
        x, of_input, to_input = self.x.detach(), self.of_input.detach(), came[id(self.of_input)]
        count = len(GATES[self.kind])
        for k in range(count):
            pushed = torch.cat([came[id(one[2 + k])] for one in rows])
            is_apart = self.kind == "gru" and k == 2
            total = of_input + (self._reset(rows) if is_apart else 1) * of_state
            z, alone = _part(total, k, count), _part(of_state, k, count)
            yield GateRun(x, z, _part(to_input, k, count), pushed)
            delta = _part(to_state, k, count)
            yield GateRun(state, alone if is_apart else z, delta, None if is_apart else pushed)
        if self.weights[4] is not None:
            raw, values = (
                torch.cat([outputs[step] for step in sorted(self.rows)])
                for outputs in (self.raw, self.outputs)
            )
            back = [came[id(self.outputs[step])] for step in sorted(self.rows)]
            yield GateRun(raw.detach(), values.detach(), torch.cat(back))

    def _reset(self, rows: list[tuple[Tensor, ...]]) -> Tensor:
        return torch.cat([one[2] for one in rows]).detach().repeat(1, 3)


def recurrence_of(function: Callable, args: tuple, kwargs: dict[str, Any]) -> Recurrence | None:
    """Return how a recurrent layer is called, before it runs.

    None where it is called in another way than torch's modules do.
    """
    kind = FUNCTIONS[function]
    if kwargs:
        return None
    if function.__name__.endswith("_cell"):
        input, state, *weights = args
        state = [one.detach()[None] for one in tensors_in(state)]
        four = [*weights, None, None, None][:4]
        rows = input.detach().reshape(-1, input.shape[-1])
        state = [one.reshape(1, len(rows), -1) for one in state]
        return Recurrence(kind, rows, [len(rows)], state, [[*four, None]], is_cell=True)
    if isinstance(args[1], Tensor) and isinstance(args[3], list | tuple):  # packed
        data, sizes, state, flat, has_biases, layers, dropout, train, is_both = args
        steps, batch_first = sizes.tolist(), False
    else:
        data, state, flat, has_biases, layers, dropout, train, is_both, batch_first = args
        data = data.transpose(0, 1) if batch_first else data
        steps = [data.shape[1]] * data.shape[0]
        data = data.flatten(0, 1)
    count = layers * (1 + is_both)
    each = len(flat) // count
    weights = []
    for at in range(count):
        w_x, w_h, *more = flat[at * each : (at + 1) * each]
        biases = more[:2] if has_biases else [None, None]
        projection = more[2:] if has_biases else more
        weights.append([w_x, w_h, *biases, projection[0] if projection else None])
    dropout = dropout if train and layers > 1 else 0.0
    return Recurrence(
        kind,
        data.detach(),
        steps,
        [one.detach() for one in tensors_in(state)],
        weights,
        1 + is_both,
        dropout,
        torch.get_rng_state() if dropout else None,
        is_batch_first=batch_first,
    )


def _asked(sums: Tensor, asked: list[Tensor]) -> Tensor:
    if not sums.requires_grad:
        sums.requires_grad_()
    asked.append(sums)
    return sums


def _part(values: Tensor, k: int, count: int) -> Tensor:
    n = values.shape[1] // count
    return values[:, k * n : (k + 1) * n]


def _rows(whole: Tensor | None, k: int, count: int) -> Tensor | None:
    """Return the rows of a parameter that belong to a gate: a view."""
    if whole is None or count == 1:
        return whole
    n = whole.shape[0] // count
    return whole[k * n : (k + 1) * n]
