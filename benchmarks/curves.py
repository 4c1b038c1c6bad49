"""Kaplan-Meier curves and means, and predictions judged at a horizon."""

from __future__ import annotations

import numpy as np
import pandas as pd

from benchmarks.cohort import HORIZONS_DAYS

EVERYONE = "Surv(time, event) ~ 1"
TAU_DAYS = 4000
HORIZON_DAYS = HORIZONS_DAYS[1]


def fahrstats_curve(data: pd.DataFrame) -> list[float]:
    import fahrstats as fs

    curve = fs.kaplan_meier(EVERYONE, data)
    return [float(curve.survival[-1]), float(curve.std_error[-1])]


def fahrstats_mean(data: pd.DataFrame) -> list[float]:
    import fahrstats as fs

    rows = fs.rmst("Surv(time, event) ~ x9", data, tau=TAU_DAYS).tidy()
    means = rows[rows["estimand"] == "rmst"]
    return [*means["estimate"], *means["std_error"]]


def fahrstats_judged(data: pd.DataFrame) -> list[float]:
    import fahrstats as fs

    auc = fs.time_dependent_auc(
        "Surv(time, event) ~ risk_a + risk_b", data, horizons=HORIZON_DAYS
    ).tidy()
    error = fs.prediction_error(
        "Surv(time, event) ~ risk_a + risk_b", data, horizon=HORIZON_DAYS
    ).tidy()
    brier = error[(error["estimand"] == "brier") & (error["term"] != "null model")]
    return [
        *auc["estimate"],
        *brier["estimate"],
        *auc["std_error"],
        *brier["std_error"],
    ]


def survival_curve(data: pd.DataFrame) -> list[float]:
    from survival.r import survfit

    curve = survfit(EVERYONE, data)
    return [float(curve.surv[-1]), float(curve.surv[-1] * curve.std_err[-1])]


def lifelines_curve(data: pd.DataFrame) -> list[float]:
    from lifelines import KaplanMeierFitter

    curve = KaplanMeierFitter().fit(data["time"], data["event"])
    return [float(curve.survival_function_.iloc[-1, 0])]


def sksurv_curve(data: pd.DataFrame) -> list[float]:
    from sksurv.nonparametric import kaplan_meier_estimator

    event = data["event"].to_numpy().astype(bool)
    time = data["time"].to_numpy()
    _, survival, _ = kaplan_meier_estimator(event, time, conf_type="log-log")
    return [float(np.asarray(survival)[-1])]
