"""Some rows of a design, as the gate would make it from them, without passing again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from formulaic.transforms.contrasts import TreatmentContrasts
from numpy.typing import NDArray

from fahrstats.cohort.design import Design, size_problems
from fahrstats.cohort.encoding import DesignColumn, Encoder
from fahrstats.cohort.roles import UsedColumns
from fahrstats.errors import DataError
from fahrstats.kernels.draws import draw_risk_sets

BoolArray = NDArray[np.bool_]


def can_be_cut(encoder: Encoder) -> bool:
    """Whether columns of some rows are those rows of the columns.

    They are not where a transform learns from the rows, such as the knots of a spline;
    products and contrasts other than with a reference level are left to the gate too.
    """
    spec = encoder.spec
    return (
        not spec.transform_state
        and all(len(term.factors) <= 1 for term in spec.terms)
        and all(
            isinstance(contrast.contrasts, TreatmentContrasts)
            for contrast in spec.factor_contrasts.values()
        )
    )


def cut_design(design: Design, chosen: BoolArray) -> Design | None:
    """Return the design of the chosen rows; None where the gate must make it.

    Levels of factors that no row has lose their column, and a factor with one level has
    one column of zeros. The encoder describes the columns and encodes no new data.

    Parameters
    ----------
    design
        The design of n rows.
    chosen
        Which of them to keep, shape (n,).

    Raises
    ------
    DataError
        The rows cannot support a fit, for the reasons that the gate has.
    """
    X = design.X[chosen]
    columns = (
        _columns_of_part(design.encoder, X) if can_be_cut(design.encoder) else None
    )
    if columns is None:
        return None
    kept = [j for j, _ in columns]
    encoder = replace(
        design.encoder,
        columns=tuple(column for _, column in columns),
        is_varying=design.encoder.is_varying[kept],
    )
    part = _rows_of(design, chosen, encoder, np.ascontiguousarray(X[:, kept]))
    return _refuse_small(part)


def with_columns(
    design: Design, X: NDArray[np.float64], columns: Sequence[DesignColumn]
) -> Design:
    """Return a design with further columns, (n, q), after its own.

    Raises
    ------
    DataError
        The rows cannot support so many columns.
    """
    encoder = replace(
        design.encoder,
        columns=(*design.columns, *columns),
        is_varying=np.append(
            design.encoder.is_varying, np.ones(len(columns), np.bool_)
        ),
    )
    wider = replace(design, encoder=encoder, X=np.column_stack([design.X, X]))
    return _refuse_small(wider)


def _refuse_small(design: Design) -> Design:
    """Return the design, or raise where its rows cannot support a fit."""
    used = UsedColumns(design.formula, design.encoder.needed, design.roles)
    for problem in size_problems(
        used, design.X, design.time, design.event, design.cluster, design.encoder
    ):
        raise DataError(problem)
    return design


def _columns_of_part(
    encoder: Encoder, X: NDArray[np.float64]
) -> list[tuple[int, DesignColumn]] | None:
    """Return positions and meaning of the columns left; None without the reference."""
    columns: list[tuple[int, DesignColumn]] = []
    for name, positions in _terms(encoder):
        described = [encoder.columns[j] for j in positions]
        if not described[0].reference:
            columns += zip(positions, described, strict=True)
            continue
        if X[:, positions].any(axis=1).all():
            return None
        left = [j for j in positions if X[:, j].any()]
        if left:
            columns += [(j, encoder.columns[j]) for j in left]
        else:
            only = described[0]
            alone = DesignColumn(name, only.variable, only.reference)
            columns.append((positions[0], alone))
    return columns


def _terms(encoder: Encoder) -> Iterator[tuple[str, list[int]]]:
    """Yield the name of every term and the positions of its columns."""
    position = 0
    for term in encoder.spec.terms:
        if str(term) == "1":
            continue
        n_columns = len(encoder.spec.term_indices[term]) or 1
        yield str(term), list(range(position, position + n_columns))
        position += n_columns


def _rows_of(
    design: Design, chosen: BoolArray, encoder: Encoder, X: NDArray[np.float64]
) -> Design:
    """Return the chosen rows of all arrays; codes without gaps."""
    sets, _ = draw_risk_sets(
        design.risk_sets, chosen[design.risk_sets.order].astype(np.int64)
    )
    position = np.cumsum(chosen) - 1
    strata, levels = design.strata, design.strata_levels
    if strata is not None:
        present, strata = np.unique(strata[chosen], return_inverse=True)
        levels = tuple(levels[code] for code in present)
    cluster = design.cluster
    if cluster is not None:
        cluster = np.unique(cluster[chosen], return_inverse=True)[1]
    entry, weights, offset = design.entry, design.weights, design.offset
    return replace(
        design,
        encoder=encoder,
        X=X,
        time=design.time[chosen],
        event=design.event[chosen],
        entry=None if entry is None else entry[chosen],
        weights=None if weights is None else weights[chosen],
        offset=None if offset is None else offset[chosen],
        strata=strata,
        strata_levels=levels,
        cluster=cluster,
        rows=design.rows[chosen],
        dropped=(),
        risk_sets=replace(sets, order=position[sets.order]),
    )
