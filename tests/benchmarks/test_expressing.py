"""A configuration of a case becomes the set-up that its program trains."""

import numpy as np
import pytest
from benchmarks.faults.expressing import express, fitted_layers

from whygrad.core.nn.losses import LOSSES
from whygrad.errors import OptionError

CONFIG = {
    "layers": [4, 6, 3],
    "activations": ["linear", "softmax"],
    "loss": "cce",
    "target_prep": "onehot",
    "optimizer": {"name": "sgd", "lr": 0.1},
    "batch": 10,
    "epochs": 2,
}
FLOWERS = {"task": "multiclass", "data": {"recipe": "iris"}}
LINE = {"task": "regression", "data": {"recipe": "lin200"}}


def expressed(case=FLOWERS, **changed):
    return express(case, CONFIG | changed)


def line(**changed):
    layers = {"layers": [1, 6, 1], "activations": ["relu", "linear"], "target_prep": "none"}
    return expressed(LINE, **layers | {"loss": "mse"} | changed)


def test_the_plain_parts_are_as_they_were_written():
    setup = expressed()
    assert (setup.sizes, setup.activations) == ((4, 6, 3), ("identity", "softmax"))
    assert (setup.task, setup.classes, setup.dropout) == ("classes", 3, (0.0,))
    assert (setup.inits, setup.bias_inits) == (("glorot_uniform",) * 2, ("zeros",) * 2)
    settings = setup.settings
    assert (settings.batch_size, settings.epochs, settings.learning_rate) == (10, 2, 0.1)
    assert (settings.record_every, settings.shuffle, settings.maximize) == (0, "together", False)
    np.testing.assert_array_equal(setup.y, np.eye(3)[setup.labels])


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ({"name": "sgd", "lr": 0.1}, "sgd"),
        ({"name": "sgd", "lr": 0.1, "momentum": 0.0}, "sgd"),
        ({"name": "sgd", "lr": 0.1, "momentum": 0.5}, "momentum"),
        ({"name": "sgd", "lr": 0.1, "momentum": 0.5, "nesterov": True}, "nesterov"),
        ({"name": "nadam", "lr": 0.1}, "nadam"),
    ],
)
def test_optimizers_with_momentum_have_names_of_their_own(written, name):
    settings = expressed(optimizer=written).settings
    assert settings.optimizer == name
    assert settings.momentum == written.get("momentum", 0.0)


@pytest.mark.parametrize(
    ("written", "beta2"),
    [({"name": "adam"}, 0.999), ({"name": "rmsprop"}, 0.9), ({"name": "rmsprop", "rho": 0.5}, 0.5)],
)
def test_decays_are_those_of_keras(written, beta2):
    settings = expressed(optimizer=written | {"lr": 0.1}).settings
    assert (settings.beta2, settings.epsilon) == (beta2, 1e-7)


def test_a_flipped_sign_climbs():
    assert expressed(optimizer={"name": "sgd", "lr": 0.1, "gradient_sign": -1.0}).settings.maximize


@pytest.mark.parametrize("name", ["mse", "mae", "mape", "msle", "logcosh", "kld", "cce", "bce"])
def test_the_losses_of_keras_are_losses_here(name):
    assert expressed(loss=name).settings.loss in LOSSES


def test_a_summed_loss_is_a_reduction():
    assert line(loss="mse_sum").settings.reduction == "sum"
    assert line().settings.reduction == "mean"


@pytest.mark.parametrize("coding", ["none", "onehot"])
def test_a_sparse_loss_codes_classes_by_itself(coding):
    setup = expressed(loss="scce", target_prep=coding)
    np.testing.assert_array_equal(setup.targets, np.eye(3, dtype=np.float32)[setup.labels])


def test_class_numbers_stay_numbers_where_no_loss_codes_them():
    assert expressed(target_prep="none", loss="mse").y.shape == (150, 1)


def test_starts_are_one_for_all_or_one_a_layer():
    assert expressed(weight_init="const:0.5").inits == ("constant:0.5",) * 2
    assert expressed(weight_init=["ones", "normal"]).inits == ("constant:1", "normal:0.05")
    assert expressed(bias_init=[0.5, "zeros"]).bias_inits == ("constant:0.5", "zeros")


def test_a_penalty_of_keras_pulls_twice_as_hard():
    settings = expressed(l1=0.1, l2=0.1).settings
    assert (settings.l1, settings.l2) == (0.1, 0.2)


def test_dropout_after_the_output_is_none():
    assert expressed(dropout_after_layer=[0.25, 0.9]).dropout == (0.25,)


def test_rows_may_be_shuffled_apart():
    assert expressed(shuffle="apart").settings.shuffle == "apart"


def test_inputs_and_targets_are_prepared():
    setup = line(input_prep="standard", target_prep="minmax")
    assert setup.x.std() == pytest.approx(1)
    assert (setup.y.min(), setup.y.max()) == (0, 1)
    np.testing.assert_array_equal(setup.labels, setup.y)


def test_images_of_another_size_take_smaller_layers():
    assert fitted_layers([784, 512, 64, 10], 64, "mnist") == (64, 128, 64, 10)
    assert fitted_layers([64, 512, 10], 64, "mnist") == (64, 512, 10)
    assert fitted_layers([784, 512, 10], 64, "iris") == (784, 512, 10)


def test_an_unknown_preparation_ends_in_words():
    with pytest.raises(OptionError, match="mimmax"):
        expressed(input_prep="mimmax")
