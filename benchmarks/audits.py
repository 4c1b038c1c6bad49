"""Many fits in one call: the added-value table and the audit of subgroups."""

from __future__ import annotations

from functools import partial

import pandas as pd

from benchmarks.cohort import COVARIATES, HORIZONS_DAYS, SUBGROUPS
from benchmarks.ranking import BOTH_SCORES, SEED

CLINICAL = "Surv(time, event) ~ " + " + ".join(COVARIATES)
MODELS = {
    "clinical": CLINICAL,
    "clinical + a": f"{CLINICAL} + score_a",
    "clinical + b": f"{CLINICAL} + score_b",
    "clinical + both": f"{CLINICAL} + score_a + score_b",
}
ADJUSTED = MODELS["clinical + a"]


def fahrstats_added_value(
    data: pd.DataFrame, *, n_boot: int, n_workers: int
) -> list[float]:
    """Estimates and limits, in the order of the table."""
    import fahrstats as fs

    table = fs.compare(
        MODELS,
        data,
        horizons=HORIZONS_DAYS,
        n_boot=n_boot,
        seed=SEED,
        n_workers=n_workers,
    ).tidy()
    numbers = table[["estimate", "std_error", "p_value", "conf_low", "conf_high"]]
    return list(numbers.stack().dropna())


fahrstats_whole_table = partial(fahrstats_added_value, n_boot=500, n_workers=2)
fahrstats_few_draws = partial(fahrstats_added_value, n_boot=20, n_workers=1)
fahrstats_two_workers = partial(fahrstats_added_value, n_boot=20, n_workers=2)


def fahrstats_pass(data: pd.DataFrame) -> list[float]:
    import fahrstats as fs

    fit = fs.cox(ADJUSTED, data)
    ranked = fs.concordance(BOTH_SCORES, data)
    delta = ranked.contrast("score_a", "score_b")["estimate"]
    return [float(fit.log_hr[-1]), float(ranked.c_index[0]), *delta]


def fahrstats_subgroups(data: pd.DataFrame) -> list[float]:
    import fahrstats as fs

    by = list(SUBGROUPS)
    audit = fs.by_subgroup(ADJUSTED, data, term="score_a", by=by).tidy()
    ranked = fs.concordance_by(BOTH_SCORES, data, by=by).tidy()
    return list(pd.concat([audit["estimate"], ranked["estimate"]]).dropna())
