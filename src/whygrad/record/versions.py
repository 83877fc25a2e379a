"""What a run was computed with, and whether it is the same here."""

from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

ENGINE = ("whygrad", "jax", "jaxlib", "optax", "numpy")


def versions_of(*packages: str) -> dict[str, str]:
    """Return the installed versions of packages, without those that are not installed."""
    found = {}
    for name in packages:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def device_kind() -> str:
    """Return what JAX computes on, such as ``cpu``."""
    import jax

    return jax.devices()[0].device_kind


def differences(description: Mapping[str, Any]) -> dict[str, str] | None:
    """Return in words what a run was ``recorded`` with and what is ``here``, where they differ.

    Args:
        description: what ``run.json`` says; what it does not tell is not compared.
    """
    told = description.get("versions")
    recorded = {k: v for k, v in told.items() if k in ENGINE} if isinstance(told, dict) else {}
    here = versions_of(*recorded)
    if isinstance(description.get("device"), str):
        recorded, here = recorded | {"": description["device"]}, here | {"": device_kind()}
    differing = [name for name in recorded if recorded[name] != here.get(name)]
    if not differing:
        return None
    return {"recorded": _told(recorded, differing), "here": _told(here, differing)}


def _told(versions: Mapping[str, Any], names: list[str]) -> str:
    return ", ".join(f"{name} {versions.get(name, '–')}".strip() for name in names)
