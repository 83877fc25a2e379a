"""``whygrad train --watch``: a callback that diagnoses a run while it trains."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from whygrad.cli.console import problem
from whygrad.cli.training import make_network
from whygrad.doctor.finding import Finding
from whygrad.settings import Settings
from whygrad.training.recorder import Callback, ProgressEvent
from whygrad.training.trained import TrainedRun
from whygrad.words import t

if TYPE_CHECKING:
    from whygrad.cli.plan import Plan
    from whygrad.core.nn.network import Network
    from whygrad.data import Data


class DoctorCallback:
    """Reports each finding once, as soon as it is certain.

    Args:
        stops: whether the first finding stops the run.
    """

    def __init__(self, stops: bool):
        self.stops = stops
        self.told: list[Finding] = []
        self._files = 0  # of recorded rows, when they were last looked at

    @property
    def stopped(self) -> bool:
        """Whether a finding has stopped the run."""
        return self.stops and bool(self.told)

    def sees_at_start(self, plan: "Plan", data: "Data") -> bool:
        """Tell what is certain before the first step; return whether it stops the run."""
        settings = Settings.from_dict(plan.training)
        return self._sees(make_network(plan, data), data, settings, plan.to_dict())

    def sees_again(self, run: TrainedRun) -> bool:
        """Tell what was certain before the first step of a run that is to go on."""
        start = run.checkpoint(0).state.network
        return self._sees(start, run.data, run.settings, run.description.get("origin"))

    def _sees(
        self, start: "Network", data: "Data", settings: Settings, origin: dict[str, Any] | None
    ) -> bool:
        from whygrad.doctor.during_training import before_training
        from whygrad.doctor.trained import setup_of

        self._tell(before_training(setup_of(start, data, settings, origin), start))
        if self.stopped:
            problem(t("cli.watch.not_begun"))
        return self.stopped

    def beside(self, bar: Callback, path: Path) -> Callback:
        """Return a callback that moves the bar and looks at the record when it has grown."""

        def watch(event: ProgressEvent) -> bool:
            from whygrad.doctor.during_training import during_training

            bar(event)
            if event.epoch_end is not None and self._has_grown(path):
                self._tell(during_training(TrainedRun(path), self.told))
            return self.stopped

        return watch

    def _has_grown(self, path: Path) -> bool:
        """Return whether rows were written since the last time; reading them all takes time."""
        before, self._files = self._files, len(list((path / "anatomy").glob("*.safetensors")))
        return self._files != before

    def _tell(self, findings: Iterable[Finding]) -> None:
        from whygrad.doctor.wording import name_of, sentence

        for finding in findings:
            self.told.append(finding)
            where = finding.layer or t("cli.watch.whole")
            values = {"step": finding.step or 0, "where": where, "name": name_of(finding)}
            problem(t("cli.watch.finding", **values, says=sentence(finding)))
