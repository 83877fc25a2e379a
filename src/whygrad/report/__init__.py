"""Level 7: a run as one self-contained HTML page, in both languages."""

from whygrad.report.page import write_report

__all__ = ["write_report"]
