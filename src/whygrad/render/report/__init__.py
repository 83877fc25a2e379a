"""A run as one self-contained HTML page, in both languages."""

from whygrad.render.report.page import write_report

__all__ = ["write_report"]
