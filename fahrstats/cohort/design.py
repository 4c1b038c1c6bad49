"""The gate: formula and data frame in, validated arrays out.

Behind it every array is finite, of known type and sorted as the kernels require, and
nobody checks again. Follow-up columns have their rules in
:mod:`fahrstats.cohort.follow_up`, covariates in :mod:`fahrstats.cohort.encoding`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fahrstats.cohort.encoding import (
    DesignColumn,
    Encoder,
    fit_encoder,
    type_problems,
)
from fahrstats.cohort.follow_up import (
    as_float,
    column_problems,
    interval_problems,
    merge_near_ties,
)
from fahrstats.cohort.formula import ParsedFormula
from fahrstats.cohort.leaks import leak_problems
from fahrstats.cohort.roles import Roles, UsedColumns, assign_roles
from fahrstats.errors import DataError, FormulaError
from fahrstats.kernels.risk_sets import RiskSets, sort_risk_sets

Missing = dict[str, NDArray[np.bool_]]


_LARGEST = 1e150
"""Size of a covariate whose square can overflow, and one over it underflow."""


@dataclass(frozen=True, slots=True)
class Dropped:
    """Rows left out for one reason.

    Attributes
    ----------
    reason : str
        ``missing``, ``zero weight``, ``time 0`` or ``entry equal to exit``.
    column : str
        Column that the reason is about.
    n, n_events : int
        Rows that no earlier reason had taken out, and known events among them.
    n_affected : int
        All rows with this reason in this column, whatever else is wrong with them.
    """

    reason: str
    column: str
    n: int
    n_events: int
    n_affected: int


@dataclass(frozen=True, slots=True, eq=False)
class Design:
    """Validated arrays of a formula and a data frame; rows as kept, in data order.

    Attributes
    ----------
    formula : ParsedFormula
        The formula and the columns of its outcome.
    encoder : Encoder
        How covariates became columns; encodes new data the same way.
    X : ndarray of shape (n, p)
        Design matrix without an intercept.
    roles : Roles
        Columns named beside the formula.
    time, event, entry, weights, offset : ndarray of shape (n,)
        Follow-up; ``entry``, ``weights`` and ``offset`` are None when not asked for.
    strata, cluster : ndarray of int64, shape (n,), or None
        Codes from 0; names of strata are in ``strata_levels``.
    rows : ndarray of int64, shape (n,)
        Position in the data of every kept row.
    dropped : tuple of Dropped
        Rows left out, by reason and column, in the order they were taken out.
    risk_sets : RiskSets
        The rows as the kernels walk through them.
    """

    formula: ParsedFormula
    roles: Roles
    encoder: Encoder
    X: NDArray[np.float64]
    time: NDArray[np.float64]
    event: NDArray[np.bool_]
    entry: NDArray[np.float64] | None
    weights: NDArray[np.float64] | None
    offset: NDArray[np.float64] | None
    strata: NDArray[np.int64] | None
    strata_levels: tuple[str, ...]
    cluster: NDArray[np.int64] | None
    rows: NDArray[np.int64]
    dropped: tuple[Dropped, ...]
    risk_sets: RiskSets

    @property
    def columns(self) -> tuple[DesignColumn, ...]:
        """What each column of ``X`` stands for."""
        return self.encoder.columns

    @property
    def terms(self) -> tuple[str, ...]:
        """Names of the columns of ``X``."""
        return tuple(column.term for column in self.encoder.columns)

    @property
    def n(self) -> int:
        """Rows kept."""
        return self.time.size

    @property
    def n_events(self) -> int:
        """Events among the rows kept."""
        return int(self.event.sum())

    @property
    def n_dropped(self) -> int:
        """Rows left out, for any reason."""
        return sum(dropped.n for dropped in self.dropped)


def build_design(
    formula: str,
    data: pd.DataFrame,
    *,
    strata: str | None = None,
    cluster: str | None = None,
    weights: str | None = None,
    id: str | None = None,
    offset: str | None = None,
    also_complete: Iterable[str] = (),
    risk_sets: RiskSets | None = None,
) -> Design:
    """Validate a formula and a data frame, and turn them into arrays.

    Left out and counted in ``dropped``: rows with a missing value in any column used;
    rows of weight zero; rows whose time is 0 or whose entry equals their exit, because
    they are at risk at no time. ``data`` is never modified.

    Parameters
    ----------
    formula
        ``"Surv(time, event) ~ x + C(sex)"`` or ``"Surv(entry, exit, event) ~ x"``.
    data
        One row per subject, or per interval that a subject is at risk.
    strata, cluster, weights, id, offset
        Columns of strata, of clusters, of case weights, of subjects, and of a term of
        the linear predictor with coefficient one. With ``id``, a subject on several
        rows is an error unless ``cluster`` is given or the rows are intervals that do
        not overlap.
    also_complete
        Further columns in which kept rows must be complete, so that models share rows.
    risk_sets
        Sorted rows of a design with the same outcome and rows, to be used again.

    Raises
    ------
    FormulaError
        The formula cannot be read.
    DataError
        The data cannot support the request; the message says what, where, how many
        rows, and what to do. :func:`find_problems` lists every such problem at once.
    """
    used = assign_roles(formula, data, Roles(strata, cluster, weights, id, offset))
    missing = _missing_values(used, data, also_complete)
    for problem in _all_problems(used, data, missing):
        raise DataError(problem)
    every_time, every_entry = _follow_up(used, data)
    keep, dropped = _complete_rows(used, data, missing, every_time, every_entry)
    kept = data if keep.all() else data.loc[keep]
    encoder, X = fit_encoder(used.parsed.right, kept)
    time = every_time[keep]
    entry = None if every_entry is None else every_entry[keep]
    event = as_float(kept[used.parsed.event]) == 1
    weight = None if weights is None else as_float(kept[weights])
    strata_codes, levels = _codes(kept, strata)
    cluster_codes, _ = _codes(kept, cluster)
    for problem in size_problems(used, X, time, event, cluster_codes, encoder):
        raise DataError(problem)
    return Design(
        formula=used.parsed,
        roles=used.roles,
        encoder=encoder,
        X=X,
        time=time,
        event=event,
        entry=entry,
        weights=weight,
        offset=None if offset is None else as_float(kept[offset]),
        strata=strata_codes,
        strata_levels=levels,
        cluster=cluster_codes,
        rows=np.flatnonzero(keep),
        dropped=dropped,
        risk_sets=risk_sets
        or sort_risk_sets(
            time, event, entry=entry, strata=strata_codes, weights=weight
        ),
    )


def find_problems(
    formula: str,
    data: pd.DataFrame,
    *,
    strata: str | None = None,
    cluster: str | None = None,
    weights: str | None = None,
    id: str | None = None,
    offset: str | None = None,
) -> list[str]:
    """List every reason why :func:`build_design` would refuse, not only the first.

    Checks that need sound columns (entry after exit, subjects on several rows, too few
    rows) run once the columns themselves are sound.
    """
    try:
        used = assign_roles(formula, data, Roles(strata, cluster, weights, id, offset))
        missing = _missing_values(used, data, ())
        problems = list(_all_problems(used, data, missing))
        if problems:
            return problems
        time, entry = _follow_up(used, data)
        keep, _ = _complete_rows(used, data, missing, time, entry)
        kept = data.loc[keep]
        encoder, X = fit_encoder(used.parsed.right, kept)
    except (FormulaError, DataError) as error:
        return [str(error)]
    event = as_float(kept[used.parsed.event]) == 1
    clusters, _ = _codes(kept, cluster)
    return list(size_problems(used, X, time[keep], event, clusters, encoder))


def _missing_values(
    used: UsedColumns, data: pd.DataFrame, also_complete: Iterable[str]
) -> Missing:
    """Mark the rows without a value, by column; refuse absent and repeated columns."""
    wanted = dict.fromkeys([*used.every, *also_complete])
    absent = [name for name in wanted if name not in data.columns]
    if absent:
        names = ", ".join(f"`{name}`" for name in absent)
        raise DataError(f"`data` has no column {names}.")
    for name in wanted:
        if (data.columns == name).sum() > 1:
            raise DataError(
                f"`data` has several columns named `{name}`; rename all but one."
            )
    return {name: data[name].isna().to_numpy() for name in wanted}


def _all_problems(
    used: UsedColumns, data: pd.DataFrame, missing: Missing
) -> Iterator[str]:
    """Yield what is wrong with the columns, then with how they fit together."""
    if not len(data):
        yield "`data` has no rows."
        return
    is_sound = True
    for column, role in used.follow_up.items():
        for problem in column_problems(data, column, role):
            is_sound = False
            yield problem
    for column in used.covariates:
        yield from type_problems(data, column)
    if not is_sound:
        return
    event = as_float(data[used.parsed.event])
    if used.roles.weights is None:
        of_model = [
            *used.covariates,
            *([used.roles.strata] if used.roles.strata else []),
        ]
        yield from leak_problems({name: missing[name] for name in of_model}, event)
    outcome = used.parsed
    subject = used.roles.id if used.roles.cluster is None else None
    yield from interval_problems(data, outcome.time, outcome.entry, subject)


def _complete_rows(
    used: UsedColumns,
    data: pd.DataFrame,
    missing: Missing,
    time: NDArray[np.float64],
    entry: NDArray[np.float64] | None,
) -> tuple[NDArray[np.bool_], tuple[Dropped, ...]]:
    """Mark the rows to keep; count the others by the first reason that applies."""
    keep = np.ones(len(data), np.bool_)
    event = as_float(data[used.parsed.event]) == 1
    dropped = []

    def leave_out(affected: NDArray[np.bool_], reason: str, column: str) -> None:
        out = keep & affected
        if affected.any():
            counts = int(out.sum()), int(event[out].sum()), int(affected.sum())
            dropped.append(Dropped(reason, column, *counts))
        keep[out] = False

    for column, is_missing in missing.items():
        leave_out(is_missing, "missing", column)
    if used.roles.weights is not None:
        leave_out(
            as_float(data[used.roles.weights]) == 0, "zero weight", used.roles.weights
        )
    if used.parsed.entry is None or entry is None:
        leave_out(time == 0, "time 0", used.parsed.time)
    else:
        leave_out(time == entry, "entry equal to exit", used.parsed.entry)
    if not keep.any():
        raise DataError(
            f"No row of {len(data)} is complete: "
            + "; ".join(f"{d.n_affected} {d.reason} (`{d.column}`)" for d in dropped)
            + "."
        )
    return keep, tuple(dropped)


def _follow_up(
    used: UsedColumns, data: pd.DataFrame
) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
    """Return the times of all rows, those that differ by rounding made equal."""
    time = as_float(data[used.parsed.time])
    if used.parsed.entry is None:
        return merge_near_ties(time, None)
    return merge_near_ties(time, as_float(data[used.parsed.entry]))


def _codes(
    kept: pd.DataFrame, column: str | None
) -> tuple[NDArray[np.int64] | None, tuple[str, ...]]:
    """Codes from 0 without gaps, and the levels in sorted order."""
    if column is None:
        return None, ()
    values = kept[column]
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = values.cat.remove_unused_categories()
        codes, levels = values.cat.codes.to_numpy(), values.cat.categories
    else:
        codes, levels = pd.factorize(values, sort=True)
    return codes.astype(np.int64), tuple(str(level) for level in levels)


def size_problems(
    used: UsedColumns,
    X: NDArray[np.float64],
    time: NDArray[np.float64],
    event: NDArray[np.bool_],
    cluster: NDArray[np.int64] | None,
    encoder: Encoder,
) -> Iterator[str]:
    """Yield why complete, well-coded rows still cannot support a fit."""
    outcome, columns = used.parsed, encoder.columns
    n = time.size
    if not event.any():
        yield f"`{outcome.event}` marks no event among the {n} complete rows."
    if n and (time == time[0]).all():
        yield (
            f"`{outcome.time}` is {time[0]:g} in all {n} complete rows; with one "
            "distinct time nobody outlasts anybody."
        )
    if cluster is not None and not cluster.any():
        yield (
            f"All {n} complete rows are one cluster of `{used.roles.cluster}`; a "
            "robust covariance needs at least 2."
        )
    if columns and n <= len(columns):
        yield (
            f"{n} complete rows cannot support {len(columns)} coefficients; "
            "use fewer terms."
        )
    largest = np.maximum(X.max(axis=0), -X.min(axis=0))
    for j, column in enumerate(columns):
        if not np.isfinite(largest[j]):
            n_bad = int((~np.isfinite(X[:, j])).sum())
            yield (
                f"`{column.term}` is infinite or not a number in {n_bad} of {n} "
                "complete rows; the transform does not fit those values."
            )
        elif largest[j] > _LARGEST or 0 < largest[j] < 1 / _LARGEST:
            yield (
                f"`{column.term}` reaches {largest[j]:g}, whose square no number can "
                "hold; give it in another unit, and missing values as empty cells."
            )
