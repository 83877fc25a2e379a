"""What runs the JavaScript of the lab without a browser."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def node(tmp_path_factory) -> Callable[[str, Any], Any]:
    """Return the function that runs a script of this folder.

    The script reads what it is given as JSON from a file, and prints JSON.
    """
    program = shutil.which("node")
    if program is None:
        pytest.skip("there is no node on this machine, which runs the engine of the lab")

    def run(script: str, given: Any) -> Any:
        path = tmp_path_factory.mktemp("lab") / "given.json"
        path.write_text(json.dumps(given, allow_nan=False))
        command = [program, str(HERE / script), str(path)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run
