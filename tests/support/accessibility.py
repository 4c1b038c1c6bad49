"""What axe-core finds wrong with a page, in Chromium without a window.

Needs Chromium and npm's ``axe-core``; neither is a package of Python's.
"""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
# Nothing that is folded away or behind a tab is judged by axe-core.
SHOWN = """
document.querySelectorAll('details').forEach(x => { x.open = true; });
document.querySelectorAll('.tab-panel').forEach(x => { x.style.display = 'block'; });
"""
REPORTED = """
axe.run(document, {resultTypes: ['violations']}).then(results => {
  const found = results.violations.flatMap(rule => rule.nodes.map(node =>
    [rule.id, rule.impact, node.target.join(' '), node.failureSummary]));
  const report = document.createElement('pre');
  report.id = 'axe-report';
  report.textContent = JSON.stringify(found);
  document.body.replaceChildren(report);
});
"""


@dataclass(frozen=True)
class Violation:
    """One element that breaks one rule."""

    rule: str
    impact: str
    element: str
    reason: str


def browser() -> str | None:
    """Find a Chromium."""
    return next((path for name in BROWSERS if (path := shutil.which(name))), None)


def axe_core() -> Path | None:
    """Find axe-core: the file in ``AXE_CORE``, or what npm put beside the project."""
    places = [os.environ.get("AXE_CORE", "")]
    for folder in (ROOT, ROOT / ".venv"):
        places.append(str(folder / "node_modules" / "axe-core" / "axe.min.js"))
    return next(
        (Path(place) for place in places if place and Path(place).is_file()), None
    )


def violations(page: Path, *, width: int, folder: Path) -> list[Violation]:
    """Return what a page does wrong at a width in pixels."""
    program, axe = browser(), axe_core()
    assert program is not None
    assert axe is not None
    scripts = "".join(
        f"<script>{script}</script>"
        for script in (axe.read_text(encoding="utf-8"), SHOWN, REPORTED)
    )
    before, _, after = page.read_text(encoding="utf-8").rpartition("</body>")
    watched = folder / f"watched-{width}.html"
    watched.write_text(f"{before}{scripts}</body>{after}", encoding="utf-8")
    command = [
        *(program, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"),
        *("--disable-background-networking", "--disable-component-update"),
        *("--disable-sync", f"--user-data-dir={folder / 'profile'}"),
        *(f"--window-size={width},900", "--virtual-time-budget=60000"),
        *("--dump-dom", watched.as_uri()),
    ]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    report = re.search(r'<pre id="axe-report">(.*?)</pre>', shown, re.DOTALL)
    assert report is not None, "axe-core did not finish"
    return [Violation(*found) for found in json.loads(html.unescape(report[1]))]
