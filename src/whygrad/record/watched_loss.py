"""The old name of :mod:`whygrad.record.loss`, until all that use it are merged."""

from whygrad.record.loss import named_parts, told_loss

__all__ = ["named_parts", "told_loss"]
