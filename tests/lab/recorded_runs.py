"""Runs for the lab's room over a run: trained, watched, and written without any training."""

import warnings
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch

import whygrad as wg
from whygrad.record.description import FORMAT
from whygrad.record.factors import layer_sizes, mean_size, neuron_pulls, weight_pulls
from whygrad.record.fields import DEFINED, ROW_FIELDS
from whygrad.record.sealed import sealed_lines, sealed_tensors, write_tensors
from whygrad.record.writing import new_run, publish


def trained(out: Path) -> wg.Run:
    """Train one of whygrad's own networks, whose second layer is shown in groups first."""
    network = wg.Network.create([2, 5, 70, 2], seed=3)
    data = wg.load("circles")
    return wg.train(network, data, out=out, epochs=4, batch_size=16, record_every=3)


def watched(out: Path, names: Sequence[str] = ("first", "last")) -> wg.Run:
    """Watch a PyTorch model whose layers have these names."""
    torch.manual_seed(0)
    layers = torch.nn.ModuleDict({names[0]: torch.nn.Linear(3, 6), names[1]: torch.nn.Linear(6, 2)})
    model = torch.nn.Module()
    model.layers = layers
    optimizer = torch.optim.SGD(layers.parameters(), 0.05)
    inputs, wanted = torch.randn(12, 3), torch.randn(12, 2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with wg.watch(model, every=1, out=out) as watch:
            for _ in range(8):
                optimizer.zero_grad()
                found = layers[names[1]](torch.tanh(layers[names[0]](inputs)))
                ((found - wanted) ** 2).mean().backward()
                optimizer.step()
    return wg.open_run(watch.run.path)


def written(
    out: Path,
    sizes: Sequence[int],
    steps: int,
    *,
    whole: Sequence[int] = (),
    samples: int = 64,
    marks: Mapping[tuple[int, int, int], float] | None = None,
) -> wg.Run:
    """Write the record of a watched model of linear layers, without any training.

    Args:
        sizes: numbers of neurons, from the inputs on.
        whole: steps with a full snapshot.
        marks: factors of the first layer that are put in, by (step, field, neuron).
    """
    draw = np.random.default_rng(0)
    pairs = list(pairwise(sizes))
    layers = {f"layers.{i}": _described(i, *pair, len(pairs)) for i, pair in enumerate(pairs)}
    rows = {}
    for (name, layer), _ in zip(layers.items(), pairs, strict=True):
        shape = (steps, len(ROW_FIELDS), layer["n_out"])
        rows[name] = np.exp(draw.normal(size=shape) * 1.5 - 2).astype(np.float32)
    for (step, field, neuron), value in (marks or {}).items():
        rows["layers.0"][step, field, neuron] = value
    rows["steps"] = np.arange(steps)
    losses = [2 * float(np.exp(-3 * s / steps)) for s in range(steps)]
    if steps > 20:
        losses[steps // 3] *= 9  # a spike
    with new_run(out, ("anatomy", "whole")):
        sums = {}
        for step in whole:
            tensors = {}
            for (name, layer), pair in zip(layers.items(), pairs, strict=True):
                kept, row = _snapshot(draw, *pair, samples)
                tensors |= {f"{name}/{key}": array for key, array in kept.items()}
                rows[name][step] = row
                assert layer["n_out"] == pair[1]
            notes = {
                "line": {"step": step, "loss": losses[step]},
                "optimizers": {name: {"weight": {}, "bias": {}} for name in layers},
            }
            sums[str(step)] = write_tensors(out / "whole" / f"{step}.safetensors", tensors, notes)
        description = {
            "format": FORMAT,
            "fields": DEFINED,
            "kind": "watched",
            "state": "finished",
            "created": "2026-01-01T00:00:00+00:00",
            "versions": {"whygrad": "0"},
            "model": "Written",
            "every": 1,
            "layers": layers,
            "uncovered": [],
            "explainable": [],
            "whole": sums,
            "steps": steps,
            "overhead": {},
            "lines": {"history": steps, "facts": steps},
        }
        history = [{"step": s, "loss": losses[s]} for s in range(steps)]
        publish(
            out,
            description,
            files={
                out / "anatomy" / "0.safetensors": sealed_tensors(rows, {})[0],
                out / "history.jsonl": sealed_lines(history),
                out / "facts.jsonl": sealed_lines([{"step": s} for s in range(steps)]),
            },
        )
    return wg.open_run(out)


def _described(place: int, n_in: int, n_out: int, count: int) -> dict:
    return {
        "kind": "linear",
        "weight": f"layers.{place}.weight",
        "n_in": n_in,
        "n_out": n_out,
        "activation": "tanh",
        "steepest": 1.0,
        "shape": [n_out, n_in],
        "bias": f"layers.{place}.bias",
        "first": 0,
        "is_shared": False,
        "feeds": f"layers.{place + 1}" if place + 1 < count else None,
    }


def _snapshot(
    draw: np.random.Generator, n_in: int, n_out: int, samples: int
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Return the arrays of a full snapshot of drawn samples, and the row that goes with them."""
    input, upstream = draw.normal(size=(samples, n_in)), draw.normal(size=(samples, n_out))
    delta = upstream * draw.uniform(size=(samples, n_out))
    share = np.full(samples, 1 / samples)
    gradient = input.T @ (share[:, None] * delta)
    pushed, through = mean_size(share, upstream), mean_size(share, delta)
    pulled = neuron_pulls(input, delta, share)
    before = draw.normal(size=(n_out, n_in))
    arrays = {
        "pushed": pushed,
        "through": through,
        "pulled": pulled,
        "pulls": weight_pulls(input, delta, share).T,
        "delta": share @ delta,
        "layer": np.stack(layer_sizes(input, upstream, delta, share)),
        "weight.before": before,
        "weight.gradient": gradient.T,
        "weight.after": before - 0.01 * gradient.T,
        "bias.before": np.zeros(n_out),
        "bias.gradient": share @ delta,
        "bias.after": -0.01 * (share @ delta),
        "sample.input": input,
        "sample.upstream": upstream / samples,
        "sample.delta": delta / samples,
    }
    norm = np.linalg.norm(gradient, axis=0)
    four = [pushed, through / pushed, pulled / through, norm / pulled]
    row = np.stack([*four, np.ones(n_out), np.ones(n_out)])
    return {name: one.astype(np.float32) for name, one in arrays.items()}, row
