"""Result tables and a Quarto document in, a self-contained report out."""

from __future__ import annotations

from fahrstats.report.documents import render, report_source

__all__ = ["render", "report_source"]
