"""Several Cox models maximised on the rows that are complete for all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fahrstats.cohort.design import Design, build_design
from fahrstats.cohort.formula import parse_formula, used_columns
from fahrstats.errors import DataError
from fahrstats.kernels.partial_likelihood import block_sums
from fahrstats.survival.cox_models.maximum import Maximum, find_maximum
from fahrstats.survival.model_comparison.non_nested import (
    LikelihoodDifference,
    contributions,
    likelihood_difference,
)

FloatArray = NDArray[np.float64]

_SPANNED = 1e-7
"""Largest part of a standardised column that a larger model may leave unexplained."""


@dataclass(frozen=True, slots=True, eq=False)
class ModelSet:
    """k models on the same rows.

    Attributes
    ----------
    labels : tuple of str
        Labels, in the caller's order.
    designs : tuple of Design
        The same rows and outcome, each model's own columns.
    maxima : tuple of Maximum
        Their maximised likelihoods.
    efron : bool
        Efron's approximation for ties; Breslow's otherwise.
    is_nested : ndarray of bool, shape (k, k)
        Whether the columns of model i lie in the span of the columns of model j.
    """

    labels: tuple[str, ...]
    designs: tuple[Design, ...]
    maxima: tuple[Maximum, ...]
    efron: bool
    is_nested: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class NewInformation:
    """Share of a larger model's likelihood ratio that a smaller one does not have.

    Attributes
    ----------
    estimate : float
        1 - chi-squared of the smaller model / chi-squared of the larger one, both
        against no covariates; the second term is Harrell's adequacy index.
    std_error : float
        From the contributions of all rows to both likelihoods.
    """

    estimate: float
    std_error: float


def fit_models(
    models: Mapping[str, str],
    data: pd.DataFrame,
    *,
    efron: bool,
    strata: str | None,
    cluster: str | None,
    weights: str | None,
    id: str | None,
) -> ModelSet:
    """Pass models through the gate together, and maximise each.

    Raises
    ------
    DataError
        Fewer than two models, different outcomes, or data that cannot support a fit.
    """
    designs = build_designs(
        models, data, fewest=2, strata=strata, cluster=cluster, weights=weights, id=id
    )
    return ModelSet(
        labels=tuple(models),
        designs=designs,
        maxima=tuple(find_maximum(design, efron=efron) for design in designs),
        efron=efron,
        is_nested=np.array([[_is_nested(a, b) for b in designs] for a in designs]),
    )


def build_designs(
    models: Mapping[str, str],
    data: pd.DataFrame,
    *,
    fewest: int,
    strata: str | None,
    cluster: str | None,
    weights: str | None,
    id: str | None,
) -> tuple[Design, ...]:
    """Pass models through the gate together: one outcome, the same rows.

    Raises
    ------
    DataError
        Fewer than ``fewest`` models, different outcomes, or data that cannot support a
        fit.
    """
    if not isinstance(models, Mapping):
        raise DataError(
            f"`models` is a {type(models).__name__}; give formulas by label, such as "
            '{"age": "Surv(time, event) ~ age", ...}.'
        )
    for label, formula in models.items():
        if not isinstance(label, str) or not label.strip():
            raise DataError(f"`models` has the label {label!r}; give each a name.")
        if not isinstance(formula, str) or not isinstance(data, pd.DataFrame):
            raise DataError(
                f"Model `{label}` is a {type(formula).__name__} and `data` a "
                f"{type(data).__name__}; give a formula and a pandas data frame."
            )
    if len(models) < fewest:
        number = {1: "one", 2: "two"}[fewest]
        raise DataError(f"`models` holds {len(models)}; give at least {number}.")
    parsed = [parse_formula(formula) for formula in models.values()]
    outcomes = {(p.entry, p.time, p.event) for p in parsed}
    if len(outcomes) > 1:
        raise DataError(
            f"`models` has {len(outcomes)} different outcomes; likelihoods and "
            "concordances compare only for the same outcome on the same rows."
        )
    needed = [name for p in parsed for name in used_columns(p.right, data.columns)]
    designs: list[Design] = []
    for formula in models.values():
        designs.append(
            build_design(
                formula,
                data,
                strata=strata,
                cluster=cluster,
                weights=weights,
                id=id,
                also_complete=needed,
                risk_sets=designs[0].risk_sets if designs else None,
            )
        )
    return tuple(designs)


def compare_likelihoods(
    models: ModelSet,
) -> tuple[
    dict[tuple[int, int], LikelihoodDifference], dict[tuple[int, int], NewInformation]
]:
    """Compare the likelihoods of every two models: positions (earlier, later).

    Models that are not nested have the difference of their log-likelihoods, later minus
    earlier; of nested ones, keyed (smaller, larger), the larger has new information.
    """
    design, maxima = models.designs[0], models.maxima
    blocks, efron = maxima[0].blocks, models.efron
    start = block_sums(design.risk_sets, blocks, np.zeros(design.n), efron=efron)
    null = contributions(design, blocks, start, efron=efron)
    rows = [
        contributions(design, blocks, m.peak.sums, efron=efron) - null for m in maxima
    ]
    ratios = [
        2 * (m.peak.sums.log_likelihood - m.peak.log_likelihood_start) for m in maxima
    ]
    differences, gains = {}, {}
    for i, j in combinations(range(len(maxima)), 2):
        if not (models.is_nested[i, j] or models.is_nested[j, i]):
            differences[i, j] = likelihood_difference(
                design, maxima[j], maxima[i], rows[j] - rows[i]
            )
            continue
        small, large = (i, j) if models.is_nested[i, j] else (j, i)
        says_less = models.designs[small].columns and not models.is_nested[large, small]
        if says_less and ratios[large] > 0:
            share = ratios[small] / ratios[large]
            influence = 2 * (rows[small] - share * rows[large]) / ratios[large]
            gains[small, large] = NewInformation(
                1 - share, float(np.sqrt(influence @ influence))
            )
    return differences, gains


def _is_nested(smaller: Design, larger: Design) -> bool:
    """Whether every column of one design is a linear combination of the other's."""
    if smaller is larger or not smaller.columns:
        return True
    if set(smaller.terms) <= set(larger.terms):
        return True
    if not larger.columns:
        return False
    small, large = (_standardized(design.X) for design in (smaller, larger))
    slopes = np.linalg.lstsq(large, small, rcond=None)[0]
    return bool(np.abs(large @ slopes - small).max() < _SPANNED)


def _standardized(X: FloatArray) -> FloatArray:
    """Centre and scale columns; constant ones become zero."""
    centred = X - X.mean(axis=0)
    spread = centred.std(axis=0)
    return np.asarray(centred / np.where(spread > 0, spread, 1.0))
