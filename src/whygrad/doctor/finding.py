"""What the doctor says: findings with numbers, and remedies as changes of a set-up."""

from dataclasses import dataclass, field
from typing import Any

from whygrad.doctor.faults import COMPONENTS, FAULTS
from whygrad.doctor.thresholds import ALARM, LITTLE, UNEXPLAINED, UNTRIED
from whygrad.doctor.wording import line_to_change, sentence

__all__ = ["COMPONENTS", "Finding", "Remedy"]


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
        kind: the fault, a row of :data:`whygrad.doctor.faults.FAULTS`.
        confidence: how sure the check is before any trial, in [0, 1].
        evidence: the numbers that it saw, by name; the words of its sentences.
        remedies: what may help, most likely first.
        layer: where it shows first, in the network's own names; None where it is no layer's.
        neurons: numbers of the neurons concerned.
        step: when it shows first; 0 is before any step. None where that is not known.
        explained: share of what was not learned that the best of its remedies alone brought back;
            None without a trial.
        can_be_tried: whether its remedies can be; those of a watched model are lines of a program.
        said: which of the fault's sentences tells it, ``doctor.<kind>.<said>``.
    """

    kind: str
    confidence: float
    evidence: dict[str, Any] = field(default_factory=dict)
    remedies: tuple[Remedy, ...] = ()
    layer: str | None = None
    neurons: tuple[int, ...] = ()
    step: int | None = None
    explained: float | None = None
    can_be_tried: bool = True
    said: str = "says"

    @property
    def component(self) -> str:
        """What to change, one of :data:`COMPONENTS`."""
        return self.evidence.get("component") or FAULTS[self.kind].component

    @property
    def factor(self) -> str | None:
        """Which factor of the movement fails first; None where all of them may be healthy."""
        return self.evidence.get("factor") or FAULTS[self.kind].factor

    @property
    def source(self) -> str:
        """Where the check and its remedy come from."""
        return FAULTS[self.kind].source

    @property
    def role(self) -> str:
        """How it ranks among others, see :mod:`whygrad.doctor.faults`."""
        return FAULTS[self.kind].role

    @property
    def yields_to(self) -> tuple[str, ...]:
        """The kinds beside which it is not told."""
        return FAULTS[self.kind].yields_to

    @property
    def weight(self) -> float:
        """What the findings are ranked by: how sure, and how much of the lost learning it explains.

        Before a trial every finding counts as if it explained the same. One that cannot be tried
        counts with its confidence alone.
        """
        if not self.can_be_tried:
            return self.confidence
        explained = UNTRIED if self.explained is None else self.explained
        return self.confidence * (UNEXPLAINED + (1 - UNEXPLAINED) * explained)

    @property
    def severity(self) -> str:
        """``ill`` where it is likely the cause, else ``worth_a_look``."""
        return "ill" if self.weight >= ALARM else "worth_a_look"

    @property
    def is_refuted(self) -> bool:
        """Whether its remedies were tried and brought little back."""
        return self.explained is not None and self.explained < LITTLE

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON-able data; ``text`` is the sentence that is printed."""
        line = {} if self.can_be_tried else {"line": line_to_change(self)}
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
            "source": self.source,
            "text": sentence(self),
            **line,
        }
