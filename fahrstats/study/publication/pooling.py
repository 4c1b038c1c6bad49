"""Pooled estimates, from which that of a single cohort can be subtracted.

An inverse-variance mean and its standard error are sums over cohorts. To six digits,
they and the estimates of all cohorts but one give the estimate and the standard error
of the last, and so do weights, which add up to one.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from fahrstats.study.publication.curves import significant
from fahrstats.study.publication.limits import LIMITS, TESTS

_DIGITS = 3


def without_cohorts_of_few(table: pd.DataFrame, few: pd.Series) -> pd.DataFrame:
    """Return pooled estimates to few digits where a cohort of few is among the pooled.

    They then have neither weights nor tests.

    Parameters
    ----------
    table
        A result table, of cohorts and what is pooled of them or another.
    few
        Which rows are about few people or events.
    """
    if not {"biomarker", "cohort", "weight", "estimate"} <= {*table}:
        return table
    is_of_few = few & table["weight"].notna()
    is_touched = table["biomarker"].isin(table.loc[is_of_few, "biomarker"])
    is_pooled = is_touched & table["weight"].isna() & (table["cohort"] == "overall")
    made = table.copy()
    made.loc[is_touched, "weight"] = np.nan
    for name in (name for name in ("estimate", *LIMITS) if name in table):
        rounded = table[name].astype(float).map(lambda x: significant(x, _DIGITS))
        made[name] = table[name].mask(is_pooled, rounded)
    absent = [name for name in ("std_error", *TESTS) if name in table]
    made.loc[is_pooled, absent] = np.nan
    return made
