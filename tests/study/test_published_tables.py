from __future__ import annotations

import numpy as np
import pytest
from tables import check_table

import fahrstats as fs
from fahrstats.study import published_tables
from fahrstats.study.checks import check_study, read_cohort


def test_published_rows_stand_beside_ours_for_every_outcome(write_study, people):
    people["relapse"] = np.resize([1, 0, 1], len(people))
    path = write_study(
        table=people,
        **{
            "title": 'published = "p.csv"\ntitle',
            "[scores": '[outcome.also.relapse]\nevent = "relapse"\n\n[scores',
        },
    )
    published = path.parent / "p.csv"
    head = "outcome,subgroup,level,term,hr,low,high,source\n"
    published.write_text(
        head
        + ",,,faceage,1.0,0.9,1.1,Table 9\n"
        + "relapse,sex,Men,faceage,1.0,0.9,1.1,Table 9\n"
    )
    table = check_table(published_tables.published_beside_ours(read_cohort(path)))
    assert list(table["outcome"]) == ["Death", "Death", "relapse", "relapse"]
    assert list(table["level"]) == ["overall", "Men", "overall", "Men"]
    assert table["published"].notna().tolist() == [True, False, False, True]
    assert table["note"][0] == "differs from print (Table 9)"
    assert table["note"][3].startswith(
        "differs from print (Table 9); left out: `sex` has one level"
    )
    hr, low, high = (
        f"{table[c][0]:.2f}" for c in ("estimate", "conf_low", "conf_high")
    )
    published.write_text(f"{head},,,faceage,{hr},{low},{high},Table 9\n")
    table = published_tables.published_beside_ours(read_cohort(path))
    assert table["note"][0] == "agrees to every printed decimal (Table 9)"


@pytest.fixture
def printed_study(write_study, people):
    """Write a study whose published score is none of its own; return its file."""

    def write(lines="", score='per = "sd", within = "sex"'):
        people["advance"] = people["faceage"] - people["age"]
        path = write_study(
            table=people,
            title="published.file = 'p.csv'\n"
            f"published.scores.advance = {{ {score} }}\ntitle",
        )
        head = "outcome,subgroup,level,term,hr,low,high,source\n"
        (path.parent / "p.csv").write_text(head + lines)
        return path

    return write


def test_a_score_may_be_in_print_only(printed_study):
    cohort = read_cohort(printed_study(",,,advance,1.2,1.1,1.3,Table 1\n"))
    assert [score.name for score in cohort.study.scores] == ["faceage"]
    table = check_table(published_tables.published_beside_ours(cohort))
    spread = cohort.data.groupby("sex", observed=True)["advance"].transform("std")
    scaled = cohort.data.assign(advance=cohort.data["advance"] / spread)
    direct = fs.cox("Surv(time, event) ~ advance + age + sex", scaled)
    assert table["estimate"][0] == pytest.approx(np.exp(direct.log_hr[0]), rel=1e-12)
    assert table["per"][0] == "SD within sex"


def test_a_score_in_print_may_not_be_one_of_the_study(printed_study):
    path = printed_study(score="")
    path.write_text(path.read_text().replace("scores.advance", "scores.faceage"))
    (problem,) = check_study(path).problems
    assert problem == (
        "[published.scores.faceage]: `faceage` is a score or covariate already; take "
        "it out here."
    )


def test_published_numbers_are_checked_against_themselves(printed_study):
    lines = (
        ",,,faceage,1.50,1.20,1.60,Table 1\n,sex,Men,faceage,1.20,1.00,1.44,Table 1\n"
    )
    table = published_tables.published_check(read_cohort(printed_study(lines)))
    check_table(table)
    assert list(table["subgroup"]) == ["overall", "sex"]
    assert list(table["level"]) == ["overall", "Men"]
    assert table["note"][0].startswith("the estimate 1.50 is away from the geometric")
    assert table["note"][1] == ""
    direct = fs.check_published("HR 1.20 (1.00-1.44)").tidy()
    assert table["p_value"][1] == pytest.approx(direct["p_value"][0], rel=1e-12)
