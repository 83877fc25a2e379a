"""What ``run.json`` tells: its words, and what a run was computed with; ``schema`` has the rest.

Format 2 brought the checksums, and what makes a missing file noticed: ``checkpoint`` (the step at
which the run stands), ``checkpoints`` (step -> checksum of the file), ``lines`` (how many each file
of lines holds at least). Runs of format 1 are read, and remain what they are.
"""

from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from whygrad.words import number, percent, t

FORMAT = 2
UNSEALED = 1  # the format without checksums
PARTS = ("train", "validation", "test")
STATES = ("training", "stopped", "failed", "finished")
TASKS = ("classes", "binary", "labels", "numbers")
MEASURES = ("loss", "accuracy", "r2")
ENGINES = {  # what a run's numbers come from, by its engine
    "jax": ("whygrad", "jax", "jaxlib", "optax", "numpy"),
    "numpy": ("whygrad", "numpy"),
}
DTYPES = ("float16", "bfloat16", "float32", "float64")
# loss -> output activations with which it is taken as one function of z, the one it is made for
# first; an identity behind another one means that the loss brings that one itself
MATCHED: dict[str, tuple[str, ...]] = {
    "softmax_cross_entropy": ("softmax", "identity"),
    "cross_entropy": ("softmax",),
    "binary_cross_entropy": ("sigmoid", "identity"),
    "squared": ("identity",),
    "absolute": ("identity",),
    "huber": ("identity",),
    "mean_squared": (),
    "mean_absolute": (),
    "mean_absolute_percentage": (),
    "mean_squared_logarithmic": (),
    "log_cosh": (),
    "poisson": (),
    "kl_divergence": (),
    "hinge": (),
    "squared_hinge": (),
    "categorical_hinge": (),
    "clipped_cross_entropy": (),
    "clipped_binary_cross_entropy": (),
    "plain_cross_entropy": (),
    "broadcast_squared": (),
}


def words_of_overhead(overhead: Mapping[str, float]) -> dict[str, str]:
    """Return what ``report.watched.overhead`` says of ``description["overhead"]``."""
    return {"ratio": number(overhead["ratio"], 3), "share": percent(overhead["share"], 1)}


def versions_of(*packages: str) -> dict[str, str]:
    """Return the installed versions of packages, without those that are not installed."""
    found = {}
    for name in packages:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def engine_of(description: Mapping[str, Any]) -> str:
    """Return the engine of a run: ``numpy``, or ``jax``, which was the only one at first."""
    return description.get("engine", "jax")


def device_kind(engine: str) -> str:
    """Return what an engine computes on, such as ``cpu``."""
    if engine == "numpy":
        return "cpu"
    import jax

    return jax.devices()[0].device_kind


def differences(description: Mapping[str, Any]) -> dict[str, str] | None:
    """Return in words what a run was ``recorded`` with and what is ``here``, where they differ.

    Args:
        description: what ``run.json`` says; what it does not tell is not compared.
    """
    told, engine = description.get("versions"), engine_of(description)
    recorded = {}
    if isinstance(told, dict):
        recorded = {name: told[name] for name in told if name in ENGINES[engine]}
    here = versions_of(*recorded)
    if isinstance(description.get("device"), str):
        recorded, here = recorded | {"": description["device"]}, here | {"": device_kind(engine)}
    differing = [name for name in recorded if recorded[name] != here.get(name)]
    if not differing:
        return None
    return {"recorded": _told(recorded, differing), "here": _told(here, differing)}


def _told(versions: Mapping[str, Any], names: list[str]) -> str:
    return ", ".join(f"{name} {versions.get(name, '–')}".strip() for name in names)


def told_steps(description: Mapping[str, Any], *, steps: int, recorded: int) -> str:
    """Return in a sentence how many steps a watched model took, and how many were recorded."""
    every = description["every"]
    key = "report.watched.lead.auto" if every == "auto" else "report.watched.lead"
    return t(key, every=every, steps=steps, recorded=recorded)
