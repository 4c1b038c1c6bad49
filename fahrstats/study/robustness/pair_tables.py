"""Result tables of real pairs; ``cohort`` is the label of a set of them.

Groups and bands of few people keep their rows, without their numbers: a mean over a few
pairs tells of single people.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from itertools import pairwise

import numpy as np
import pandas as pd

from fahrstats.columns import in_order
from fahrstats.measurement.agreement import agreement
from fahrstats.measurement.agreement_result import Agreement
from fahrstats.measurement.dose_response import dose_response
from fahrstats.study.benchmark.tables import without_few
from fahrstats.study.robustness.sources import Read
from fahrstats.study.robustness.specification import (
    CONDITION,
    MOMENT,
    PHOTO,
    SUBJECT,
    Robustness,
)

Makers = dict[str, Callable[[], pd.DataFrame]]

BAND = "mean_score"
"""Grouping of pairs by the mean of both scores."""

_ALL = "all"
_MOST_BANDS = 5
_IN_A_BAND = 25  # pairs, so that rounded borders leave enough people in each
_IN_BANDS = ("mean_change", "loa_low", "loa_high")


def pair_makers(study: Robustness, pairs: Mapping[str, Read]) -> Makers:
    """Return what makes each table of real pairs, by name and in order."""
    makers: Makers = {
        "agreement": partial(_of_pairs, study, pairs, Agreement.tidy),
        "agreement_tests": partial(_of_pairs, study, pairs, Agreement.tests),
        "agreement_bands": partial(_bands, study, pairs),
    }
    if len(study.models) > 1:
        makers["pair_differences"] = partial(_pair_differences, study, pairs)
    return makers


def _of_pairs(
    study: Robustness,
    pairs: Mapping[str, Read],
    told: Callable[[Agreement], pd.DataFrame],
) -> pd.DataFrame:
    """Stack a table of the agreement of every model in every set of pairs."""
    return without_few(
        stacked(
            told(_agreement(study, read, model)).assign(cohort=read.label, model=model)
            for read in pairs.values()
            for model in study.columns
        ),
        "n",
    )


def _agreement(study: Robustness, read: Read, model: str) -> Agreement:
    """Compare the photos before and after in a set of pairs."""
    is_before = read.table[MOMENT] == "before"
    columns = [SUBJECT, CONDITION, model, *read.groups]
    first, second = (
        read.table.loc[side, columns].reset_index(drop=True)
        for side in (is_before, ~is_before)
    )
    return agreement(
        first,
        second,
        subject=SUBJECT,
        predicted=model,
        condition=CONDITION if _has_conditions(read) else None,
        by=read.groups,
        margin=study.margin,
        moved=study.moved,
        cut_points=study.cut_points or None,
    )


def _has_conditions(read: Read) -> bool:
    return bool((read.table[CONDITION] != "").any())


def _bands(study: Robustness, pairs: Mapping[str, Read]) -> pd.DataFrame:
    """Compare photos in bands of their mean score, as Bland and Altman's plot does."""

    def told(read: Read, model: str, condition: str) -> pd.DataFrame:
        rows = read.table[read.table[CONDITION] == condition]
        part = rows.assign(condition="", mean_score=_band(rows, model))
        table = _agreement(study, replace(read, table=part, groups=(BAND,)), model)
        found = table.tidy()
        found = found[(found["subgroup"] == BAND) & found["estimand"].isin(_IN_BANDS)]
        named = found.assign(cohort=read.label, model=model)
        return named.assign(condition=condition) if condition else named

    return without_few(
        stacked(
            told(read, model, str(condition))
            for read in pairs.values()
            for condition in read.table[CONDITION].unique()
            for model in study.columns
        ),
        "n",
    )


def _band(rows: pd.DataFrame, model: str) -> pd.Series:
    """Return the band of the mean score of each pair, some pairs in each."""
    mean = rows.groupby(SUBJECT)[model].transform(lambda pair: pair.mean(skipna=False))
    n_pairs = int(mean.notna().sum()) // 2
    n_bands = min(_MOST_BANDS, max(n_pairs // _IN_A_BAND, 1))
    cuts = mean.quantile(np.arange(1, n_bands) / n_bands).round()
    ends = [-np.inf, *sorted(cuts.unique()), np.inf]
    names = [f"{low:g} to {high:g}" for low, high in pairwise(ends)]
    if len(names) == 1:
        return pd.Series(_ALL, rows.index)
    names[0], names[-1] = f"under {ends[1]:g}", f"{ends[-2]:g}+"
    return pd.cut(mean, ends, right=False, labels=names)


def _pair_differences(study: Robustness, pairs: Mapping[str, Read]) -> pd.DataFrame:
    """Compare how far models move in the real pairs of every set."""
    return without_few(
        stacked(
            dose_response(
                _as_panel(read),
                subject=SUBJECT,
                predicted=study.columns,
                limits=study.limits,
                moved=study.moved,
                n_boot=study.n_boot,
                seed=study.seed,
            )
            .contrasts()
            .assign(cohort=read.label)
            for read in pairs.values()
        )
    )


def _as_panel(read: Read) -> pd.DataFrame:
    """Return pairs as a panel of one severity: before is 0, after is 1."""
    after = (read.table[MOMENT] == "after").astype(float)
    pair = read.table[SUBJECT] + "\n" + read.table[CONDITION]
    return read.table.assign(**{PHOTO: pair, "severity": after, "dose": after})


def stacked(parts: Iterator[pd.DataFrame]) -> pd.DataFrame:
    """Stack tables, their columns in order."""
    table = pd.concat(list(parts), ignore_index=True)
    return table[in_order(table.columns)]
