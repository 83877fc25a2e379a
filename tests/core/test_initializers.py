"""Initialisers: variances from the fans, orthogonality, and specs that say what is wrong."""

import numpy as np
import pytest

from whygrad.core.nn.initializers import INITIALIZERS, draw_bias, draw_weight, parse
from whygrad.errors import OptionError

N_IN, N_OUT = 400, 100
VARIANCES = {
    "lecun_normal": 1 / N_IN,
    "lecun_uniform": 1 / N_IN,
    "glorot_normal": 2 / (N_IN + N_OUT),
    "glorot_uniform": 2 / (N_IN + N_OUT),
    "he_normal": 2 / N_IN,
    "he_uniform": 2 / N_IN,
    "normal": 0.05**2,
    "uniform": 0.05**2 / 3,
    "normal:0.2": 0.04,
    "uniform:0.3": 0.03,
    "orthogonal": 1 / N_IN,  # N_OUT columns of length 1 and N_IN entries
    "orthogonal:2": 4 / N_IN,
}


def weights(spec: str, n_in: int = N_IN, n_out: int = N_OUT) -> np.ndarray:
    return draw_weight(spec, np.random.default_rng(3), n_in, n_out)


@pytest.mark.parametrize("spec", VARIANCES)
def test_the_variance_is_what_the_rule_says(spec):
    drawn = weights(spec)
    assert drawn.shape == (N_IN, N_OUT)
    # 40 000 draws: the variance is known to about 1 %, the mean to 1/200 of the deviation
    assert drawn.var() == pytest.approx(VARIANCES[spec], rel=0.03)
    assert abs(drawn.mean()) < 0.025 * np.sqrt(VARIANCES[spec])


@pytest.mark.parametrize("spec", [spec for spec in VARIANCES if "uniform" in spec])
def test_a_uniform_draw_stays_inside_its_width(spec):
    width = np.sqrt(3 * VARIANCES[spec])
    assert np.abs(weights(spec)).max() <= width
    assert np.abs(weights(spec)).max() > 0.99 * width


@pytest.mark.parametrize(("n_in", "n_out"), [(6, 6), (9, 4), (4, 9)])
def test_orthogonal_weights_keep_lengths(n_in, n_out):
    drawn = weights("orthogonal:1.5", n_in, n_out)
    product = drawn.T @ drawn if n_in >= n_out else drawn @ drawn.T
    np.testing.assert_allclose(product, 1.5**2 * np.eye(min(n_in, n_out)), atol=1e-14)


def test_constants_are_constant():
    np.testing.assert_array_equal(weights("zeros"), 0)
    np.testing.assert_array_equal(weights("constant"), 0.5)
    np.testing.assert_array_equal(weights("constant:-2"), -2)


def test_a_value_of_zero_is_a_value():
    np.testing.assert_array_equal(weights("constant:0"), 0)
    np.testing.assert_array_equal(weights("normal:0"), 0)


@pytest.mark.parametrize("spec", ["he_normal", "lecun_uniform", "glorot_normal", "normal:0.3"])
def test_a_bias_is_drawn_like_a_row_of_the_weights(spec):
    bias = draw_bias(spec, np.random.default_rng(3), N_IN, N_OUT)
    np.testing.assert_array_equal(bias, weights(spec)[0])


@pytest.mark.parametrize("name", INITIALIZERS)
def test_the_same_seed_gives_the_same_weights(name):
    np.testing.assert_array_equal(weights(name, 5, 4), weights(name, 5, 4))


def message(spec: str) -> str:
    with pytest.raises(OptionError) as raised:
        parse(spec)
    return str(raised.value)


def test_an_unknown_name_lists_all():
    assert message("he") == (
        "There is no initialiser called he. Known: zeros, constant, normal, uniform, "
        "lecun_normal, lecun_uniform, glorot_normal, glorot_uniform, he_normal, he_uniform, "
        "orthogonal."
    )


def test_a_value_where_none_belongs_is_refused():
    assert message("he_normal:0.5") == (
        "The initialiser he_normal takes no value, got 0.5. Write he_normal alone."
    )
    assert message("zeros:") == "The initialiser zeros takes no value, got . Write zeros alone."


@pytest.mark.parametrize("text", ["1e-46", "-1e-39", "1e39"])
def test_a_value_that_float32_cannot_hold_is_refused(text):
    assert message(f"constant:{text}") == (
        "The initialiser constant needs a number after the colon that float32 can hold, 0 or from "
        f"1.2e-38 to 3.4e38 in size, got {text}. Write for example constant:0.5."
    )


@pytest.mark.parametrize("text", ["", "big", "nan", "inf", "-inf", "1:2"])
def test_a_value_that_is_no_finite_number_is_refused(text):
    assert message(f"normal:{text}") == (
        f"The initialiser normal needs a finite number after the colon, got {text}. "
        "Write for example normal:0.5."
    )
