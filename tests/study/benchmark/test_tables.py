from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from made_benchmark import BENCHMARK, CORRECTED, write_all
from tables import check_table

import fahrstats as fs
from fahrstats.study.benchmark.cohorts import read_cohorts
from fahrstats.study.benchmark.tables import FEW, table_makers

REFUSED = "not estimated: `fair` was corrected given true age"
LIMITS = pd.Index(
    [
        *("std_error", "statistic", "p_value", "p_adjusted"),
        *("conf_low", "conf_high", "joint_low", "joint_high"),
    ]
)
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


@pytest.fixture(scope="module")
def corrected(tables, tmp_path_factory):
    """Every table of the benchmark with a corrected age beside the raw ones."""
    ((old, new),) = CORRECTED.items()
    text = BENCHMARK.replace(old, new)
    path = write_all(tmp_path_factory.mktemp("fair") / "two", text, tables)
    makers = table_makers(*read_cohorts(path))
    return {name: check_table(make()) for name, make in makers.items()}


def test_a_corrected_age_has_its_mean_error_only(corrected, made):
    for name in ("accuracy", "calibration", "cells"):
        fair = corrected[name].query("model == 'fair'")
        assert set(fair["cohort"]) == {"Clinic", "Photos of the web"}
        known = fair[fair["estimate"].notna()]
        told = {"accuracy": {"mean_error", "median_error"}}.get(name, set())
        assert set(known["estimand"]) == told, name
        refused = fair[fair["estimate"].isna() & ~fair["note"].isin([FEW, "no photos"])]
        assert len(refused)
        assert refused["note"].str.startswith(REFUSED).all()
        assert refused[LIMITS.intersection(refused)].isna().all(axis=None)
    for name in ("accuracy", "calibration", "cells"):
        raw = corrected[name].query("model != 'fair'").reset_index(drop=True)
        pd.testing.assert_frame_equal(raw, made[name])


def test_a_corrected_age_is_compared_in_mean_error_only(corrected):
    differences = corrected["differences"].query("cohort == 'Clinic'")
    with_fair = differences[differences["term"].str.contains("fair")]
    assert set(with_fair["estimand"]) == {
        *("delta_mae", "delta_macro_mae", "delta_mean_error")
    }
    known = with_fair[with_fair["estimate"].notna()]
    assert known["term"].tolist() == ["faceage - fair", "other - fair"]
    assert set(known["estimand"]) == {"delta_mean_error"}
    overall = with_fair.drop(index=known.index).query("subgroup == 'overall'")
    assert overall["note"].str.startswith(REFUSED).all()
    assert overall[LIMITS.intersection(overall)].isna().all(axis=None)


def test_a_corrected_age_changes_no_comparison_of_the_others(corrected, made):
    for name in ("lowest", "differences"):
        ours = corrected[name]
        ours = ours[ours["term"] == "faceage - other"].query(
            "estimand != 'delta_mean_error'"
        )
        theirs = made[name][made[name]["term"] == "faceage - other"].query(
            "estimand != 'delta_mean_error'"
        )
        pd.testing.assert_frame_equal(
            ours.reset_index(drop=True), theirs.reset_index(drop=True)
        )
    assert len(corrected["lowest"]) == len(made["lowest"]) > 6
    assert "fair" not in set(corrected["lowest"]["model"])


@pytest.mark.parametrize("name", ["group_differences", "largest_differences"])
def test_groups_of_a_corrected_age_are_compared_in_mean_error_only(corrected, name):
    fair = corrected[name].query("model == 'fair'")
    known = fair[fair["estimate"].notna()]
    assert set(known["estimand"]) == {"delta_mean_error"}
    refused = fair[fair["estimate"].isna()]
    assert set(refused["estimand"]) == {"delta_mae", "delta_standardized_mae"}
    assert refused["note"].str.startswith(REFUSED).all()
    assert refused["note"].nunique() == 1  # whom a group lacks is beside the point
    keys = ["cohort", "subgroup", "estimand", "model"]
    once = corrected["largest_differences"].drop_duplicates(keys)
    assert len(once) == len(corrected["largest_differences"])


def test_one_model_and_its_correction_have_no_lowest(write_benchmark):
    text = '{ faceage = "FaceAge", other = "Other model" }'
    pair = '{ faceage = "FaceAge", fair = "Corrected" }\ncorrected.fair = "faceage"'
    makers = table_makers(*read_cohorts(write_benchmark({text: pair})))
    assert "lowest" not in makers
    differences = check_table(makers["differences"]())
    known = differences[differences["estimate"].notna()]
    assert set(known["estimand"]) == {"delta_mean_error"}
    assert len(known) == 2


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
