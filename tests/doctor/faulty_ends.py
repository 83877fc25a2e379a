"""Faults of the data and of the output: ill cases, and neighbours that are well."""

import numpy as np
from faulty import BETWEEN, SGD, SHARES, Case, X, Y, of, quantities

from whygrad.doctor.baseline import Baseline

HEART = Baseline(0.4, 0.51, True)

CASES = {
    "unscaled_inputs": [
        Case(of(x=300 * X), (of(x=2.99 * X),), {"size": 300.0, "ratio": 1.0}, "hidden1"),
        Case(
            of(x=[5.5, 0.5, 0.5, 0.5] * X),
            (of(x=[4.9, 0.5, 0.5, 0.5] * X),),
            {"ratio": 11.0},
            "hidden1",
        ),
        Case(of(x=0.04 * X), (of(x=0.0501 * X),), {"size": 0.04}, "hidden1"),
    ],
    "unscaled_targets": [
        Case(quantities(300 * Y), (quantities(2.99 * Y),), {"size": 300.0}, "output"),
        Case(quantities(0.002 * Y), (quantities(0.0201 * Y),), {"spread": 0.002}, "output"),
        Case(
            quantities(300 * Y, output_activation="sigmoid"),
            (quantities(300 * Y, output_activation="softmax"),),
            {"size": 300.0},
            "output",
        ),
    ],
    "rows_apart": [Case(of(shuffle="apart"), (of(shuffle="never"), of()))],
    "too_few_outputs": [
        Case(of(outputs=1), (of(), of("binary")), {"outputs": 1, "classes": 3}, "output")
    ],
    "one_unit_softmax": [
        Case(of("binary", output_activation="softmax"), (of("binary"), of()), {}, "output")
    ],
    "out_of_range": [
        Case(
            quantities(3 * BETWEEN - 1, output_activation="sigmoid"),
            (
                quantities(BETWEEN, output_activation="sigmoid"),
                quantities((1 + 5e-7) * BETWEEN, output_activation="sigmoid"),
                quantities(3 * BETWEEN - 1),
                of(output_activation="tanh"),
            ),
            {"low": -1.0, "high": 2.0, "reach_low": 0.0, "reach_high": 1.0},
            "output",
        )
    ],
    "closed_output": [
        Case(
            of("numbers", True, output_activation="relu"),
            (of("numbers"), of("numbers", output_activation="softmax"), of()),
            {"activation": "relu"},
            "output",
        ),
        Case(
            of("numbers", True, output_activation="relu", bias_init="constant:-50"),
            (),
            {"slope": 0.0},
            "output",
        ),
    ],
    "not_probabilities": [
        Case(
            of(output_activation="relu"),
            (of(), of(output_activation="identity"), of("numbers"), of("labels")),
            {"activation": "relu", "fitting": "softmax"},
            "output",
        ),
        Case(of(output_activation="sigmoid", loss="cross_entropy"), (), {}, "output"),
        Case(
            of("binary", output_activation="relu", loss="hinge"),
            (of("binary", output_activation="tanh", loss="hinge"),),
            {},
            "output",
        ),
    ],
    "loss_of_one_unit": [
        Case(
            of("binary", loss="cross_entropy"),
            (of("binary"), of(), of("numbers", loss="cross_entropy"), of(outputs=1)),
            {"loss": "cross_entropy"},
            "output",
        )
    ],
    "loss_of_classes": [
        Case(
            of("numbers", loss="binary_cross_entropy"),
            (of("numbers"), of("classes"), of("numbers", loss="absolute")),
            {"loss": "binary_cross_entropy"},
            "output",
        ),
        Case(
            quantities(BETWEEN, loss="binary_cross_entropy"),
            (quantities(SHARES, outputs=2, loss="cross_entropy"),),
            {"low": 0.0, "high": 1.0},
            "output",
        ),
    ],
    "misfit_loss": [
        Case(
            of("numbers", loss="poisson"),
            (of("numbers"), quantities(BETWEEN + 1, loss="poisson", output_activation="relu")),
            {"loss": "poisson"},
            "output",
        )
    ],
    "loss_of_quantities": [
        Case(
            of(loss="mean_squared"),
            (of(), of("numbers", loss="mean_squared"), of(loss="mean_squared", outputs=1)),
            {"loss": "mean_squared"},
            "output",
        ),
        Case(of("binary", loss="hinge"), (of("binary"),), {"loss": "hinge"}, "output"),
        Case(of("labels", loss="cross_entropy"), (of(loss="cross_entropy"),), {}, "output"),
        Case(of(loss="binary_cross_entropy"), (of("labels"),), {}, "output"),
    ],
    "summed_loss": [
        Case(
            of(reduction="sum", **SGD),
            (of(**SGD), of(reduction="sum", batch_size=1)),
            {"batch": 8},
            "output",
        ),
        Case(of(reduction="sum"), (), {"batch": 8}, "output"),
    ],
    "broadcast_loss": [
        Case(
            of("numbers", loss="broadcast_squared"),
            (of("numbers", loss="mean_squared"),),
            {},
            "output",
        )
    ],
    "unrelated_targets": [
        Case(
            of(seen={"baseline": HEART}),
            (
                of(seen={"baseline": Baseline(0.4, 0.49, True)}),
                of(seen={"baseline": Baseline(0.4, 0.51, False)}),
                of(seen={"baseline": Baseline(0.4, 0.51, True, is_small=True)}),
            ),
            {"samples": 64, "floor": 0.4},
        )
    ],
    "overfits": [
        Case(
            of(seen={"validation": [3.0, 1.0, 2.0, 1.2]}),
            (
                of(seen={"validation": [3.0, 1.0, 2.0, 1.19]}),
                of(seen={"validation": [3.0, 1.0, 2.0]}),
                of(seen={"validation": [3.0, 2.0, 1.0, 0.5]}),
                of(seen={"validation": [3.0, 1.0, 2.0, np.nan]}),
            ),
            {"epoch": 2, "lowest": 1.0, "last": 1.2},
        )
    ],
}
