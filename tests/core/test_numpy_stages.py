"""The stages on NumPy: optax's numbers, and optax's names for what they keep."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from whygrad.core import numpy_stages, optimizer
from whygrad.core.arrays import named_leaves
from whygrad.core.nn.network import Network
from whygrad.core.numpy_stages import SCALINGS, Layout, can_take
from whygrad.settings import OPTIMIZERS, SCHEDULES, Settings
from whygrad.training import numpy_step, step
from whygrad.training.state import StaticConfig

SIZES = (3, 4, 2)
STEPS = 6


def gradients(seed: int, scale: float) -> list[dict]:
    """Return the gradients of some steps, drawn, with a zero among them."""
    generator, found = np.random.default_rng(seed), []
    for _ in range(STEPS):
        network = Network.create(SIZES, engine="numpy")
        drawn = {
            name: {
                part: (scale * generator.normal(size=array.shape)).astype(np.float32)
                for part, array in parts.items()
            }
            for name, parts in network.parameters.items()
        }
        drawn["output"]["bias"][0] = 0
        found.append(drawn)
    return found


def by_optax(settings: Settings, network: Network, given: list[dict]) -> list[dict]:
    """Return the parameters after each step."""
    stages = optimizer.build_stages(settings, settings.learning_rate, STEPS)
    parameters, found = network.on("jax").parameters, []
    state = optimizer.start(stages, parameters)
    for one in given:
        outputs, state = optimizer.run_stages(stages, state, one, parameters)
        parameters = optimizer.apply_update(parameters, outputs["learning_rate"])
        found.append(parameters)
    return found


def by_numpy(settings: Settings, network: Network, given: list[dict]) -> list[dict]:
    config = StaticConfig(settings, STEPS, "numpy")
    walk = numpy_step.Walk(
        config, numpy_step.first_state(network, config, settings.learning_rate, 0)
    )
    found = []
    for one in given:
        walk.move(walk.layout.vector(one))
        found.append(walk.layout.views(walk.parameters.copy()))
    return found


@given(
    seed=st.integers(0, 2**31 - 1),
    scale=st.sampled_from([1e-4, 1.0, 1e3]),
    optimizer_=st.sampled_from(sorted(SCALINGS)),
    schedule=st.sampled_from(SCHEDULES),
    warmup=st.sampled_from([0, 1, 3]),
    extra=st.fixed_dictionaries(
        {},
        optional={
            "maximize": st.just(True),
            "clip_norm": st.sampled_from([1e-3, 1.0, 1e4]),
            "l1": st.just(0.01),
            "l2": st.just(0.1),
            "weight_decay": st.just(0.2),
        },
    ),
)
@pytest.mark.parametrize("has_bias", [True, False])
def test_every_step_is_that_of_optax(seed, scale, optimizer_, schedule, warmup, extra, has_bias):
    asked = {"optimizer": optimizer_, "schedule": schedule, "warmup": warmup, **extra}
    settings = Settings.from_dict({"learning_rate": 0.01, **asked})
    network = Network.create(SIZES, seed=1, bias=has_bias, engine="numpy")
    drawn = [
        {
            name: {part: one[name][part] for part in parts}
            for name, parts in network.parameters.items()
        }
        for one in gradients(seed, scale)
    ]
    pairs = zip(by_optax(settings, network, drawn), by_numpy(settings, network, drawn), strict=True)
    for theirs, ours in pairs:
        for name, array in named_leaves(theirs).items():
            np.testing.assert_allclose(
                named_leaves(ours)[name], np.asarray(array), rtol=2e-5, atol=2e-6, err_msg=name
            )


@pytest.mark.parametrize("optimizer_", sorted(SCALINGS))
def test_what_is_kept_has_the_names_and_shapes_of_optax(optimizer_):
    settings = Settings(optimizer=optimizer_, l2=0.1, clip_norm=1.0, weight_decay=0.1, warmup=2)
    network = Network.create(SIZES, engine="numpy")
    ours, theirs = (
        named_leaves(engine.plain(engine.first_state(one, StaticConfig(settings, STEPS), 0.1, 7)))
        for engine, one in ((numpy_step, network), (step, network.on("jax")))
    )
    assert list(ours) == list(theirs)
    for name, array in theirs.items():
        assert (ours[name].shape, ours[name].dtype) == (array.shape, array.dtype), name
        np.testing.assert_array_equal(ours[name], np.asarray(array), err_msg=name)


def test_every_optimizer_is_taken_or_left_to_jax():
    taken = {name for name in OPTIMIZERS if can_take(Settings(optimizer=name))}
    assert taken == set(SCALINGS) < set(OPTIMIZERS)


@given(sizes=st.lists(st.integers(1, 5), min_size=2, max_size=4), has_bias=st.booleans())
def test_a_layout_leads_there_and_back(sizes, has_bias):
    network = Network.create(sizes, bias=has_bias, engine="numpy")
    layout = Layout.of(network)
    vector = layout.vector(network.parameters)
    assert len(vector) == layout.size
    again = layout.views(vector)
    for name, array in named_leaves(network.parameters).items():
        np.testing.assert_array_equal(named_leaves(again)[name], array)
        again_ = named_leaves(again)[name]
        assert np.shares_memory(again_, vector[: layout.weights]) == name.endswith("weight")


def test_a_clipped_gradient_has_the_length_that_was_asked_for():
    settings = replace(Settings(), clip_norm=0.5, optimizer="sgd")
    layout = Layout.of(Network.create(SIZES, engine="numpy"))
    (clip,) = numpy_stages.build_stages(settings, layout)
    vector = np.full(layout.size, 3.0, np.float32)
    clip.update({}, vector, vector)
    assert np.linalg.norm(vector) == pytest.approx(0.5, rel=1e-6)
