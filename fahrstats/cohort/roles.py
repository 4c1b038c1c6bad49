"""What every column of the data is used for, and columns that cannot play two parts."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import TypedDict

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fahrstats.cohort.follow_up import as_float, column_problems
from fahrstats.cohort.formula import ParsedFormula, parse_formula, used_columns
from fahrstats.errors import DataError, FormulaError


class NamedRoles(TypedDict, total=False):
    """Columns by role, as keywords of :func:`fahrstats.cohort.design.build_design`."""

    strata: str
    cluster: str
    weights: str
    id: str
    offset: str


@dataclass(frozen=True, slots=True)
class Roles:
    """Columns that a model names beside its formula; None where it names none.

    ``build_design(formula, data, **roles.named())`` passes data through the gate again
    as they were for the fit.

    Attributes
    ----------
    strata, cluster, weights, id, offset : str or None
        Columns of strata, of clusters, of case weights, of subjects, and of a term of
        the linear predictor whose coefficient is one.
    """

    strata: str | None = None
    cluster: str | None = None
    weights: str | None = None
    id: str | None = None
    offset: str | None = None

    def named(self) -> NamedRoles:
        """Columns by role, without the roles that no column plays."""
        named = NamedRoles()
        if self.strata is not None:
            named["strata"] = self.strata
        if self.cluster is not None:
            named["cluster"] = self.cluster
        if self.weights is not None:
            named["weights"] = self.weights
        if self.id is not None:
            named["id"] = self.id
        if self.offset is not None:
            named["offset"] = self.offset
        return named


@dataclass(frozen=True, slots=True)
class UsedColumns:
    """All columns that a model uses."""

    parsed: ParsedFormula
    covariates: tuple[str, ...]
    roles: Roles

    @property
    def follow_up(self) -> dict[str, str]:
        """Columns of numbers beside the covariates, and the role of each."""
        names = {self.parsed.time: "time", self.parsed.event: "event"}
        if self.parsed.entry is not None:
            names[self.parsed.entry] = "entry"
        for role in ("weights", "offset"):
            column = getattr(self.roles, role)
            if column is not None:
                names[column] = role
        return names

    @property
    def grouping(self) -> list[str]:
        """Columns that only group rows."""
        roles = self.roles
        return [c for c in (roles.strata, roles.cluster, roles.id) if c is not None]

    @property
    def every(self) -> list[str]:
        """All columns, each once, in the order their missing values are counted."""
        return list(dict.fromkeys([*self.follow_up, *self.covariates, *self.grouping]))


def assign_roles(formula: str, data: pd.DataFrame, roles: Roles) -> UsedColumns:
    """Parse the formula and refuse columns that play two parts.

    Raises
    ------
    FormulaError
        The formula cannot be read, or a column of the outcome is used elsewhere too.
    DataError
        The arguments are of the wrong type, or the offset is a weight too.
    """
    if not isinstance(formula, str) or not isinstance(data, pd.DataFrame):
        raise DataError(
            f"`formula` is a {type(formula).__name__} and `data` a "
            f"{type(data).__name__}; give text first and a pandas data frame second."
        )
    for role, name in roles.named().items():
        if not isinstance(name, Hashable):
            raise DataError(
                f"`{role}` is {name!r}; give the name of one column. Several can be "
                "joined into one first."
            )
    parsed = parse_formula(formula)
    covariates = used_columns(parsed.right, data.columns)
    others = dict.fromkeys(covariates, "a covariate")
    others |= {str(name): f"`{role}`" for role, name in roles.named().items()}
    for column in (parsed.entry, parsed.time, parsed.event):
        if column in others:
            raise FormulaError(
                f"`{column}` is part of the outcome of `{formula}` and "
                f"{others[column]} too; use another column for one of them."
            )
    if roles.offset is not None and roles.offset == roles.weights:
        raise DataError(
            f"`{roles.offset}` is `offset` and `weights` too; use another column for "
            "one of them."
        )
    return UsedColumns(parsed, covariates, roles)


def offset_values(data: pd.DataFrame, column: str) -> NDArray[np.float64]:
    """Return the offset of every row of new data; missing where the data miss it.

    Raises
    ------
    DataError
        The column is absent, holds no numbers, or holds infinite ones.
    """
    if column not in data.columns:
        raise DataError(f"`data` has no column `{column}`.")
    for problem in column_problems(data, column, "offset"):
        raise DataError(problem)
    return as_float(data[column])
