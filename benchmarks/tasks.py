"""What is timed: one function per task and package, each returning numbers to compare.

Every function imports its package itself, so that a cell loads only what it measures.
The numbers returned are coefficients, standard errors or concordances; the table says
how far the packages disagree.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from benchmarks.cohort import COVARIATES

Task = Callable[[pd.DataFrame], list[float]]

FORMULA = "Surv(time, event) ~ " + " + ".join(COVARIATES)
BOTH_SCORES = "Surv(time, event) ~ score_a + score_b"


def fahrstats_fit(data: pd.DataFrame) -> list[float]:
    import fahrstats as fs

    return list(fs.cox(FORMULA, data, covariance="model").log_hr)


def fahrstats_robust(data: pd.DataFrame) -> list[float]:
    import fahrstats as fs

    fit = fs.cox(FORMULA, data, covariance="robust")
    return list(np.sqrt(np.diag(fit.cov)))


def fahrstats_concordance(data: pd.DataFrame) -> list[float]:
    import fahrstats as fs

    result = fs.concordance("Surv(time, event) ~ score_a", data)
    return [float(result.c_index[0]), float(np.sqrt(result.cov[0, 0]))]


def fahrstats_paired(data: pd.DataFrame) -> list[float]:
    import fahrstats as fs

    result = fs.concordance(BOTH_SCORES, data)
    row = result.contrast("score_a", "score_b")
    return [float(row["estimate"].iloc[0]), float(row["std_error"].iloc[0])]


def fahrstats_one_call(data: pd.DataFrame) -> list[float]:
    import fahrstats as fs

    fit = fs.cox(FORMULA, data, covariance="robust")
    std_error = np.sqrt(np.diag(fit.cov))
    return [*fit.log_hr, *std_error, fit.c_index, fit.c_index_std_error]


def survival_fit(data: pd.DataFrame) -> list[float]:
    from survival.r import coxph

    return list(coxph(FORMULA, data).coefficients)


def survival_robust(data: pd.DataFrame) -> list[float]:
    from survival.r import coxph

    return list(np.sqrt(np.diag(coxph(FORMULA, data, robust=True).var)))


def survival_concordance(data: pd.DataFrame) -> list[float]:
    from survival.r import concordance

    result = concordance("Surv(time, event) ~ score_a", data, reverse=True)
    return [float(result.concordance), float(np.sqrt(result.var))]


def survival_paired(data: pd.DataFrame) -> list[float]:
    from survival.r import concordance

    result = concordance(BOTH_SCORES, data, reverse=True)
    c_index, cov = np.asarray(result.concordance), np.asarray(result.var)
    variance = cov[0, 0] + cov[1, 1] - 2 * cov[0, 1]
    return [float(c_index[0] - c_index[1]), float(np.sqrt(variance))]


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


def lifelines_fit(data: pd.DataFrame) -> list[float]:
    from lifelines import CoxPHFitter

    columns = data[[*COVARIATES, "time", "event"]]
    return list(CoxPHFitter().fit(columns, "time", "event").params_)


def lifelines_robust(data: pd.DataFrame) -> list[float]:
    from lifelines import CoxPHFitter

    columns = data[[*COVARIATES, "time", "event"]]
    fit = CoxPHFitter().fit(columns, "time", "event", robust=True)
    return list(fit.standard_errors_)


def lifelines_concordance(data: pd.DataFrame) -> list[float]:
    from lifelines.utils import concordance_index

    return [concordance_index(data["time"], -data["score_a"], data["event"])]


def sksurv_fit(data: pd.DataFrame) -> list[float]:
    from sksurv.linear_model import CoxPHSurvivalAnalysis
    from sksurv.util import Surv

    outcome = Surv.from_arrays(data["event"].astype(bool), data["time"])
    fit = CoxPHSurvivalAnalysis(ties="efron").fit(data[list(COVARIATES)], outcome)
    return list(fit.coef_)


def sksurv_concordance(data: pd.DataFrame) -> list[float]:
    from sksurv.metrics import concordance_index_censored

    event = data["event"].to_numpy().astype(bool)
    return [concordance_index_censored(event, data["time"], data["score_a"])[0]]


def statsmodels_fit(data: pd.DataFrame) -> list[float]:
    return list(_phreg(data).fit().params)


def statsmodels_robust(data: pd.DataFrame) -> list[float]:
    return list(_phreg(data).fit(groups=np.arange(len(data))).bse)


def _phreg(data: pd.DataFrame) -> object:
    from statsmodels.duration.hazard_regression import PHReg

    X = data[list(COVARIATES)].to_numpy()
    return PHReg(data["time"].to_numpy(), X, data["event"].to_numpy(), ties="efron")


TASKS: dict[str, dict[str, Task]] = {
    "Cox fit": {
        "fahrstats": fahrstats_fit,
        "survival": survival_fit,
        "lifelines": lifelines_fit,
        "scikit-survival": sksurv_fit,
        "statsmodels": statsmodels_fit,
    },
    "Cox fit, robust SE": {
        "fahrstats": fahrstats_robust,
        "survival": survival_robust,
        "lifelines": lifelines_robust,
        "statsmodels": statsmodels_robust,
    },
    "C with variance": {
        "fahrstats": fahrstats_concordance,
        "survival": survival_concordance,
        "lifelines": lifelines_concordance,
        "scikit-survival": sksurv_concordance,
    },
    "paired C with SE": {"fahrstats": fahrstats_paired, "survival": survival_paired},
    "fit, robust SE, C with SE": {
        "fahrstats": fahrstats_one_call,
        "survival": survival_one_call,
    },
}
