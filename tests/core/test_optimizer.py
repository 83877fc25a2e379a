"""Optimisers as stages: the same steps as optax's own and as PyTorch's."""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import torch

from whygrad.core.optimizer import (
    apply_update,
    build_stages,
    only_weights,
    run_stages,
    schedule_of,
    start,
)
from whygrad.settings import OPTIMIZERS, Settings

RATE, STEPS = 0.05, 7
OPTAX = {
    "sgd": lambda: optax.sgd(RATE),
    "momentum": lambda: optax.sgd(RATE, momentum=0.9),
    "nesterov": lambda: optax.sgd(RATE, momentum=0.9, nesterov=True),
    "adam": lambda: optax.adam(RATE),
    "adamw": lambda: optax.adamw(RATE, weight_decay=0.0),
    "nadam": lambda: optax.nadam(RATE),
    "adamax": lambda: optax.adamax(RATE),
    "adagrad": lambda: optax.adagrad(RATE, initial_accumulator_value=0.0, eps=1e-8),
    "adadelta": lambda: optax.adadelta(RATE, rho=0.999, eps=1e-8),
    "rmsprop": lambda: optax.rmsprop(RATE, decay=0.999),
    "lion": lambda: optax.lion(RATE, b1=0.9, b2=0.999, weight_decay=0.0),
}
TORCH = {
    "sgd": lambda p: torch.optim.SGD(p, lr=RATE),
    "momentum": lambda p: torch.optim.SGD(p, lr=RATE, momentum=0.9),
    "nesterov": lambda p: torch.optim.SGD(p, lr=RATE, momentum=0.9, nesterov=True),
    "adam": lambda p: torch.optim.Adam(p, lr=RATE, eps=1e-8),
    "adamw": lambda p: torch.optim.AdamW(p, lr=RATE, eps=1e-8, weight_decay=0.0),
    "adamax": lambda p: torch.optim.Adamax(p, lr=RATE, eps=1e-8),
    "adagrad": lambda p: torch.optim.Adagrad(p, lr=RATE, eps=0.0),
    "adadelta": lambda p: torch.optim.Adadelta(p, lr=RATE, rho=0.999, eps=1e-8),
}
pytestmark = pytest.mark.usefixtures("float64")


def parameters() -> dict:
    rng = np.random.default_rng(0)
    return {
        "hidden1": {"weight": jnp.asarray(rng.normal(size=(3, 2))), "bias": jnp.ones(2)},
        "output": {"weight": jnp.asarray(rng.normal(size=(2, 1)))},
    }


def gradients(step: int) -> dict:
    rng = np.random.default_rng(100 + step)
    return jax.tree.map(lambda p: jnp.asarray(rng.normal(size=p.shape)), parameters())


def walk(settings: Settings, steps: int = STEPS) -> tuple[dict, list[dict]]:
    """Return the parameters after some steps, and what each stage put out at each."""
    stages = build_stages(settings, settings.learning_rate, steps)
    now, state, outputs = parameters(), start(stages, parameters()), []
    for step in range(steps):
        output, state = run_stages(stages, state, gradients(step), now)
        now = apply_update(now, output["learning_rate"])
        outputs.append(output)
    return now, outputs


def walk_optax(rule: optax.GradientTransformation) -> dict:
    now, state = parameters(), rule.init(parameters())
    for step in range(STEPS):
        update, state = rule.update(gradients(step), state, now)
        now = optax.apply_updates(now, update)
    return now


def assert_same(came: dict, expected: dict, relative: float = 1e-12) -> None:
    for a, b in zip(jax.tree.leaves(came), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=relative)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimiser_steps_as_optax_does(name):
    came, _ = walk(Settings(optimizer=name, learning_rate=RATE))
    assert_same(came, walk_optax(OPTAX[name]()))


@pytest.mark.parametrize("name", TORCH)
@pytest.mark.parametrize("l2", [0.0, 0.3])
def test_an_optimiser_steps_as_pytorch_does(name, l2):
    came, _ = walk(Settings(optimizer=name, learning_rate=RATE, l2=l2))
    leaves = [torch.tensor(np.array(leaf)) for leaf in jax.tree.leaves(parameters())]
    is_weight = jax.tree.leaves(only_weights(parameters()))
    rule = TORCH[name](leaves)
    for step in range(STEPS):
        drawn = jax.tree.leaves(gradients(step))
        for leaf, gradient, decays in zip(leaves, drawn, is_weight, strict=True):
            leaf.grad = torch.tensor(np.array(gradient)) + (l2 * leaf if decays else 0)
        rule.step()
    relative = 1e-7 if name == "adagrad" else 1e-12  # optax keeps its epsilon under the root
    for a, b in zip(jax.tree.leaves(came), leaves, strict=True):
        np.testing.assert_allclose(np.asarray(a), b.numpy(), rtol=relative)


def test_decoupled_decay_is_that_of_adamw():
    came, _ = walk(Settings(optimizer="adamw", learning_rate=RATE, weight_decay=0.1))
    assert_same(came, walk_optax(optax.adamw(RATE, weight_decay=0.1, mask=only_weights)))


def test_l2_goes_through_the_scaling_and_decay_does_not():
    coupled, _ = walk(Settings(learning_rate=RATE, l2=0.1))
    decoupled, _ = walk(Settings(learning_rate=RATE, weight_decay=0.1))
    apart = np.abs(coupled["hidden1"]["weight"] - decoupled["hidden1"]["weight"]).max()
    assert apart > 1e-3
    np.testing.assert_array_equal(coupled["hidden1"]["bias"], decoupled["hidden1"]["bias"])


def walk_torch(
    settings: Settings, make: Callable, signs: float = 0.0, **given: object
) -> list[np.ndarray]:
    """Return where PyTorch goes; ``signs`` is the slope of its own l1, added to the loss."""
    leaves = [torch.tensor(np.array(p), requires_grad=True) for p in jax.tree.leaves(parameters())]
    is_weight = jax.tree.leaves(only_weights(parameters()))
    rule = make(leaves, lr=settings.learning_rate, **given)
    for step in range(STEPS):
        drawn = [torch.tensor(np.array(g)) for g in jax.tree.leaves(gradients(step))]
        rule.zero_grad()
        loss = sum((leaf * gradient).sum() for leaf, gradient in zip(leaves, drawn, strict=True))
        decaying = [leaf for leaf, decays in zip(leaves, is_weight, strict=True) if decays]
        loss = loss + signs * sum(leaf.abs().sum() for leaf in decaying)
        loss.backward()
        rule.step()
    return [leaf.detach().numpy() for leaf in leaves]


@pytest.mark.parametrize(
    ("name", "make"), [("sgd", torch.optim.SGD), ("adam", partial(torch.optim.Adam, eps=1e-8))]
)
def test_l1_pulls_as_the_sum_of_sizes_does(name, make):
    settings = Settings(optimizer=name, learning_rate=RATE, l1=0.3)
    came, _ = walk(settings)
    for a, b in zip(jax.tree.leaves(came), walk_torch(settings, make, signs=0.3), strict=True):
        np.testing.assert_allclose(np.asarray(a), b, rtol=1e-12)


def test_l1_leaves_a_weight_of_zero_where_it_is():
    stages = build_stages(Settings(optimizer="sgd", l1=0.5), 0.1, 1)
    at_zero = {"output": {"weight": jnp.zeros((2, 1)), "bias": jnp.ones(1)}}
    still = jax.tree.map(jnp.zeros_like, at_zero)
    outputs, _ = run_stages(stages, start(stages, at_zero), still, at_zero)
    assert_same(outputs["l1"], still)


@pytest.mark.parametrize(
    ("name", "make"), [("sgd", torch.optim.SGD), ("adam", partial(torch.optim.Adam, eps=1e-8))]
)
def test_climbing_is_that_of_pytorch(name, make):
    settings = Settings(optimizer=name, learning_rate=RATE, maximize=True)
    came, _ = walk(settings)
    expected = walk_torch(settings, make, maximize=True)
    for a, b in zip(jax.tree.leaves(came), expected, strict=True):
        np.testing.assert_allclose(np.asarray(a), b, rtol=1e-12)


def test_who_climbs_still_decays():
    settings = Settings(optimizer="sgd", learning_rate=RATE, maximize=True, l2=0.1)
    _, outputs = walk(settings, steps=1)
    weight, gradient = (tree["output"]["weight"] for tree in (parameters(), gradients(0)))
    update = outputs[0]["learning_rate"]["output"]["weight"]
    np.testing.assert_allclose(update, -RATE * (0.1 * weight - gradient), rtol=1e-12)


def test_with_plain_descent_both_decays_are_one():
    coupled, _ = walk(Settings(optimizer="sgd", learning_rate=RATE, l2=0.1))
    decoupled, _ = walk(Settings(optimizer="sgd", learning_rate=RATE, weight_decay=0.1))
    assert_same(coupled, decoupled)


def test_biases_do_not_decay():
    assert only_weights(parameters()) == {
        "hidden1": {"weight": True, "bias": False},
        "output": {"weight": True},
    }


def test_clipping_limits_all_parameters_together():
    _, outputs = walk(Settings(optimizer="sgd", clip_norm=0.5), steps=1)
    assert float(optax.tree.norm(outputs[0]["clip"])) == pytest.approx(0.5)
    raw = gradients(0)
    shrink = 0.5 / optax.tree.norm(raw)
    assert_same(outputs[0]["clip"], jax.tree.map(lambda g: g * shrink, raw))


def test_a_short_gradient_is_not_clipped():
    _, outputs = walk(Settings(optimizer="sgd", clip_norm=1e6), steps=1)
    assert_same(outputs[0]["clip"], gradients(0))


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ({"optimizer": "sgd"}, ["learning_rate"]),
        ({}, ["adam", "learning_rate"]),
        (
            {
                "optimizer": "lion",
                "clip_norm": 1.0,
                "l1": 0.1,
                "l2": 0.1,
                "weight_decay": 0.1,
                "maximize": True,
            },
            ["maximize", "clip", "l1", "l2", "lion", "weight_decay", "learning_rate"],
        ),
    ],
)
def test_only_stages_that_do_something_are_there_and_in_order(given, names):
    stages = build_stages(Settings(**given), 0.1, 10)
    assert [stage.name for stage in stages] == names


def test_each_stage_takes_what_the_one_before_put_out():
    settings = Settings(optimizer="momentum", learning_rate=RATE, clip_norm=0.5, weight_decay=0.1)
    _, outputs = walk(settings, steps=2)
    first, second = outputs
    for layer in ("hidden1", "output"):
        clip, scaled = second["clip"][layer]["weight"], second["momentum"][layer]["weight"]
        np.testing.assert_allclose(scaled, clip + 0.9 * first["momentum"][layer]["weight"])
        np.testing.assert_allclose(
            second["learning_rate"][layer]["weight"],
            -RATE * second["weight_decay"][layer]["weight"],
        )


def rates(steps: int, **given) -> list[float]:
    schedule = schedule_of(Settings(**given), steps)
    assert schedule is not None
    return [float(schedule(step)) for step in range(steps)]


def test_a_constant_rate_needs_no_schedule():
    assert schedule_of(Settings(), 100) is None


def test_the_schedules_fall_as_their_names_say():
    assert rates(4, schedule="linear") == pytest.approx([1, 0.75, 0.5, 0.25])
    cosine = [(1 + np.cos(np.pi * step / 4)) / 2 for step in range(4)]
    assert rates(4, schedule="cosine") == pytest.approx(cosine)
    assert rates(4, schedule="exponential") == pytest.approx([0.01 ** (i / 4) for i in range(4)])


def test_the_rate_warms_up_and_its_first_step_moves():
    assert rates(6, warmup=4) == pytest.approx([0.25, 0.5, 0.75, 1, 1, 1])
    assert rates(6, warmup=2, schedule="linear") == pytest.approx([0.5, 1, 1, 0.75, 0.5, 0.25])
    assert rates(3, warmup=1) == pytest.approx([1, 1, 1])


def test_the_update_follows_the_schedule():
    settings = Settings(optimizer="sgd", learning_rate=RATE, schedule="linear")
    _, outputs = walk(settings, steps=4)
    for step, share in enumerate([1, 0.75, 0.5, 0.25]):
        expected = jax.tree.map(lambda g, share=share: -RATE * share * g, gradients(step))
        # optax counts steps, and so reckons shares, in float32
        assert_same(outputs[step]["learning_rate"], expected, 1e-6)


def test_many_learning_rates_can_be_tried_at_once():
    settings = Settings(optimizer="adam")

    def first_update(rate):
        stages = build_stages(settings, rate, 10)
        outputs, _ = run_stages(stages, start(stages, parameters()), gradients(0), parameters())
        return outputs["learning_rate"]["output"]["weight"]

    together = jax.vmap(first_update)(jnp.array([0.1, 0.2]))
    np.testing.assert_allclose(2 * together[0], together[1], rtol=1e-12)
    np.testing.assert_allclose(together[0], first_update(0.1), rtol=1e-12)


def test_parameters_keep_their_precision():
    single = jax.tree.map(lambda p: p.astype(jnp.float32), parameters())
    stages = build_stages(Settings(), 0.1, 10)
    given = jax.tree.map(lambda g: g.astype(jnp.float32), gradients(0))
    outputs, _ = run_stages(stages, start(stages, single), given, single)
    after = apply_update(single, outputs["learning_rate"])
    assert {leaf.dtype.name for leaf in jax.tree.leaves(after)} == {"float32"}
