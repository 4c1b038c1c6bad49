"""Folders of results with rendered reports, to put on a site."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from fahrstats.cohort import store
from fahrstats.report.freshness import key_of
from fahrstats.report.source import read_source

REPORT = """<!DOCTYPE html>
<html lang="en">
<head><meta name="fahrstats-key" content="{key}"><title>Report</title>
<style>:root {{ --ink: #000; }}</style></head>
<body class="with-toc">
<a class="skip-link" href="#main">Skip to the text</a>
<header><h1 class="title">Report</h1></header>
<nav id="TOC" aria-label="Contents"><ul><li><a href="#sec-hazard">Hazard ratios</a></li>
</ul></nav>
<main id="main" tabindex="-1"><p>Of {title}.</p>
<section id="sec-hazard" class="level2"><h2>Hazard ratios</h2>
<p>The hazard of <em>dea</em>th by Fréchet's bound.</p>
<table><tr><td>Q1</td><td>1.25</td></tr></table></section></main>
</body>
</html>
"""
FLOW = {"step": [0, 1], "n": [1500, 1200], "n_events": [200, 150]}


@pytest.fixture
def study(
    tmp_path: Path, write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Path]:
    """Write the folder of a finished study with its report and return it."""
    # The code of the package, which takes long to hash, is not what a site looks at.
    monkeypatch.setattr("fahrstats.report.freshness._PACKAGE", tmp_path / "none")

    def made(
        name: str,
        *,
        folder: str = "",
        formats: tuple[str, ...] = ("html",),
        flow: dict[str, Any] | None = FLOW,
        **manifest: Any,
    ) -> Path:
        results = tmp_path / (folder or f"{name}-public")
        if flow is not None:
            table = pd.DataFrame(flow)
            store.write(table, results / "tables" / "flow.parquet", {})
        about = {
            "name": name,
            "title": f"Study {name}",
            "kind": "biomarker",
            "provenance": {"created": "2026-01-15"},
            "public": {"base": 5},
        }
        store.write_manifest(about | manifest, results / "manifest.json")
        source = read_source(write("x"))
        page = results / f"{name}.html"
        key = key_of(source, {"results": str(results)}, [page], "own")
        for kind in formats:
            text = REPORT.format(key=key, title=name)
            if kind == "pdf":
                text = f"%PDF\n%fahrstats-key {key}\n"
            (results / f"{name}.{kind}").write_text(text, encoding="utf-8")
        return results

    return made
