"""Printed summaries: what they tell, line by line."""

from __future__ import annotations

import numpy as np
import pytest
from simulated import simulate, spared

import fahrstats as fs
from fahrstats.cohort.design import Dropped
from fahrstats.survival.summaries import describe_dropped

FORMULA = "Surv(time, event) ~ x + z"


@pytest.fixture
def data():
    return simulate(1)


def lines_of(result) -> list[str]:
    assert str(result) == result.summary()
    return str(result).splitlines()


def test_a_cox_model_tells_formula_sizes_estimates_and_tests(data):
    fit = fs.cox(FORMULA, data)
    lines = lines_of(fit)
    assert lines[0] == f"Cox model: {FORMULA}"
    assert lines[1] == (
        f"120 rows, {fit.n_events} events; Efron's ties; model standard errors"
    )
    assert lines[3].split() == ["log", "HR", "SE", "HR", "(95%", "CI)", "P"]
    row = fit.tidy().iloc[0]
    assert lines[4].split()[:3] == ["x", f"{row.estimate:.4f}", f"{row.std_error:.4f}"]
    assert len({len(line) for line in lines[3:6]}) == 1
    assert lines[7] == (
        f"C-index {fit.c_index:.3f} (standard error {fit.c_index_std_error:.4f})"
    )
    assert [line.partition(":")[0] for line in lines[8:]] == [
        "Likelihood ratio",
        "Wald",
        "Score",
    ]
    assert f"chi-squared {fit.lr_statistic:.2f} on 2 df" in lines[8]
    assert f"chi-squared {fit.wald_statistic:.2f} on 2 df" in lines[9]
    assert f"chi-squared {fit.score_statistic:.2f} on 2 df" in lines[10]


def test_ties_clusters_and_strata_are_told(data):
    fit = fs.cox(FORMULA, data, ties="breslow", cluster="site", strata="w")
    assert lines_of(fit)[1] == (
        f"120 rows, {fit.n_events} events; Breslow's ties; robust standard errors in "
        "3 clusters; 3 strata"
    )


def test_reference_levels_are_told(data):
    fit = fs.cox("Surv(time, event) ~ site + C(z)", data)
    assert "Reference levels: site = north, z = 0" in lines_of(fit)


def test_a_model_without_covariates_has_no_empty_table(data):
    assert len(lines_of(fs.cox("Surv(time, event) ~ 1", data))) == 4


def test_columns_without_an_estimate_are_told_below_the_table(data):
    data = spared(data).assign(twin=2 * data["x"])
    lines = lines_of(fs.cox("Surv(time, event) ~ x + twin + spared", data))
    assert "twin: aliased: `twin` = 2 x `x`" in lines
    assert sum(line.startswith("spared (Firth)") for line in lines) == 1
    assert any(line.startswith("spared: infinite: monotone") for line in lines)
    (row,) = [line for line in lines if line.startswith("twin  ")]
    assert row.split() == ["twin", "not", "estimated"]


@pytest.mark.parametrize(
    ("dropped", "line"),
    [
        ((), []),
        ((Dropped("missing", "x", 1, 0, 1),), ["1 row left out (missing in `x`: 1)"]),
        (
            (
                Dropped("missing", "x", 1200, 3, 1200),
                Dropped("time 0", "time", 0, 0, 4),
            ),
            ["1,200 rows left out (missing in `x`: 1,200; time 0 in `time`: 4)"],
        ),
    ],
)
def test_rows_left_out_are_told_by_reason(dropped, line):
    assert describe_dropped(dropped) == line


def test_a_comparison_tells_every_model_and_pair(data):
    data = data.assign(twin=2 * data["x"])
    models = {
        "x": "Surv(time, event) ~ x",
        "both": FORMULA,
        "twin": "Surv(time, event) ~ twin",
    }
    lines = lines_of(fs.compare(models, data))
    assert lines[0].startswith("3 Cox models on the same 120 rows, ")
    tables = "\n".join(lines[2:]).split("\n\n")
    told = [[row.split("  ")[0] for row in table.splitlines()] for table in tables]
    pairs = ["both - x", "twin - x", "twin - both"]
    assert told[:2] == [["", "x", "both", "twin"], ["", *pairs]]
    assert told[2] == ["", "both - x", "both - twin"]
    assert tables[3].splitlines() == [
        "twin - x: the models rank everyone alike: no test",
        "twin - x: `x` and `twin` have the same columns",
    ]


def test_an_audit_tells_every_level_and_test(data):
    data = data.assign(site=np.where(np.arange(120) < 4, "few", data["site"]))
    result = fs.by_subgroup(FORMULA, data, term="x", by=["site", "z"])
    lines = lines_of(result)
    assert lines[0] == f"Hazard ratio of `x` per unit in subgroups: {FORMULA}"
    assert [line.partition(":")[0] for line in lines[2:6]] == [
        "everyone",
        "site few",
        "site north",
        "site south",
    ]
    assert "not estimated  (too few events" in lines[3]
    assert lines[7].startswith("  interaction P=")
    assert lines[7].endswith("on 2 df  (likelihood-ratio test; without few)")
    assert lines[8].startswith("z 0: ")
    assert lines[8].endswith("(left out: `z` is 0 in every row)")
