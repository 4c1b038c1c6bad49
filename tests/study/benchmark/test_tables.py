from __future__ import annotations

import numpy as np
import pytest
from tables import check_table

import fahrstats as fs
from fahrstats.study.benchmark.cohorts import read_cohorts
from fahrstats.study.benchmark.tables import FEW, table_makers

CROSSED = "sex \N{MULTIPLICATION SIGN} site"


@pytest.fixture(scope="module")
def made(shared_benchmark):
    """Every table of the benchmark."""
    makers = table_makers(*read_cohorts(shared_benchmark))
    return {name: make() for name, make in makers.items()}


def test_every_table_is_over_all_data_sets(made):
    for name, table in made.items():
        check_table(table)
        assert list(dict.fromkeys(table["cohort"])) == [
            "Clinic",
            "Photos of the web",
        ], name


def test_numbers_are_those_of_age_accuracy(made, shared_benchmark):
    _, (clinic, _) = read_cohorts(shared_benchmark)
    direct = fs.age_accuracy(
        ["faceage", "other"],
        clinic.rows,
        subject="subject",
        by=["sex", "site", ("sex", "site"), ("age", "sex"), ("age", "site")],
        n_boot=60,
        seed=3,
    ).tidy()
    ours = made["accuracy"].query("cohort == 'Clinic'").reset_index(drop=True)
    assert len(ours) == len(direct)
    is_shown = ours["estimate"].notna()
    assert is_shown.sum() > 100
    np.testing.assert_array_equal(
        ours.loc[is_shown, ["estimate", "conf_low", "conf_high"]],
        direct.loc[is_shown, ["estimate", "conf_low", "conf_high"]],
    )
    hidden = direct[~is_shown & direct["estimate"].notna()]
    assert hidden["n_subjects"].max() < 20


def test_groups_of_few_people_have_no_numbers(made):
    table = made["accuracy"]
    small = table.query(
        "cohort == 'Clinic' and level == 'small' and subgroup == 'site'"
    )
    assert set(small["note"]) == {FEW}
    for name in ("estimate", "std_error", "conf_low", "n", "n_subjects", "n_missing"):
        assert small[name].isna().all()
    nobody = table.query("cohort == 'Clinic' and level == '0-9'")
    assert set(nobody["note"]) == {"no photos"}
    assert (nobody["n"] == 0).all()


def test_the_lowest_error_is_that_of_the_table_of_accuracy(made):
    accuracy, lowest = made["accuracy"], made["lowest"]
    for row in lowest.to_dict("records"):
        estimand = row["estimand"].removeprefix("delta_")
        at = accuracy[
            (accuracy["cohort"] == row["cohort"])
            & (accuracy["subgroup"] == row["subgroup"])
            & (accuracy["level"] == row["level"])
            & (accuracy["estimand"] == estimand)
        ].set_index("model")["estimate"]
        assert at.idxmin() == row["model"]
        assert row["term"].startswith(f"{row['model']} - ")
        assert row["estimate"] == pytest.approx(at.min() - at.max())
        assert row["joint_low"] <= row["estimate"] <= row["joint_high"]
        assert row["conf_low"] <= row["estimate"] <= row["conf_high"]
    # FaceAge is the better one by construction, at all ages that are not at an end.
    in_middle = lowest[lowest["level"].isin(["30-39", "40-49", "50-59"])]
    assert len(in_middle) == 6
    overall = lowest.query("cohort == 'Clinic' and estimand == 'delta_mae'").iloc[0]
    assert (overall["level"], overall["model"]) == ("overall", "faceage")


def test_groups_are_compared_where_there_are_two_of_enough_people(made):
    differences = made["group_differences"]
    clinic = differences.query("cohort == 'Clinic' and model == 'faceage'")
    by_sex = clinic.query("subgroup == 'sex'").set_index("estimand")
    assert by_sex.loc["delta_mean_error", "estimate"] == pytest.approx(-6, abs=1.5)
    assert by_sex.loc["delta_mean_error", "term"] == "Women - Men"
    by_site = clinic.query("subgroup == 'site' and estimand == 'delta_mae'")
    assert by_site["term"].tolist() == ["A - B"]
    assert by_site["note"].str.contains("few people or no estimate: small").all()
    crossed = clinic[clinic["subgroup"] == CROSSED]
    assert "delta_standardized_mae" not in set(crossed["estimand"])
    assert len(crossed.query("estimand == 'delta_mae'")) == 6
    largest = made["largest_differences"].query("cohort == 'Clinic'")
    of_crossed = largest[
        (largest["subgroup"] == CROSSED) & (largest["estimand"] == "delta_mae")
    ]
    assert of_crossed["model"].tolist() == ["faceage", "other"]


def test_largest_differences_are_found_among_all_pairs(made):
    pairs, largest = made["group_differences"], made["largest_differences"]
    keys = ["cohort", "subgroup", "estimand", "model"]
    assert not largest.duplicated(keys).any()
    assert len(largest) == len(pairs.drop_duplicates(keys))
    found = largest.merge(pairs, on=[*keys, "term"], suffixes=("", "_of_pair"))
    assert len(found) == len(largest)
    np.testing.assert_array_equal(found["p_adjusted"], found["p_adjusted_of_pair"])


def test_groups_that_cannot_be_compared_say_why(write_benchmark, tables):
    clinic = tables["clinic"].assign(sex="F")
    makers = table_makers(*read_cohorts(write_benchmark(clinic=clinic)))
    table = check_table(makers["largest_differences"]())
    (row, *_) = table.query("cohort == 'Clinic' and subgroup == 'sex'").to_dict(
        "records"
    )
    assert row["note"].startswith("not estimated: `sex` has 1 level with an estimate")


def test_one_model_without_groups_has_fewer_tables(write_benchmark):
    path = write_benchmark(
        {
            ', other = "Other model"': "",
            'by = ["sex", "site", ["sex", "site"]]': "",
            'by = "sex"': "",
        }
    )
    makers = table_makers(*read_cohorts(path))
    assert list(makers) == ["flow", "accuracy", "calibration", "cells"]


def test_ages_known_to_intervals_have_no_cells(made):
    cells = made["cells"]
    web = cells[cells["cohort"] == "Photos of the web"]
    assert web["estimate"].isna().all()
    assert web["note"].str.startswith("not estimated: true ages are known").all()
    assert cells.loc[cells["cohort"] == "Clinic", "estimate"].notna().all()


def test_intervals_that_do_not_tell_leave_the_rest(write_benchmark, tables):
    wide = tables["web"].assign(**{"from": 0.0, "below": 100.0})
    makers = table_makers(*read_cohorts(write_benchmark(web=wide)))
    made = {name: check_table(make()) for name, make in makers.items()}
    assert set(made["lowest"]["cohort"]) == {"Clinic"}
    accuracy = made["accuracy"].query("cohort == 'Photos of the web'")
    known = accuracy[accuracy["estimate"].notna()]
    assert "mae_to_interval" in set(known["estimand"])
    assert "mae" not in set(known["estimand"])


def test_a_table_may_have_no_rows(write_benchmark, tables):
    wide = tables["web"].assign(**{"from": 0.0, "below": 100.0})
    path = write_benchmark(web=wide)
    text = path.read_text()
    start, end = text.index("[data.clinic]"), text.index("[data.web]")
    path.write_text(text[:start] + text[end:])
    makers = table_makers(*read_cohorts(path))
    lowest = check_table(makers["lowest"]())
    assert (len(lowest), list(lowest.columns)) == (0, ["cohort"])
