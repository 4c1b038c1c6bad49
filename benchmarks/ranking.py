"""Concordance: of one score, of two on the same rows, weighed in time, in draws."""

from __future__ import annotations

import numpy as np
import pandas as pd

ONE_SCORE = "Surv(time, event) ~ score_a"
BOTH_SCORES = "Surv(time, event) ~ score_a + score_b"
TAU_DAYS = 4000
N_DRAWS = 1000
SEED = 20240607


def fahrstats_concordance(data: pd.DataFrame) -> list[float]:
    import fahrstats as fs

    result = fs.concordance(ONE_SCORE, data)
    return [float(result.c_index[0]), float(np.sqrt(result.cov[0, 0]))]


def fahrstats_uno(data: pd.DataFrame) -> list[float]:
    import fahrstats as fs

    result = fs.concordance(ONE_SCORE, data, time_weight="n/G2", tau=TAU_DAYS)
    return [float(result.c_index[0]), float(np.sqrt(result.cov[0, 0]))]


def fahrstats_paired(data: pd.DataFrame) -> list[float]:
    import fahrstats as fs

    result = fs.concordance(BOTH_SCORES, data)
    row = result.contrast("score_a", "score_b")
    return [float(row["estimate"].iloc[0]), float(row["std_error"].iloc[0])]


def fahrstats_draws(data: pd.DataFrame) -> list[float]:
    import fahrstats as fs

    result = fs.concordance(BOTH_SCORES, data)
    draws = result.bootstrap(data, n_boot=N_DRAWS, seed=SEED).draws
    return _mean_and_spread(draws[:, 0] - draws[:, 1])


def survival_concordance(data: pd.DataFrame) -> list[float]:
    from survival.r import concordance

    result = concordance(ONE_SCORE, data, reverse=True)
    return [float(result.concordance), float(np.sqrt(result.var))]


def survival_uno(data: pd.DataFrame) -> list[float]:
    from survival.r import concordance

    result = concordance(ONE_SCORE, data, reverse=True, timewt="n/G2", ymax=TAU_DAYS)
    return [float(result.concordance), float(np.sqrt(result.var))]


def survival_paired(data: pd.DataFrame) -> list[float]:
    from survival.r import concordance

    result = concordance(BOTH_SCORES, data, reverse=True)
    c_index, cov = np.asarray(result.concordance), np.asarray(result.var)
    variance = cov[0, 0] + cov[1, 1] - 2 * cov[0, 1]
    return [float(c_index[0] - c_index[1]), float(np.sqrt(variance))]


def lifelines_concordance(data: pd.DataFrame) -> list[float]:
    from lifelines.utils import concordance_index

    return [concordance_index(data["time"], -data["score_a"], data["event"])]


def sksurv_concordance(data: pd.DataFrame) -> list[float]:
    from sksurv.metrics import concordance_index_censored

    event = data["event"].to_numpy().astype(bool)
    return [concordance_index_censored(event, data["time"], data["score_a"])[0]]


def fast_cindex_draws(data: pd.DataFrame) -> list[float]:
    from fast_cindex import compare_cindex

    # Version 0.1.0 ranks by survival, though its documentation says by risk.
    first, second = compare_cindex(
        data["time"],
        data["event"],
        -data["score_a"],
        -data["score_b"],
        n_bootstraps=N_DRAWS,
        seed=SEED,
    )
    return _mean_and_spread(first - second)


def _mean_and_spread(draws: np.ndarray) -> list[float]:
    return [float(draws.mean()), float(draws.std(ddof=1))]
