"""What the doctor says of a watched model: findings in the model's own names."""

from dataclasses import dataclass, field
from typing import Any

SEVERE = 0.4  # confidence from which a finding is one, and no note


@dataclass(frozen=True)
class WatchedFinding:
    """Something in a training loop or a model that keeps it from learning.

    Attributes:
        kind: a row of :data:`AILMENTS`.
        confidence: how sure the check is, in [0, 1].
        evidence: what it saw; the words of its sentences.
        layer: in the model's own names, or None where it is no layer's.
        neurons: numbers of the neurons concerned.
        step: when it shows first, if that was recorded.
    """

    kind: str
    confidence: float
    evidence: dict[str, Any] = field(default_factory=dict)
    layer: str | None = None
    neurons: tuple[int, ...] = ()
    step: int | None = None

    @property
    def factor(self) -> str:
        """Which factor of the movement fails first."""
        return AILMENTS[self.kind].factor

    @property
    def is_severe(self) -> bool:
        """Whether it raises an alarm; else it is odd and harmless."""
        return self.confidence >= SEVERE

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON-able data."""
        return {
            "kind": self.kind,
            "factor": self.factor,
            "severity": "ill" if self.is_severe else "worth_a_look",
            "confidence": round(self.confidence, 3),
            "layer": self.layer,
            "neurons": list(self.neurons),
            "step": self.step,
            "evidence": self.evidence,
            "source": AILMENTS[self.kind].source,
        }


@dataclass(frozen=True)
class WatchedAilment:
    """What is the same for all findings of a kind.

    Attributes:
        factor: which factor of the movement fails first; ``optimizer`` for the stages after them.
        source: where the check and its remedy come from.
    """

    factor: str
    source: str


DOCUMENTATION = "docs.pytorch.org"
KARPATHY = "Karpathy 2019, A Recipe for Training Neural Networks"
SCALING = "LeCun, Bottou, Orr and Müller 1998, section 4.3"
GLOROT = "Glorot and Bengio 2010; He, Zhang, Ren and Sun 2015"

# in the order of the chain: from the targets through the loss back, then the update
AILMENTS: dict[str, WatchedAilment] = {
    "inplace_reuse": WatchedAilment("upstream", f"{DOCUMENTATION}, notes on autograd mechanics"),
    "graph_used_twice": WatchedAilment("upstream", f"{DOCUMENTATION}, torch.Tensor.backward"),
    "wrong_dtype": WatchedAilment("upstream", f"{DOCUMENTATION}, torch.nn.CrossEntropyLoss"),
    "class_out_of_range": WatchedAilment("upstream", f"{DOCUMENTATION}, CrossEntropyLoss"),
    "targets_out_of_range": WatchedAilment("upstream", f"{DOCUMENTATION}, BCEWithLogitsLoss"),
    "not_probabilities": WatchedAilment("upstream", f"{DOCUMENTATION}, torch.nn.BCELoss"),
    "unscaled_targets": WatchedAilment("upstream", SCALING),
    "out_of_range": WatchedAilment("slope", "Bishop 2006, section 4.3"),
    "closed_output": WatchedAilment("slope", "Maas, Hannun and Ng 2013"),
    "broadcast_targets": WatchedAilment("upstream", f"{DOCUMENTATION}, torch.nn.MSELoss"),
    "softmax_twice": WatchedAilment("slope", f"{DOCUMENTATION}, torch.nn.CrossEntropyLoss"),
    "sigmoid_twice": WatchedAilment("slope", f"{DOCUMENTATION}, torch.nn.BCEWithLogitsLoss"),
    "not_log_probabilities": WatchedAilment("upstream", f"{DOCUMENTATION}, torch.nn.NLLLoss"),
    "one_column": WatchedAilment("slope", "Bishop 2006, section 4.3"),
    "negated_loss": WatchedAilment("upstream", f"{DOCUMENTATION}, torch.Tensor.backward"),
    "summed_batch": WatchedAilment("agreement", f"{DOCUMENTATION}, torch.nn.CrossEntropyLoss"),
    "not_finite": WatchedAilment("upstream", KARPATHY),
    "detached": WatchedAilment("upstream", f"{DOCUMENTATION}, torch.Tensor.detach"),
    "unreached": WatchedAilment("upstream", f"{DOCUMENTATION}, torch.no_grad"),
    "made_in_forward": WatchedAilment("optimizer", f"{DOCUMENTATION}, torch.nn.Module"),
    "in_eval_mode": WatchedAilment("slope", f"{DOCUMENTATION}, torch.nn.Module.train"),
    "unscaled_inputs": WatchedAilment("input", SCALING),
    "linear_hidden": WatchedAilment("slope", "Goodfellow, Bengio and Courville 2016, section 6.1"),
    "strong_dropout": WatchedAilment("slope", "Srivastava et al. 2014"),
    "small_start": WatchedAilment("upstream", GLOROT),
    "large_start": WatchedAilment("slope", GLOROT),
    "clones": WatchedAilment("agreement", "Goodfellow, Bengio and Courville 2016, section 8.4"),
    "dead": WatchedAilment("slope", "Maas, Hannun and Ng 2013"),
    "saturated": WatchedAilment("slope", "Glorot and Bengio 2010"),
    "vanishing": WatchedAilment("upstream", f"Hochreiter 1991; {GLOROT}"),
    "exploding": WatchedAilment("upstream", f"Hochreiter 1991; {GLOROT}"),
    "zero_grad_missing": WatchedAilment("optimizer", f"{DOCUMENTATION}, Optimizer.zero_grad"),
    "zero_grad_too_late": WatchedAilment("optimizer", f"{DOCUMENTATION}, Optimizer.zero_grad"),
    "undivided_accumulation": WatchedAilment("optimizer", f"{DOCUMENTATION}, notes on autocast"),
    "maximized_loss": WatchedAilment("optimizer", f"{DOCUMENTATION}, torch.optim.SGD"),
    "strong_l2": WatchedAilment("optimizer", "Krogh and Hertz 1991; Loshchilov and Hutter 2019"),
    "not_in_optimizer": WatchedAilment("optimizer", f"{DOCUMENTATION}, torch.optim"),
    "frozen": WatchedAilment("optimizer", f"{DOCUMENTATION}, torch.Tensor.requires_grad_"),
    "rate_at_zero": WatchedAilment("optimizer", f"{DOCUMENTATION}, torch.optim.lr_scheduler"),
    "scheduler_first": WatchedAilment("optimizer", f"{DOCUMENTATION}, torch.optim.lr_scheduler"),
    "steps_too_long": WatchedAilment("optimizer", "Bengio 2012, section 3.1.1"),
    "steps_too_short": WatchedAilment("optimizer", "Bengio 2012, section 3.1.1; Karpathy 2019"),
    "rising_loss": WatchedAilment("optimizer", KARPATHY),
    "stuck": WatchedAilment("optimizer", KARPATHY),
}
