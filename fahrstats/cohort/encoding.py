"""Columns of a data frame to columns of a design matrix, and the same for new data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
import pandas as pd
from formulaic import Formula, ModelSpec
from formulaic.errors import FormulaicError
from formulaic.parser.types import Factor, Term
from formulaic.transforms.contrasts import TreatmentContrasts
from numpy.typing import NDArray

from fahrstats.cohort.follow_up import is_number
from fahrstats.cohort.formula import factor_columns, used_columns
from fahrstats.cohort.splines import rcs
from fahrstats.errors import DataError, FahrstatsError, FormulaError

TRANSFORMS: Final[dict[str, object]] = {"rcs": rcs}
"""Transforms that a formula may call, by name, besides those of formulaic."""

_KINDS = {"boolean", "categorical", "empty", "floating", "integer", "string"}
_MOMENTS = {"date", "datetime", "datetime64", "period", "time", "timedelta"}


@dataclass(frozen=True, slots=True)
class DesignColumn:
    """What one column of a design matrix stands for.

    Attributes
    ----------
    term : str
        Name of the design column, such as ``C(sex)[T.women]``.
    variable : str
        Column of the data behind it; the formula's term where that is not one column.
    level, reference : str
        For a column of a factor: its level and the level it is compared with. A factor
        with one level has a column of zeros, with that level and no reference.
    """

    term: str
    variable: str
    level: str = ""
    reference: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Encoder:
    """How columns of the data became columns of the design matrix.

    Attributes
    ----------
    columns : tuple of DesignColumn
        One per column of the design matrix, without the intercept.
    spec : ModelSpec
        Formulaic's record of factor levels and of what transforms have learned.
    needed : tuple of str
        Columns of the data that are looked up.
    is_varying : ndarray of bool, shape (p,)
        Columns made by formulaic; the others stand for factors with one level.
    ranges : dict of str to tuple of float
        2.5th, 50th and 97.5th percentile of every variable that is transformed.
    """

    columns: tuple[DesignColumn, ...]
    spec: ModelSpec
    needed: tuple[str, ...]
    is_varying: NDArray[np.bool_]
    ranges: dict[str, tuple[float, float, float]] = field(default_factory=dict)


def type_problems(data: pd.DataFrame, column: str) -> Iterator[str]:
    """Yield why a column cannot be a covariate, whatever the formula does with it."""
    values = data[column].infer_objects()
    kind = pd.api.types.infer_dtype(values, skipna=True)
    if kind.removesuffix("64") in _MOMENTS or kind in _MOMENTS:
        yield f"`{column}` holds dates or durations; turn it into a number with a unit."
    elif kind not in _KINDS and not is_number(values):
        held = str(values.dtype) if kind == "unknown-array" else kind
        yield (
            f"`{column}` holds {held} values; make it all numbers or all text, "
            "since a factor and a number are different covariates."
        )
    elif pd.api.types.is_float_dtype(values):
        numbers = values.to_numpy(np.float64, na_value=np.nan)
        n_infinite = int(np.isinf(numbers).sum())
        if n_infinite:
            yield (
                f"`{column}` is infinite in {n_infinite} of {len(values)} rows; "
                "give finite values, or leave them empty to drop the rows."
            )


def fit_encoder(
    right: Formula, data: pd.DataFrame
) -> tuple[Encoder, NDArray[np.float64]]:
    """Learn factor levels and transforms from complete rows; return the matrix too.

    Raises
    ------
    FormulaError
        A transform in the formula is unknown or fails.
    """
    needed = used_columns(right, data.columns)
    # Columns are shared, not copied: formulaic keeps its frame until the next garbage
    # collection.
    shared = pd.DataFrame({name: data[name] for name in needed}, copy=False)
    frame = _plain_types(shared)
    if frame.empty:
        frame = pd.DataFrame(index=range(len(data)))
    try:
        with np.errstate(all="ignore"):  # the gate reports what is not finite
            matrix = right.get_model_matrix(
                frame, context=TRANSFORMS, na_action="ignore", output="numpy"
            )
    except FormulaicError as error:
        _raise_ours(error)
        raise FormulaError(
            f"`{right}` cannot be evaluated: {root_cause(error)}."
        ) from error
    spec = matrix.model_spec
    columns, is_varying = [], []
    for term in spec.terms:
        if str(term) != "1":
            described = list(_describe(term, spec, needed))
            columns += described
            is_varying += [bool(spec.term_indices[term])] * len(described)
    encoder = Encoder(
        tuple(columns),
        spec,
        needed,
        np.array(is_varying, np.bool_),
        _transformed_ranges(spec, frame, needed),
    )
    return encoder, _with_one_level_factors(encoder, matrix)


def design_matrix(encoder: Encoder, data: pd.DataFrame) -> NDArray[np.float64]:
    """Encode new data as the fitted data were; rows with missing values become NaN.

    Raises
    ------
    DataError
        A column is absent or of another type than at fitting, or a factor has a level
        unseen at fitting.
    """
    if not isinstance(data, pd.DataFrame):
        raise DataError(
            f"New data are a {type(data).__name__}; give a pandas data frame with a "
            "column for every covariate."
        )
    absent = [name for name in encoder.needed if name not in data.columns]
    if absent:
        raise DataError(f"`data` has no column {_listed(absent)}.")
    for factor, contrast in encoder.spec.factor_contrasts.items():
        columns = factor_columns(factor, encoder.needed)
        if len(columns) == 1:
            _refuse_unseen(data[columns[0]], columns[0], contrast.levels)
    complete = data[list(encoder.needed)].notna().all(axis=1).to_numpy()
    X = np.full((len(data), len(encoder.columns)), np.nan)
    if encoder.columns and complete.any():
        frame = _plain_types(data.loc[complete, list(encoder.needed)])
        try:
            matrix = encoder.spec.get_model_matrix(
                frame, context=TRANSFORMS, output="numpy"
            )
        except FormulaicError as error:
            _raise_ours(error)
            raise DataError(
                f"`data` cannot be encoded as at fitting: {root_cause(error)}; give "
                "every column the type it had."
            ) from error
        X[complete] = _with_one_level_factors(encoder, matrix)
    return X


def _transformed_ranges(
    spec: ModelSpec, frame: pd.DataFrame, needed: tuple[str, ...]
) -> dict[str, tuple[float, float, float]]:
    """Return where the rows of each transformed number lie."""
    names = {
        name: None
        for term in spec.terms
        for factor in term.factors
        if factor.eval_method is Factor.EvalMethod.PYTHON
        and factor not in spec.factor_contrasts
        for name in factor_columns(factor, needed)
        if name in frame and is_number(frame[name])
    }
    ranges = {}
    for name in names:
        low, middle, high = np.percentile(frame[name], (2.5, 50, 97.5))
        ranges[name] = float(low), float(middle), float(high)
    return ranges


def _with_one_level_factors(encoder: Encoder, matrix: object) -> NDArray[np.float64]:
    """Drop the intercept; add a column of zeros for every factor with one level."""
    varying = np.asarray(matrix, np.float64)[:, 1:]
    if encoder.is_varying.all():
        return varying
    X = np.zeros((len(varying), encoder.is_varying.size))
    X[:, encoder.is_varying] = varying
    return X


def level_text(value: object) -> str:
    """Write the level of a factor as text; 1.0 as 1."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _refuse_unseen(values: pd.Series, column: str, levels: list[object]) -> None:
    """Raise if a factor of new data has a level that the fit did not see."""
    unseen = values.dropna()[~values.dropna().isin(levels)]
    if len(unseen):
        raise DataError(
            f"`{column}` has {unseen.nunique()} levels unseen at fitting "
            f"({_listed(unseen.unique()[:5])}) in {len(unseen)} of {len(values)} rows; "
            f"the fitted levels are {_listed(levels)}."
        )


def _plain_types(frame: pd.DataFrame) -> pd.DataFrame:
    """Give nullable, text and unused-category columns the types formulaic expects."""
    if all(isinstance(kind, np.dtype) and kind.kind in "bfiu" for kind in frame.dtypes):
        return frame
    plain = {}
    for name in frame.columns:
        values = frame[name].infer_objects()
        if isinstance(values.dtype, pd.CategoricalDtype):
            values = values.cat.remove_unused_categories()
        elif pd.api.types.is_bool_dtype(values):
            values = values.astype(bool)
        elif pd.api.types.is_extension_array_dtype(values) and (
            pd.api.types.is_numeric_dtype(values)
        ):
            kind = np.int64 if pd.api.types.is_integer_dtype(values) else np.float64
            values = values.astype(kind)
        elif not pd.api.types.is_numeric_dtype(values):
            values = values.astype(object)
        plain[name] = values
    return pd.DataFrame(plain, index=frame.index)


def _describe(
    term: Term, spec: ModelSpec, needed: tuple[str, ...]
) -> Iterator[DesignColumn]:
    """Yield the design columns of one term of the formula."""
    names = [spec.column_names[index] for index in spec.term_indices[term]]
    contrast = None
    variable = str(term).replace("`", "")
    if len(term.factors) == 1:
        factor = term.factors[0]
        contrast = spec.factor_contrasts.get(factor)
        columns = factor_columns(factor, needed)
        is_plain = factor.eval_method is Factor.EvalMethod.LOOKUP
        if len(columns) == 1 and (is_plain or contrast is not None):
            variable = columns[0]
    if not names:
        levels = [] if contrast is None else contrast.levels
        yield DesignColumn(str(term), variable, "".join(map(level_text, levels)))
        return
    if contrast is None or not isinstance(contrast.contrasts, TreatmentContrasts):
        yield from (DesignColumn(name, variable) for name in names)
        return
    base, levels = contrast.contrasts.base, list(contrast.levels)
    reference = base if base in levels else levels[0]
    levels.remove(reference)
    for name, level in zip(names, levels, strict=True):
        yield DesignColumn(name, variable, level_text(level), level_text(reference))


def _raise_ours(error: BaseException | None) -> None:
    """Raise what a transform of ours said, which formulaic wrapped."""
    while error is not None:
        if isinstance(error, FahrstatsError):
            raise error
        error = error.__cause__


def root_cause(error: BaseException) -> str:
    """First line of the exception that formulaic wrapped."""
    while error.__cause__ is not None:
        error = error.__cause__
    return str(error).strip().splitlines()[0].rstrip(".")


def _listed(names: object) -> str:
    """Names in backticks, separated by commas."""
    return ", ".join(f"`{name}`" for name in names)  # type: ignore[attr-defined]


def learn_again(
    encoder: Encoder, data: pd.DataFrame, drawn: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Let transforms learn from the rows drawn, and encode all rows with that.

    Knots and means are learned again; the levels of factors stay those of ``data``.
    ``data`` holds complete rows and ``drawn`` their positions, with repeats.

    Raises
    ------
    DataError
        A transform has no value beyond the rows it learned from.
    """
    frame = _plain_types(data[list(encoder.needed)])
    fresh = encoder.spec.update(transform_state={})
    fresh.get_model_matrix(frame.iloc[drawn], context=TRANSFORMS, output="numpy")
    try:
        return design_matrix(replace(encoder, spec=fresh), data)
    except DataError as error:
        raise DataError(
            f"A bootstrap needs transforms that reach beyond the rows drawn: {error} "
            "Use `rcs`, or `bs` with `extrapolation='clip'`."
        ) from error
