from __future__ import annotations

import pandas as pd
import pytest
from tables import check_table

from fahrstats.errors import ConvergenceError, DataError, FormulaError
from fahrstats.study import models
from fahrstats.study.checks import read_cohort


def test_numbers_and_factors_are_told_apart(cohort):
    kinds = {v.name: models.is_number(cohort, v) for v in cohort.study.variables}
    assert kinds == {"faceage": True, "age": True, "sex": False}
    assert isinstance(cohort.data["sex"].dtype, pd.CategoricalDtype)


def test_groups_at_given_cut_points_are_not_called_quartiles(write_study):
    cuts = "per = 10\ncut_points = [65, 75]\ncut_origin = 'derivation cohort'"
    cohort = read_cohort(write_study(**{"per = 10": cuts}))
    assert models.groups_name(cohort) == "groups"
    for n_groups, name in ((2, "halves"), (3, "tertiles"), (7, "7 groups")):
        groups = {"seed = 3": f"quantile_groups = {n_groups}"}
        assert models.groups_name(read_cohort(write_study(**groups))) == name


@pytest.mark.parametrize("kind", [DataError, FormulaError, ConvergenceError])
def test_what_the_data_do_not_support_is_a_row_that_says_why(cohort, kind):
    def refused():
        raise kind("follow-up ends at 2.")

    table = models.estimated(cohort, refused, estimand="rmst", biomarker="faceage")
    row = check_table(table[sorted(table, key=list(table).index)]).iloc[0]
    assert row["note"] == "not estimated: follow-up ends at 2."
    assert (row["biomarker"], row["estimand"], row["n"]) == ("faceage", "rmst", 200)
    assert row["n_events"] == cohort.data["event"].sum()


def test_other_failures_are_not_hidden(cohort):
    with pytest.raises(ZeroDivisionError):
        models.estimated(cohort, lambda: 1 / 0, estimand="rmst")
