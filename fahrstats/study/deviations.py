"""Standard deviations that hazard ratios are given per."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fahrstats.study.specification import Study, Variable
from fahrstats.study.work import Work, is_amount


def find_deviations(
    work: Work, study: Study, enters: NDArray[np.bool_]
) -> tuple[dict[str, dict[str, float]], dict[str, pd.Series]]:
    """Return standard deviations over the rows that enter, and scores divided so."""
    deviations: dict[str, dict[str, float]] = {}
    scaled = {}
    for variable in (*study.variables, *study.printed):
        values = work.columns.get(variable.name)
        if variable.per != "sd" or values is None:
            continue
        where = f"`{variable.name}`"
        if not is_amount(values):
            work.problems.append(
                f"{where} holds levels, which have no standard deviation; take out "
                "`per`."
            )
            continue
        n_infinite = int(np.isinf(values).sum())
        if n_infinite:
            work.problems.append(
                f"{where} is infinite in {n_infinite} of {len(values)} rows; give "
                "finite values, or leave them empty to drop the rows."
            )
            continue
        groups = _groups_of_deviation(work, variable, where)
        if groups is None:
            continue
        spread = values[enters].groupby(groups[enters], observed=True).std()
        flat = [str(level) for level in spread.index[~(spread > 0)]]
        if flat:
            inside = "" if variable.within is None else f" in `{flat[0]}`"
            work.problems.append(
                f"{where} has no standard deviation{inside}: its values do not differ."
            )
            continue
        deviations[variable.name] = {str(k): float(v) for k, v in spread.items()}
        if variable.within is not None:
            own = groups.astype(object).map(spread.to_dict())
            scaled[variable.name] = values / own.astype(np.float64)
    return deviations, scaled


def _groups_of_deviation(
    work: Work, variable: Variable, where: str
) -> pd.Series | None:
    """Return the factor in whose levels the deviation is taken, one for everyone."""
    if variable.within is None:
        return pd.Series("overall", index=work.table.index)
    if variable.within in work.columns:
        return work.columns[variable.within]
    return work.source(variable.within, where)
