"""What is timed: a function per task and package, each returning numbers to compare.

Every function imports its package itself, so that a cell loads only what it measures.
The numbers returned are coefficients, standard errors or concordances; the table says
how far the packages disagree. R's functions are those of the same names in `tasks.R`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from benchmarks import audits, curves, fits, ranking
from benchmarks.in_r import NeedsR

Task = Callable[[pd.DataFrame], list[float]]


@dataclass(frozen=True, slots=True)
class AfterFit:
    """A task about a fitted model; the fit is made before and not timed."""

    fit: Callable[[pd.DataFrame], Any]
    run: Callable[[Any], list[float]]


LARGE = 34_389
ONE_SIZE = (
    "1,000 draws of a difference in C",
    "added-value table, 500 draws, 2 workers",
    "added-value table, 20 draws, 1 worker",
    "added-value table, 20 draws, 2 workers",
)
"""Tasks that take minutes: timed at the largest size up to ``LARGE`` only."""

TASKS: dict[str, dict[str, Task | AfterFit | NeedsR]] = {
    "Cox fit": {
        "fahrstats": fits.fahrstats_fit,
        "R": NeedsR("survival"),
        "survival": fits.survival_fit,
        "lifelines": fits.lifelines_fit,
        "scikit-survival": fits.sksurv_fit,
        "statsmodels": fits.statsmodels_fit,
    },
    "Cox fit, robust SE": {
        "fahrstats": fits.fahrstats_robust,
        "R": NeedsR("survival"),
        "survival": fits.survival_robust,
        "lifelines": fits.lifelines_robust,
        "statsmodels": fits.statsmodels_robust,
    },
    "C with variance": {
        "fahrstats": ranking.fahrstats_concordance,
        "R": NeedsR("survival"),
        "survival": ranking.survival_concordance,
        "lifelines": ranking.lifelines_concordance,
        "scikit-survival": ranking.sksurv_concordance,
    },
    "paired C with SE": {
        "fahrstats": ranking.fahrstats_paired,
        "R": NeedsR("survival"),
        "survival": ranking.survival_paired,
    },
    "fit, robust SE, C with SE": {
        "fahrstats": fits.fahrstats_one_call,
        "R": NeedsR("survival"),
        "survival": fits.survival_one_call,
    },
    "Cox fit, exact PH test": {
        "fahrstats": fits.fahrstats_ph_test,
        "R": NeedsR("survival"),
        "survival": fits.survival_ph_test,
    },
    "exact PH test of a fit": {
        "fahrstats": AfterFit(fits.fahrstats_maximum, fits.fahrstats_ph_test_of_fit),
        "R": NeedsR("survival"),
        "survival": AfterFit(fits.survival_coxph, fits.survival_ph_test_of_fit),
    },
    "Uno's C with SE": {
        "fahrstats": ranking.fahrstats_uno,
        "R": NeedsR("survival"),
        "survival": ranking.survival_uno,
    },
    "1,000 draws of a difference in C": {
        "fahrstats": ranking.fahrstats_draws,
        "fast-cindex": ranking.fast_cindex_draws,
    },
    "Kaplan-Meier": {
        "fahrstats": curves.fahrstats_curve,
        "R": NeedsR("survival"),
        "survival": curves.survival_curve,
        "lifelines": curves.lifelines_curve,
        "scikit-survival": curves.sksurv_curve,
    },
    "restricted means": {
        "fahrstats": curves.fahrstats_mean,
        "R": NeedsR("survival"),
    },
    "AUC(t) and Brier with SE": {
        "fahrstats": curves.fahrstats_judged,
        "R": NeedsR("riskRegression"),
    },
    "Fine-Gray": {
        "fahrstats": fits.fahrstats_fine_gray,
        "R": NeedsR("cmprsk"),
    },
    "added-value table, 500 draws, 2 workers": {
        "fahrstats": audits.fahrstats_whole_table,
    },
    "added-value table, 20 draws, 1 worker": {
        "fahrstats": audits.fahrstats_few_draws,
    },
    "added-value table, 20 draws, 2 workers": {
        "fahrstats": audits.fahrstats_two_workers,
    },
    "adjusted fit, C, paired C": {"fahrstats": audits.fahrstats_pass},
    "the same in 40 subgroups": {"fahrstats": audits.fahrstats_subgroups},
}
