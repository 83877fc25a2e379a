"""What is held of a step while it is recorded."""

from dataclasses import dataclass, field

from torch.optim.optimizer import Optimizer

from whygrad.capture.gradients import Gradients
from whygrad.capture.tracer import Tracer


@dataclass
class Window:
    """One step that is being recorded."""

    step: int
    tracer: Tracer
    gradients: Gradients
    in_eval_mode: list[str]
    updated_by: list[Optimizer] = field(default_factory=list)
    early_schedulers: list[str] = field(default_factory=list)
