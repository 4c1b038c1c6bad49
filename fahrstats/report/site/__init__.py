"""Rendered reports in, a static site with navigation and search out."""

from __future__ import annotations

from fahrstats.report.site.build import build_site

__all__ = ["build_site"]
