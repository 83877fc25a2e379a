"""What JAX has under private names only: in this one file, so that a new version is tried here.

Tried with JAX 0.8.0 and 0.10.2. Where a name is gone, each function says so by what it returns.
"""

import sys
import warnings
from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any


def is_running() -> bool:
    """Return whether JAX's backend was started, by whomever, without starting it."""
    bridge = sys.modules.get("jax._src.xla_bridge")
    return bool(getattr(bridge, "backends_are_initialized", bool)())


def file_cache(path: str) -> Any:
    """Return JAX's own cache of compiled code in a folder: ``get`` and ``put`` by a key."""
    return import_module("jax._src.compilation_cache").get_file_cache(path)[0]


def wrap_file_caches(wrap: Callable[[Any, str], Any]) -> bool:
    """Let JAX use another cache of compiled code wherever it would use its own.

    Args:
        wrap: from JAX's cache and its folder to the other one.

    Returns:
        Whether that can be done with this JAX.
    """
    caches: Any = import_module("jax._src.compilation_cache")
    make = getattr(caches, "get_file_cache", None)
    if make is None:
        return False

    def wrapped(path: str) -> tuple[Any, str] | None:
        try:
            cache, path = make(path)
        except Exception:  # nothing can be kept there, and that is no reason to stop
            return None
        return wrap(cache, path), path

    caches.get_file_cache = wrapped
    return True


def speak_gloo_over(host: str) -> bool:
    """Let gloo, which adds over processes, listen on one address; return whether that can be done.

    By itself it looks up the host's name, which on a laptop may lead nowhere.
    """
    engine: Any = getattr(import_module("jax._src.lib"), "_jax", None)
    make = getattr(engine, "make_gloo_tcp_collectives", None)
    if make is None:
        return False
    engine.make_gloo_tcp_collectives = partial(make, hostname=host)
    return True


def detected_cluster(seconds: int) -> tuple[str | None, int | None, int | None, Any]:
    """Return what a launcher tells this process: coordinator, processes, process, devices.

    Where no launcher that JAX knows is found, or it can no longer be asked, all are None.

    Args:
        seconds: to wait for the name of the coordinator to be known.
    """
    known: Any = getattr(import_module("jax._src.clusters"), "ClusterEnv", None)
    ask = getattr(known, "auto_detect_unset_distributed_params", None)
    if ask is None:
        return None, None, None, None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Kubernetes, which our own error tells of
        return ask(None, None, None, None, None, seconds)


def joined() -> tuple[int, int, Any]:
    """Return this process's number, how many have joined, and the service that all can reach.

    Without importing JAX: 0, 1 and None where it was not, or where no processes joined.
    """
    state: Any = getattr(sys.modules.get("jax._src.distributed"), "global_state", None)
    service = getattr(state, "client", None)
    if service is None:
        return 0, 1, None
    return state.process_id, state.num_processes, service
