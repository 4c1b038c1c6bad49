"""An audit of PhenoAge in NHANES against R, group by group."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from references import reference_cases

import fahrstats as fs
from fahrstats.datasets.folder import DATA_VARIABLE

R_RTOL = 1e-8  # coxph with eps = 1e-13, 17 digits

_BESIDE_CHECKOUT = Path(__file__).parents[4] / "shared" / "data"
FILE = Path(os.environ.get(DATA_VARIABLE, _BESIDE_CHECKOUT)) / "nhanes4/nhanes4.parquet"
COLUMNS = ["time", "status", "phenoage0", "age", "gender", "race", "edu"]

pytestmark = pytest.mark.skipif(
    not FILE.is_file(),
    reason="the data folder with nhanes4 is absent (set FAHRSTATS_DATA)",
)


def nhanes() -> pd.DataFrame:
    """Adults with a score and follow-up; of the columns, only education has gaps."""
    data = pd.read_parquet(FILE, columns=COLUMNS)
    data = data.dropna(subset=[name for name in COLUMNS if name != "edu"])
    return data.assign(time=data["time"].replace(0, 0.5)).reset_index(drop=True)


SUBGROUPS = {
    "all": "overall",
    "gender": "gender",
    "race": "race",
    "edu": "edu",
    "band": "band",
    "both": "gender \u00d7 race",
}


@pytest.fixture(scope="module")
def result() -> fs.Audit:
    data = nhanes()
    data["band"] = pd.cut(data["age"], [0, 40, 60, 75, np.inf])
    return fs.audit(
        "Surv(time, status) ~ phenoage0 + age + gender",
        data,
        term="phenoage0",
        by=["gender", "race", "edu", "band"],
        crossings=[["gender", "race"]],
        horizon=120,
        floor_people=1,
        floor_events=1,
    )


@pytest.mark.parametrize("case", reference_cases("nhanes_audit"), ids=str)
def test_every_measure_of_every_group_is_r_s(result, case):
    table = result.tidy()
    table = table[table["subgroup"] == SUBGROUPS[case.column]]
    levels = table["level"].unique()
    assert len(levels) == len(case.levels)
    for level, theirs in zip(levels, case.levels, strict=True):
        rows = table[table["level"] == level]
        assert rows.iloc[0]["n"] == theirs["n"]
        assert rows.iloc[0]["n_events"] == theirs["n_events"]
        for name in (
            *("log_hr", "c_index", "model_c_index", "observed_expected"),
            *("calibration_slope", "brier", "ipa"),
        ):
            estimand = name.removeprefix("model_")
            row = rows[rows["estimand"] == estimand]
            if estimand == "c_index":
                row = row[(row["term"] == "model") == name.startswith("model_")]
            assert len(row) == 1
            ours = row.iloc[0]
            assert ours["estimate"] == pytest.approx(theirs[name], rel=R_RTOL), name
            if f"{name}_se" in theirs:
                error = theirs[f"{name}_se"]
                assert ours["std_error"] == pytest.approx(error, rel=R_RTOL), name


@pytest.mark.parametrize("case", reference_cases("nhanes_audit")[1:], ids=str)
def test_q_i_squared_and_interaction_are_r_s(result, case):
    tests = result.tests()
    tests = tests[tests["subgroup"] == SUBGROUPS[case.column]].set_index("measure")
    for name, theirs in case.tests.items():
        ours = tests.loc["hr" if name == "log_hr" else name]
        assert ours["i_squared"] == pytest.approx(theirs["i2"], rel=R_RTOL, abs=1e-9)
        if name != "log_hr":
            assert ours["statistic"] == pytest.approx(theirs["q"], rel=R_RTOL)
            assert ours["p_value"] == pytest.approx(theirs["p"], rel=1e-5)
    hr, theirs = tests.loc["hr"], case.interaction
    assert (hr["estimand"], hr["df"]) == ("interaction_chi2", theirs["df"])
    assert hr["statistic"] == pytest.approx(theirs["q"], rel=R_RTOL)
