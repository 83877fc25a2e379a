"""What scikit-learn's own tests ask for."""

import pytest


@pytest.fixture
def global_random_seed():
    return 42
