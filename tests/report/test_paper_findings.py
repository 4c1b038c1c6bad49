"""What the abstract of a paper says, of what its studies hold."""

from __future__ import annotations

import pandas as pd
import pytest

from fahrstats import __version__
from fahrstats.cohort import store
from fahrstats.report import paper_findings as findings
from fahrstats.report.paper_results import PaperResults

SCORES = ["faceage", "facesurvival", "benchmark"]
COX = pd.DataFrame(
    {
        "biomarker": SCORES,
        "model": "unadjusted",
        "variable": SCORES,
        "term": SCORES,
        "estimand": "hr",
        "estimate": [1.5, 1.6, 1.7],
        "p_value": 0.01,
        "conf_low": 1.2,
        "conf_high": 2.0,
        "per": 1.0,
        "n": 900,
        "n_events": 90,
        "note": "",
    }
)


@pytest.fixture
def paper_of(tmp_path):
    """Write a paper of one prognostic study; return its results."""

    def opened(biomarkers, covariates=()) -> PaperResults:
        folder = tmp_path / "prognosis"
        store.write(COX, folder / "tables" / "cox.parquet", {})
        manifest = {
            "title": "Lives",
            "labels": {},
            "outcome_label": "Death",
            "biomarkers": biomarkers,
            "covariates": [*covariates],
            "provenance": {"package": __version__},
            "tables": {"cox": ""},
        }
        store.write_manifest(manifest, folder / "manifest.json")
        paper = {"title": "P", "authors": [], "parts": {"prognosis": {}}}
        store.write_manifest(paper, tmp_path / "manifest.json")
        return PaperResults(tmp_path)

    return opened


@pytest.mark.parametrize(
    ("scores", "covariates", "asked"),
    [
        (SCORES[:1], (), "faceage goes with the hazard of death"),
        (SCORES[:1], ("age",), "faceage goes with the hazard of death beyond age"),
        (SCORES, (), "faceage and facesurvival go with the hazard of death"),
    ],
)
def test_what_is_asked_is_about_the_first_two_scores(
    paper_of, scores, covariates, asked
):
    paper = paper_of(scores, covariates)
    assert findings.objective(paper) == f"To find out whether {asked}."


def test_the_first_two_scores_have_their_hazard_ratios_and_the_third_has_none(paper_of):
    told = " ".join(findings.abstract_results(paper_of(SCORES)))
    assert "hazard ratio 1.50" in told
    assert "hazard ratio 1.60" in told
    assert "1.70" not in told


def test_a_study_without_cox_models_says_nothing_of_them(paper_of):
    paper = paper_of(SCORES)
    del paper.prognosis.manifest["tables"]["cox"]
    assert findings.abstract_results(paper) == []
