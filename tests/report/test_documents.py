"""A report is rendered whole or not at all, and again only when something changed."""

from __future__ import annotations

import errno
import subprocess
import sys

import pytest

from fahrstats.errors import DataError, MissingExtraError, ResultWarning
from fahrstats.report import render, report_source
from fahrstats.report.documents import _PACKAGE

COUNTING = """\
---
title: Count
---

```{python}
#| tags: [parameters]
#| echo: false
results = "."
```

```{python}
#| echo: false
from pathlib import Path
count = (Path(results) / "count.txt").read_text()
```

There are `{python} count` people.
"""


@pytest.fixture
def results(tmp_path):
    folder = tmp_path / "results"
    folder.mkdir()
    (folder / "count.txt").write_text("686")
    return folder


@pytest.fixture
def count(write, results, tmp_path):
    """Render the counting document into the folder of its results."""
    source = write(COUNTING)

    def rendered(**params):
        (page,) = render(
            source,
            results / "report.html",
            params={"results": results} | params,
            engine="own",
        )
        return page

    return rendered


def test_a_changed_result_changes_the_report(count, results):
    assert "There are 686 people." in count().read_text()
    (results / "count.txt").write_text("300")
    assert "There are 300 people." in count().read_text()


def test_an_unchanged_report_is_left_alone(count, results):
    page = count()
    page.write_text(page.read_text().replace("686", "marked"))
    assert "marked" in count().read_text()


def test_a_changed_document_is_rendered_again(count, write):
    count()
    write(COUNTING.replace("people", "persons"))
    assert "There are 686 persons." in count().read_text()


def test_two_renderings_are_equal_to_the_byte(write, tmp_path):
    text = (
        "```{python}\n"
        "import matplotlib.pyplot as plt\nimport pandas as pd\n"
        "from great_tables import GT\n"
        "plt.figure(figsize=(1, 1))\nplt.plot([1, 2]);\n```\n"
        "```{python}\nGT(pd.DataFrame({'a': [1]}))\n```\n"
    )
    source = write("---\nfig-format: svg\n---\n" + text)
    pages = [render(source, tmp_path / f"{i}.html", engine="own") for i in (1, 2)]
    assert pages[0][0].read_bytes() == pages[1][0].read_bytes()


def test_an_error_leaves_the_report_from_before(count, results):
    before = count().read_bytes()
    (results / "count.txt").unlink()
    with pytest.raises(DataError, match=r"line 14: FileNotFoundError"):
        count()
    assert [path.name for path in results.iterdir()] == ["report.html"]
    assert (results / "report.html").read_bytes() == before


def test_an_error_leaves_no_file_behind(write, tmp_path):
    source = write("@fig-none")
    with pytest.raises(DataError):
        render(source, tmp_path / "out" / "report.html", engine="own")
    assert list((tmp_path / "out").iterdir()) == []


def test_a_full_disk_names_the_report_and_leaves_nothing(write, tmp_path, monkeypatch):
    def full(source, target):
        target.write_text("half a page")
        raise OSError(errno.ENOSPC, "No space left on device", str(source), str(target))

    monkeypatch.setattr("fahrstats.report.documents.shutil.copyfile", full)
    output = tmp_path / "out" / "report.html"
    with pytest.raises(OSError, match="No space left") as error:
        render(write("x"), output, engine="own")
    assert error.value.filename == str(output)
    assert error.value.filename2 is None
    assert list(output.parent.iterdir()) == []


def test_what_is_left_out_is_warned_about(write, tmp_path):
    source = write("::: {.column-margin}\nx\n:::\n")
    with pytest.warns(
        ResultWarning, match=r"line 1: `\.column-margin` is not acted on"
    ):
        render(source, tmp_path / "report.html", engine="own")


@pytest.mark.parametrize(
    ("output", "engine", "message"),
    [
        ("report.epub", "own", "`outputs` holds `report.epub`, but reports are"),
        ("folder.html", "own", "`outputs` holds a folder"),
        ("report.html", "latex", "`engine` must be auto, own or quarto"),
    ],
)
def test_wrong_arguments_are_refused(write, tmp_path, output, engine, message):
    (tmp_path / "folder.html").mkdir()
    with pytest.raises(DataError) as error:
        render(write("x"), tmp_path / output, engine=engine)
    assert message in str(error.value)


def test_a_missing_package_names_the_extra(write, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "IPython", None)
    monkeypatch.setattr("fahrstats.report.extras.find_spec", _absent("IPython"))
    with pytest.raises(MissingExtraError, match=r"pip install 'fahrstats\[report\]'"):
        render(write("x"), tmp_path / "report.html", engine="own")


def _absent(name):
    from importlib.util import find_spec

    return lambda module: None if module == name else find_spec(module)


def test_an_error_in_an_included_part_names_its_line_and_leaves_the_old_file(tmp_path):
    parts = tmp_path / "parts"
    parts.mkdir()
    (parts / "_inner.qmd").write_text(
        "Text.\n\n```{python}\n#| label: tbl-x\nx = 1\nx / 0\n```\n"
    )
    (parts / "_outer.qmd").write_text("## Part\n\n{{< include _inner.qmd >}}\n")
    document = tmp_path / "document.qmd"
    document.write_text("# Title\n\n{{< include parts/_outer.qmd >}}\n")
    output = tmp_path / "document.html"
    output.write_text("before")
    with pytest.raises(
        DataError, match=r"^`_inner.qmd`, line 6, cell `tbl-x`: ZeroDivisionError: divi"
    ):
        render(document, output, engine="own")
    assert output.read_text() == "before"
    (parts / "_inner.qmd").write_text("See @fig-none.\n")
    with pytest.raises(DataError, match=r"^`_inner.qmd`, line 1: the reference `@f"):
        render(document, output, engine="own")
    (parts / "_inner.qmd").unlink()
    with pytest.raises(
        DataError,
        match=r"^`_outer.qmd`, line 3: the included file `.*_inner.qmd`",
    ):
        render(document, output, engine="own")
    assert {path.name for path in tmp_path.iterdir()} == {
        "parts",
        "document.qmd",
        "document.html",
    }


def test_a_report_is_found_by_its_name(tmp_path, monkeypatch):
    monkeypatch.setattr("fahrstats.report.documents._PACKAGE", tmp_path / "fahrstats")
    checkout = tmp_path / "reports"
    checkout.mkdir()
    (checkout / "biomarker.qmd").write_text("x")
    (checkout / "_part.qmd").write_text("x")
    (checkout / "biomarker").mkdir()
    (checkout / "biomarker" / "_methods.qmd").write_text("x")
    assert report_source("biomarker") == checkout / "biomarker.qmd"
    assert report_source("biomarker.qmd") == checkout / "biomarker.qmd"
    installed = tmp_path / "fahrstats" / "report" / "templates"
    installed.mkdir(parents=True)
    (installed / "biomarker.qmd").write_text("x")
    assert report_source("biomarker") == installed / "biomarker.qmd"
    with pytest.raises(
        DataError, match=r"no report `other`; the reports are `biomarker`\.$"
    ):
        report_source("other")


def test_importing_the_module_is_quick_and_light():
    heavy = {"pandas", "numpy", "matplotlib", "IPython", "pypandoc", "yaml"}
    code = (
        "import sys, time; start = time.process_time(); import fahrstats.report\n"
        "print(time.process_time() - start, *sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    seconds, *modules = done.stdout.split()
    assert float(seconds) < 0.3
    assert heavy.isdisjoint(modules)


def test_the_renderer_brings_its_own_files():
    for name in ("blocks.lua", "references.lua", "style.css", "template.html"):
        assert (_PACKAGE / "report" / name).is_file()
