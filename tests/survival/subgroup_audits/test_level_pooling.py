"""Partial pooling of an audit: each measure on the scale on which it is pooled."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from audited_people import FORMULA, HORIZON, people
from scipy.special import expit, logit
from tables import check_table

import fahrstats as fs
from fahrstats.survival.subgroup_audits.level_heterogeneity import shrink


@pytest.fixture(scope="module")
def result() -> fs.Audit:
    data = people(20260611)
    return fs.audit(FORMULA, data, term="marker", by=["race", "sex"], horizon=HORIZON)


def rows(table: pd.DataFrame, estimand: str) -> pd.DataFrame:
    found = table[(table["subgroup"] == "race") & (table["estimand"] == estimand)]
    return found[found["term"] != "model"] if estimand == "c_index" else found


def test_hazard_ratios_are_pooled_as_logarithms(result):
    own, table = rows(result.tidy(), "log_hr"), check_table(result.shrunken())
    wanted = shrink(own["estimate"], own["std_error"])
    found = rows(table, "log_hr")
    for name in ("estimate", "std_error", "conf_low", "conf_high", "weight"):
        np.testing.assert_allclose(found[name], getattr(wanted, name), rtol=1e-12)
    ratio = rows(result.shrunken(exponentiate=True, per={"marker": 2}), "hr")
    np.testing.assert_allclose(ratio["estimate"], np.exp(2 * wanted.estimate))
    np.testing.assert_allclose(ratio["conf_low"], np.exp(2 * wanted.conf_low))
    assert ratio["std_error"].isna().all()


def test_concordance_is_pooled_as_its_logit(result):
    own, found = (rows(t, "c_index") for t in (result.tidy(), result.shrunken()))
    c, s = own["estimate"].to_numpy(), own["std_error"].to_numpy()
    wanted = shrink(logit(c), s / (c * (1 - c)))
    np.testing.assert_allclose(found["estimate"], expit(wanted.estimate), rtol=1e-12)
    np.testing.assert_allclose(found["conf_high"], expit(wanted.conf_high), rtol=1e-12)


def test_observed_over_expected_is_pooled_as_its_logarithm(result):
    own, found = (
        rows(t, "observed_expected") for t in (result.tidy(), result.shrunken())
    )
    z = np.log(own["conf_high"] / own["conf_low"]) / (2 * 1.959963984540054)
    wanted = shrink(np.log(own["estimate"]), z)
    np.testing.assert_allclose(found["estimate"], np.exp(wanted.estimate), rtol=1e-8)
    assert (found["time"] == HORIZON).all()


def test_a_level_without_an_estimate_says_where_its_own_is_from(result):
    table = result.shrunken()
    (note,) = set(table.loc[table["level"] == "Rare", "note"])
    assert note == "of the other levels alone"
    assert (table.loc[table["level"] == "Rare", "weight"] == 0).all()


def test_two_levels_are_not_pooled(result):
    table = result.shrunken()
    by_sex = table[table["subgroup"] == "sex"]
    assert by_sex["estimate"].isna().all()
    assert set(by_sex["note"]) == {
        "2 of 2 levels have an estimate; partial pooling needs 3"
    }
