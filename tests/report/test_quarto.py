"""Quarto is used when it is there and fit, away from any network."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from fahrstats.errors import DataError, MissingExtraError, ResultWarning
from fahrstats.report import render
from fahrstats.report.freshness import key_in
from fahrstats.report.portability import findings
from fahrstats.report.quarto import find_program, usable_program, version_of
from fahrstats.report.source import load_yaml, read_source

ROOT = Path(__file__).parents[2]

LOADERS = (
    '<script src="https://cdn.example/require.js" crossorigin="anonymous"></script>'
    "<script>define('jquery', [],function() {{return window.jQuery;}})</script>"
)
# Stands in for Quarto: writes what it was called with into the page.
STAND_IN = (
    """#!{python}
import os, pathlib, sys
if sys.argv[1:] == ["--version"]:
    print("{version}")
else:
    output = sys.argv[sys.argv.index("--output") + 1]
    given = [a for a in sys.argv if a.endswith("params.yml")]
    text = pathlib.Path(given[0]).read_text() if given else ""
    files = sorted(p.as_posix() for p in pathlib.Path(".").rglob("*") if p.is_file())
    project = pathlib.Path("_quarto.yml").read_text()
    proxies = "proxy " + os.environ["https_proxy"] + os.environ["HTTP_PROXY"]
    body = "|".join([*sys.argv[1:], text, *files, project, proxies])
    head = """
    + repr(LOADERS)
    + """
    page = "<html><head>" + head + "</head>" + body + "</html>"
    pathlib.Path(output).write_text(page)
"""
)


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Put a stand-in for Quarto on an otherwise empty search path."""

    def installed(version: str, *, with_packages: bool = True) -> Path:
        program = tmp_path / "bin" / "quarto"
        program.parent.mkdir(exist_ok=True)
        program.write_text(STAND_IN.format(python=sys.executable, version=version))
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        missing = [] if with_packages else ["papermill"]
        monkeypatch.setattr("fahrstats.report.quarto.absent", lambda _: missing)
        monkeypatch.setattr("fahrstats.report.quarto.check_installed", lambda *_: None)
        return program

    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.delenv("QUARTO_PATH", raising=False)
    return installed


def test_quarto_is_found_by_argument_variable_and_path(install, tmp_path, monkeypatch):
    assert find_program() is None
    program = install("1.9.37")
    assert find_program() == program
    other = tmp_path / "other"
    other.mkdir()
    shutil.copy(program, other / "quarto")
    monkeypatch.setenv("QUARTO_PATH", str(other))
    assert find_program() == other / "quarto"
    assert find_program(program) == program
    assert version_of(program) == "quarto 1.9.37"


def test_a_path_without_quarto_is_an_error(install, tmp_path, monkeypatch):
    monkeypatch.setenv("QUARTO_PATH", str(tmp_path / "none"))
    with pytest.raises(DataError, match="`QUARTO_PATH` names"):
        find_program()


def test_a_program_that_is_not_quarto_is_refused(install):
    with pytest.raises(DataError, match="not a version"):
        version_of(install("no number"))


@pytest.mark.parametrize(
    ("version", "with_packages", "message"),
    [("1.3.450", True, r"older than 1\.4"), ("1.9.37", False, "needs `papermill`")],
)
def test_an_unfit_quarto_is_passed_over_with_a_warning(
    install, version, with_packages, message
):
    install(version, with_packages=with_packages)
    with pytest.warns(ResultWarning, match=message):
        assert usable_program() is None


def test_an_old_quarto_asked_for_is_an_error(install, write, tmp_path):
    install("1.3.450")
    with pytest.raises(DataError, match=r"older than 1\.4; update it"):
        render(write("x"), tmp_path / "a.html", engine="quarto")


def test_an_absent_quarto_asked_for_names_the_extra(install, write, tmp_path):
    with pytest.raises(MissingExtraError, match=r"pip install 'fahrstats\[quarto\]'"):
        render(write("x"), tmp_path / "a.html", engine="quarto")


def test_quarto_renders_a_copy_with_the_parameters(install, write, tmp_path):
    install("1.9.37")
    (tmp_path / "part.qmd").write_text("included")
    source = write("{{< include part.qmd >}}\n")
    (page,) = render(source, tmp_path / "out" / "a.html", params={"a": [1, "x"]})
    text = page.read_text()
    assert text.startswith('<html><head><meta name="fahrstats-key" content="')
    assert "render|document.qmd|--output|page.html|--to|html" in text
    assert "embed-resources:true" in text
    assert "--execute-params" in text
    assert "a:\n- 1\n- x\n" in text
    assert "|_quarto.yml|document.qmd|part.qmd" in text
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.html"]


def test_a_report_by_quarto_is_not_rendered_twice(install, write, tmp_path):
    install("1.9.37")
    outputs = [tmp_path / f"a.{kind}" for kind in ("html", "docx", "pdf")]
    page, _, _ = render(write("x"), outputs)
    page.write_text(page.read_text() + "marked")
    assert render(write("x"), outputs) == tuple(outputs)
    assert "marked" in page.read_text()


def test_a_report_by_quarto_is_written_in_every_format(install, write, tmp_path):
    install("1.9.37")
    outputs = [tmp_path / f"a.{kind}" for kind in ("pdf", "html", "docx")]
    pdf, page, word = render(write("x"), outputs)
    assert "|--to|html|" in page.read_text()
    assert "|--to|docx|--reference-doc=" in word.read_text()
    assert "|--metadata|fig-format:png|--metadata|fig-dpi:300|" in word.read_text()
    assert "|--to|typst|" in pdf.read_text()
    key = key_in(page)
    assert key is not None
    assert key_in(pdf) == key
    assert f"fahrstats-key:{key}" in word.read_text()


def test_quarto_finds_no_network_and_the_page_asks_for_none(install, write, tmp_path):
    install("1.9.37")
    (page,) = render(write("x"), tmp_path / "a.html")
    text = page.read_text()
    assert "proxy http://127.0.0.1:9http://127.0.0.1:9" in text
    assert "<script" not in text


def test_a_website_is_none_for_a_single_report(install, write, tmp_path):
    install("1.9.37")
    project = "project: {type: website}\nwebsite: {title: x}\nlang: de\n"
    (tmp_path / "_quarto.yml").write_text(project)
    (page,) = render(write("x"), tmp_path / "a.html")
    text = page.read_text()
    assert "lang: de\n" in text
    assert "project:\n  type: default\n" in text
    assert "/one_caption.lua" in text
    assert "/quarto.typ" in text
    assert "website" not in text


@pytest.mark.parametrize("asked", ["", "papersize: letter\n"])
def test_paper_is_a4_unless_another_is_asked_for(install, write, tmp_path, asked):
    install("1.9.37")
    (tmp_path / "_quarto.yml").write_text(asked)
    (page,) = render(write("x"), tmp_path / "a.html")
    assert (asked or "papersize: a4\n") in page.read_text()


def test_settings_of_the_own_project_are_no_findings():
    source = read_source(ROOT / "reports" / "audit.qmd")
    assert not {"project", "website", "filters"} & source.settings.keys()
    assert findings(source) == ()
    for name in ("one_caption.lua", "quarto.typ", "reference.docx", "word_cells.lua"):
        assert (ROOT / "fahrstats" / "report" / name).is_file()


def test_quarto_that_writes_nothing_is_told(install, write, tmp_path):
    program = install("1.9.37")
    program.write_text(program.read_text().replace("write_text(", "joinpath("))
    with pytest.raises(DataError, match="Quarto refuses: no file is written"):
        render(write("x"), tmp_path / "a.html", engine="quarto")


def test_what_quarto_says_when_it_fails_is_passed_on(install, write, tmp_path):
    program = install("1.9.37")
    text = program.read_text().replace("else:", "else:\n    sys.exit('no kernel')", 1)
    program.write_text(text)
    with pytest.raises(DataError, match="Quarto refuses: no kernel"):
        render(write("x"), tmp_path / "a.html", engine="quarto")


def test_the_website_of_all_reports_is_asked_for_in_settings_that_quarto_has():
    project = load_yaml((ROOT / "_quarto.yml").read_text(), "`_quarto.yml`")
    assert project.keys() == {
        *("project", "website", "lang", "papersize", "filters", "format"),
    }
    assert project["project"] == {
        "type": "website",
        "output-dir": "_site",
        "execute-dir": "project",  # where `results/` lies
        "render": ["reports/*.qmd"],
        "post-render": "reports/without_loaders.py",
    }
    assert project["website"].keys() == {"title", "body-header", "search", "sidebar"}
    assert "Confidential" in project["website"]["body-header"]
    assert project["website"]["sidebar"].keys() == {"style", "contents"}


def test_no_report_is_frozen():
    for path in [ROOT / "_quarto.yml", *ROOT.glob("reports/**/*.qmd")]:
        assert not re.search(r"^\s*freeze:", path.read_text(), re.MULTILINE), path


def test_pages_of_the_website_fetch_nothing(tmp_path):
    page, other = tmp_path / "a.html", tmp_path / "search.json"
    page.write_text(f"<head>{LOADERS.replace('{{', '{').replace('}}', '}')}</head>")
    other.write_text(LOADERS)
    script = ROOT / "reports" / "without_loaders.py"
    names = {"QUARTO_PROJECT_OUTPUT_FILES": f"{page}\n{other}"}
    subprocess.run([sys.executable, script], env=os.environ | names, check=True)
    assert page.read_text() == "<head></head>"
    assert other.read_text() == LOADERS
