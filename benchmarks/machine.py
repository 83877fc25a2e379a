"""What the numbers were measured on: processor, cores, memory, versions, date; nothing else."""

import os
import platform
import re
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from benchmarks.peers import PACKAGES


def describe() -> dict:
    """Return the machine, the versions of all peers and the date."""
    return {
        "processor": _first(r"model name\s*:\s*(.+)", "/proc/cpuinfo"),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(int(_first(r"MemTotal:\s*(\d+)", "/proc/meminfo")) / 2**20),
        "python": platform.python_version(),
        "versions": {name: _version(name) for name in sorted({"whygrad", *PACKAGES.values()})},
        "date": datetime.now(UTC).date().isoformat(),
    }


def _first(pattern: str, path: str) -> str:
    found = re.search(pattern, Path(path).read_text())
    return found.group(1).strip() if found else "0"


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
