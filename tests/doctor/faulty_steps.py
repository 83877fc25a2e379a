"""Faults of start, hidden layers, steps and penalties: ill cases, and well neighbours."""

import numpy as np
from faulty import FALLING, FEW_SHUT, GROWN, HALF_SHUT, SGD, Case, X, deep, of, shut

CASES = {
    "clones": [
        Case(
            of(init="constant:0.5"),
            (of(init="normal:0.0001"), of(init="orthogonal")),
            {"neurons": 12, "width": 1},
            "hidden1",
        )
    ],
    "small_start": [
        Case(of(init="normal:0.01"), (of(init="normal:0.17"), of(init="zeros")), {}, "hidden1"),
    ],
    "large_start": [
        Case(of(init="normal:2"), (of(init="normal:0.8"),), {}, "hidden1"),
    ],
    "closed_start": [
        Case(
            shut("constant:-50"),
            (shut("constant:-0.29"), shut("constant:0.99"), of()),
            {"size": 50.0, "share": 1.0},
            "hidden1",
        ),
        Case(shut(HALF_SHUT), (), {"share": 0.5}, "hidden1"),
        Case(  # biases that are small, and larger than what the weights bring
            of(measured=True, init="normal:0.01", bias_inits=(HALF_SHUT / 100, *["zeros"] * 2)),
            (of(measured=True, init="normal:0.01", bias_inits=(FEW_SHUT / 100, *["zeros"] * 2)),),
            {"size": 0.5, "share": 0.5},
            "hidden1",
        ),
    ],
    "linear_hidden": [
        Case(
            of(activation="identity"),
            (of(activation="leaky_relu"), of(output_activation="identity")),
            {"linear": 2, "hidden": 2},
            "hidden1",
        ),
        Case(of(activations=("relu", "identity", "softmax")), (), {"linear": 1}, "hidden2"),
    ],
    "exploding_hidden": [
        Case(
            of(activation="exponential"),
            (of(activation="softplus"), of("numbers", output_activation="exponential")),
            {"layers": 2},
            "hidden1",
        ),
        Case(of(activations=("relu", "exponential", "softmax")), (), {}, "hidden2"),
    ],
    "saturating_hidden": [
        Case(
            of(activation="sigmoid"),
            (of(activation="elu"), of("labels")),
            {"layers": 2, "left": 1.0},
            "hidden1",
        )
    ],
    "too_deep": [
        Case(
            deep(*[16] * 6),
            (deep(*[16] * 5), deep(*[17] * 6)),
            {"layers": 6, "width": 16},
            "hidden1",
        )
    ],
    "too_narrow": [
        Case(deep(12, 4), (deep(12, 5),), {"width": 4}, "hidden2"),
        Case(
            of(hidden=(), seen={"measures": (0.69,)}),
            (of(hidden=(), seen={"measures": (0.71,)}),),
            {"width": 0},
            "output",
        ),
    ],
    "dead": [
        Case(
            shut(HALF_SHUT), (shut(FEW_SHUT), of(seen={"ends": (None,)})), {"share": 0.5}, "hidden1"
        )
    ],
    "flipped_sign": [Case(of(maximize=True), (of(),))],
    "rate_too_high": [
        Case(of(learning_rate=0.01), (of(learning_rate=7.9e-3),), {"usual": 1e-3}),
        Case(of(learning_rate=0.02, seen={"first_bad_step": (None, 7, 3)}), (), {"rate": 0.02}),
        Case(
            of(optimizer="sgd", learning_rate=0.1, seen={"losses": GROWN}),
            (of(optimizer="sgd", learning_rate=0.0794, seen={"losses": GROWN[1:]}),),
            {"usual": 1e-2, "optimizer": "sgd"},
        ),
    ],
    "rate_too_low": [
        Case(
            of(learning_rate=1e-4, epochs=2000),
            (of(learning_rate=1.27e-4, epochs=2000),),
            {"rate": 1e-4, "usual": 1e-3, "steps": 16000},
        ),
        Case(of(epochs=100), (of(epochs=125),), {"steps": 800}),
        Case(
            of(learning_rate=5e-3, seen={"moved": (0.09, 0.2, 0.05)}),
            (of(learning_rate=5e-3, seen={"moved": (0.1, np.inf)}),),
            {"moved": 0.09},
        ),
    ],
    "slow_optimizer": [
        Case(of(**SGD), (of(), of(optimizer="lion"), of(optimizer="rmsprop"))),
        Case(of(optimizer="adadelta", learning_rate=0.1), ()),
        Case(of(optimizer="adadelta", learning_rate=0.099), ()),
    ],
    "too_few_steps": [
        Case(of(epochs=25), (of(epochs=125),), {"steps": 200, "epochs": 25}),
        Case(of(epochs=25, seen={"losses": FALLING}), (), {"steps": 200}),
    ],
    "noisy_batch": [
        Case(
            of(batch_size=1), (of(batch_size=5, x=np.tile(X, (2, 1))),), {"batch": 1, "samples": 64}
        ),
        Case(of(batch_size=4), (of(batch_size=4, x=X[:63]),), {"batch": 4}),
    ],
    "few_batches": [
        Case(
            of(batch_size=65),
            (of(batch_size=64), of(batch_size=65, epochs=1001)),
            {"batch": 65, "steps": 200},
        )
    ],
    "strong_dropout": [
        Case(of(drop=0.5), (of(drop=0.49),), {"share": 0.5, "neurons": 12}, "hidden2"),
        Case(
            of(hidden=(12, 8), drop=0.2),
            (of(hidden=(12, 8), drop=0.19), of(hidden=(12, 9), drop=0.2)),
            {"share": 0.2, "neurons": 8},
            "hidden2",
        ),
    ],
    "strong_l1": [Case(of(l1=1e-2), (of(l1=9.9e-4),), {"l1": 1e-2})],
    "strong_l2": [Case(of(l2=5e-2), (of(l2=4.9e-3),), {"l2": 5e-2})],
}
