"""A report is rendered whole or not at all, and again only when something changed."""

from __future__ import annotations

import errno
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from pypdf import PdfReader

from fahrstats.errors import DataError, MissingExtraError, ResultWarning
from fahrstats.report import render, report_source
from fahrstats.report.documents import _PACKAGE
from fahrstats.report.source import FORMATS

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


def test_an_unchanged_report_is_left_alone(count, results):
    page = count()
    page.write_text(page.read_text().replace("686", "marked"))
    assert "marked" in count().read_text()


def test_a_changed_document_is_rendered_again(count, write):
    count()
    write(COUNTING.replace("people", "persons"))
    assert "There are 686 persons." in count().read_text()


@pytest.fixture
def counted(write, results, tmp_path):
    """Render a document to three formats that notes each time it is executed."""
    text = COUNTING.replace('results = "."', 'results = log = "."').replace(
        "count =", 'open(log, "a").write("x")\ncount ='
    )
    log = tmp_path / "executed.txt"

    def rendered(*kinds):
        outputs = [results / f"report.{kind}" for kind in kinds or FORMATS]
        params = {"results": results, "log": log}
        return render(write(text), outputs, params=params, engine="own"), log

    return rendered


def words_of(report):
    if report.suffix == ".html":
        return report.read_text(encoding="utf-8")
    if report.suffix == ".pdf":
        return PdfReader(report).pages[0].extract_text()
    with zipfile.ZipFile(report) as parts:
        return re.sub("<[^>]+>", "", parts.read("word/document.xml").decode())


def test_a_changed_result_changes_every_format_in_one_execution(counted, results):
    reports, log = counted()
    assert [report.suffix for report in reports] == [".html", ".docx", ".pdf"]
    before = [report.read_bytes() for report in reports]
    assert all("There are 686 people." in words_of(report) for report in reports)
    counted()
    assert [report.read_bytes() for report in reports] == before
    assert log.read_text() == "x"
    (results / "count.txt").write_text("300")
    counted()
    assert all("There are 300 people." in words_of(report) for report in reports)
    assert log.read_text() == "xx"
    reports[2].unlink()
    counted("html", "pdf")
    assert reports[2].is_file()
    assert log.read_text() == "xxx"


def test_one_format_that_fails_leaves_no_other(write, tmp_path):
    outputs = [tmp_path / "out" / name for name in ("a.html", "a.pdf")]
    with pytest.raises(DataError, match=r"line 1: the link `#none` has no target"):
        render(write("[x](#none)"), outputs, engine="own")
    assert list((tmp_path / "out").iterdir()) == []


def test_where_nothing_can_be_written_nothing_is_executed(counted, results, tmp_path):
    _, log = counted("html")
    (tmp_path / "taken").write_text("a file, not a folder")
    reports = [results / "a.html", tmp_path / "taken" / "a.pdf"]
    message = (
        f"`{reports[1]}` cannot be written: `{tmp_path / 'taken'}` is not a folder"
    )
    with pytest.raises(DataError, match=re.escape(message)):
        render(tmp_path / "document.qmd", reports, engine="own")
    assert log.read_text() == "x"


@pytest.mark.parametrize(
    ("place", "reason"),
    [
        ("taken/a.html", "`taken` is not a folder"),
        ("taken/deeper/a.html", "`taken` is not a folder"),
        ("/proc/none/a.html", "No such file or directory"),
        (f"{'n' * 300}.html", "File name too long"),
        (f"{'n' * 300}/a.html", "File name too long"),
        ("a\0b/a.html", "embedded null byte"),
    ],
    ids=["in a file", "below a file", "in no folder", "long", "in a long one", "null"],
)
def test_a_place_where_no_file_can_be_is_told(
    write, tmp_path, monkeypatch, place, reason
):
    source = write("x")
    monkeypatch.chdir(tmp_path)
    Path("taken").write_text("a file, not a folder")
    message = f"`{place}` cannot be written: {reason}; name a file in a folder that"
    with pytest.raises(DataError, match=re.escape(message)):
        render(source, Path(place), engine="own")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_to_is_told(write, tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o555)
    with pytest.raises(DataError, match="cannot be written: Permission denied; name a"):
        render(write("x"), closed / "a.html", engine="own")


@pytest.mark.parametrize("outputs", [None, 3, [None], [b"a.html"]], ids=str)
def test_what_names_no_files_is_refused(write, outputs):
    with pytest.raises(DataError, match=r"`outputs` is .*; give a path, or several\."):
        render(write("x"), outputs, engine="own")


@pytest.mark.parametrize("params", [None, 3, "journal", [("a", 1)]], ids=str)
def test_what_holds_no_parameters_is_refused(write, tmp_path, params):
    message = f"`params` is {params!r}; give values by name, such as"
    with pytest.raises(DataError, match=re.escape(message)):
        render(write("x"), tmp_path / "a.html", params=params, engine="own")


def test_what_is_no_path_of_a_document_is_refused(tmp_path):
    with pytest.raises(DataError, match="`source` is None; give the path of a"):
        render(None, tmp_path / "a.html", engine="own")


def test_two_renderings_are_equal_to_the_byte(write, tmp_path):
    text = (
        "```{python}\n"
        "import matplotlib.pyplot as plt\nimport pandas as pd\n"
        "from great_tables import GT\n"
        "plt.figure(figsize=(1, 1))\nplt.plot([1, 2]);\n```\n"
        "```{python}\nGT(pd.DataFrame({'a': [1]}))\n```\n"
    )
    first, second = (
        render(write(text), [tmp_path / f"{i}.{k}" for k in FORMATS], engine="own")
        for i in (1, 2)
    )
    for one, other in zip(first, second, strict=True):
        assert one.read_bytes() == other.read_bytes()


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
    message = f"`{output}` cannot be written: No space left on device; name a file"
    with pytest.raises(DataError, match=re.escape(message)):
        render(write("x"), output, engine="own")
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
        ("folder.html", "own", "which is a folder; name a file in it, or move it"),
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
