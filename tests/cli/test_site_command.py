"""The command line puts reports on a site, and says in one line why it does not."""

from __future__ import annotations

from pathlib import Path

from fahrstats.cohort import store
from fahrstats.report import render

DOCUMENT = """\
```{python}
#| tags: [parameters]
results = "."
```

# First {#sec-first}

Text.
"""


def results(folder: Path, **manifest) -> Path:
    folder.mkdir()
    about = {"name": "a", "title": "A", "kind": "audit", "provenance": {}}
    store.write_manifest(about | manifest, folder / "manifest.json")
    source = folder.parent / "a.qmd"
    source.write_text(DOCUMENT)
    render(source, folder / "a.html", params={"results": folder}, engine="own")
    return folder


def test_site_puts_reports_on_a_site(tmp_path, run):
    folder, out = results(tmp_path / "a-public", public={"base": 5}), tmp_path / "site"
    status, said, errors = run("site", folder, "--out", out, "--title", "Ours")
    assert (status, errors) == (0, "")
    assert said == f"Site of 1 report: {out / 'index.html'}\n"
    assert "<title>Ours</title>" in (out / "index.html").read_text()
    assert run("site", folder, "--out", out, "--quiet") == (0, "", "")


def test_results_that_are_not_public_need_a_mark(tmp_path, run):
    folder, out = results(tmp_path / "a"), tmp_path / "site"
    status, said, errors = run("site", folder, "--out", out)
    assert (status, said) == (1, "")
    assert errors.startswith(f"Error: `{folder}` is not a version for publication")
    assert len(errors.splitlines()) == 1
    assert run("site", folder, "--out", out, "--confidential")[0] == 0
    assert "Confidential" in (out / "a.html").read_text()
