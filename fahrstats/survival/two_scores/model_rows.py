"""What a fitted model says of one column, and a larger model beyond a smaller one."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fahrstats.survival.cox_models.cox_fit import CoxFit
from fahrstats.survival.wald import quadratic_form, with_wald

FloatArray = NDArray[np.float64]


def effect_by_step(
    fit: CoxFit, position: int, steps: dict[str, float], conf_level: float
) -> pd.DataFrame:
    """Effect of one column for several sizes of a step."""
    size = np.array(list(steps.values()))
    equals = [a.equals for a in fit.aliased if a.term == fit.terms[position]]
    infinite = [m for m in fit.monotone if m.term == fit.terms[position]]
    table = pd.DataFrame(
        {
            "per": list(steps),
            "estimand": "log_hr",
            "n": fit.n,
            "n_events": fit.n_events,
            "note": "; ".join(
                [
                    *(f"aliased: {text}" for text in equals),
                    *("infinite: monotone likelihood" for _ in infinite),
                ]
            ),
        }
    )
    std_error = float(np.sqrt(fit.cov[position, position])) * size
    return with_wald(table, fit.log_hr[position] * size, std_error, conf_level)


def larger_model_test(
    smaller: CoxFit, larger: CoxFit, contrasts: FloatArray
) -> tuple[float, int, str]:
    """Likelihood-ratio test, or with clusters a robust Wald test of ``contrasts``."""
    df = larger.df - smaller.df
    if df < 1:
        return np.nan, 0, "the larger model adds nothing"
    if not larger.is_robust:
        statistic = 2 * (larger.log_likelihood - smaller.log_likelihood)
        return max(0.0, statistic), df, "likelihood-ratio test"
    used = np.flatnonzero((contrasts != 0).any(axis=0))
    effects = contrasts[:, used] @ larger.log_hr[used]
    if len(contrasts) != df or not np.isfinite(effects).all():
        return np.nan, 0, "not tested: a group has no estimate"
    cov = contrasts[:, used] @ larger.cov[np.ix_(used, used)] @ contrasts[:, used].T
    return quadratic_form(effects, cov), df, "robust Wald test"
