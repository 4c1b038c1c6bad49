from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from tables import check_table

import fahrstats as fs
from fahrstats.study.robustness.sources import read_sources
from fahrstats.study.robustness.tables import table_makers

TABLES = {
    *("dose_response", "thresholds", "equivalence", "model_differences"),
    *("agreement", "agreement_tests", "agreement_bands", "pair_differences", "serial"),
}


@pytest.fixture(scope="module")
def made(shared_robustness) -> dict[str, pd.DataFrame]:
    """Make every table once."""
    out = shared_robustness.parent.with_name("out")
    study, sources = read_sources(shared_robustness, out=out)
    return {name: make() for name, make in table_makers(study, sources).items()}


def test_every_table_keeps_the_contract(made):
    assert set(made) == TABLES
    for table in made.values():
        check_table(table)
        assert len(table)


def test_simulated_changes_are_those_of_dose_response(made, shared_robustness):
    out = shared_robustness.parent.with_name("out")
    _, sources = read_sources(shared_robustness, out=out)
    found = fs.dose_response(
        sources.panel.table, predicted=["faceage", "other"], n_boot=60, seed=3
    )
    table = made["dose_response"]
    changed = table[table["severity"] > 0].reset_index(drop=True)
    pd.testing.assert_frame_equal(changed, found.tidy(), check_dtype=False)
    assert set(table.loc[table["severity"] == 0, "note"]) == {"the photo itself"}
    passing = found.passing()
    pd.testing.assert_frame_equal(made["thresholds"], passing, check_dtype=False)
    lost = changed[(changed["condition"] == "jpeg") & (changed["severity"] == 5)]
    assert set(lost["n_missing"]) == {8}


def test_few_people_have_no_numbers(write_robustness, tables):
    """Neither a change that loses most faces, nor a condition of a few pairs."""
    sessions = tables["sessions"]
    is_few = (sessions["condition"] == "pose") & (sessions["subject"] > "s005")
    path = write_robustness(sessions=sessions[~is_few])
    out = path.parent.with_name("out")
    study, sources = read_sources(path, out=out)
    table = sources.panel.table
    is_lost = (table["condition"] == "jpeg") & (table["severity"] == 4)
    is_lost &= table["photo"] > sorted(table["photo"].unique())[6]
    table.loc[is_lost, ["faceage", "other"]] = np.nan
    made = {name: make() for name, make in table_makers(study, sources).items()}
    for name in (
        *("dose_response", "thresholds", "equivalence", "model_differences"),
        *("agreement", "agreement_tests", "pair_differences"),
    ):
        found = made[name]
        few = found[found["note"] == "too few people: 1 to 19"]
        assert len(few), name
        told = few.select_dtypes("number").drop(
            columns=["severity", "dose", "value", "df"], errors="ignore"
        )
        assert told.isna().all(axis=None), name
        sizes = found["n_subjects" if "n_subjects" in found else "n"].dropna()
        assert not sizes.between(1, 19).any(), name
    lost = made["dose_response"].query("condition == 'jpeg' and severity == 4")
    share = lost[lost["estimand"] == "share_lost"]["estimate"]
    assert (share > 0.9).all()


def test_real_pairs_are_compared_by_set_condition_and_model(made, tables):
    table = made["agreement"]
    overall = table[table["subgroup"] == "overall"]
    mean = overall[overall["estimand"] == "mean_change"]
    assert mean.groupby("cohort").size().to_dict() == {"Makeup": 2, "Two sessions": 4}
    wide = tables["makeup"].pivot(index="subject", columns="moment", values="other")
    own = (wide["after"] - wide["before"]).mean()
    (row,) = mean[(mean["cohort"] == "Makeup") & (mean["model"] == "other")].to_dict(
        "records"
    )
    assert row["estimate"] == pytest.approx(own)
    assert row["n"] == 60
    pose = mean[(mean["condition"] == "pose") & (mean["model"] == "faceage")]
    assert pose["estimate"].iloc[0] == pytest.approx(4, abs=1)
    by_sex = table[table["subgroup"] == "sex"]
    assert set(by_sex["cohort"]) == {"Makeup"}
    assert set(by_sex["level"]) == {"Women", "Men"}


def test_equivalence_is_tested_in_every_set(made):
    tests = made["agreement_tests"]
    is_it = (tests["estimand"] == "equivalence") & (tests["subgroup"] == "overall")
    ours = tests[is_it & (tests["model"] == "faceage")]
    found = ours.set_index("condition")["p_value"]
    assert set(found.index) == {"overall", "light", "pose"}
    assert found["light"] < 0.05
    assert found["pose"] > 0.5


def test_bands_hold_enough_people_and_their_own_changes(made, tables):
    bands = made["agreement_bands"]
    makeup = bands[(bands["cohort"] == "Makeup") & (bands["model"] == "faceage")]
    low, high = makeup["level"].unique()
    assert low.startswith("under ")
    assert high == f"{low.removeprefix('under ')}+"
    wide = tables["makeup"].pivot(index="subject", columns="moment", values="faceage")
    border = float(high.removesuffix("+"))
    is_low = wide.mean(axis=1) < border
    own = (wide["after"] - wide["before"])[is_low]
    (row,) = makeup[
        (makeup["level"] == low) & (makeup["estimand"] == "mean_change")
    ].to_dict("records")
    assert row["estimate"] == pytest.approx(own.mean())
    assert row["n"] == len(own)
    assert (bands["n"].dropna() >= 20).all()


def test_groups_of_few_pairs_have_no_numbers(write_robustness, tables):
    sex = np.where(tables["makeup"]["subject"] < "s012", "F", "M")
    path = write_robustness(makeup=tables["makeup"].assign(sex=sex))
    study, sources = read_sources(path, out=path.parent.with_name("out"))
    table = table_makers(study, sources)["agreement"]()
    women = table[table["level"] == "Women"]
    assert len(women)
    assert women[["estimate", "n"]].isna().all(axis=None)
    assert set(women["note"]) == {"too few people: 1 to 19"}


def test_models_are_compared_in_real_pairs(made):
    table = made["pair_differences"]
    assert table["cohort"].tolist() == ["Makeup", "Two sessions", "Two sessions"]
    assert set(table["term"]) == {"faceage - other"}
    assert table["estimate"].iloc[0] < 0  # the other model has twice the noise
    assert set(table["n"]) == {50, 60}


def test_repeated_photos_are_those_of_repeatability(made, tables):
    own = fs.repeatability(
        tables["serial"], subject="who", predicted="other", date="taken"
    ).tidy()
    ours = made["serial"]
    ours = ours[ours["model"] == "other"].reset_index(drop=True)
    np.testing.assert_allclose(ours["estimate"], own["estimate"])


def test_one_model_is_compared_with_none(write_robustness):
    path = write_robustness({', other = "Other model"': ""})
    study, sources = read_sources(path, out=path.parent.with_name("out"))
    makers = table_makers(study, sources)
    assert TABLES - makers.keys() == {"model_differences", "pair_differences"}
