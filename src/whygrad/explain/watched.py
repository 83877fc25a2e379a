"""From a step of a watched model that was kept whole to a ledger."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from whygrad.core import backend
from whygrad.core.attribution import sample_pulls, strongest
from whygrad.core.backprop import LayerAnatomy
from whygrad.core.factors import Factors, ratio, telescope
from whygrad.core.nn.activations import ACTIVATIONS
from whygrad.core.symmetry import TOLERANCE
from whygrad.errors import AddressError
from whygrad.explain.cause import Surroundings, find_cause
from whygrad.explain.ledger import Development, Factor, Ledger, Pull, Pusher, StageEntry
from whygrad.explain.replayed import TOP, factors_at
from whygrad.explain.updates import stages
from whygrad.record.fields import FACTORS, ROW_FIELDS
from whygrad.record.watched import WatchedFolder
from whygrad.record.watched_address import WatchedAddress, parse
from whygrad.words import t

Arrays = dict[str, np.ndarray]
Part = np.ndarray | np.floating


def explain_watched(run: WatchedFolder, address: str, *, step: int | None = None) -> Ledger:
    """Explain what one parameter, neuron or layer of a watched model did in a step.

    Args:
        address: in the model's own names and order of axes; see whygrad.record.watched_address.
        step: one in which the layer was kept whole; default: the last of them.

    Raises:
        AddressError: no such parameter, or its layer was not kept whole in that step.
        RunError: nothing was recorded, or the run is damaged.
    """
    place = parse(address, run)
    whole = _Whole(run, place.layer, step)
    with np.errstate(all="ignore"):  # a step that blew up is explained in words, not in warnings
        return _ledger(run, whole, place)


class _Whole:
    """A step in which a layer was kept whole, and others with it."""

    def __init__(self, run: WatchedFolder, layer: str, step: int | None):
        self.step, arrays, self.notes = run.whole_of(layer, step)
        self.described = run.description["layers"]
        of_all = _by_layer(arrays)  # one whose gradient never came has no factors
        self.layers = {name: one for name, one in of_all.items() if "weight.gradient" in one}
        if layer not in self.layers:
            raise AddressError("error.layer_not_whole", layer=layer)

    def weight(self, layer: str, which: str) -> np.ndarray:
        """Return the weights, or what has their shape, as (n_in, n_out)."""
        array = np.asarray(self.layers[layer][which], np.float64)
        if self.described[layer]["kind"] == "embedding":
            return array
        if self.described[layer]["kind"] == "conv_transpose":
            array = array.swapaxes(0, 1)
        return array.reshape(self.described[layer]["n_out"], -1).T


def whole_layers(run: WatchedFolder, step: int | None) -> dict[str, Arrays]:
    """Return the arrays of a step that was kept whole, by layer.

    Raises:
        AddressError: the step was not kept whole.
    """
    return _by_layer(run.whole(step)[1])


def _by_layer(arrays: Arrays) -> dict[str, Arrays]:
    layers: dict[str, Arrays] = {}
    for name, array in arrays.items():
        layer, _, which = name.rpartition("/")
        layers.setdefault(layer, {})[which] = array
    return layers


def _ledger(run: WatchedFolder, whole: _Whole, place: WatchedAddress) -> Ledger:
    layer, described = whole.layers[place.layer], whole.described[place.layer]
    entries = _factors(whole, place)
    pushers, rest, left_over = _pushers(whole, place)
    raising, lowering, samples = _pulls(whole, place)
    gradient = _size_of(whole, place, "gradient")
    found = _stages(whole, place, gradient)
    about = _surroundings(described, layer, samples)
    cause = find_cause(entries, about, left_over, _pushed_at_the_end(run, whole.step))
    return Ledger(
        address=place,
        step=whole.step,
        epoch=None,
        loss=_number(whole.notes["line"].get("loss")),
        activation=described["activation"],
        source=_source(described, place),
        value=_size_of(whole, place, "before"),
        gradient=gradient,
        factors=tuple(_marked(entry, cause.factor) for entry in entries),
        cause=(cause.key, cause.values),
        pushers=pushers,
        pushers_rest=rest,
        left_over=left_over,
        raising=raising,
        lowering=lowering,
        samples=samples,
        stages=found,
        update=found[-1].after,
        movement=_moved(whole, place),
        clones=_clones_of(whole, place),
        development=_development(run, place),
        chain=None,
        is_recorded=True,
        is_from_loss=False,
    )


def _marked(entry: Factor, cause: str | None) -> Factor:
    return Factor(entry.name, entry.value, entry.median, entry.rank, entry.name == cause)


def _factors(whole: _Whole, place: WatchedAddress) -> tuple[Factor, ...]:
    if place.kind != "layer":
        return factors_at(_all_factors(whole, place.layer, place.kind), place.index)
    every = [_all_factors(whole, name, "layer") for name in whole.layers]
    around = jax.tree.map(lambda *values: jnp.stack(values), *every)
    return factors_at(around, (list(whole.layers).index(place.layer),))


def _all_factors(whole: _Whole, name: str, kind: str) -> Factors:
    """Return the factors of all weights, biases or neurons of a layer, or those of the layer."""
    layer, gradient = whole.layers[name], whole.weight(name, "weight.gradient")
    pushed, through = layer["pushed"], layer["through"]
    if kind == "layer":
        u, d, x = layer["layer"]
        return _telescoped(u, d, x, np.linalg.norm(gradient))
    if kind == "neuron":
        return _telescoped(pushed, through, layer["pulled"], np.linalg.norm(gradient, axis=0))
    if kind == "bias":
        return _telescoped(pushed, through, through, np.abs(layer["delta"]))
    pulls = whole.weight(name, "pulls")
    wide = (np.broadcast_to(sizes, pulls.shape) for sizes in (pushed, through))
    return _telescoped(*wide, pulls, np.abs(gradient))


def _telescoped(*sizes: Part) -> Factors:
    pushed, through, pulls, gradient = map(jnp.asarray, sizes)
    return telescope(pushed, through, pulls, gradient)


def _size_of(whole: _Whole, place: WatchedAddress, which: str) -> float:
    """Return a weight or bias, or the norm of a neuron's or layer's weights."""
    return _size(_part(whole, place, f"{place.parameter or 'weight'}.{which}"), place)


def _part(whole: _Whole, place: WatchedAddress, which: str) -> Part:
    if place.parameter == "bias":
        return np.asarray(whole.layers[place.layer][which], np.float64).ravel()[place.neuron]
    return _of(whole.weight(place.layer, which), place)


def _of(weights: np.ndarray, place: WatchedAddress) -> Part:
    if place.kind == "weight":
        return weights[place.input, place.neuron]
    return weights[:, place.neuron] if place.kind == "neuron" else weights


def _size(part: Part, place: WatchedAddress) -> float:
    return float(part) if place.parameter else float(np.linalg.norm(part))


def _moved(whole: _Whole, place: WatchedAddress) -> float:
    which = place.parameter or "weight"
    after, before = (_part(whole, place, f"{which}.{when}") for when in ("after", "before"))
    return _size(after - before, place)


def _stages(whole: _Whole, place: WatchedAddress, gradient: float) -> tuple[StageEntry, ...]:
    which = place.parameter or "weight"
    names = [name for name in whole.layers[place.layer] if name.startswith(f"{which}.")]
    parts = {name.removeprefix(f"{which}."): _part(whole, place, name) for name in names}
    settings = whole.notes["optimizers"].get(place.layer, {}).get(which, {})
    entries, current = [], gradient
    for name, outcome in stages(settings, parts):
        after = _size(outcome, place)
        entries.append(StageEntry(name, current, after))
        current = after
    return tuple(entries)


def _pushers(whole: _Whole, place: WatchedAddress) -> tuple[tuple[Pusher, ...], int, float | None]:
    """Return what the neurons of the next linear layer add to the upstream of this one.

    u_ij = sum_k w_jk delta_ik, so a neuron's part is its weight times its own sum of deltas.
    """
    following = whole.described[place.layer].get("feeds")
    if place.neuron is None or following not in whole.layers:
        return (), 0, None
    after, weights = whole.layers[following], whole.weight(following, "weight.before")
    if weights.shape[0] != whole.described[place.layer]["n_out"]:
        return (), 0, None
    weight = weights[place.neuron]
    size = np.abs(weight) * after["through"]
    total = float(size.sum())
    order = np.argsort(-size, kind="stable")[:TOP]
    pushers = tuple(
        Pusher(
            neuron=f"{following}[{k}]",
            weight=float(weight[k]),
            part=float(weight[k] * after["delta"][k]),
            share=float(size[k] / (total or 1.0)),
        )
        for k in order
    )
    pushed = float(whole.layers[place.layer]["pushed"][place.neuron])
    return pushers, len(weight) - len(pushers), min(pushed / (total or 1.0), 1.0)


def _pulls(whole: _Whole, place: WatchedAddress) -> tuple[tuple[Pull, ...], tuple[Pull, ...], int]:
    """Return the rows that pull most, where the rows were kept, and how many there were."""
    anatomy = rows_of_layer(whole.layers[place.layer], whole.described[place.layer])
    if anatomy is None:
        return (), (), 0
    pulls = sample_pulls(anatomy, place)
    sides = [
        tuple(Pull(int(row), None, float(pulls[row])) for row in side)
        for side in strongest(pulls, TOP)
    ]
    return sides[0], sides[1], len(pulls)


def rows_of_layer(layer: Arrays, described: dict[str, Any]) -> LayerAnatomy | None:
    """Return a layer's anatomy, a row a sample and position; None where rows were not kept."""
    backend.start()
    if "sample.delta" not in layer or not len(layer["sample.delta"]):
        return None
    input, upstream, delta = (layer[f"sample.{name}"] for name in ("input", "upstream", "delta"))
    weight = layer["weight.before"].reshape(described["n_out"], -1)
    bias = layer.get("bias.before", np.zeros(described["n_out"], weight.dtype))
    z, count = input @ weight.T + bias, len(delta)
    name = described["activation"] if described["activation"] in ACTIVATIONS else "identity"
    return LayerAnatomy(
        input=jnp.asarray(input),
        preactivation=jnp.asarray(z),
        output=ACTIVATIONS[name].value(jnp.asarray(z)),
        upstream=jnp.asarray(upstream * count),
        slope=ratio(jnp.asarray(delta), jnp.asarray(upstream)),
        delta=jnp.asarray(delta * count),
        share=jnp.full(count, 1 / count, delta.dtype),
        activation=name,
        has_bias="bias.before" in layer,
    )


def _surroundings(described: dict[str, Any], layer: Arrays, samples: int) -> Surroundings:
    name = described["activation"]
    is_exactly_flat = name in ACTIVATIONS and ACTIVATIONS[name].exactly_flat
    return Surroundings(name, described["steepest"], is_exactly_flat, name == "identity", samples)


def _pushed_at_the_end(run: WatchedFolder, step: int) -> float:
    """Return the mean push at the layer that was called last, where all pushing begins."""
    for layer in reversed(run.layers):
        steps, rows = run.rows(layer)
        if step in steps:
            return float(rows[list(steps).index(step), ROW_FIELDS.index("upstream")].mean())
    return 0.0


def _clones_of(whole: _Whole, place: WatchedAddress) -> tuple[int, ...]:
    """Return the neurons with the same weights in and the same gradient."""
    if place.neuron is None or whole.described[place.layer]["n_in"] < 2:
        return ()
    same = np.ones(whole.described[place.layer]["n_out"], bool)
    for which in ("weight.before", "weight.gradient"):
        weights = whole.weight(place.layer, which)
        distance = np.linalg.norm(weights - weights[:, [place.neuron]], axis=0)
        same &= distance <= TOLERANCE * np.linalg.norm(weights[:, place.neuron])
    return tuple(int(k) for k in np.flatnonzero(same) if k != place.neuron)


def _development(run: WatchedFolder, place: WatchedAddress) -> Development:
    steps, rows = run.rows(place.layer)
    of_neuron = rows[:, :, place.neuron] if place.neuron is not None else np.median(rows, axis=2)
    values = {
        name: tuple(float(v) for v in of_neuron[:, ROW_FIELDS.index(name)]) for name in FACTORS
    }
    return Development(tuple(int(step) for step in steps), values)


def _source(described: dict[str, Any], place: WatchedAddress) -> str | None:
    if place.input is None:
        return None
    kind, shape = described["kind"], described["shape"]
    if kind == "embedding":
        return t("watched.source.row", input=place.input)
    if kind in ("norm", "channel_norm"):
        return t("watched.source.normal")
    if kind in ("conv", "conv_transpose"):
        channels = shape[1] if kind == "conv" else shape[0]
        channel, *at = np.unravel_index(place.input, (channels, *shape[2:]))
        where = f"({', '.join(str(int(i)) for i in at)})"
        return t("watched.source.patch", channel=int(channel), place=where)
    return t("watched.source.input", input=place.input)


def _number(value: Any) -> float:
    return float("nan") if value is None else float(value)
