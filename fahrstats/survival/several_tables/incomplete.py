"""The gate of imputation: what can be completed, and from what."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fahrstats.cohort.encoding import type_problems
from fahrstats.cohort.follow_up import (
    as_float,
    column_problems,
    interval_problems,
    is_number,
    merge_near_ties,
)
from fahrstats.cohort.formula import (
    ParsedFormula,
    factor_columns,
    parse_formula,
    used_columns,
)
from fahrstats.cohort.leaks import leak_problems
from fahrstats.errors import DataError
from fahrstats.kernels.product_limit import life_table
from fahrstats.kernels.risk_sets import sort_risk_sets
from fahrstats.survival.several_tables.chained_equations import N_DONORS, ChainColumn
from fahrstats.survival.several_tables.completed import Formulas

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class IncompleteCohort:
    """Rows with a known outcome, and the columns to complete.

    Attributes
    ----------
    formulas : tuple of str
        The models, as given.
    kept : DataFrame
        The rows with a known outcome, as they are.
    columns : tuple of ChainColumn
        Covariates and auxiliary columns, complete and incomplete.
    outcome : ndarray of shape (n, 2)
        Event, and cumulative hazard lived through.
    n_dropped : int
        Rows left out because their outcome is missing.
    """

    formulas: tuple[str, ...]
    kept: pd.DataFrame
    columns: tuple[ChainColumn, ...]
    outcome: FloatArray
    n_dropped: int

    @property
    def is_incomplete(self) -> NDArray[np.bool_]:
        """Columns with a value missing."""
        return np.array([column.is_missing.any() for column in self.columns])


def gather_incomplete(
    formula: Formulas, data: pd.DataFrame, auxiliary: Sequence[str]
) -> IncompleteCohort:
    """Check the columns of models, and turn them into arrays with holes.

    Raises
    ------
    FormulaError
        A formula cannot be read.
    DataError
        Nothing is missing, or the columns cannot be used; the message says why.
    """
    if not isinstance(data, pd.DataFrame):
        raise DataError(
            f"`data` is a {type(data).__name__}; give a formula first and a pandas "
            "data frame second."
        )
    parsed, names = _columns_in_use(formula, data, auxiliary)
    for problem in _problems(parsed[0], names, data):
        raise DataError(problem)
    kept = data[data[_outcome(parsed[0])].notna().all(axis=1)]
    factors = _called_factors(parsed, data)
    columns = [_as_chain_column(kept[name], name in factors) for name in names]
    outcome = _outcome_predictors(parsed[0], kept)
    for problem in _size_problems(columns, outcome):
        raise DataError(problem)
    return IncompleteCohort(
        formulas=tuple(p.text for p in parsed),
        kept=kept,
        columns=tuple(columns),
        outcome=outcome,
        n_dropped=len(data) - len(kept),
    )


def _outcome(parsed: ParsedFormula) -> list[str]:
    """Columns of the outcome."""
    return [c for c in (parsed.entry, parsed.time, parsed.event) if c]


def _columns_in_use(
    formula: Formulas, data: pd.DataFrame, auxiliary: Sequence[str]
) -> tuple[list[ParsedFormula], list[str]]:
    """Parse the formulas; return them with all columns to complete or predict from."""
    if isinstance(auxiliary, str):
        raise DataError(
            f"`auxiliary` is the text `{auxiliary}`; give a list of columns."
        )
    texts = [formula] if isinstance(formula, str) else list(formula.values())
    parsed = [parse_formula(text) for text in texts]
    outcomes = {(p.entry, p.time, p.event) for p in parsed}
    if len(outcomes) > 1:
        raise DataError(
            f"`formula` has {len(outcomes)} different outcomes; impute for one, "
            "because the outcome is among the predictors."
        )
    used = [used_columns(p.right, data.columns) for p in parsed]
    names = list(dict.fromkeys([*(c for columns in used for c in columns), *auxiliary]))
    outcome = _outcome(parsed[0])
    twice = [f"`{c}`" for c in names if c in outcome]
    if twice:
        raise DataError(
            f"{', '.join(twice)} is part of the outcome and of the covariates or "
            "`auxiliary`; name it once."
        )
    for name in [*outcome, *names]:
        if (data.columns == name).sum() != 1:
            held = "no column" if name not in data else "several columns named"
            raise DataError(f"`data` has {held} `{name}`.")
    return parsed, names


def _problems(
    parsed: ParsedFormula, names: Sequence[str], data: pd.DataFrame
) -> Iterator[str]:
    """Yield what is wrong with the columns, as the gate of every analysis does."""
    roles = {parsed.time: "time", parsed.event: "event"}
    if parsed.entry is not None:
        roles[parsed.entry] = "entry"
    if not len(data):
        yield "`data` has no rows."
        return
    for column, role in roles.items():
        yield from column_problems(data, column, role)
    for column in names:
        yield from type_problems(data, column)
    missing = {name: data[name].isna().to_numpy() for name in names}
    if not any(is_missing.any() for is_missing in missing.values()):
        yield (
            f"Nothing is missing in the {len(names)} covariates; analyse the data as "
            "they are."
        )
    yield from leak_problems(missing, as_float(data[parsed.event]))
    yield from interval_problems(data, parsed.time, parsed.entry, None)


def _called_factors(parsed: Sequence[ParsedFormula], data: pd.DataFrame) -> set[str]:
    """Columns that a formula makes a factor of by ``C()``."""
    return {
        name
        for p in parsed
        for term in p.right
        for factor in term.factors
        if re.match(r"C\s*\(", factor.expr)
        for name in factor_columns(factor, data.columns)
    }


def _as_chain_column(values: pd.Series, is_called_factor: bool) -> ChainColumn:
    """Turn a column into numbers, or into codes of its observed levels."""
    name = str(values.name)
    values = values.infer_objects()
    if is_number(values) and not is_called_factor:
        return ChainColumn(name, as_float(values), 0)
    codes, levels = pd.factorize(values, sort=True)
    return ChainColumn(name, np.where(codes < 0, np.nan, codes), len(levels))


def _outcome_predictors(parsed: ParsedFormula, kept: pd.DataFrame) -> FloatArray:
    """Event and cumulative hazard lived through (Nelson-Aalen), shape (n, 2)."""
    event = as_float(kept[parsed.event])
    entry = None if parsed.entry is None else as_float(kept[parsed.entry])
    time, entry = merge_near_ties(as_float(kept[parsed.time]), entry)
    table = life_table(sort_risk_sets(time, event == 1, entry=entry), 0)
    steps = np.zeros(table.time.size)
    np.divide(table.events, table.at_risk, out=steps, where=table.at_risk > 0)
    hazard = np.cumsum(steps)
    lived = hazard[np.searchsorted(table.time, time)]
    if entry is not None:
        lived = lived - hazard[np.searchsorted(table.time, entry)]
    return np.column_stack([event, lived])


def _size_problems(
    columns: Sequence[ChainColumn], outcome: FloatArray
) -> Iterator[str]:
    """Yield which columns are known in too few rows to be predicted."""
    n = len(outcome)
    if not n:
        yield "The outcome is missing in every row."
        return
    width = [max(1, column.n_levels - 1) for column in columns]
    for column, own in zip(columns, width, strict=True):
        known = n - int(column.is_missing.sum())
        needed = 1 + outcome.shape[1] + 2 * (sum(width) - own)  # with products
        if known < n and known <= max(needed, N_DONORS):
            yield (
                f"`{column.name}` is known in {known} of {n} rows, too few for a model "
                f"of {needed} coefficients; leave the column out, or use fewer others."
            )
        elif known < n and column.n_levels == 1:
            yield (
                f"`{column.name}` has one level in the {known} rows where it is known; "
                "leave it out."
            )
