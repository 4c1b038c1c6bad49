"""The studies that come with the package, on their real data."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from sksurv.datasets import load_flchain
from sksurv.linear_model import CoxPHSurvivalAnalysis
from sksurv.util import Surv
from tables import check_table

from fahrstats.cohort import store
from fahrstats.study.analyse import analyse_study
from fahrstats.study.checks import check_study
from fahrstats.study.examples import example_file
from fahrstats.study.tables_in import DATA_VARIABLE

SKSURV_RTOL = 1e-7
"""scikit-survival stops iterating at 1e-9."""

_BESIDE_CHECKOUT = Path(__file__).parents[3] / "shared" / "data"
DATA = Path(os.environ.get(DATA_VARIABLE, _BESIDE_CHECKOUT))

needs_nhanes = pytest.mark.skipif(
    not (DATA / "nhanes4").is_dir(),
    reason="the data folder with nhanes4 is absent (set FAHRSTATS_DATA)",
)


@pytest.fixture(scope="module")
def flchain(tmp_path_factory):
    return analyse_study(example_file("flchain"), out=tmp_path_factory.mktemp("flc"))


@pytest.fixture(scope="module")
def nhanes(tmp_path_factory):
    out = tmp_path_factory.mktemp("nhanes")
    return analyse_study(example_file("nhanes"), DATA, out)


def tables_of(results):
    names = store.read_manifest(results / "manifest.json")["tables"]
    return {n: store.read(results / "tables" / f"{n}.parquet")[0] for n in names}


@pytest.mark.slow
def test_every_table_of_flchain_keeps_the_contract(flchain):
    for table in tables_of(flchain).values():
        check_table(table)
        assert len(table)


@pytest.mark.slow
def test_flchain_counts_everyone_and_those_without_creatinine(flchain):
    flow = tables_of(flchain)["flow"]
    assert flow["n"].tolist() == [7874, 6524]
    assert flow["n_events"].tolist() == [2169, 1962]
    assert flow["column"].tolist() == ["", "creatinine"]


@pytest.mark.slow
def test_flchain_agrees_with_scikit_survival(flchain):
    covariates, outcome = load_flchain()
    flc = covariates["kappa"] + covariates["lambda"]
    is_complete = covariates["creatinine"].notna()
    X = np.column_stack(
        [flc / flc.std(), covariates["age"] / 10, covariates["sex"] == "M"]
    ).astype(float)[is_complete]
    days = np.where(outcome["futime"] == 0, 0.5, outcome["futime"])[is_complete]
    theirs = CoxPHSurvivalAnalysis(ties="efron").fit(
        X, Surv.from_arrays(outcome["death"][is_complete], days)
    )
    cox = tables_of(flchain)["cox"]
    ours = cox[(cox["biomarker"] == "flc") & (cox["model"] == "adjusted")]
    np.testing.assert_allclose(np.log(ours["estimate"]), theirs.coef_, rtol=SKSURV_RTOL)


@pytest.mark.slow
@needs_nhanes
def test_all_seven_published_rows_of_phenoage_are_met_to_two_decimals(nhanes):
    table = tables_of(nhanes)["published"]
    printed = table[table["published"].notna()]
    assert len(printed) == 7
    for ours, theirs in (
        ("estimate", "published"),
        ("conf_low", "published_low"),
        ("conf_high", "published_high"),
    ):
        assert printed[ours].round(2).tolist() == printed[theirs].tolist()
    assert printed["note"].str.startswith("agrees to every printed decimal").all()
    assert (printed["n"].iloc[0], printed["n_events"].iloc[0]) == (27837, 2349)


@pytest.mark.slow
@needs_nhanes
def test_deaths_from_any_cause_stand_beside_the_published_rows(nhanes):
    table = tables_of(nhanes)["published"]
    others = table[table["published"].isna()]
    assert set(others["outcome"]) == {"Death from any cause"}
    assert len(others) == 7
    # 4,309 with a recorded cause, and 10 whom only `status` counts
    assert others["n_events"].iloc[0] == 4319
    assert others["n"].iloc[0] == 27837


@pytest.mark.slow
@needs_nhanes
def test_every_model_is_registered_with_the_events_of_its_outcome(nhanes):
    manifest = store.read_manifest(nhanes / "manifest.json")
    found = {a["outcome"]: a["n_events"] for a in manifest["analyses"]}
    assert found["Death from any cause"] == 4319
    assert found["Death from an ageing-related cause"] == 2349


@pytest.mark.slow
@needs_nhanes
def test_every_table_of_nhanes_keeps_the_contract(nhanes):
    for table in tables_of(nhanes).values():
        check_table(table)
        assert len(table)


@needs_nhanes
@pytest.mark.parametrize("column", ["diabetes", "hyperten"])
def test_flags_of_the_death_certificate_are_refused_as_covariates(tmp_path, column):
    shipped = example_file("nhanes")
    path = tmp_path / "study.toml"
    text = shipped.read_text().replace("[covariates]", f"[covariates]\n{column} = {{}}")
    path.write_text(text)
    (tmp_path / "published.csv").write_text(
        shipped.with_name("published.csv").read_text()
    )
    check = check_study(path, DATA)
    assert check.cohort is None
    assert any(f"`{column}` is known for" in problem for problem in check.problems)
