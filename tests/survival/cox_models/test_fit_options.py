"""Options of a Cox fit that do not go together."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from simulated import simulate

import fahrstats as fs
from fahrstats.errors import DataError

FORMULA = "Surv(time, event) ~ x + z"


@pytest.fixture
def data() -> pd.DataFrame:
    return simulate(1).assign(half=lambda d: d["w"] / 2, one=1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"ties": "discrete"}, '`ties` is \'discrete\'; choose one of "efron", "bres'),
        ({"penalty": "lasso"}, '`penalty` is \'lasso\'; choose one of "none", "firth"'),
        ({"ridge": -1}, "`ridge` is -1; give 0 for no penalty, or a positive number"),
        ({"ridge": np.nan}, "`ridge` is nan; give 0"),
        ({"ridge": np.inf}, "`ridge` is inf; give 0"),
        ({"ridge": True}, "`ridge` is True, of type bool; give 0"),
        ({"ridge": "1"}, "`ridge` is 1, of type str; give 0"),
        ({"ridge": 1, "penalty": "firth"}, '`ridge` and `penalty="firth"` are two pen'),
        ({"ridge": 1, "ties": "exact"}, '`ridge` is not available with `ties="exact"`'),
        (
            {"penalty": "firth", "ties": "exact"},
            '`penalty` is not available with `ties="exact"`; use "efron", or leave',
        ),
        (
            {"ties": "exact", "weights": "w"},
            r'`w` weights \d+ of 120 rows by other than 1, and `ties="exact"` counts ',
        ),
        (
            {"ties": "exact", "cluster": "site"},
            'A robust covariance is not available with `ties="exact"`, whose likelihoo',
        ),
        (
            {"ties": "exact", "covariance": "robust"},
            'no residual for each row; use "efron", or `covariance="model"`',
        ),
        (
            {"penalty": "firth", "cluster": "site"},
            'A robust covariance is not available with `penalty="firth"`, whose tests',
        ),
        (
            {"penalty": "firth", "weights": "half"},
            'give `covariance="model"`, or leave the penalty out',
        ),
    ],
)
def test_options_without_a_meaning_together_are_refused(data, arguments, message):
    with pytest.raises(DataError, match=message):
        fs.cox(FORMULA, data, **arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        {"ties": "exact", "weights": "one"},
        {"ties": "exact", "cluster": "site", "covariance": "model"},
        {"penalty": "firth", "weights": "half", "covariance": "model"},
        {"penalty": "firth", "cluster": "site", "covariance": "model"},
        {"ridge": 1, "cluster": "site"},
    ],
)
def test_options_that_go_together_do(data, arguments):
    assert np.isfinite(fs.cox(FORMULA, data, **arguments).log_hr).all()


def test_fractional_weights_are_robust_unless_told_otherwise(data):
    assert fs.cox(FORMULA, data, weights="half").is_robust
    assert not fs.cox(FORMULA, data, weights="half", covariance="model").is_robust
    assert not fs.cox(FORMULA, data, weights="w").is_robust
