"""A step of a watched model as a record: read from a full snapshot."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from whygrad.errors import AddressError
from whygrad.explain.ledger import SampleChain
from whygrad.explain.updates import stages
from whygrad.record.address import Address
from whygrad.record.fields import ROW_FIELDS
from whygrad.record.folder import RunFolder
from whygrad.record.layers import LayerSpec
from whygrad.record.step import (
    Closeness,
    Index,
    LayerStep,
    ParameterStep,
    Part,
    Places,
    Rows,
    Sizes,
    StepRecord,
)
from whygrad.words import t

Arrays = Mapping[str, np.ndarray]


class SnapshotStep:
    """A step in which a layer was kept whole, and others with it.

    Args:
        layer: the one that must be there.
        step: its number; default: the last one in which it is.

    Raises:
        AddressError: the layer was not kept whole in that step.
        RunError: nothing was recorded, or the run is damaged.
    """

    def __init__(self, run: RunFolder, layer: str, step: int | None):
        self.specs = run.specs
        step = run.step_of(layer, step)
        layers = Layers(run, step)
        if layer not in layers:
            raise AddressError("error.layer_not_whole", layer=layer)
        notes = layers.notes
        loss = notes["line"].get("loss")
        self.record = StepRecord(
            step=step,
            epoch=None,
            loss=float("nan") if loss is None else float(loss),
            layers=layers,
            sizes=layers.sizes,
            last=list(self.specs)[-1],
            pushed_at_last=_pushed_at_last(run, list(self.specs), step),
        )

    def input_name(self, place: Address) -> str:
        """Return what the input is that a weight comes from."""
        spec, input = self.specs[place.layer], place.input
        assert input is not None
        channel, *at = spec.input_place(input) or (0,)
        where = f"({', '.join(map(str, at))})"
        told = {"input": input, "channel": channel, "place": where}
        return t(f"watched.source.{spec.traits.source}", **told)

    def named(self, place: Address) -> str:
        """Return the address as it is: a snapshot holds no names of inputs."""
        return str(place)

    def target(self, row: int) -> None:
        """Return nothing: a snapshot holds no targets."""

    def chain(self, place: Address, row: int) -> SampleChain:
        """Refuse: a snapshot holds no data.

        Raises:
            AddressError: always.
        """
        raise AddressError("error.watched_sample", sample=row)


class Layers(Mapping[str, LayerStep]):
    """The layers of a full snapshot, each read when it is asked for.

    Attributes:
        sizes, tokens: see :meth:`whygrad.record.folder.RunFolder.whole_sizes`.
        notes: what is told beside the arrays.
    """

    def __init__(self, run: RunFolder, step: int):
        self._run, self._step, self._read = run, step, dict[str, LayerStep]()
        self.sizes, self.tokens, self.notes = run.whole_sizes(step)
        self._names = [name for name in run.layers if name in self.sizes]

    def __getitem__(self, name: str) -> LayerStep:
        if name not in self._names:
            raise KeyError(name)
        if name not in self._read:
            _, arrays, _ = self._run.whole(self._step, layers=(name,))
            settings = self.notes["optimizers"].get(name, {})
            arrays = by_layer(arrays)[name]
            places = Places(_shape_of(arrays), self.tokens)
            self._read[name] = _layer(self._run.spec(name), arrays, settings, places)
        return self._read[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def by_layer(arrays: Arrays) -> dict[str, dict[str, np.ndarray]]:
    """Return the arrays of a full snapshot by layer, and then by name."""
    layers: dict[str, dict[str, np.ndarray]] = {}
    for name, array in arrays.items():
        layer, _, which = name.rpartition("/")
        layers.setdefault(layer, {})[which] = array
    return layers


def _shape_of(arrays: Arrays) -> tuple[int, ...] | None:
    return tuple(arrays["places"].tolist()) if "places" in arrays else None


def _layer(
    spec: LayerSpec, arrays: Arrays, settings: Mapping[str, Any], places: Places
) -> LayerStep:
    sizes = {name: arrays[name] for name in ("pushed", "through", "pulled", "delta", "layer")}
    has_bias = spec.bias is not None and "bias.gradient" in arrays
    return LayerStep(
        spec=spec,
        sizes=Sizes(**sizes),
        weight=_parameter(spec, "weight", arrays, settings.get("weight", {})),
        bias=_parameter(spec, "bias", arrays, settings.get("bias", {})) if has_bias else None,
        rows=rows_of(arrays),
        kept_pulls=spec.as_matrix(arrays["pulls"]),
        strongest=_strongest_of(arrays),
        closeness=_closeness(arrays),
        places=places,
    )


def _closeness(arrays: Arrays) -> Closeness:
    told = arrays["closeness"].tolist() if "closeness" in arrays else []
    strongest = len(arrays.get("strongest.rows", ()))
    return Closeness(*told, strongest=strongest) if told else Closeness()


def _parameter(
    spec: LayerSpec, which: str, arrays: Arrays, settings: Mapping[str, Any]
) -> ParameterStep:
    laid = {
        name.removeprefix(f"{which}."): spec.as_matrix(array) if which == "weight" else array
        for name, array in arrays.items()
        if name.startswith(f"{which}.")
    }

    def stages_at(index: Index) -> list[tuple[str, Part]]:
        parts = {name: np.asarray(array[index], np.float64) for name, array in laid.items()}
        return stages(settings, parts)

    return ParameterStep(laid["before"], laid["after"], laid["gradient"], stages_at)


def rows_of(arrays: Arrays) -> Rows | None:
    """Return a row a sample and position; None where rows were not kept.

    What is kept of each is its part in the mean, which is taken apart again here.
    """
    if not len(arrays.get("sample.delta", ())):
        return None
    input, upstream, delta = (arrays[f"sample.{name}"] for name in ("input", "upstream", "delta"))
    count = len(delta)
    share = np.full(count, 1 / count, delta.dtype)
    return Rows(input, upstream * count, delta * count, share, np.arange(count))


def _strongest_of(arrays: Arrays) -> Rows | None:
    """Return the rows that pull most, of a layer of which not all were kept."""
    if not len(arrays.get("strongest.delta", ())):
        return None
    count = int(arrays["strongest.of"][0])
    parts = (arrays[f"strongest.{name}"] for name in ("input", "upstream", "delta"))
    input, upstream, delta = parts
    share = np.full(len(delta), 1 / count, delta.dtype)
    return Rows(input, upstream * count, delta * count, share, arrays["strongest.rows"])


def _pushed_at_last(run: RunFolder, layers: list[str], step: int) -> float:
    """Return the mean push at the layer that was called last in a step; 0 where none is known."""
    for layer in reversed(layers):
        steps, rows = run.rows(layer)
        if step in steps:
            return float(rows[list(steps).index(step), ROW_FIELDS.index("upstream")].mean())
    return 0.0
