"""Regression of a hazard: Cox's model, its tests and Fine and Gray's model."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from benchmarks.cohort import COVARIATES

FORMULA = "Surv(time, event) ~ " + " + ".join(COVARIATES)


def fahrstats_fit(data: pd.DataFrame) -> list[float]:
    import fahrstats as fs

    return list(fs.cox(FORMULA, data, covariance="model").log_hr)


def fahrstats_robust(data: pd.DataFrame) -> list[float]:
    import fahrstats as fs

    fit = fs.cox(FORMULA, data, covariance="robust")
    return list(np.sqrt(np.diag(fit.cov)))


def fahrstats_one_call(data: pd.DataFrame) -> list[float]:
    import fahrstats as fs

    fit = fs.cox(FORMULA, data, covariance="robust")
    std_error = np.sqrt(np.diag(fit.cov))
    return [*fit.log_hr, *std_error, fit.c_index, fit.c_index_std_error]


def fahrstats_ph_test(data: pd.DataFrame) -> list[float]:
    import fahrstats as fs

    return list(fs.ph_test(FORMULA, data).statistic)


def fahrstats_fine_gray(data: pd.DataFrame) -> list[float]:
    import fahrstats as fs

    fit = fs.fine_gray(FORMULA, data, cause="cause", of=1)
    return [*fit.log_shr, *np.sqrt(np.diag(fit.cov))]


def survival_fit(data: pd.DataFrame) -> list[float]:
    from survival.r import coxph

    return list(coxph(FORMULA, data).coefficients)


def survival_robust(data: pd.DataFrame) -> list[float]:
    from survival.r import coxph

    return list(np.sqrt(np.diag(coxph(FORMULA, data, robust=True).var)))


def survival_one_call(data: pd.DataFrame) -> list[float]:
    from survival.r import coxph

    fit = coxph(FORMULA, data, robust=True)
    std_error = np.sqrt(np.diag(fit.var))
    c_index = fit.concordance
    return [
        *fit.coefficients,
        *std_error,
        float(c_index["concordance"]),
        float(c_index["std"]),
    ]


def fahrstats_maximum(data: pd.DataFrame) -> Any:
    from fahrstats.cohort.design import build_design
    from fahrstats.survival.cox_models.maximum import find_maximum

    design = build_design(FORMULA, data)
    return design, find_maximum(design, efron=True)


def fahrstats_ph_test_of_fit(fit: Any) -> list[float]:
    from fahrstats.survival.cox_models.proportionality import tested_at_maximum

    return list(tested_at_maximum(*fit, "km").statistic)


def survival_coxph(data: pd.DataFrame) -> Any:
    from survival.r import coxph

    return coxph(FORMULA, data)


def survival_ph_test_of_fit(fit: Any) -> list[float]:
    from survival.r import cox_zph

    return [row["chisq"] for row in cox_zph(fit).table]


def survival_ph_test(data: pd.DataFrame) -> list[float]:
    from survival.r import cox_zph, coxph

    return [row["chisq"] for row in cox_zph(coxph(FORMULA, data)).table]


def lifelines_fit(data: pd.DataFrame) -> list[float]:
    from lifelines import CoxPHFitter

    columns = data[[*COVARIATES, "time", "event"]]
    return list(CoxPHFitter().fit(columns, "time", "event").params_)


def lifelines_robust(data: pd.DataFrame) -> list[float]:
    from lifelines import CoxPHFitter

    columns = data[[*COVARIATES, "time", "event"]]
    fit = CoxPHFitter().fit(columns, "time", "event", robust=True)
    return list(fit.standard_errors_)


def sksurv_fit(data: pd.DataFrame) -> list[float]:
    from sksurv.linear_model import CoxPHSurvivalAnalysis
    from sksurv.util import Surv

    outcome = Surv.from_arrays(data["event"].astype(bool), data["time"])
    fit = CoxPHSurvivalAnalysis(ties="efron").fit(data[list(COVARIATES)], outcome)
    return list(fit.coef_)


def statsmodels_fit(data: pd.DataFrame) -> list[float]:
    return list(_phreg(data).fit().params)


def statsmodels_robust(data: pd.DataFrame) -> list[float]:
    return list(_phreg(data).fit(groups=np.arange(len(data))).bse)


def _phreg(data: pd.DataFrame) -> object:
    from statsmodels.duration.hazard_regression import PHReg

    X = data[list(COVARIATES)].to_numpy()
    return PHReg(data["time"].to_numpy(), X, data["event"].to_numpy(), ties="efron")
