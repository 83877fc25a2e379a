"""Loading a built-in set starts no heavy library: the command line must answer at once."""

import subprocess
import sys

import pytest

HEAVY = ("sklearn", "scipy", "pandas", "pyarrow", "jax", "matplotlib")


@pytest.mark.parametrize(
    "code",
    [
        "import whygrad.data",
        "from whygrad.data import load; load('iris'); load('digits'); load('diabetes')",
        "from whygrad.data import from_arrays; from_arrays([[0.], [1.]] * 9, [0, 1] * 9)",
    ],
)
def test_no_heavy_library_is_imported(code):
    code += f"\nimport sys; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
