"""What the doctor says: findings with numbers, and remedies as changes of a set-up."""

from dataclasses import dataclass, field
from typing import Any

COMPONENTS = (
    "prep_x",
    "prep_y",
    "data",
    "layers",
    "init",
    "bias_init",
    "hidden_act",
    "output_act",
    "loss",
    "opt",
    "batch",
    "epochs",
    "dropout",
    "l1",
    "l2",
)


@dataclass(frozen=True)
class Remedy:
    """One change that may help.

    Attributes:
        name: key of the sentence that tells it, ``doctor.remedy.<name>``.
        component: what is changed, one of :data:`COMPONENTS`.
        changes: new values, as :meth:`Setup.changed` takes them.
        also: components that change with it.
    """

    name: str
    component: str
    changes: dict[str, Any]
    also: tuple[str, ...] = ()


@dataclass(frozen=True)
class Finding:
    """Something that keeps a network from learning.

    Attributes:
        kind: the ailment, a row of :data:`AILMENTS`.
        confidence: how sure the check is before any trial, in [0, 1].
        evidence: the numbers that it saw, by name.
        remedies: what may help, most likely first.
        layer: where it shows first, or None where it is no layer's.
        neurons: numbers of the neurons concerned.
        step: when it shows first; 0 is before any step.
        explained: share of what was not learned that the best of its remedies alone brought back;
            None without a trial.
    """

    kind: str
    confidence: float
    evidence: dict[str, Any] = field(default_factory=dict)
    remedies: tuple[Remedy, ...] = ()
    layer: str | None = None
    neurons: tuple[int, ...] = ()
    step: int | None = 0
    explained: float | None = None

    @property
    def component(self) -> str:
        """What to change, one of :data:`COMPONENTS`."""
        return self.evidence.get("component") or AILMENTS[self.kind].component

    @property
    def factor(self) -> str:
        """Which factor of the movement fails first."""
        return AILMENTS[self.kind].factor

    @property
    def weight(self) -> float:
        """What the findings are ranked by: how sure, and how much of the lost learning it explains.

        Before a trial every finding counts as if it explained the same.
        """
        explained = UNTRIED if self.explained is None else self.explained
        return self.confidence * (UNEXPLAINED + (1 - UNEXPLAINED) * explained)

    @property
    def severity(self) -> str:
        """``ill`` where it is likely the cause, else ``worth_a_look``."""
        return "ill" if self.weight >= LIKELY else "worth_a_look"

    @property
    def is_refuted(self) -> bool:
        """Whether its remedies were tried and brought little back."""
        return self.explained is not None and self.explained < LITTLE

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON-able data."""
        return {
            "kind": self.kind,
            "component": self.component,
            "factor": self.factor,
            "severity": self.severity,
            "refuted": self.is_refuted,
            "confidence": round(self.confidence, 3),
            "explained": self.explained,
            "layer": self.layer,
            "neurons": list(self.neurons),
            "step": self.step,
            "evidence": self.evidence,
            "remedies": [
                {"name": remedy.name, "component": remedy.component, "changes": remedy.changes}
                for remedy in self.remedies
            ],
        }


UNEXPLAINED = 0.3  # weight of a finding whose remedies did nothing: one change may not be enough
UNTRIED = 0.5
LITTLE = 0.2  # of what was not learned
LIKELY = 0.4


@dataclass(frozen=True)
class Ailment:
    """What is the same for all findings of a kind.

    Attributes:
        component: what to change.
        factor: which factor of the movement fails first; ``optimizer`` for the stages after them.
        source: where the check, its threshold and its remedy come from.
    """

    component: str
    factor: str
    source: str


KARPATHY = "Karpathy 2019, A Recipe for Training Neural Networks"
LECUN = "LeCun, Bottou, Orr and Mueller 1998, Efficient BackProp"
GLOROT = "Glorot and Bengio 2010"
HE = "He, Zhang, Ren and Sun 2015"
BISHOP = "Bishop 2006, section 4.3.6"
GOODFELLOW = "Goodfellow, Bengio and Courville 2016"
BENGIO = "Bengio 2012, Practical Recommendations"
CHECKER = "Ben Braiek and Khomh 2022, TheDeepChecker"

AILMENTS: dict[str, Ailment] = {
    "one_unit_softmax": Ailment("output_act", "slope", f"{GOODFELLOW}, section 6.2.2.3"),
    "too_few_outputs": Ailment("layers", "upstream", "Islam and others 2019; NeuraLint 2021"),
    "out_of_range": Ailment("output_act", "slope", "Wardat and others 2022, DeepDiagnosis"),
    "closed_output": Ailment("output_act", "slope", f"{GOODFELLOW}, section 6.2.2"),
    "not_probabilities": Ailment("output_act", "upstream", BISHOP),
    "loss_of_one_unit": Ailment("loss", "upstream", BISHOP),
    "loss_of_classes": Ailment("loss", "upstream", BISHOP),
    "misfit_loss": Ailment("loss", "upstream", "McCullagh and Nelder 1989, chapter 6"),
    "loss_of_quantities": Ailment("loss", "upstream", f"{BISHOP}; Golik and others 2013"),
    "summed_loss": Ailment("loss", "agreement", CHECKER),
    "broadcast_loss": Ailment("loss", "upstream", CHECKER),
    "flipped_sign": Ailment("opt", "optimizer", CHECKER),
    "rows_apart": Ailment("data", "agreement", CHECKER),
    "unscaled_inputs": Ailment("prep_x", "input", f"{LECUN}, section 4.3"),
    "unscaled_targets": Ailment("prep_y", "upstream", f"{CHECKER}; {BENGIO}"),
    "clones": Ailment("init", "agreement", f"{GOODFELLOW}, section 8.4"),
    "small_start": Ailment("init", "upstream", f"{GLOROT}; {HE}"),
    "large_start": Ailment("init", "slope", f"{GLOROT}; {HE}"),
    "closed_start": Ailment("bias_init", "slope", f"{GOODFELLOW}, section 8.4"),
    "linear_hidden": Ailment("hidden_act", "slope", "Minsky and Papert 1969; NeuraLint 2021"),
    "exploding_hidden": Ailment("hidden_act", "slope", "Zhang and others 2021, AutoTrainer"),
    "saturating_hidden": Ailment("hidden_act", "slope", f"{GLOROT}; Hochreiter 1991"),
    "too_deep": Ailment("layers", "slope", "Lu and others 2020, Dying ReLU and Initialization"),
    "too_narrow": Ailment("layers", "upstream", f"{GOODFELLOW}, section 6.4.1"),
    "dead": Ailment("hidden_act", "slope", "Maas, Hannun and Ng 2013"),
    "rate_too_high": Ailment("opt", "optimizer", BENGIO),
    "rate_too_low": Ailment("opt", "optimizer", BENGIO),
    "slow_optimizer": Ailment("opt", "optimizer", "Kingma and Ba 2015"),
    "too_few_steps": Ailment("epochs", "optimizer", BENGIO),
    "noisy_batch": Ailment("batch", "agreement", f"{BENGIO}; McCandlish and others 2018"),
    "few_batches": Ailment("batch", "optimizer", BENGIO),
    "strong_dropout": Ailment("dropout", "slope", "Srivastava and others 2014"),
    "strong_l1": Ailment("l1", "optimizer", KARPATHY),
    "strong_l2": Ailment("l2", "optimizer", KARPATHY),
    "unrelated_targets": Ailment("data", "agreement", f"{CHECKER}; {KARPATHY}"),
    "overfits": Ailment("data", "agreement", f"{GOODFELLOW}, section 7.8"),
    "found_by_trial": Ailment("opt", "optimizer", "the trials themselves"),
    "unexplained": Ailment("opt", "optimizer", KARPATHY),
}
