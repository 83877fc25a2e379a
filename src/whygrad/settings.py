"""How a network is trained: every setting with its default, its range and its meaning.

The table :data:`RANGES` is the one place where ranges stand; errors, the command line's help and
pages read it.
"""

from collections.abc import Callable, Mapping
from ctypes import c_float
from dataclasses import asdict, dataclass, fields, replace
from inspect import Parameter, signature
from numbers import Integral, Real
from typing import Any, TypedDict, TypeVar

from whygrad.errors import OptionError, unknown_name

F = TypeVar("F", bound=Callable[..., Any])

OPTIMIZERS = (
    "sgd",
    "momentum",
    "nesterov",
    "adam",
    "adamw",
    "nadam",
    "adamax",
    "rmsprop",
    "adagrad",
    "adadelta",
    "lion",
)
SCHEDULES = ("constant", "linear", "cosine", "exponential")
SHUFFLES = ("together", "never", "apart")
REDUCTIONS = ("mean", "sum")
# the smallest and largest size of a number in training: XLA takes what is smaller, a denormal, as 0
SMALLEST = 2.0**-126
LARGEST = (2 - 2.0**-23) * 2.0**127


@dataclass(frozen=True)
class Range:
    """What a number may be, as it was given and as the float32 that training makes of it.

    Attributes:
        kind: ``int`` or ``float``.
        low: lower end.
        high: upper end, or None for no end.
        includes_low: whether ``low`` itself is allowed; ``high`` never is.
        optional: whether None is allowed, for "off".
    """

    kind: type
    low: float
    high: float | None = None
    includes_low: bool = True
    optional: bool = False

    def __str__(self) -> str:
        sign = "≥" if self.includes_low else ">"
        upper = "" if self.high is None else f", < {self.high:.15g}"
        return f"{sign} {self.low:.15g}{upper}"

    def allows(self, value: object) -> bool:
        """Return whether ``value`` is a number of this kind inside the range."""
        if value is None:
            return self.optional
        # NumPy's numbers are among these
        if isinstance(value, bool) or not isinstance(value, Real):
            return False
        if self.kind is int and not isinstance(value, Integral):
            return False
        try:
            number: Any = float(value) if self.kind is float else value
        except OverflowError:  # a whole number beyond every float
            return False
        above = number >= self.low if self.includes_low else number > self.low
        return above and number < (float("inf") if self.high is None else self.high)

    def check(self, option: str, value: Any) -> None:
        """Check that a value is in the range.

        Raises:
            OptionError: it is not.
        """
        if not self.allows(value):
            raise OptionError(
                f"error.{self.kind.__name__}_out_of_range",
                option=option,
                range=str(self),
                actual=repr(value),
            )

    def check_in_float32(self, option: str, value: Any) -> None:
        """Check a value, and what training makes of it.

        Raises:
            OptionError: it is out of range, or in float32 it would be.
        """
        self.check(option, value)
        if self.kind is int or not value:
            return
        rounded = in_float32(value)
        low, high = in_float32(self.low), None if self.high is None else in_float32(self.high)
        if not rounded or not replace(self, low=low, high=high).allows(rounded):
            raise OptionError(
                "error.float32_rounds",
                option=option,
                range=str(self),
                actual=repr(value),
                rounded=rounded,
            )


def in_float32(value: float) -> float:
    """Return what training makes of a number: float32, without denormals."""
    rounded = c_float(value).value
    return 0.0 if abs(rounded) < SMALLEST else rounded


RANGES: dict[str, Range] = {
    "learning_rate": Range(float, 0, includes_low=False),
    "batch_size": Range(int, 1),
    "epochs": Range(int, 1),
    "record_every": Range(int, 0),
    "seed": Range(int, 0, 2**31),
    "momentum": Range(float, 0, 1),
    "beta1": Range(float, 0, 1),
    "beta2": Range(float, 0, 1),
    "epsilon": Range(float, 0, includes_low=False),
    "l1": Range(float, 0),
    "l2": Range(float, 0),
    "weight_decay": Range(float, 0),
    "label_smoothing": Range(float, 0, 1),
    "clip_norm": Range(float, 0, includes_low=False, optional=True),
    "warmup": Range(int, 0),
    "patience": Range(int, 1, optional=True),
}
CHOICES: dict[str, tuple[str, ...]] = {
    "optimizer": OPTIMIZERS,
    "schedule": SCHEDULES,
    "shuffle": SHUFFLES,
    "reduction": REDUCTIONS,
}


@dataclass(frozen=True)
class Settings:
    """How a network is trained.

    Attributes:
        loss: name of the loss; ``auto`` takes the one that matches the target.
        optimizer: one of :data:`OPTIMIZERS`.
        learning_rate: how far a step goes.
        schedule: how the learning rate falls over the run, one of :data:`SCHEDULES`.
        warmup: steps over which the learning rate first rises from 0.
        batch_size: samples a step.
        epochs: passes over the training part.
        record_every: every how many steps the factors of all neurons are recorded; 0 for never.
        seed: of the order of samples and of dropout.
        momentum: of ``momentum`` and ``nesterov``; decay of ``rmsprop``'s mean square is beta2.
        beta1, beta2, epsilon: of ``adam`` and its kin, ``lion`` and ``rmsprop``; beta2 is also the
            decay of ``adadelta``.
        l1: adds l1 * sign(weight) to the gradient of every weight (not of biases).
        l2: adds l2 * weight to the gradient of every weight (not of biases).
        weight_decay: takes learning rate * weight_decay * weight off every weight, decoupled.
        label_smoothing: share of every target of classes that is spread evenly over all of them: of
            3 classes 1, 0, 0 becomes 0.9333, 0.03333, 0.03333 by 0.1. Validation and test are
            measured against the targets as they are.
        clip_norm: longest gradient over all parameters together; None for no limit.
        patience: epochs without a better validation loss before training stops; None for never.
        class_weight: ``balanced`` lets every class count alike; or one weight a class, in the order
            of the data's ``target_names``; None lets every sample count alike.
        maximize: climb the loss instead of descending it: the gradient's sign is flipped, as in
            ``torch.optim``; weights still decay.
        shuffle: ``together`` draws a new order of the samples every epoch; ``never`` keeps theirs;
            ``apart`` gives inputs and targets an order of their own, a fault kept for study; a
            sample's weight goes with its target.
        reduction: ``mean`` over the samples of a batch, or their ``sum``, which grows with it.
    """

    loss: str = "auto"
    optimizer: str = "adam"
    learning_rate: float = 1e-3
    schedule: str = "constant"
    warmup: int = 0
    batch_size: int = 64
    epochs: int = 20
    record_every: int = 10
    seed: int = 0
    momentum: float = 0.9
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    l1: float = 0.0
    l2: float = 0.0
    weight_decay: float = 0.0
    label_smoothing: float = 0.0
    clip_norm: float | None = None
    patience: int | None = None
    class_weight: str | tuple[float, ...] | None = None
    maximize: bool = False
    shuffle: str = "together"
    reduction: str = "mean"

    def __post_init__(self) -> None:
        for name, allowed in RANGES.items():
            allowed.check_in_float32(name, getattr(self, name))
            if getattr(self, name) is not None:
                object.__setattr__(self, name, allowed.kind(getattr(self, name)))
        for name, choices in CHOICES.items():
            if getattr(self, name) not in choices:
                raise unknown_name(name, getattr(self, name), choices)
        if not isinstance(self.maximize, bool):
            raise OptionError("error.maximize", actual=repr(self.maximize))
        _check_class_weight(self.class_weight)

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> "Settings":
        """Build settings from names and values.

        Raises:
            OptionError: an unknown name, or a value out of its range.
        """
        known = [field.name for field in fields(cls)]
        for name in given:
            if name not in known:
                raise unknown_name("setting", name, known)
        values: dict[str, Any] = dict(given)
        if isinstance(values.get("class_weight"), list):
            values["class_weight"] = tuple(values["class_weight"])
        return cls(**values)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


class SettingsGiven(TypedDict, total=False):
    """Settings as a function takes them by name: ``**settings: Unpack[SettingsGiven]``.

    For type checkers and editors; an unknown name still comes to :meth:`Settings.from_dict`, which
    names the nearest one. A list of class weights is as good as a tuple.
    """

    loss: str
    optimizer: str
    learning_rate: float
    schedule: str
    warmup: int
    batch_size: int
    epochs: int
    record_every: int
    seed: int
    momentum: float
    beta1: float
    beta2: float
    epsilon: float
    l1: float
    l2: float
    weight_decay: float
    label_smoothing: float
    clip_norm: float | None
    patience: int | None
    class_weight: str | tuple[float, ...] | list[float] | None
    maximize: bool
    shuffle: str
    reduction: str


def shows_settings(function: F) -> F:
    """Show every setting with its default in the signature of a function that takes ``**settings``.

    ``help``, notebooks and shells read it; what the function takes stays as it is.
    """
    shown = signature(function)
    own = [one for one in shown.parameters.values() if one.kind is not Parameter.VAR_KEYWORD]
    settings = [
        Parameter(field.name, Parameter.KEYWORD_ONLY, default=field.default, annotation=field.type)
        for field in fields(Settings)
    ]
    signed: Any = function
    signed.__signature__ = shown.replace(parameters=[*own, *settings])
    return function


def _check_class_weight(given: str | tuple[float, ...] | None) -> None:
    if isinstance(given, str) and given != "balanced":
        raise unknown_name("class_weight", given, ("balanced",))
    if isinstance(given, tuple):
        weight = Range(float, 0)
        if not all(weight.allows(value) for value in given) or not any(given):
            raise OptionError("error.class_weight_values", actual=list(given))
        for value in given:
            weight.check_in_float32("class_weight", value)
