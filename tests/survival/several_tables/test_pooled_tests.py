"""Nested models on completed tables: D1, D2 and D3 of R, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from completed import completed
from references import reference_cases
from scipy.stats import chi2
from tables import check_glance, check_table

import fahrstats as fs
from fahrstats.errors import DataError

R_RTOL = 1e-8  # coxph with eps = 1e-12, 15 digits
SMALLER = "Surv(time, event) ~ age + ph_ecog"
LARGER = "Surv(time, event) ~ age + ph_ecog + wt_loss"


@pytest.fixture
def tables(lung):
    return [completed(lung, number) for number in range(1, 6)]


@pytest.mark.parametrize("method", ["D1", "D2", "D3"])
@pytest.mark.parametrize(
    "case",
    [case for case in reference_cases("imputations") if case.kind == "nested"],
    ids=str,
)
def test_pooled_tests_match_r(case, method, tables):
    result = fs.pool_lr_test(
        case.smaller, case.larger, tables, method=method, ties=case.ties
    )
    row = check_table(result.tidy()).iloc[0]
    names = ["statistic", "df", "df_residual", "p_value", "relative_increase"]
    # the residual df and the increase are differences of likelihoods near each other
    np.testing.assert_allclose(
        row[names].to_numpy(float), getattr(case, method), rtol=R_RTOL
    )
    assert row["estimand"] == f"lr_{method.lower()}"


def test_tables_without_missing_values_give_the_ordinary_test(lung):
    small, large = "Surv(time, event) ~ age", "Surv(time, event) ~ age + sex"
    statistic = 2 * (
        fs.cox(large, lung).log_likelihood - fs.cox(small, lung).log_likelihood
    )
    for method in ("D2", "D3"):
        result = fs.pool_lr_test(small, large, [lung] * 3, method=method)
        assert result.p_value == pytest.approx(chi2.sf(statistic, 1), rel=1e-6)


def test_strata_are_those_of_the_fits(tables):
    result = fs.pool_lr_test(SMALLER, LARGER, tables, method="D2", strata="sex")
    ratios = [
        2
        * (
            fs.cox(LARGER, one, strata="sex").log_likelihood
            - fs.cox(SMALLER, one, strata="sex").log_likelihood
        )
        for one in tables
    ]
    r = 1.2 * np.sqrt(ratios).var(ddof=1)
    assert result.test.statistic == pytest.approx(
        (np.mean(ratios) - 1.5 * r) / (1 + r), rel=1e-9
    )


def test_a_model_spanned_by_other_columns_is_nested(tables):
    wider = [one.assign(total=one["ph_ecog"] + one["wt_loss"]) for one in tables]
    other = "Surv(time, event) ~ age + ph_ecog + total"
    result = fs.pool_lr_test(SMALLER, other, wider)
    same = fs.pool_lr_test(SMALLER, LARGER, wider)
    assert result.test.statistic == pytest.approx(same.test.statistic, rel=1e-6)
    with pytest.raises(DataError, match="3 terms of the larger model are not in the s"):
        fs.pool_lr_test("Surv(time, event) ~ wt_loss", other, wider, method="D1")


def test_the_result_describes_itself(tables):
    result = fs.pool_lr_test(SMALLER, LARGER, tables)
    check_glance(result.glance())
    text = str(result)
    assert f"against {SMALLER}" in text
    assert "D3: F " in text
    assert "5 completed tables of 228 rows, 165 events; 0 left out" in text


@pytest.mark.parametrize(
    ("smaller", "larger", "options", "message"),
    [
        (LARGER, SMALLER, {}, "smaller model is not nested in the larger one in tabl"),
        (SMALLER, SMALLER, {}, "The two models have the same columns; nothing is tes"),
        (
            SMALLER,
            "Surv(years, event) ~ age + ph_ecog + wt_loss",
            {},
            "`models` has 2 different outcomes",
        ),
        (SMALLER, LARGER, {"method": "D4"}, "`method` is 'D4'; choose one of"),
        (
            SMALLER,
            f"{SMALLER} + spared",
            {},
            "`spared` has no finite estimate in table 1, so the larger model cannot",
        ),
        (
            f"{SMALLER} + years",
            f"{SMALLER} + weigth",
            {},
            "Table 1 of 5 has no column `weigth`",
        ),
    ],
    ids=str,
)
def test_what_cannot_be_tested_is_refused(tables, smaller, larger, options, message):
    with pytest.raises(DataError, match=message):
        fs.pool_lr_test(smaller, larger, tables, **options)


def test_levels_that_differ_between_tables_are_refused(tables):
    text = [one.assign(grade=one["ph_ecog"].astype(int).astype(str)) for one in tables]
    text[1] = text[1].assign(grade=text[1]["grade"].replace("3", "2"))
    with pytest.raises(DataError, match="larger model has other columns in table 2"):
        fs.pool_lr_test(
            "Surv(time, event) ~ age", "Surv(time, event) ~ age + grade", text
        )
