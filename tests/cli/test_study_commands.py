from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from made_benchmark import BENCHMARK, make_tables, write_all

from fahrstats.cohort import store
from fahrstats.datasets.folder import DATA_VARIABLE

STUDY = """
table = "cohort.csv"
[outcome]
time = "time"
unit = "years"
event = "event"
[scores.faceage]
per = 10
"""
TABLE = "time,event,faceage\n" + "".join(
    f"{1 + 7 * i % 11},{i % 2},{50 + 3 * i % 37}\n" for i in range(400)
)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Work in a folder that holds a study and its table."""
    work = tmp_path / "a" / "b"
    work.mkdir(parents=True)
    monkeypatch.chdir(work)
    monkeypatch.delenv(DATA_VARIABLE, raising=False)
    (work / "study.toml").write_text(STUDY)
    (work / "cohort.csv").write_text(TABLE)
    return work


def test_check_says_that_there_are_no_problems(folder, run):
    status, out, err = run("check", "study.toml")
    assert (status, err) == (0, "")
    assert "400 rows with 200 events are analysed." in out
    assert out.endswith("study.toml: no problems\n")
    assert run("check", "study.toml", "--quiet") == (0, "", "")


def test_check_lists_every_problem_and_ends_with_status_one(folder, run):
    (folder / "cohort.csv").write_text(TABLE.replace("11,1", "-11,2"))
    status, out, err = run("check", "study.toml")
    assert status == 1
    lines = err.splitlines()
    assert lines[0].startswith("Problem: [outcome]: `time` is negative")
    assert lines[1].startswith("Problem: [outcome]: `event` must be 0/1")
    assert "competing risk?" in lines[1]
    assert lines[-1] == "study.toml: 2 problems"
    assert out == ""


def test_a_leaking_covariate_is_listed(folder, run):
    lines = TABLE.splitlines()
    cells = [line + ("," + "1" * int(line.split(",")[1])) for line in lines[1:]]
    (folder / "cohort.csv").write_text("\n".join([f"{lines[0]},certificate", *cells]))
    (folder / "study.toml").write_text(STUDY + "[covariates]\ncertificate = {}\n")
    status, _, err = run("check", "study.toml")
    assert status == 1
    assert (
        "`certificate` is known for 200 of 200 rows with the event but for only 0"
        in err
    )


@pytest.mark.parametrize("command", ["check", "analyse", "run", "render"])
def test_an_absent_study_is_one_line_and_status_one(folder, run, command):
    status, out, err = run(command, "absent.toml")
    assert (status, out) == (1, "")
    assert err.startswith("Error: There is no study file `absent.toml`")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("study.toml", "title = ", "Error: study.toml: The file is not TOML"),
        ("study.toml", STUDY.replace("cohort", "x"), "`x.csv` is not beside the study"),
        ("cohort.csv", "", "`cohort.csv` cannot be read: No columns"),
        ("cohort.csv", "time;event;faceage\n1;0;2\n", "separated by semicolons"),
        ("cohort.csv", TABLE.replace("time", "t"), "the table has no column `time`"),
        ("cohort.csv", TABLE.replace("1,0,", "1,3,"), "`event` must be 0/1 or boolean"),
    ],
)
def test_wrong_input_is_one_line_and_never_a_traceback(
    folder, run, name, content, message
):
    (folder / name).write_text(content)
    for command in ("analyse", "run"):
        status, out, err = run(command, "study.toml")
        assert (status, out) == (1, "")
        assert message in err
        assert err.count("\n") == 1
    assert not (folder / "results").exists()


def test_a_data_folder_that_does_not_exist_is_named(folder, run):
    (folder / "cohort.csv").unlink()
    status, _, err = run("analyse", "study.toml", "--data-dir", "nowhere")
    assert status == 1
    assert err == "Error: study.toml: The data folder `nowhere` does not exist.\n"


def test_a_shipped_study_without_its_data_says_where_they_come_from(folder, run):
    status, _, err = run("run", "nhanes")
    assert status == 1
    assert "`nhanes4/nhanes4.parquet` is not beside the study file" in err
    assert "NHANES 1999-2017, the data `NHANES4` of the R package BioAge" in err


def test_a_folder_that_cannot_be_written_is_one_line(folder, run):
    (folder / "results").write_text("in the way")  # a file where a folder must be
    status, _, err = run("analyse", "study.toml")
    assert status == 1
    assert err.startswith("Error: `results/b")
    assert err.count("\n") == 1


def test_analyse_prints_where_its_tables_are_and_nothing_when_quiet(folder, run):
    assert run("analyse", "study.toml") == (0, "Tables: results/b/tables\n", "")
    assert run("analyse", "study.toml", "--quiet") == (0, "", "")
    assert run("analyse", ".", "--out", "here")[1] == "Tables: here/tables\n"
    assert (folder / "here" / "manifest.json").exists()


@pytest.mark.parametrize("is_terminal", [True, False])
def test_notes_of_an_analysis_are_printed_unless_quiet(
    folder, run, monkeypatch, is_terminal
):
    rows = [f"{1 + 7 * i % 11},{i % 33 == 0:d},{50 + 3 * i % 37}" for i in range(400)]
    (folder / "cohort.csv").write_text("\n".join(["time,event,faceage", *rows]))
    monkeypatch.setattr(sys.stderr, "isatty", lambda: is_terminal)
    monkeypatch.setenv("TERM", "xterm")
    status, _, err = run("analyse", "study.toml", "--out", "loud")
    assert status == 0
    assert "Note: " in err
    assert " events for 3 coefficients" in err
    assert run("analyse", "study.toml", "--out", "quiet", "--quiet") == (0, "", "")
    told = [
        store.read_manifest(folder / out / "manifest.json")["warnings"]
        for out in ("loud", "quiet")
    ]
    assert told[0] == told[1]
    assert any(" events for 3 coefficients" in text for text in told[0]["cox"])


def test_render_needs_the_tables_first(folder, run):
    status, _, err = run("render", "study.toml")
    assert status == 1
    assert "the study is not finished; run it" in err


def test_render_refuses_tables_that_do_not_belong_to_the_study(folder, run):
    assert run("analyse", "study.toml", "--quiet")[0] == 0
    (folder / "study.toml").write_text(STUDY.replace("per = 10", "per = 5"))
    status, _, err = run("render", "study.toml")
    assert status == 1
    assert err == (
        "Error: `study.toml`, the file of the study `b`, has changed since its tables "
        "were made; run `fahrstats run`.\n"
    )
    (folder / "results" / "b" / "manifest.json").write_text("[]")
    status, _, err = run("render", "study.toml")
    assert status == 1
    assert err.endswith("is not a manifest; run `fahrstats analyse` again.\n")
    assert err.count("\n") == 1


def test_new_writes_a_study_file_that_passes_its_check(folder, run):
    status, out, err = run("new", "cohort.csv", "--out", "started.toml")
    assert (status, err) == (0, "")
    assert out.startswith("time: time\nevent: event\nscores: faceage\ncovariates: not ")
    assert run("check", "started.toml")[0] == 0
    status, _, err = run("new", "cohort.csv", "--out", "started.toml")
    assert status == 1
    assert "`started.toml` exists" in err
    assert run("new", "absent.csv")[0] == 1


SLEEPING = """
import pathlib, subprocess, sys
from fahrstats import report
from fahrstats.cli import main

def source(name):
    return pathlib.Path("sleeping.qmd")

report.report_source = source
sys.argv = ["fahrstats", "render", "study.toml"]
main()
"""
SLEEPING_DOCUMENT = """
```{python}
#| tags: [parameters]
results = ""
```

```{python}
import os, pathlib, time
pathlib.Path(results, "worker.txt").write_text(f"{os.getpid()} {os.getcwd()}")
time.sleep(600)
```
"""


@pytest.mark.parametrize(
    ("number", "message"),
    [(signal.SIGTERM, "Terminated.\n"), (signal.SIGINT, "Interrupted.\n")],
)
def test_a_signal_ends_the_worker_too_and_leaves_no_folder(
    folder, run, number, message
):
    assert run("analyse", "study.toml", "--quiet")[0] == 0
    (folder / "sleeping.qmd").write_text(SLEEPING_DOCUMENT)
    process = subprocess.Popen(
        [sys.executable, "-c", SLEEPING],
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"TMPDIR": str(folder)},
    )
    note = folder / "results" / "b" / "worker.txt"
    for _ in range(600):
        if (note.exists() and note.read_text()) or process.poll() is not None:
            break
        time.sleep(0.1)
    worker, place = note.read_text().split()
    process.send_signal(number)
    _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (128 + number, message)
    with pytest.raises(ProcessLookupError):
        os.kill(int(worker), 0)
    assert not os.path.exists(place)


def test_an_age_benchmark_is_checked_and_analysed_by_the_same_commands(folder, run):
    text = BENCHMARK[: BENCHMARK.index("[data.web]")]
    path = write_all(folder / "ages", text, {"clinic": make_tables()["clinic"]})
    status, out, _ = run("check", str(path))
    assert status == 0
    assert "[data.clinic]: 287 photos are judged" in out
    status, _, err = run("analyse", str(path), "-q")
    assert (status, err) == (0, "")
    assert (folder / "results" / "ages" / "tables" / "lowest.parquet").is_file()
    (folder / "ages" / "clinic.csv").unlink()
    status, _, err = run("check", str(path))
    assert status == 1
    assert "Problem: [data.clinic]: `clinic.csv` is not beside the study file" in err


def test_the_version_for_publication_is_drawn_from_its_own_tables(
    folder, run, monkeypatch
):
    drawn = []
    monkeypatch.setattr(
        "fahrstats.report.render",
        lambda document, pages, params, **_: drawn.append((pages, params)) or pages,
    )
    to = ("--to", "docx", "--to", "pdf")
    status, out, err = run("run", "study.toml", "--public", "--quiet", *to)
    assert (status, out, err) == (0, "", "")
    (results,) = Path("results").glob("*-public")
    ((pages, params),) = drawn
    assert {page.parent for page in pages} == {results}
    assert [page.suffix for page in pages] == [".docx", ".pdf"]
    assert params == {"results": str(results)}
    assert json.loads((results / "manifest.json").read_text())["public"]["base"] == 5
    assert run("render", "study.toml", "--public", "--round-to", 10, "-q")[0] == 0
    assert json.loads((results / "manifest.json").read_text())["public"]["base"] == 10
    assert run("render", "study.toml", "--public", "--round-to", 1)[0] == 2
    status, _, err = run("render", "study.toml", "--round-to", 10)
    assert status == 2
    assert "it rounds the counts of --public" in err


@pytest.fixture
def drawn(monkeypatch):
    """Collect what is asked of the renderer, which writes nothing."""
    calls: list[dict[str, str]] = []
    monkeypatch.setattr(
        "fahrstats.report.render",
        lambda document, pages, params, engine: (
            calls.append({**params, "engine": engine}) or pages
        ),
    )
    return calls


def test_a_report_is_written_for_a_journal(folder, run, drawn):
    assert run("run", "study.toml", "--journal", "lancet", "-q") == (0, "", "")
    assert run("render", "study.toml", "-q") == (0, "", "")
    assert [params.get("journal") for params in drawn] == ["lancet", None]


def test_a_report_is_rendered_by_what_is_asked_for(folder, run, drawn):
    assert run("run", "study.toml", "--engine", "own", "-q") == (0, "", "")
    assert run("render", "study.toml", "-q") == (0, "", "")
    assert [params["engine"] for params in drawn] == ["own", "auto"]
    status, _, err = run("render", "study.toml", "--engine", "word")
    assert status == 2
    assert "'word' is not one of" in err


def test_a_report_left_from_other_results_is_named(folder, run, drawn):
    assert run("run", "study.toml", "-q") == (0, "", "")
    left = Path("results", folder.name, f"{folder.name}.docx")
    left.write_text("of other results")
    status, _, err = run("render", "study.toml")
    assert status == 0
    assert f"Note: `{left}` was not rendered from the results beside it;" in err
    assert run("render", "study.toml", "-q") == (0, "", "")
    assert "Note" not in run("render", "study.toml", "--to", "docx")[2]


def test_an_unknown_journal_is_one_line_before_anything_is_computed(folder, run, drawn):
    for command in ("run", "render"):
        status, out, err = run(command, "study.toml", "--journal", "lanct")
        assert (status, out) == (1, "")
        assert err.startswith(
            "Error: There is no journal style `lanct`; the known ones"
        )
        assert "`annals`, `jama`, `lancet`, `nejm`" in err
        assert err.count("\n") == 1
    assert drawn == []
    assert not (folder / "results").exists()


def test_a_paper_is_started_edited_and_rendered_from_its_studies(
    folder, run, monkeypatch
):
    status, out, err = run("new", "study.toml", "--paper", "paper")
    assert (status, err) == (0, "")
    assert out.splitlines() == [
        "prognosis: study.toml",
        "Wrote paper/study.toml and paper/paper.qmd; correct them, then: fahrstats run "
        "paper/study.toml",
    ]
    copied = {path.name for path in (folder / "paper").rglob("*") if path.is_file()}
    assert copied >= {"study.toml", "paper.qmd", "_abstract.qmd", "references.bib"}
    drawn = []
    monkeypatch.setattr(
        "fahrstats.report.render",
        lambda document, pages, params, **_: drawn.append((document, pages)) or pages,
    )
    assert run("check", "paper")[0] == 0
    assert run("run", "paper", "--to", "docx", "-q") == (0, "", "")
    ((document, pages),) = drawn
    assert document.resolve() == folder / "paper" / "paper.qmd"
    assert pages == [Path("results/paper/paper.docx")]
    copies = folder / "results" / "paper" / "prognosis"
    assert (copies / "tables" / "cox.parquet").is_file()
    status, out, _ = run("analyse", "paper")
    assert out == f"Tables: {Path('results/paper')}\n"
    assert run("render", "paper", "--public", "-q") == (0, "", "")
    assert (folder / "results" / "paper-public" / "prognosis" / "tables").is_dir()


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("study.toml", "absent.toml"), 1, "There is no study file `absent.toml`"),
        (("study.toml", "study.toml"), 1, "are both of kind `biomarker`; a paper has"),
        (("study.toml", "--out", "x"), 2, "a paper is written to the folder of"),
    ],
)
def test_a_paper_that_cannot_be_started_leaves_nothing(
    folder, run, arguments, status, message
):
    found, _, err = run("new", *arguments, "--paper", "paper")
    assert found == status
    assert message in err
    assert not (folder / "paper").exists()


def test_a_paper_takes_the_place_of_no_file(folder, run):
    (folder / "paper").mkdir()
    (folder / "paper" / "references.bib").write_text("mine")
    status, _, err = run("new", "study.toml", "--paper", "paper")
    assert status == 1
    assert err.startswith("Error: `paper/references.bib` exists; remove it, or name")
    assert {path.name for path in (folder / "paper").iterdir()} == {"references.bib"}


def test_a_study_has_one_table(folder, run):
    status, _, err = run("new", "cohort.csv", "study.toml", "-o", "x.toml")
    assert status == 2
    assert "a study has one table; studies go into a paper with" in err
