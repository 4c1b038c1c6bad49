"""The document of a paper: what it says for the studies that the paper is made of."""

from __future__ import annotations

import html
import re
import shutil
import zipfile
from collections.abc import Mapping
from pathlib import Path

import made_benchmark
import made_robustness
import made_saliency
import pandas as pd
import pytest
from audited import audit_table, differences_table, table_of_tests
from layer_tables import SCORES, for_both
from plotnine import ggplot
from report_cells import markdown_of, run_labelled

from fahrstats.cohort import store
from fahrstats.columns import in_order
from fahrstats.display.tables import DisplayTable
from fahrstats.report import render, report_source
from fahrstats.report.paper_results import PARTS_IN_WORDS
from fahrstats.statements import STATEMENTS
from fahrstats.study.benchmark.run import analyse_benchmark
from fahrstats.study.paper.public_version import publish_paper
from fahrstats.study.results_in import read_manifest
from fahrstats.study.robustness import run as robustness_run
from fahrstats.study.robustness.run import analyse_robustness
from fahrstats.study.saliency import run as saliency_run
from fahrstats.study.saliency import sources
from fahrstats.study.saliency import tables as saliency_tables
from fahrstats.study.saliency.run import analyse_saliency

REPORT = report_source("paper")
MOST_BYTES = 3_000_000
MOST_WORDS = 340  # of all five studies; journals allow 250 to 350
FEW_DRAWS = {"n_boot = 60": "n_boot = 20"}
ASKED = {"horizon": 5.0, "crossings": [], "floor_events": 10, "floor_people": 20}
LABELS = {"race": {"label": "Race", "unit": ""}}
OF_ONE = {"curves", "at_risk", "logrank", "cut_points", "cox", "ph_test", "subgroups"}
FLOATS = {
    "prognosis": "tbl-one",
    "audit": "fig-groups",
    "ages": "tbl-ages",
    "robustness": "fig-changes",
    "saliency": "fig-regions",
}
"""A figure or table of each study."""

HEADING = re.compile(r"\{#(sec-[\w-]+)\}")
LINK = re.compile(r"\(#(sec-[\w-]+)\)")
REFERENCE = re.compile(r"@((?:fig|tbl)-[\w-]+)")


def prognosis_tables(tables, layer) -> dict[str, pd.DataFrame]:
    """Return the tables of a prognostic study of two scores."""
    made = {n: for_both(t) if n in OF_ONE else t for n, t in tables.items()}
    return made | layer | {"concordance": layer["uno"]}


def audit_tables(tables) -> dict[str, pd.DataFrame]:
    """Return the tables of an audit that a paper prints."""
    return {
        "flow": tables["flow"],
        "audit": audit_table(),
        "audit_tests": table_of_tests(),
        "audit_differences": differences_table(),
    }


def write_part(folder: Path, tables: Mapping[str, pd.DataFrame], manifest) -> None:
    """Write result tables of a study and a manifest that lists them."""
    for name, table in tables.items():
        ordered = table[in_order(table.columns)]
        store.write(ordered, folder / "tables" / f"{name}.parquet", {"key": "made"})
    listed = {**manifest, "tables": dict.fromkeys(tables, ""), "warnings": {}}
    store.write_manifest(listed, folder / "manifest.json")


def analyse_others(folder: Path) -> dict[str, Path]:
    """Analyse the made studies of ages, robustness and saliency."""

    def text(made: str) -> str:
        for old, new in FEW_DRAWS.items():
            made = made.replace(old, new)
        return made

    for role in ("ages", "robustness"):
        (folder / role).mkdir(parents=True)
    ages = made_benchmark.write_all(
        folder / "ages" / "two",
        text(made_benchmark.BENCHMARK),
        made_benchmark.make_tables(),
    )
    moves = made_robustness.write_all(
        folder / "robustness" / "two",
        text(made_robustness.ROBUSTNESS),
        made_robustness.make_tables(),
    )
    looks = made_saliency.write_all(
        folder / "saliency" / "two", text(made_saliency.SALIENCY)
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(robustness_run, "score_all", lambda *parts: None)
        patch.setattr(sources, "_not_explained", lambda *parts: "made")
        patch.setattr(
            saliency_run,
            "explain_all",
            lambda study, data, out, watch: made_saliency.write_explained(study, out),
        )
        patch.setattr(saliency_tables, "check_explanations", made_saliency.make_checks)
        return {
            "ages": analyse_benchmark(ages, out=folder / "ages" / "out"),
            "robustness": analyse_robustness(moves, out=folder / "robustness" / "out"),
            "saliency": analyse_saliency(looks, out=folder / "saliency" / "out"),
        }


@pytest.fixture(scope="module")
def paper(tables, layer, manifest, tmp_path_factory) -> Path:
    """Return the results of a paper of all five studies."""
    folder = tmp_path_factory.mktemp("paper") / "paper"
    of_two = {**manifest, "kind": "biomarker", "name": "lives", "choices": {}}
    of_two |= {"biomarkers": list(SCORES), "covariates": ["age", "sex"]}
    write_part(folder / "prognosis", prognosis_tables(tables, layer), of_two)
    audited = {**manifest, "kind": "audit", "name": "groups"}
    audited |= {"labels": manifest["labels"] | LABELS, "choices": {"audit": ASKED}}
    write_part(folder / "audit", audit_tables(tables), audited)
    for role, out in analyse_others(folder.with_name("made")).items():
        copied = shutil.ignore_patterns("personal")
        shutil.copytree(out, folder / role, ignore=copied)
    written = {
        "title": "What *two* scores say",
        "name": "paper",
        "authors": [
            {"name": "Ada Author", "affiliation": ["Department"], "orcid": None},
            {"name": "Bea Author", "affiliation": [], "orcid": "0000-0002-1825-0097"},
        ],
        "parts": {role: {} for role in PARTS_IN_WORDS},
        "provenance": {"key": "made"},
        "statements": {"funding": "Nobody paid.", "interpretation": "They say little."},
        "notes": "Of the paper itself.",
    }
    store.write_manifest(written, folder / "manifest.json")
    return folder


@pytest.fixture
def without(paper, tmp_path):
    """Return what leaves studies out of the paper."""

    def left_out(*roles: str) -> Path:
        copy = tmp_path / "paper"
        shutil.copytree(paper, copy)
        manifest = store.read_manifest(copy / "manifest.json")
        for role in roles:
            del manifest["parts"][role]
            shutil.rmtree(copy / role)
        store.write_manifest(manifest, copy / "manifest.json")
        return copy

    return left_out


@pytest.fixture(scope="module")
def whole(paper) -> tuple[list[object], str, set[str]]:
    """Return what the document of the whole paper displays and says, and its labels."""
    with pytest.MonkeyPatch.context() as patch:
        return run_labelled(REPORT, paper, patch)


@pytest.fixture
def run(monkeypatch):
    return lambda folder: run_labelled(REPORT, folder, monkeypatch)


def told(shown: list[object]) -> str:
    return "\n".join(text.replace("\\", "") for text in markdown_of(shown))


def test_the_abstract_says_what_every_study_found(whole, tables):
    text = told(whole[0])
    (objective,) = re.findall(r"\*\*Objective\.\*\* (.*)", text)
    assert objective.startswith(
        "To find out whether free light chain and creatinine go with the hazard of "
        "death from any cause beyond age and sex, whether scores work alike in every "
        "group of people, how accurately age is read, what else moves scores and which "
    )
    (methods,) = re.findall(r"\*\*Methods\.\*\* (.*)", text)
    for sentence in (
        "Hazard ratios are from Cox models.",
        "Ages read by FaceAge were compared with true ages in clinic.",
        "people were changed in 3 ways, at 5 doses each, and read again.",
        "The importance of regions of the face was measured in",
    ):
        assert sentence in methods
    (results,) = re.findall(r"\*\*Results\.\*\* (.*)", text)
    row = tables["cox"].query("model == 'adjusted' and term == 'flc'").iloc[0]
    ratio = f"hazard ratio {row['estimate']:.2f} (95% CI {row['conf_low']:.2f}"
    assert ratio in results
    for sentence in (
        "C-index",
        "FaceAge had a mean absolute error of",
        "FaceAge: 1 of 3 simulated changes was shown to move the mean by more than",
        "FaceAge rested most on the mouth",
    ):
        assert sentence in results, sentence
    assert "Other model" not in methods + results
    assert "death from any cause, with age" in results
    assert results.count("The C-index rose") == 1
    assert len(f"{objective} {methods} {results}".split()) < MOST_WORDS
    assert "**Conclusions.** They say little." in text
    assert "significant" not in text.partition("## Reporting checklists")[0]


def test_main_tables_and_figures_come_first_and_the_supplement_after(whole):
    shown, said, _ = whole
    headings = re.findall(r"(?m)^##+ (.+?) \{#", said + told(shown))
    order = ["Abstract", "Introduction", "Methods", "Results", "Participants"]
    order += ["Accuracy of age"]
    order += ["Survival", "Subgroups", "Discrimination", "Both scores together"]
    order += ["Groups of people", "Robustness", "Saliency", "Discussion"]
    order += ["Declarations", "Supplement", "What to heed", "Sensitivity"]
    order += ["Reporting checklists", "REMARK", "STROBE", "TRIPOD+AI"]
    assert [heading for heading in headings if heading in order] == order
    assert sum(isinstance(item, ggplot) for item in shown) == 21
    assert sum(isinstance(item, DisplayTable) for item in shown) == 40
    assert not any(text.startswith("Not part of") for text in markdown_of(shown))


def test_what_only_authors_can_write_is_printed_or_left_open(whole):
    text = told(whole[0])
    assert '---\n{"title": "What *two* scores say", "author": [{"name": "Ada' in text
    assert "**Funding.** Nobody paid." in text
    assert "*Left for the authors to write: limitations; generalisability; impl" in text
    assert "Of the paper itself." in text
    assert "#### Two models\n\n**Made up.** All of it." in text


@pytest.mark.parametrize("role", PARTS_IN_WORDS)
def test_a_study_that_is_no_part_is_named_in_a_line(run, without, role):
    shown, said, labels = run(without(role))
    lines = markdown_of(shown)
    line = f"Not part of this paper: {PARTS_IN_WORDS[role]}."
    assert lines.count(line) == (5 if role == "prognosis" else 1)
    assert sum(t.startswith("Not part of this") for t in lines) == lines.count(line)
    assert {FLOATS[role], *FLOATS.values()} - labels == {FLOATS[role]}
    text = said + "\n".join(lines)
    assert set(REFERENCE.findall(text)) <= labels
    assert set(LINK.findall(text)) <= set(HEADING.findall(text))
    assert {"tbl-remark", "tbl-strobe"} & labels == (
        set() if role == "prognosis" else {"tbl-remark", "tbl-strobe"}
    )


def test_groups_judged_by_the_prognostic_study_need_no_audit(run, without, tables):
    folder = without("audit", "ages", "robustness", "saliency")
    part = folder / "prognosis"
    manifest = store.read_manifest(part / "manifest.json")
    names = [name.stem for name in (part / "tables").iterdir()]
    judged = audit_tables(tables)
    write_part(part, judged, manifest | {"choices": {"audit": ASKED}})
    written = store.read_manifest(part / "manifest.json")
    listed = dict.fromkeys([*names, *judged], "")
    store.write_manifest(written | {"tables": listed}, part / "manifest.json")
    shown, _, labels = run(folder)
    assert {"fig-groups", "tbl-groups", "tbl-audited"} <= labels
    text = told(shown)
    assert f"Not part of this paper: {PARTS_IN_WORDS['audit']}" not in text
    assert "@fig-groups sets measures in every group" in text
    assert "**Groups of people.** Every measure was estimated" in text
    assert "#tbl-audited" in text or "@tbl-audited" in text


def test_a_paper_of_one_study_has_a_document(run, without):
    shown, *_ = run(without("audit", "ages", "robustness", "saliency"))
    assert "To find out whether free light chain and creatinine go" in told(shown)
    lines = markdown_of(shown)
    assert sum(text.startswith("Not part of this paper") for text in lines) == 4


def test_a_paper_that_no_guideline_fits_has_no_checklists(run, without):
    shown, said, labels = run(without("prognosis", "audit", "robustness"))
    assert "sec-checklists" not in said + told(shown)
    assert "tbl-tripod" not in labels


def test_all_that_authors_can_say_is_printed_where_the_checklists_lead(run, without):
    folder = without("robustness", "saliency")
    manifest = store.read_manifest(folder / "manifest.json")
    said = {key: f"Words on {key}." for key in STATEMENTS}
    store.write_manifest(manifest | {"statements": said}, folder / "manifest.json")
    printed = told(run(folder)[0])
    assert "Left for the authors" not in printed
    assert "To be written" not in printed
    for key, words in said.items():
        assert f"**{STATEMENTS[key].label}.** {words}" in printed


def test_a_number_that_changes_in_a_table_changes_in_the_abstract(run, without, whole):
    folder = without()
    file = folder / "ages" / "tables" / "accuracy.parquet"
    table, provenance = store.read(file)
    is_mae = (table["estimand"] == "mae") & (table["model"] == "faceage")
    table.loc[is_mae, ["estimate", "conf_low", "conf_high"]] = [98.7, 97.6, 99.8]
    store.write(table, file, provenance)
    sentence = "FaceAge had a mean absolute error of 98.7 (95% CI 97.6"
    assert sentence not in told(whole[0])
    (results,) = re.findall(r"\*\*Results\.\*\* (.*)", told(run(folder)[0]))
    assert sentence in results


@pytest.mark.slow
def test_the_public_version_has_a_document_without_the_mean_face(run, without):
    folder = without("prognosis", "audit")
    manifest = store.read_manifest(folder / "manifest.json")
    for role in manifest["parts"]:
        key = read_manifest(folder / role)["provenance"]["key"]
        manifest["parts"][role] = {"key": key}
    public = publish_paper(folder, manifest)
    shown, _, labels = run(public)
    assert told(shown).count('title="Version for publication"') == 1
    assert not list(public.rglob("*.npz"))
    assert not list(public.rglob("personal"))
    assert "fig-regions" in labels
    assert "fig-face" not in labels


@pytest.mark.slow
def test_every_format_has_the_title_and_all_that_is_referred_to(paper, whole, tmp_path):
    pages = [tmp_path / f"paper.{kind}" for kind in ("html", "docx", "pdf")]
    render(REPORT, pages, params={"results": str(paper)}, engine="own")
    page, word, pdf = pages
    text = html.unescape(page.read_text())
    assert "<title>What *two* scores say</title>" in text
    assert text.count("<h1") == 1
    assert "Bea Author" in text
    for kind, name in (("fig", "Figure"), ("tbl", "Table")):
        n = sum(label.startswith(kind) for label in whole[2])
        assert re.search(rf"{name}\s{n}\b", text)
        assert not re.search(rf"{name}\s{n + 1}\b", text)
    assert len(text) < MOST_BYTES
    with zipfile.ZipFile(word) as parts:
        properties = parts.read("docProps/core.xml").decode()
    assert "What *two* scores say" in properties
    assert pdf.read_bytes().startswith(b"%PDF")
