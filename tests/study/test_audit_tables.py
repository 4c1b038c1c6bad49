from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from tables import check_table

import fahrstats as fs
from fahrstats.study import audit_tables
from fahrstats.study.checks import read_cohort

TITLE = 'title = "A small study"'
AUDIT = f"""{TITLE}
kind = "audit"
audit = {{ horizon = 2, crossings = [["sex", "age"]] }}"""


@pytest.fixture
def audited(write_study, people):
    """Write an audit; return its cohort. Some people lack the score."""
    people.loc[:14, "faceage"] = np.nan
    return read_cohort(write_study(table=people, **{TITLE: AUDIT}))


def test_table_one_is_by_every_subgroup(audited):
    table = audit_tables.characteristics(audited)
    check_table(table)
    assert list(table["subgroup"].unique()) == ["sex", "age_band"]
    by_sex = table[table["subgroup"] == "sex"]
    assert list(by_sex["group"].unique()) == ["overall", "Men", "Women"]
    assert "sex" not in set(by_sex["variable"])
    assert "age" in set(by_sex["variable"])


def test_risks_within_a_level_are_those_of_the_model_of_everyone(audited):
    table = audit_tables.calibration_groups(audited)
    check_table(table)
    rows = audited.model_data
    fit = fs.cox("Surv(time, event) ~ faceage + age + sex", rows)
    risk = fit.baseline(rows).risk(rows, 2.0)["estimate"].to_numpy()
    men = (rows["sex"] == "Men").to_numpy()
    part = rows[men].assign(risk=risk[men])
    n_events = int(((part["event"] == 1) & (part["time"] <= 2)).sum())
    expected = fs.calibration(
        "Surv(time, event) ~ risk", part, horizon=2.0, groups=min(5, n_events // 10)
    ).by_group()
    found = table[table["level"] == "Men"]
    for name in ("predicted", "estimate", "conf_low", "conf_high"):
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-12)


def test_a_level_with_few_events_has_no_calibration_and_says_why(write_study, people):
    path = write_study(table=people, **{TITLE: AUDIT, "cuts = [65]": "cuts = [48]"})
    table = audit_tables.calibration_groups(read_cohort(path))
    (note,) = table.loc[table["level"] == "48 or less", "note"]
    assert note == "not estimated: fewer than 20 events by 2 years"
    assert table.loc[table["level"] == "over 48", "estimate"].notna().all()


def test_the_horizon_is_the_last_that_some_are_followed_beyond(write_study, people):
    kind = f'{TITLE}\nkind = "audit"'
    cohort = read_cohort(write_study(table=people, **{TITLE: kind}))
    assert audit_tables.audit_horizon(cohort) == 2.0
    late = write_study(
        table=people,
        **{TITLE: kind, "horizons = [1, 2]": f"horizons = [1, {1500 / 365.25}]"},
    )
    assert audit_tables.audit_horizon(read_cohort(late)) == 1.0


def test_a_score_of_people_followed_for_less_is_audited_earlier(write_study, people):
    people["marker"] = people["faceage"].where(people["days"] < 700)
    marker = "[scores.marker]\nmay_be_missing = true\n[covariates]"
    cohort = read_cohort(write_study(table=people, **{"[covariates]": marker}))
    assert audit_tables.audit_horizon(cohort, "faceage") == 2.0
    assert audit_tables.audit_horizon(cohort, "marker") == 1.0
    table = audit_tables.groups(cohort)
    times = table.dropna(subset="time").groupby("biomarker")["time"].unique()
    assert [list(t) for t in times[["faceage", "marker"]]] == [[2.0], [1.0]]


def test_curves_of_all_levels_run_from_low_to_high_risk(audited):
    table = audit_tables.calibration_curves(audited)
    check_table(table)
    for _, curve in table.groupby(["subgroup", "level"]):
        assert isinstance(curve, pd.DataFrame)
        assert (np.diff(curve["predicted"]) > 0).all()


def test_the_tables_are_those_of_the_verb(audited):
    rows = audited.everyone
    found = fs.audit(
        "Surv(time, event) ~ faceage + age + sex",
        rows,
        term="faceage",
        by=["sex", "age_band"],
        crossings=[["sex", "age_band"]],
        horizon=2.0,
    )
    per = {"faceage": 10.0}
    for table, expected in (
        (audit_tables.groups(audited), found.tidy(exponentiate=True, per=per)),
        (audit_tables.tests(audited), found.tests()),
        (audit_tables.differences(audited), found.largest_difference(per=per)),
        (audit_tables.between(audited), found.between()),
        (audit_tables.shrunken(audited), found.shrunken(exponentiate=True, per=per)),
    ):
        check_table(table)
        assert set(table["biomarker"]) == {"faceage"}
        for name in ("estimate", "conf_low", "p_value", "n", "n_missing"):
            if name in expected:
                pd.testing.assert_series_equal(
                    table[name], expected[name], check_index=False
                )


def test_steps_stand_in_words_where_a_row_has_one(audited):
    table = audit_tables.groups(audited)
    is_ratio = table["estimand"] == "hr"
    assert set(table.loc[is_ratio, "per"]) == {"10"}
    assert set(table.loc[~is_ratio, "per"]) == {""}


def test_rows_without_the_score_are_counted_in_their_group(audited):
    table = audit_tables.groups(audited)
    is_ratio = table["estimand"] == "hr"
    everyone = table[is_ratio & (table["subgroup"] == "overall")]
    assert everyone["n_missing"].tolist() == [15]
    by_sex = table[is_ratio & (table["subgroup"] == "sex")]
    assert by_sex["n_missing"].sum() == 15
