"""The old name of :mod:`whygrad.training.trained`, until all that use it are merged."""

from whygrad.training.trained import TrainedRun

RunFolder = TrainedRun
