from __future__ import annotations

import numpy as np
import pytest
from tables import check_table

import fahrstats as fs
from fahrstats.study import age_tables
from fahrstats.study.checks import check_study, read_cohort

EXACT = 1e-12
"""Our own numbers, reached by two routes through the same functions."""

AGES = """
[ages]
predicted = "faceage"
sd_by = "sex"
older = 5
younger = 4
"""


@pytest.fixture
def write_ages(write_study):
    """Write a study whose score is an age; return its file."""

    def write(text=AGES):
        return write_study(**{"[subgroups]": f"{text}\n[subgroups]"})

    return write


def test_gaps_are_measured_against_everyone_analysed(write_ages):
    cohort = read_cohort(write_ages())
    table = check_table(age_tables.gaps(cohort))
    direct = fs.gap(
        cohort.data.assign(all=True),
        reference="all",
        sd_by="sex",
        older=5,
        younger=4,
    ).tidy()
    np.testing.assert_allclose(table["estimate"], direct["estimate"], rtol=EXACT)
    assert list(table["variable"].unique()) == ["gap", "residual_gap", "sd_gap"]
    assert set(table["note"]) == {""}


def test_an_age_without_gaps_keeps_a_row_beside_one_that_has_some(write_study, people):
    people["below"] = people["faceage"] - 60  # in part below 0, so no age
    people["photo_age"] = people["age"].where(people.index >= 30)
    ages = (
        '[scores.below]\n[ages]\npredicted = ["below", "faceage"]\nage = "photo_age"\n'
    )
    path = write_study(table=people, **{"[subgroups]": f"{ages}\n[subgroups]"})
    table = check_table(age_tables.gaps(read_cohort(path)))
    refused = table[table["biomarker"] == "below"].iloc[0]
    assert refused["note"].startswith("not estimated: `below` is negative")
    assert (refused["n"], refused["n_missing"]) == (170, 30)
    assert table["n_missing"].max() == 30


def test_a_gap_has_the_hazard_ratio_of_the_age_it_comes_from(write_ages):
    cohort = read_cohort(write_ages())
    table = check_table(age_tables.gap_ratios(cohort)).set_index("term")
    direct = fs.cox("Surv(time, event) ~ faceage + age + sex", cohort.data)
    for term in ("gap", "residual_gap"):
        assert np.log(table["estimate"][term]) == pytest.approx(
            direct.log_hr[0], rel=1e-8
        )
    assert list(table["per"]) == ["1", "1", "SD", "", ""]
    assert list(table["level"][-2:]) == [
        *("at least 4 years younger", "at least 5 years older")
    ]
    assert set(table["reference"][-2:]) == {"between"}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            '"faceage"',
            '"face"',
            "[ages]: `predicted` names `face`; known",
        ),
        (
            'predicted = "faceage"',
            "",
            "[ages]: `predicted` is missing; name",
        ),
        ("older = 5", 'age = "sex"', "[ages]: `age` names `sex`; known here: `age`."),
        ('"sex"', '"race"', "[ages]: `sd_by` names `race`; known here: `age`, `sex`."),
        ("older = 5", "older = -1", "[ages]: `older` is -1; it must be above 0"),
        ("older", "oldr", "[ages]: `oldr` is not known; did you mean `older`?"),
    ],
)
def test_what_is_wrong_with_ages_is_said(write_ages, old, new, message):
    (problem,) = check_study(write_ages(AGES.replace(old, new))).problems
    assert problem.startswith(message)


def test_a_predicted_age_below_zero_says_why_it_has_no_gap(write_study, people):
    people.loc[0, "faceage"] = -1.0
    path = write_study(table=people, **{"[subgroups]": f"{AGES}\n[subgroups]"})
    table = check_table(age_tables.gaps(read_cohort(path)))
    assert table["note"][0].startswith("not estimated: `faceage` is negative")


def test_predicted_ages_are_described_by_decade_and_small_decades_left_out(
    write_study, people
):
    people["age"] = np.repeat([44.0, 59.9, 60.0, 83.0, 95.0], [4, 96, 50, 47, 3])
    path = write_study(**{"[subgroups]": f"{AGES}\n[subgroups]"})
    table = check_table(age_tables.ages_by_decade(read_cohort(path)))
    medians = table[table["estimand"] == "median"].set_index("group")
    assert medians["n"].to_dict() == {
        "overall": 200,
        "50 to 59": 96,
        "60 to 69": 50,
        "80 or more": 50,
    }
    expected = people["faceage"][4:100].median()
    assert medians["estimate"]["50 to 59"] == pytest.approx(expected, rel=EXACT)
    assert set(table["biomarker"]) == {"faceage"}


def test_the_age_lived_may_be_known_of_some_only_and_be_no_covariate(
    write_study, people
):
    people["age_then"] = people["age"].where(people.index % 4 == 0) - 3
    text = AGES + 'age = "age_then"\n'
    path = write_study(**{"[subgroups]": f"{text}\n[subgroups]"})
    cohort = read_cohort(path)
    assert len(cohort.data) == 200
    mean = age_tables.gaps(cohort).query(
        "variable == 'gap' and group == 'overall' and estimand == 'mean'"
    )
    assert mean[["n", "n_missing"]].to_numpy().tolist() == [[50, 150]]
    expected = (people["faceage"] - people["age_then"]).mean()
    assert mean["estimate"].item() == pytest.approx(expected, rel=1e-9)
    assert set(age_tables.gap_ratios(cohort)["n"]) == {50}
    assert (
        age_tables.ages_by_decade(cohort).query("group == 'overall'")["n"].max() == 50
    )


def test_an_age_that_the_table_lacks_is_said(write_ages):
    (problem,) = check_study(write_ages(AGES + 'age = "ago"\n')).problems
    assert problem == "[ages]: the table has no column `ago`. Did you mean `age`?"
