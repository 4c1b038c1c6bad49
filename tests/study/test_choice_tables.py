from __future__ import annotations

import numpy as np
import pytest
from tables import check_table

import fahrstats as fs
from fahrstats.cohort import store
from fahrstats.section import Section
from fahrstats.study import choice_tables
from fahrstats.study.analysis_sections import read_analysis
from fahrstats.study.checks import check_study, read_cohort
from fahrstats.study.contents import table_makers
from fahrstats.study.people_tables import group_column
from fahrstats.study.registry import list_analyses

EXACT = 1e-12
"""Our own numbers, reached by two routes through the same functions."""

ADJUSTED = "Surv(time, event) ~ faceage + age + sex"
CUTS = 'per = 10\ncut_points = [60, 70]\ncut_origin = "the protocol"'


def of_score(table, **wanted):
    for column, value in wanted.items():
        table = table[table[column] == value]
    return table.iloc[0]


def test_models_after_landmarks_stand_beside_that_of_all_follow_up(write_study):
    cohort = read_cohort(write_study(**{"seed = 3": "landmarks = [0.5, 1]"}))
    table = check_table(choice_tables.landmarks(cohort))
    assert list(table["time"]) == [0, 0.5, 1]
    assert (table["n"] + table["n_removed"] == 200).all()
    direct = fs.landmark(ADJUSTED, cohort.data, landmarks=[1]).fits[0]
    assert table["estimate"][2] == pytest.approx(np.exp(10 * direct.log_hr[0]), EXACT)
    assert set(table["per"]) == {"10"}
    assert set(table["variable"]) == {"faceage"}


@pytest.mark.parametrize(
    ("line", "times"),
    [
        ("horizons = [1, 2, 3]", (1, 2)),
        ("horizons = [2]", (2,)),
        ("horizons = [2]\nlandmarks = []", ()),
        ("horizons = [1, 2]\nlandmarks = [0.25]", (0.25,)),
    ],
)
def test_landmarks_are_the_first_horizons_unless_given(write_study, line, times):
    cohort = read_cohort(write_study(**{"horizons = [1, 2]": line}))
    assert choice_tables.landmark_times(cohort) == times
    assert ("landmarks" in table_makers(cohort)) == bool(times)


def test_a_landmark_that_nobody_reaches_is_a_problem(write_study):
    (problem,) = check_study(
        write_study(**{"seed = 3": "landmarks = [1, 90]"})
    ).problems
    assert problem == (
        "[analysis]: `landmarks` holds 90 years, but the longest follow-up is 4.107 "
        "years."
    )


def test_landmarks_are_times_that_ascend():
    problems: list[str] = []
    read_analysis(Section("[analysis]", {"landmarks": [2, 1]}, problems))
    assert problems == ["[analysis]: `landmarks` must ascend, but it is [2, 1]."]


def test_after_the_last_event_the_landmark_says_why_it_has_no_estimate(
    write_study, people
):
    people["dead"] *= people["days"] <= 365
    path = write_study(table=people, **{"seed = 3": "landmarks = [2]"})
    table = check_table(choice_tables.landmarks(read_cohort(path)))
    assert list(table["time"]) == [0, 2]
    assert table["note"][1].startswith("not estimated: ")
    assert (table["n"] + table["n_removed"] == 200).all()
    assert table["n_events"][1] == 0


def test_hazard_ratios_above_cut_points_are_those_of_a_factor(write_study):
    cohort = read_cohort(write_study())
    table = check_table(choice_tables.cut_effects(cohort))
    assert list(table["origin"].drop_duplicates()) == [
        *("quartiles", "tertiles", "median", "best cut point")
    ]
    fixed = table[table["origin"] != choice_tables.BEST]
    assert fixed["value"].is_monotonic_increasing
    median = float(cohort.data["faceage"].median())
    above = cohort.data.assign(above=(cohort.data["faceage"] > median).astype(int))
    for model, right in (("unadjusted", ""), ("adjusted", " + age + sex")):
        row = of_score(table, origin="median", model=model)
        fit = fs.cox(f"Surv(time, event) ~ above{right}", above)
        assert row["estimate"] == pytest.approx(np.exp(fit.log_hr[0]), EXACT)
        assert (row["value"], row["quantile"], row["level"]) == (median, 0.5, "above")


def test_cut_points_of_the_study_name_theirs_and_no_two_are_alike(write_study, people):
    people["faceage"] = people["faceage"].round(-1)
    cohort = read_cohort(write_study(table=people, **{"per = 10\n": f"{CUTS}\n"}))
    tried = choice_tables.cut_points_tried(cohort, cohort.study.scores[0])
    assert {cut for cut, origin in tried.items() if origin == "the protocol"} == {
        60,
        70,
    }
    assert all(cut < cohort.data["faceage"].max() for cut in tried)
    assert "median" not in tried.values()  # 60 or 70, which the protocol names


def test_the_best_cut_point_is_flagged_and_its_p_value_corrected(write_study):
    cohort = read_cohort(write_study())
    table = choice_tables.cut_effects(cohort)
    best = table[table["origin"] == choice_tables.BEST]
    test = of_score(best, estimand="max_logrank_chi2")
    direct = fs.best_cut_point("Surv(time, event) ~ faceage", cohort.data)
    assert test["value"] == direct.cut_point
    assert test["p_adjusted"] == direct.p_adjusted > test["p_value"]
    ratios = best[best["estimand"] == "hr"]
    assert list(ratios["model"]) == ["unadjusted", "adjusted"]
    assert ratios["p_value"].isna().all()  # as if it had not been chosen
    assert ratios["note"].str.contains("chosen for the outcome").all()
    others = table[table["origin"] != choice_tables.BEST]
    assert others["p_value"].notna().all()
    assert others["p_adjusted"].isna().all()


def test_a_score_of_two_values_has_no_best_cut_point(write_study, people):
    people["faceage"] = (people["faceage"] > 65) * 1.0
    both = 'per = 1\ncut_points = [0.5]\ncut_origin = "the only one"'
    cohort = read_cohort(write_study(table=people, **{"per = 10": both}))
    table = check_table(choice_tables.cut_effects(cohort))
    test = of_score(table, model=choice_tables.BEST)
    assert test["note"].startswith("not estimated: Only 1 value of `faceage`")


def test_every_landmark_and_cut_point_is_registered(write_study, tmp_path):
    cohort = read_cohort(write_study())
    for name in ("landmarks", "cut_effects"):
        store.write(
            table_makers(cohort)[name](cohort), tmp_path / f"{name}.parquet", {}
        )
    listed = list_analyses(cohort, tmp_path, ["landmarks", "cut_effects"])
    later, *parted, best = listed
    table = choice_tables.landmarks(cohort)
    assert (later["time"], later["n"]) == (1, table["n"][1])
    assert [entry["model"] for entry in parted] == ["unadjusted", "adjusted"]
    tried = choice_tables.cut_points_tried(cohort, cohort.study.scores[0])
    assert all(entry["cut_points"] == list(tried) for entry in parted)
    column = group_column("faceage")
    assert parted[1]["formula"] == f"Surv(time, event) ~ {column} + age + sex"
    assert (best["model"], best["n"]) == (choice_tables.BEST, 200)
