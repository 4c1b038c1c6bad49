"""The printed summary of Fine and Gray's model."""

from __future__ import annotations

import numpy as np
import pytest
from competing import load_competing

import fahrstats as fs


@pytest.fixture(scope="module")
def mgus2():
    frame = load_competing()["mgus2"]
    return frame.assign(cause=frame["code"].map({1: "malignancy", 2: "death"}))


def summary(data, formula, **options):
    return str(fs.fine_gray(formula, data, cause="cause", of="malignancy", **options))


def test_the_summary_tells_sizes_ratios_and_the_test(mgus2):
    text = summary(mgus2, "Surv(time, event) ~ age + C(sex) + hgb")
    assert text.startswith("Fine and Gray's model of `malignancy` (`cause`): Surv(")
    assert "1,371 rows, 114 events, 855 competing; weights from 1 curve of" in text
    assert "13 rows left out (missing in `hgb`: 13)" in text
    assert "0.98 (0.97\N{EN DASH}0.99)  0.002" in text
    assert "Reference levels: sex = F" in text
    assert "Wald: chi-squared 10.35 on 3 df, P=0.016" in text


def test_the_summary_names_curves_of_censoring_and_clusters(mgus2):
    data = mgus2.assign(site=np.arange(len(mgus2)) % 40)
    text = summary(
        data, "Surv(time, event) ~ age", censoring_strata="sex", cluster="site"
    )
    assert "weights from 2 curves of censoring; 40 clusters" in text


def test_a_column_without_an_estimate_says_why(mgus2):
    text = summary(mgus2.assign(copy=mgus2["age"]), "Surv(time, event) ~ age + copy")
    assert "copy: aliased: `copy` = 1 x `age`" in text


def test_no_more_clusters_than_coefficients_leave_the_test_out(mgus2):
    data = mgus2.assign(site=np.arange(len(mgus2)) % 2)
    text = summary(data, "Surv(time, event) ~ age + male", cluster="site")
    assert "Wald" not in text
