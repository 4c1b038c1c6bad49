"""The design columns that one variable of the data moves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from formulaic.errors import FormulaicError
from formulaic.parser.types import Factor, Term
from numpy.typing import NDArray

from fahrstats.cohort.encoding import TRANSFORMS, Encoder, root_cause
from fahrstats.cohort.formula import factor_columns
from fahrstats.errors import DataError

IntArray = NDArray[np.int64]

_PLAIN_SPLINE = re.compile(r"rcs\(\s*(?:`[^`]+`|[^\W\d][\w.]*)\s*[,)]")
"""A spline of a column itself, not of a transform of it."""


@dataclass(frozen=True, slots=True, eq=False)
class SplineTerm:
    """A term of the formula that is one restricted cubic spline.

    Attributes
    ----------
    term, variable : str
        The term as written, and the column of the data that it bends.
    knots : tuple of float
        In the units of ``variable``, or of its transform where it is bent after one.
    is_plain : bool
        Whether the column itself is bent.
    columns : ndarray of int64, shape (k - 1,)
        Its design columns, the linear one first.
    """

    term: str
    variable: str
    knots: tuple[float, ...]
    is_plain: bool
    columns: IntArray


def spline_terms(encoder: Encoder) -> tuple[SplineTerm, ...]:
    """Return the splines of a model, in the order of the design columns."""
    found = []
    for term, columns in _terms(encoder):
        factor = term.factors[0]
        if len(term.factors) == 1 and factor.expr.startswith("rcs("):
            (variable,) = factor_columns(factor, encoder.needed)
            knots = _knots(encoder, factor, variable, columns.size + 1)
            is_plain = _PLAIN_SPLINE.match(factor.expr) is not None
            found.append(SplineTerm(str(term), variable, knots, is_plain, columns))
    return tuple(found)


def move_variable(
    encoder: Encoder, variable: str, values: NDArray[np.float64]
) -> tuple[IntArray, NDArray[np.float64]]:
    """Return the design columns that a number moves, and what they become.

    The columns are q positions, and their values have shape (values.size, q).

    Raises
    ------
    DataError
        As :func:`terms_moved`; or a transform has no value there.
    """
    moved = terms_moved(encoder, variable)
    part = encoder.spec.subset([term for term, _ in moved])
    frame = pd.DataFrame({variable: values})
    try:
        with np.errstate(all="ignore"):
            matrix = part.get_model_matrix(frame, context=TRANSFORMS, output="numpy")
    except FormulaicError as error:
        raise DataError(
            f"A transform of `{variable}` has no value somewhere between "
            f"{values.min():g} and {values.max():g}: {root_cause(error)}."
        ) from error
    positions = np.concatenate([columns for _, columns in moved])
    return positions, np.asarray(matrix, np.float64).reshape(values.size, -1)


def terms_moved(encoder: Encoder, variable: str) -> list[tuple[Term, IntArray]]:
    """Return the terms that hold a number, with the positions of their columns.

    Raises
    ------
    DataError
        No term holds the variable, it is a factor, or a product holds others as well.
    """
    moved = []
    for term, columns in _terms(encoder):
        names = {
            name
            for factor in term.factors
            for name in factor_columns(factor, encoder.needed)
        }
        if variable not in names:
            continue
        others = sorted(names - {variable})
        if others:
            raise DataError(
                f"`{variable}` acts together with `{others[0]}` in `{term}`, so it has "
                f"no curve of its own; compare profiles with `contrast`."
            )
        if any(factor in encoder.spec.factor_contrasts for factor in term.factors):
            raise DataError(
                f"`{variable}` is a factor in `{term}`, and a curve needs a number; "
                "see `tidy` for the levels."
            )
        moved.append((term, columns))
    if not moved:
        known = ", ".join(f"`{name}`" for name in encoder.needed) or "none"
        raise DataError(f"No term holds `{variable}`; the covariates are {known}.")
    return moved


def linear_column(encoder: Encoder, variable: str) -> int:
    """Return the position of the one design column that is a number of the data.

    Raises
    ------
    DataError
        No term holds the variable, or one does other than as it is and alone.
    """
    held = [
        (term, columns)
        for term, columns in _terms(encoder)
        if any(
            variable in factor_columns(factor, encoder.needed)
            for factor in term.factors
        )
    ]
    if not held:
        known = ", ".join(f"`{name}`" for name in encoder.needed) or "none"
        raise DataError(f"No term holds `{variable}`; the covariates are {known}.")
    for term, _ in held:
        (factor, *others) = term.factors
        is_plain = not others and factor.eval_method is Factor.EvalMethod.LOOKUP
        if not is_plain or factor in encoder.spec.factor_contrasts or len(held) > 1:
            terms = ", ".join(f"`{term}`" for term, _ in held)
            raise DataError(
                f"`{variable}` enters as {terms}, but its error can be corrected only "
                "where it enters once, as a number, without transform or product."
            )
    return int(held[0][1][0])


def _terms(encoder: Encoder) -> Iterator[tuple[Term, IntArray]]:
    """Yield the terms of the formula with the positions of their design columns."""
    first = 0
    for term in encoder.spec.terms:
        if str(term) == "1":
            continue
        size = max(1, len(encoder.spec.term_indices[term]))  # a level alone has one
        yield term, np.arange(first, first + size)
        first += size


def _knots(
    encoder: Encoder, factor: Factor, variable: str, n_knots: int
) -> tuple[float, ...]:
    """Look up the knots that a spline learned, by how it is written."""
    written = re.sub(r"`([^`]+)`", lambda m: re.sub(r"\W", "_", m[1]), factor.expr)
    alike: dict[str, tuple[float, ...]] = {
        key: state["rcs_knots"]
        for key, state in encoder.spec.transform_state.items()
        if state.get("rcs_variable") == variable and len(state["rcs_knots"]) == n_knots
    }
    return alike.get(written, next(iter(alike.values())))
