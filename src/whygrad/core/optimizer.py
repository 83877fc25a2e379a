"""Optimisers as lists of named stages: each turns the gradient a little more into a movement.

    gradient -> maximize -> clip -> l1 -> l2 -> adam -> weight_decay -> learning_rate -> update

A stage is an optax transformation with a name; what it put out over what it took in is one more
factor between a gradient and what the parameter really did.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Float

from whygrad.core.arrays import Array
from whygrad.core.nn.network import Parameters
from whygrad.settings import Settings

State = dict[str, Any]


@dataclass(frozen=True)
class Stage:
    """One named step from the gradient to the update."""

    name: str
    rule: optax.GradientTransformation


SCALINGS: dict[str, Callable[[Settings], optax.GradientTransformation | None]] = {
    "sgd": lambda s: None,
    # Polyak 1964
    "momentum": lambda s: optax.trace(decay=s.momentum),
    # Nesterov 1983; Sutskever, Martens, Dahl and Hinton 2013
    "nesterov": lambda s: optax.trace(decay=s.momentum, nesterov=True),
    # Kingma and Ba 2015
    "adam": lambda s: optax.scale_by_adam(s.beta1, s.beta2, s.epsilon),
    # Loshchilov and Hutter 2019: adam, with weight decay outside of it
    "adamw": lambda s: optax.scale_by_adam(s.beta1, s.beta2, s.epsilon),
    # Dozat 2016: adam with Nesterov's momentum
    "nadam": lambda s: optax.scale_by_adam(s.beta1, s.beta2, s.epsilon, nesterov=True),
    # Kingma and Ba 2015, section 7.1
    "adamax": lambda s: optax.scale_by_adamax(s.beta1, s.beta2, s.epsilon),
    # Duchi, Hazan and Singer 2011
    "adagrad": lambda s: optax.scale_by_rss(initial_accumulator_value=0.0, eps=s.epsilon),
    # Zeiler 2012
    "adadelta": lambda s: optax.scale_by_adadelta(rho=s.beta2, eps=s.epsilon),
    # Tieleman and Hinton 2012; beta2 is the decay of the mean square
    "rmsprop": lambda s: optax.scale_by_rms(decay=s.beta2, eps=s.epsilon),
    # Chen, Liang, Huang and others 2023
    "lion": lambda s: optax.scale_by_lion(s.beta1, s.beta2),
}


def build_stages(
    settings: Settings, learning_rate: Float[Array, ""] | float, total_steps: int
) -> tuple[Stage, ...]:
    """Return the stages that ``settings`` ask for, in order, without those that would do nothing.

    Args:
        learning_rate: the rate at its highest; may be traced, so that many can train at once.
        total_steps: length of the run, over which a schedule falls.
    """
    scaling = SCALINGS[settings.optimizer](settings)
    wanted = [
        ("maximize", settings.maximize and optax.scale(-1.0)),
        ("clip", settings.clip_norm and optax.clip_by_global_norm(settings.clip_norm)),
        ("l1", settings.l1 and add_signs(settings.l1)),
        ("l2", settings.l2 and add_weights(settings.l2)),
        (settings.optimizer, scaling),
        (
            "weight_decay",
            settings.weight_decay
            and optax.add_decayed_weights(settings.weight_decay, mask=only_weights),
        ),
        ("learning_rate", scale_down(learning_rate, schedule_of(settings, total_steps))),
    ]
    return tuple(Stage(name, rule) for name, rule in wanted if rule)


def add_signs(l1: float) -> optax.GradientTransformation:
    """Return the stage that adds l1 * sign(weight), the slope of l1 * abs(weight)."""

    def pulled(gradient: Array, parameter: Array, is_weight: bool) -> Array:
        return gradient + l1 * jnp.sign(parameter) if is_weight else gradient

    def update(gradients: Parameters, parameters: Parameters) -> Parameters:
        return jax.tree.map(pulled, gradients, parameters, only_weights(parameters))

    return optax.stateless(update)  # type: ignore[arg-type]


def add_weights(l2: float) -> optax.GradientTransformation:
    """Return the stage that adds l2 * weight, the slope of l2 / 2 * weight^2.

    Its state holds ``l2``: programs that differ in nothing else are one.
    """

    def init(parameters: Parameters) -> State:
        return {"l2": jnp.asarray(l2, jax.tree.leaves(parameters)[0].dtype)}

    def update(
        gradients: Parameters, state: State, parameters: Parameters
    ) -> tuple[Parameters, State]:
        def pulled(gradient: Array, parameter: Array, is_weight: bool) -> Array:
            return gradient + state["l2"] * parameter if is_weight else gradient

        return jax.tree.map(pulled, gradients, parameters, only_weights(parameters)), state

    return optax.GradientTransformation(init, update)  # type: ignore[arg-type]


def only_weights(parameters: Parameters) -> dict[str, dict[str, bool]]:
    """Return which parameters decay: weights do, biases do not."""
    return {
        layer: {name: name == "weight" for name in parts} for layer, parts in parameters.items()
    }


def scale_down(
    learning_rate: Float[Array, ""] | float, schedule: optax.Schedule | None
) -> optax.GradientTransformation:
    """Return the last stage: update = -learning_rate * schedule(step) * what came."""
    if schedule is None:
        return optax.scale(-learning_rate)
    return optax.scale_by_schedule(lambda step: -learning_rate * schedule(step))


def schedule_of(settings: Settings, total_steps: int) -> optax.Schedule | None:
    """Return the share of the learning rate that is used at a step, or None if always all of it."""
    if settings.schedule == "constant" and not settings.warmup:
        return None
    falling = max(total_steps - settings.warmup, 1)
    shape = {
        "constant": optax.constant_schedule(1.0),
        "linear": optax.linear_schedule(1.0, 0.0, falling),
        "cosine": optax.cosine_decay_schedule(1.0, falling),
        "exponential": optax.exponential_decay(1.0, falling, decay_rate=0.01),
    }[settings.schedule]
    if not settings.warmup:
        return shape
    # the first step already moves: (step + 1) / warmup
    rising = optax.linear_schedule(1 / settings.warmup, 1.0, max(settings.warmup - 1, 1))
    return optax.join_schedules([rising, shape], [settings.warmup])


def start(stages: Sequence[Stage], parameters: Parameters) -> State:
    """Return the state of every stage before the first step, by stage name."""
    return {stage.name: stage.rule.init(parameters) for stage in stages}


def run_stages(
    stages: Sequence[Stage], state: State, gradients: Parameters, parameters: Parameters
) -> tuple[dict[str, Parameters], State]:
    """Send gradients through all stages.

    Returns:
        What each stage put out, by stage name, the last being the update; and the next state.
    """
    outputs, next_state, current = {}, {}, gradients
    for stage in stages:
        current, next_state[stage.name] = stage.rule.update(current, state[stage.name], parameters)
        outputs[stage.name] = current
    return outputs, next_state


def apply_update(parameters: Parameters, update: Parameters) -> Parameters:
    """Return parameters + update, in the parameters' precision."""
    return jax.tree.map(jnp.add, parameters, update)
