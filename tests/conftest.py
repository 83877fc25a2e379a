"""What all tests share: checked types, drawn cases that are the same every time, float64."""

import os
import sys
from collections.abc import Callable, Iterator
from types import ModuleType

os.environ.setdefault("JAX_PLATFORMS", "cpu")  # before jax is first imported
os.environ["WHYGRAD_LANG"] = "en"  # messages are matched whole

import pytest
from beartype import beartype
from hypothesis import HealthCheck, settings
from jaxtyping import install_import_hook


def functions_only(function: Callable) -> Callable:
    """Check a function's arguments and result, but not the fields of records.

    JAX rebuilds records with whatever stands for an array at the moment: None, a shape, an axis.
    """
    return function if function.__name__ == "__init__" else beartype(function)


checks = ModuleType("whygrad_checks")  # the hook takes its checker by name
checks.__dict__["functions_only"] = functions_only
sys.modules["whygrad_checks"] = checks
install_import_hook("whygrad", "whygrad_checks.functions_only")

settings.register_profile(
    "whygrad",
    deadline=None,  # the first example compiles
    derandomize=True,
    database=None,
    max_examples=int(os.environ.get("WHYGRAD_EXAMPLES", "25")),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("whygrad")


@pytest.fixture
def float64() -> Iterator[None]:
    """Let JAX compute in float64 for one test."""
    import jax

    with jax.enable_x64(True):
        yield
