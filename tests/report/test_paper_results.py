from __future__ import annotations

import json

import pytest

from fahrstats.cohort import store
from fahrstats.errors import DataError
from fahrstats.report.paper_results import PaperResults

pytest.importorskip("IPython", reason="needs the extra report")

OF_STUDY = {"labels": {}, "provenance": {"package": "0.0.9"}, "tables": {}}


@pytest.fixture
def write(tmp_path):
    """Write the manifest of a paper, and those of its studies."""

    def written(parts=(), **entries) -> PaperResults:
        for role, manifest in dict(parts).items():
            path = tmp_path / role / "manifest.json"
            store.write_manifest({**OF_STUDY, **manifest}, path)
        paper = {"title": "A_b", "authors": [], "parts": dict(parts), **entries}
        store.write_manifest(paper, tmp_path / "manifest.json")
        return PaperResults(tmp_path)

    return written


def test_title_and_authors_are_metadata_on_one_line(write):
    authors = [
        {"name": "Ada [A]", "affiliation": ["One", "Two"], "orcid": "0000"},
        {"name": "Bea", "affiliation": [], "orcid": None},
    ]
    opening, block, closing = write(authors=authors).title_block().data.splitlines()
    assert (opening, closing) == ("---", "---")
    assert json.loads(block) == {
        "title": "A\\_b",
        "author": [
            {"name": "Ada \\[A\\]", "affiliation": "One; Two", "orcid": "0000"},
            {"name": "Bea"},
        ],
    }
    assert "author" not in write().title_block().data


def test_studies_are_there_or_none(write):
    paper = write({"ages": {"title": "Ages"}})
    assert paper.ages.manifest["title"] == "Ages"
    assert paper.prognosis is None
    assert paper.absent("prognosis").data == (
        "Not part of this paper: what the scores say about survival."
    )


def test_statements_are_printed_and_those_to_come_named(write):
    paper = write(statements={"funding": "Nobody paid."})
    assert paper.statements(["funding", "ethics", "interests"]).data == (
        "**Funding.** Nobody paid.\n\n*Left for the authors to write: ethics; "
        "interests.*"
    )
    assert paper.statements(["funding"]).data == "**Funding.** Nobody paid."
    assert paper.statement("ethics") == ""


def test_what_is_said_only_where_the_authors_say_it_is_not_missed(write):
    paper = write(statements={"bias": "None."})
    assert paper.statements(["ethics"], ["funding", "bias"]).data == (
        "**Bias.** None.\n\n*Left for the authors to write: ethics.*"
    )


def test_where_a_paper_is_silent_its_studies_speak(write):
    parts = {
        "prognosis": {
            "title": "A_b",
            "statements": {"ethics": "Asked.", "bias": "No."},
        },
        "ages": {"title": "Ages", "statements": {"ethics": "Asked.", "funding": "F."}},
    }
    paper = write(parts, statements={"funding": "Nobody paid."})
    assert paper.statement("funding") == "Nobody paid."
    assert paper.statement("ethics") == "Asked."
    assert paper.statement("bias") == "*A\\_b:* No."
    parts["ages"]["statements"]["bias"] = "Yes."
    assert write(parts).statement("bias") == "*A\\_b:* No.\n\n*Ages:* Yes."
    assert write(parts).statement("design") == ""


def test_what_to_heed_is_said_study_by_study(write):
    paper = write(
        {
            "ages": {"title": "Ages", "warnings": {"accuracy": ["few photos."]}},
            "saliency": {"title": "Looks", "notes": "Of faces."},
        },
        notes="Of all.",
    )
    care = paper.care().data.splitlines()
    assert care[0].startswith("- Ages: The results were computed by fahrstats 0.0.9")
    assert care[1] == "- Ages: few photos."
    assert paper.notes().data == "Of all.\n\n#### Looks\n\nOf faces."
    assert write().care() is None
    assert write().notes() is None


def test_the_rule_of_a_public_version_is_said_once(write):
    public = {"base": 5, "floor": 10, "oldest": 90, "n_withheld": 0}
    public |= {"prints_zero": True, "left_out": {}}
    parts = {role: {"public": public} for role in ("ages", "saliency")}
    box = write(parts).public_box().data
    assert box.startswith('::: {.callout-important title="Version for publication"}')
    assert box.count("multiples of 5") == 1
    parts["ages"] = {
        "title": "Ages of faces",
        "public": public | {"n_withheld": 2, "left_out": {"x": "it holds y"}},
    }
    box = write(parts).public_box().data
    assert box.count("multiples of 5") == 1
    assert "Ages of faces: So that no such count can be found from others, 2 " in box
    assert "`x`, because it holds y." in box
    assert write().public_box() is None


def test_a_folder_without_a_paper_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"There is no `.*manifest.json`"):
        PaperResults(tmp_path)
