"""What ``run.json`` begins with, and the words of runs; ``schema`` has the rest.

Format 2 brought the checksums, and what makes a missing file noticed: ``checkpoint`` (the step at
which the run stands), ``checkpoints`` (step -> checksum of the file), ``lines`` (how many each file
of lines holds at least). Runs of format 1 are read, and remain what they are.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from whygrad.errors import RunError
from whygrad.record.sealed import KEY, read_json
from whygrad.words import number

FORMAT = 2
UNSEALED = 1  # the format without checksums
PARTS = ("train", "validation", "test")
STATES = ("training", "stopped", "failed", "finished")
TASKS = ("classes", "binary", "labels", "numbers")
MEASURES = ("loss", "accuracy", "r2")
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


def read_description(folder: Path) -> dict[str, Any]:
    """Return what ``run.json`` says, verified; of a run of any kind.

    Raises:
        RunError: there is no run, it is of another format, or ``run.json`` is damaged.
    """
    path = folder / "run.json"
    if not path.is_file():
        raise RunError("error.no_run", path=folder)
    content = read_json(path, lambda content: not _is_sealed(content))
    if not _is_known(content.get("format")):
        expected = f"{UNSEALED}, {FORMAT}"
        raise RunError(
            "error.run_format", path=folder, expected=expected, came=content.get("format")
        )
    return content


def _is_sealed(content: dict[str, Any]) -> bool:
    came = content.get("format")
    return came == FORMAT or (came == UNSEALED and KEY in content)


def _is_known(came: Any) -> bool:
    return type(came) is int and came in (UNSEALED, FORMAT)


def words_of_overhead(overhead: Mapping[str, float]) -> dict[str, str]:
    """Return what ``report.watched.overhead`` says of ``description["overhead"]``."""
    return {"ratio": number(overhead["ratio"], 3), "share": f"{100 * overhead['share']:.1f} %"}
