"""A formula whose right-hand side names groups: ``Surv(time, event) ~ sex + site``."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fahrstats.cohort.design import Design, build_design
from fahrstats.cohort.encoding import level_text
from fahrstats.cohort.roles import Roles, UsedColumns, assign_roles
from fahrstats.errors import DataError, FormulaError
from fahrstats.kernels.risk_sets import RiskSets, sort_risk_sets

_MOST_GROUPS = 30
"""More groups than this come from a number that was meant to be cut first."""


@dataclass(frozen=True, slots=True, eq=False)
class GroupedCohort:
    """Rows that passed the gate, and the group of each.

    Attributes
    ----------
    design : Design
        The outcome, without covariates.
    groups : tuple of str
        Levels in the order of their categories or sorted, several columns joined by a
        comma; ``overall`` where the formula names no column.
    codes : ndarray of int64, shape (n,)
        Position in ``groups`` of every kept row, in data order.
    subject : ndarray of int64, shape (n,)
        Codes of the subjects of the kept rows, each row its own without ``id``.
    """

    design: Design
    groups: tuple[str, ...]
    codes: NDArray[np.int64]
    subject: NDArray[np.int64]

    @property
    def risk_sets(self) -> RiskSets:
        """Rows sorted for the kernels, one stratum for each group."""
        return sort_risk_sets(
            self.design.time,
            self.design.event,
            entry=self.design.entry,
            strata=self.codes,
            weights=self.design.weights,
        )


def group_cohort(
    formula: str,
    data: pd.DataFrame,
    *,
    strata: str | None = None,
    weights: str | None = None,
    id: str | None = None,
) -> GroupedCohort:
    """Pass the outcome through the gate and number the groups of the right-hand side.

    Raises
    ------
    FormulaError
        The right-hand side is not a list of columns.
    DataError
        A column has too many levels to be groups, or the data do not pass the gate.
    """
    columns = _group_columns(assign_roles(formula, data, Roles()))
    outcome = formula.partition("~")[0]
    design = build_design(
        f"{outcome}~ 1",
        data,
        strata=strata,
        weights=weights,
        id=id,
        also_complete=columns,
    )
    subject = np.arange(design.n)
    if id is not None:
        subject = pd.factorize(data[id].iloc[design.rows])[0].astype(np.int64)
    if not columns:
        codes = np.zeros(design.n, np.int64)
        return GroupedCohort(design, ("overall",), codes, subject)
    kept = data[columns].iloc[design.rows]
    for column in columns:
        n_levels = kept[column].nunique()
        if n_levels > _MOST_GROUPS:
            raise DataError(
                f"`{column}` has {n_levels} levels in {design.n} complete rows, too "
                "many for groups; cut it first, for instance with `quantile_groups`."
            )
    grouped = kept.groupby(columns, observed=True, sort=True)
    levels = grouped.size().index.to_frame(index=False)
    codes = grouped.ngroup().to_numpy().astype(np.int64)
    groups = tuple(", ".join(map(level_text, row)) for row in levels.to_numpy())
    _refuse_unclear_names(groups, columns)
    return GroupedCohort(design, groups, codes, subject)


def need_two_groups(cohort: GroupedCohort, formula: str, what: str) -> None:
    """Refuse a cohort of one group where groups are to be compared."""
    if len(cohort.groups) < 2:
        raise DataError(
            f"`{formula}` makes 1 group of the {cohort.design.n} complete rows; {what} "
            "needs at least 2."
        )


def group_position(groups: tuple[str, ...], reference: str | float | None) -> int:
    """Return the position of the reference group: the first, or the one named."""
    if reference is None:
        return 0
    name = level_text(reference)
    if name not in groups:
        raise DataError(
            f"`reference` is {name!r}, which is no group; the groups are "
            f"{', '.join(f'`{group}`' for group in groups)}."
        )
    return groups.index(name)


def refuse_shared_subjects(cohort: GroupedCohort, id: str | None) -> None:
    """Refuse subjects whose intervals belong to several groups: these are dependent."""
    n_groups = pd.Series(cohort.codes).groupby(cohort.subject).nunique()
    n_shared = int((n_groups > 1).sum())
    if n_shared:
        raise DataError(
            f"{n_shared} of {n_groups.size} subjects of `{id}` have rows in more than "
            "one group, so the groups are not independent; group by what is known at "
            "entry."
        )


def _refuse_unclear_names(groups: tuple[str, ...], columns: list[str]) -> None:
    """Refuse groups that results could not tell apart by their names."""
    named = ", ".join(f"`{column}`" for column in columns)
    if any(not group.strip(", ") for group in groups):
        raise DataError(
            f"A group of {named} has a blank name; name it, or leave the cells empty "
            "to drop the rows."
        )
    repeated = next((group for group in groups if groups.count(group) > 1), None)
    if repeated is not None:
        raise DataError(
            f"{groups.count(repeated)} groups of {named} are all called `{repeated}`; "
            "rename levels, such as numbers beside text, so that no two read the same."
        )


def _group_columns(used: UsedColumns) -> list[str]:
    """Columns named on the right-hand side, which may hold nothing else."""
    right, columns = used.parsed.right, list(used.covariates)
    terms = [str(term).replace("`", "") for term in right if str(term) != "1"]
    if sorted(terms) != sorted(columns):
        wrong = next(term for term in terms if term not in columns)
        raise FormulaError(
            f"`{used.parsed.text}` must name grouping columns, joined by `+`, but "
            f"`{wrong}` is not a column; make groups in the data first."
        )
    return columns
