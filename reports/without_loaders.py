"""Leave out of the pages of the website what a browser would fetch; run by Quarto."""

from __future__ import annotations

import os
from pathlib import Path

from fahrstats.report.quarto import without_loaders

for name in os.environ["QUARTO_PROJECT_OUTPUT_FILES"].splitlines():
    page = Path(name)
    if page.suffix == ".html":
        page.write_text(without_loaders(page.read_text("utf-8")), "utf-8")
