from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from tables import check_table

from fahrstats.errors import DataError
from fahrstats.study.checks import check_study, read_cohort

PUBLISHED = "outcome,subgroup,level,term,hr,low,high,source\n"


def test_a_sound_study_has_no_problems_and_a_cohort(write_study):
    check = check_study(write_study())
    assert check.problems == ()
    assert check.notes[-1].startswith("200 rows with ")
    cohort = check.cohort
    assert len(cohort.data) == 200
    assert cohort.groups["faceage"].origin == "analysed rows of cohort.csv, n = 200"
    check_table(cohort.flow)
    assert cohort.flow["n"].tolist() == [200]


def test_rows_are_left_out_with_their_reason_and_events(write_study, people):
    people.loc[:9, "age"] = np.nan
    people.loc[5:19, "faceage"] = np.nan
    people.loc[20:22, "days"] = 0
    check = check_study(write_study(table=people))
    flow = check.cohort.flow
    assert list(
        zip(flow["reason"], flow["column"], flow["n_removed"], strict=True)
    ) == [
        ("in the table", "", 0),
        ("missing", "faceage", 15),
        ("missing", "age", 5),
        ("time 0", "time", 3),
    ]
    assert flow["n"].tolist() == [200, 185, 180, 177]
    kept = people[people[["age", "faceage"]].notna().all(axis=1) & (people["days"] > 0)]
    assert flow["n_events"].iloc[-1] == kept["dead"].sum()
    assert len(check.cohort.data) == 177
    assert check.notes[1].startswith("15 rows with ")


def test_all_problems_of_the_data_are_listed_at_once(write_study, people):
    people = people.assign(
        days=people["days"] * np.where(people.index < 4, -1, 1),
        dead=people["dead"] + 1,
        chapter=np.where(people["dead"] == 1, 1.0, np.nan),
    )
    path = write_study(
        table=people,
        **{"sex = true": "site = true", "age = { label": "chapter = {}\nage = { label"},
    )
    problems = check_study(path).problems
    assert len(problems) == 3
    assert "[outcome]: `days` is negative in 4 of 200 rows" in problems[0]
    assert "[outcome]: `dead` must be 0/1 or boolean, but it holds" in problems[1]
    assert "[subgroups.site]: the table has no column `site`." in problems[2]


def test_a_covariate_known_only_with_the_event_is_refused_in_bad_company(
    write_study, people
):
    people["chapter"] = np.where(people["dead"] == 1, 1.0, np.nan)
    path = write_study(table=people, **{"age = { label": "chapter = {}\nage = { label"})
    (leak,) = check_study(path).problems
    assert "`chapter` is known for" in leak
    people["days"] = -people["days"]
    problems = check_study(write_study(path.read_text(), people)).problems
    assert len(problems) == 2
    assert leak in problems


def test_a_subgroup_known_only_with_the_event_is_refused(write_study, people):
    people["cause"] = np.where(people["dead"] == 1, "C34", None)
    people.loc[people.index[people["dead"] == 1][:3], "cause"] = "I25"
    path = write_study(table=people, **{"sex = true": "sex = true\ncause = true"})
    assert "`cause` is known for" in check_study(path).problems[0]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"horizons = [1, 2]": "horizons = [50]"}, "holds 50 years, but the longest"),
        ({"seed = 3": "cluster = 'ward'"}, "[analysis] cluster: the table has no"),
        ({"seed = 3": "id = 'sex'"}, "`sex` repeats in"),
        ({"per = 10": "per = 10\nwithin = 'sex'"}, '`within` needs `per = "sd"`'),
        ({'"cohort.csv"': '"cohrt.csv"'}, "`cohrt.csv` is not beside the study file"),
    ],
)
def test_a_study_that_asks_for_what_is_not_there_is_told(write_study, changes, message):
    (problem,) = check_study(write_study(**changes)).problems
    assert message in problem


def test_a_score_of_few_values_cannot_be_cut(write_study, people):
    people["faceage"] = (people["faceage"] > 65).astype(float)
    (problem,) = check_study(write_study(table=people)).problems
    assert problem.startswith("[scores.faceage]: Only 2 of 4 groups hold a value")


def test_a_table_without_events_or_complete_rows_is_a_problem(write_study, people):
    (problem,) = check_study(write_study(table=people.assign(dead=0))).problems
    assert "`dead` marks no event" in problem  # the column's name in the table
    problems = check_study(write_study(table=people.assign(age=np.nan))).problems
    assert "No row of 200 is complete" in problems[-1]


def test_unmatched_ids_are_steps_of_the_flow(write_study, people):
    path = write_study(
        table=people.drop(columns="faceage"),
        **{
            'table = "cohort.csv"': "[table]\nfile = 'cohort.csv'\nid = 'patient'\n"
            "scores = 'scores.csv'\nallow_unmatched = true"
        },
    )
    scores = people[["patient", "faceage"]].head(180)
    stray = pd.DataFrame({"patient": ["x", "y"], "faceage": [60.0, 61.0]})
    pd.concat([scores, stray]).to_csv(path.parent / "scores.csv", index=False)
    flow = read_cohort(path).flow
    assert flow["n"].tolist() == [200, 180]
    assert flow["reason"][1] == (
        "no row in the scores table (2 of its rows have none here)"
    )
    assert flow["n_events"].iloc[-1] == people["dead"].head(180).sum()


def test_scores_within_deviations_go_to_the_models_only(write_study):
    cohort = read_cohort(write_study(**{"per = 10": "per = 'sd'\nwithin = 'sex'"}))
    raw, divided = cohort.data["faceage"], cohort.model_data["faceage"]
    spread = cohort.data["sex"].astype(str).map(cohort.deviations["faceage"])
    np.testing.assert_allclose(divided, raw / spread, rtol=1e-15)


def test_a_published_table_is_read_with_its_decimals(write_study):
    path = write_study(**{"title": 'published = "p.csv"\ntitle'})
    (path.parent / "p.csv").write_text(
        PUBLISHED
        + ",,,faceage,1.50,1.40,1.60,Table 1\n"
        + ",age,65 or less,faceage,1.5,1.4,1.6,Table 2\n"
    )
    everyone, young = read_cohort(path).published
    assert str(everyone.hr) == "1.50"
    assert (young.subgroup, young.level) == ("age_band", "65 or less")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            ",sexx,Men,faceage,1,1,1,x",
            "`sexx` is no subgroup of the study (`sex`, `age`)",
        ),
        (",sex,Man,faceage,1,1,1,x", "`Man` is no level of the study (`Men`, `Women`)"),
        (",,,age,1,1,1,x", "`age` is no term of the study (`faceage`)."),
        ("pfs,,,faceage,1,1,1,x", "`pfs` is no outcome of the study ()."),
        (",,,faceage,1.x,1,1,x", "`1.x` is no number."),
        (",,,faceage,1.5,1.6,1.7,x", "the limits 1.6 and 1.7 do not enclose 1.5."),
    ],
)
def test_a_published_row_that_fits_nothing_is_named_by_its_line(
    write_study, line, message
):
    path = write_study(**{"title": 'published = "p.csv"\ntitle'})
    (path.parent / "p.csv").write_text(PUBLISHED + line + "\n")
    (problem,) = check_study(path).problems
    assert problem.startswith(f"line 2 of the published table: {message}")


def test_a_published_table_must_exist_and_have_its_columns(write_study):
    path = write_study(**{"title": 'published = "p.csv"\ntitle'})
    assert "`p.csv` is not beside the study file" in check_study(path).problems[0]
    (path.parent / "p.csv").write_text("hr,low\n1,2\n")
    assert check_study(path).problems[0] == (
        "the published table has no column `outcome`, `subgroup`, `level`, `term`, "
        "`high`, `source`."
    )


def test_a_cohort_with_problems_is_refused_with_the_first_and_their_number(
    write_study, people
):
    path = write_study(table=people.drop(columns=["dead", "age"]))
    with pytest.raises(DataError, match=r"study\.toml: \[outcome\]: .* \(2 problems;"):
        read_cohort(path)


def test_cut_points_of_another_cohort_make_the_groups(write_study):
    cuts = "per = 10\ncut_points = [65, 75]\ncut_origin = 'derivation cohort'"
    cohort = read_cohort(write_study(**{"per = 10": cuts}))
    groups = cohort.groups["faceage"]
    assert list(groups.cut_points) == [65, 75]
    assert groups.origin == "derivation cohort"
    (problem,) = check_study(
        write_study(**{"per = 10": cuts, "seed = 3": "reference = 'Q4'"})
    ).problems
    assert problem == (
        "[scores.faceage]: 3 groups, none called `Q4`, the `reference` of [analysis]."
    )
    cuts = cuts.replace("cut_origin", "# cut_origin")
    (problem,) = check_study(write_study(**{"per = 10": cuts})).problems
    assert problem == (
        "[scores.faceage]: `cut_points` needs `cut_origin`, where they come from."
    )


@pytest.mark.parametrize(
    ("table", "changes", "message"),
    [
        (
            {"dead": [1] * 30 + [0] * 170},
            {"seed = 3": "quantile_groups = 40"},
            "[scores.faceage]: 40 groups and the covariates need 41 coefficients, "
            "but there are only 30 events; make `quantile_groups` smaller.",
        ),
        (
            {"site": [f"s{i}" for i in range(200)]},
            {"sex = {": "site = { categorical = true }\nsex = {"},
            "[covariates.site]: 200 levels need 199 coefficients, more than the",
        ),
        (
            {
                "dead": [1] * 80 + [0] * 120,
                "a": [str(i % 70) for i in range(200)],
                "b": [i // 3 for i in range(200)],
            },
            {
                "sex = {": "a = { categorical = true }\nb = { categorical = true }\n"
                "sex = {"
            },
            "Scores and covariates need 138 coefficients, but there are only",
        ),
        (
            {"days": ["2020-01-01", "soon", "2021-01-01", "later"] * 50},
            {},
            "[outcome]: `days` must hold numbers, but it holds `2020-01-01`, `soon`, "
            "`2021-01-01`; give",
        ),
        (
            {"faceage": [np.inf, *range(199)]},
            {"per = 10": "per = 'sd'"},
            "`faceage` is infinite in 1 of 200 rows; give finite values",
        ),
        (
            {},
            {"per = 10": "cut_points = [65, 300]\ncut_origin = 'x'"},
            "[scores.faceage]: `cut_points` must lie between the lowest and",
        ),
        (
            {"dead": ["C34", "NA", None, "I25"] * 50},
            {'event = "dead"': 'event = { column = "dead", present = true }'},
            "[outcome]: `dead` holds the text `NA` in 50 of 200 rows, which counts",
        ),
        ({"days": 10.0}, {}, "`days` is 0.0273785 in all 200 complete rows; with one"),
    ],
)
def test_what_the_analysis_would_refuse_is_one_problem_of_the_check(
    write_study, people, table, changes, message
):
    path = write_study(table=people.assign(**table), **changes)
    (problem,) = check_study(path).problems
    assert problem.startswith(message)


@pytest.mark.parametrize(
    ("table", "changes", "note"),
    [
        (
            {"sex": 1},
            {"sex = true\n": ""},
            "`sex` is the same in all rows, so it has no",
        ),
        (
            {},
            {"[subgroups]": 'old = { column = "age" }\n[subgroups]'},
            "`age` and `old` hold the same values; in a model with both, one has no",
        ),
        (
            {},
            {"[covariates]": '[scores.other]\ncolumn = "faceage"\n[covariates]'},
            "`faceage` and `other` hold the same values; in a model",
        ),
        (
            {"dead": [1] * 10 + [0] * 190},
            {},
            "10 events for 3 coefficients of scores and covariates, fewer than 5 each",
        ),
        (
            {},
            {'unit = "days"': 'unit = "years"'},
            "`days` has a median of ",
        ),
        (
            {"days": [0] + [400] * 99 + [500] * 100, "dead": 1},
            {"horizons = [1, 2]\n": ""},
            "1 row with 1 event is left out: `days`, time 0.",
        ),
        (
            {"site": ["None", "lung"] * 100},
            {"sex = true": "sex = true\nsite = true"},
            "[subgroups.site]: `site` holds the text `None` in 100 of 200 rows, which",
        ),
    ],
)
def test_what_is_odd_but_not_wrong_is_a_note(write_study, people, table, changes, note):
    check = check_study(write_study(table=people.assign(**table), **changes))
    assert check.problems == ()
    assert sum(found.startswith(note) for found in check.notes) == 1


def test_a_sound_study_has_notes_on_its_rows_only(write_study):
    assert len(check_study(write_study()).notes) == 1
