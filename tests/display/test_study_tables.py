from __future__ import annotations

import pandas as pd
import pytest

from fahrstats.display.display_table import INDENT
from fahrstats.display.study_tables import analyses, photos_left_out, provenance
from fahrstats.errors import DataError


def test_provenance_names_data_code_seed_and_versions(manifest):
    shown = dict(provenance(manifest).cells.to_numpy())
    assert shown["SHA-256 of the data"] == "0" * 64
    assert shown["Rows in the data"] == "624"
    assert shown["Seed"] == "20240607"
    assert shown["fahrstats"] == "0.1.0"
    assert shown["numpy"] == "2.1.0"


def test_what_is_not_recorded_is_not_listed(manifest):
    bare = {"provenance": {"package": "0.1.0", "seed": None}}
    assert list(provenance(bare).cells["name"]) == ["fahrstats"]


def test_a_manifest_without_provenance_is_refused():
    with pytest.raises(DataError, match=r"no `provenance`"):
        provenance({})


def test_an_analysis_is_named_by_score_outcome_and_model_or_by_its_table(labels):
    entry = {"table": "joint_groups", "formula": "Surv(t, e) ~ age"}
    named = entry | {"biomarker": "flc", "outcome": "Stroke", "model": "adjusted"}
    shown = analyses([entry, named], labels=labels).cells
    assert list(shown["model"]) == [
        "Joint groups",
        "Free light chain, Stroke, adjusted",
    ]


def test_every_analysis_has_its_formula_and_sizes(manifest, labels, cohort):
    entry = {"biomarker": "flc", "table": "ph_test", "formula": "Surv(t, e) ~ flc"}
    shown = analyses([*manifest["analyses"], entry], labels=labels).cells.to_numpy()
    n, n_events = str(len(cohort)), str(cohort["event"].sum())
    formula = "Surv(time, event) ~ flc + age + sex"
    name = "Free light chain, adjusted"
    assert list(shown[0]) == [name, formula, n, n_events, "cox"]
    assert shown[1, 0] == "Free light chain"
    assert list(shown[1, 2:4]) == ["\N{EN DASH}"] * 2


def test_an_empty_registry_is_refused():
    with pytest.raises(DataError, match=r"`registry` is empty"):
        analyses([])


def test_photos_are_counted_by_reason():
    table = pd.DataFrame(
        {
            "cohort": ["Clinic"] * 2,
            "step": [0, 1],
            "reason": ["in the table", "age unknown"],
            "n": [1000, 900],
            "n_removed": [0, 100],
        }
    )
    frame = photos_left_out(table).frame()
    assert frame["Photos"].tolist() == ["", "1,000", "100", "900"]
    assert frame.iloc[2, 0] == f"{INDENT}Left out: age unknown"
    with pytest.raises(DataError, match="has no column `step`; a table of photos"):
        photos_left_out(table.drop(columns="step"))
