"""Rows that are about few people or events, whether they count them or not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fahrstats.study.publication.counts import is_counted
from fahrstats.study.publication.estimands import nature_of
from fahrstats.study.publication.levels import (
    WHOLE,
    FewRow,
    KnownLevels,
    known_levels,
    rests_on_few,
)

FloatArray = NDArray[np.float64]

_GROUP_COUNTS = ("n", "n_subjects", "n_events", "n_at_risk")
_BEFORE_EVENTS = (
    *("median", "q1", "q3", "mean", "sd", "p5", "p95", "upper_bound"),
    *("marker_mean", "marker_sd", "person_time", "censored_share"),
)
_OF_PARTS = ("count", "of_counts", "share", "value")
_DESCRIBED = ("variable", "group", "level", "subgroup", "biomarker", "outcome")
_OTHERS = "all others"
_CONTRAST = " - "


def known_of(
    tables: Mapping[str, pd.DataFrame], floor: int, *, is_robust: bool = False
) -> KnownLevels:
    """Return what all tables of a study tell of levels.

    Parameters
    ----------
    tables
        Result tables with exact counts, by name.
    floor
        Smallest count that is printed.
    is_robust
        Whether the standard errors of the study are robust.
    """
    known = replace(known_levels(tables, floor), is_robust=is_robust)
    thin = {name for name, pair in known.pairs.items() if known.small & {*pair}}
    few: set[FewRow] = set()
    for table in tables.values():
        of_everyone = _texts(table, "group").isin(WHOLE)
        is_constant = of_everyone & _nearly_constant(table, floor)
        thin |= {*table.loc[is_constant, "variable"]} if is_constant.any() else set()
        if {"term", "variable", "estimate"} <= {*table}:
            hidden = table.loc[rests_on_few(table, floor, known), "variable"]
            thin |= {name for name in hidden if name in known.codes}
        few |= _few_levels(table, floor)
    return replace(known, thin=frozenset(thin), few=frozenset(few))


def is_about_few(
    table: pd.DataFrame, floor: int, known: KnownLevels | None = None
) -> pd.Series:
    """Return which rows are about few people or events, or compare such a group.

    Parameters
    ----------
    table
        Result table with ``estimand``.
    floor
        Smallest count that is printed.
    known
        What all tables tell of levels.
    """
    known = known or KnownLevels()
    few = _counts_few(table, floor)
    few &= ~is_counted(table) & (table["estimand"] != "percent")
    if {"group", "reference"} <= {*table}:
        few |= _compares_few(table, few)
    few |= rests_on_few(table, floor, known)
    few |= _is_about_thin(table, known)
    few |= _nearly_constant(table, floor)
    few |= _differs_by_few(table, floor)
    few |= _tests_few(table, known)
    few |= _is_about_few_others(table, floor)
    return few


def _counts_few(table: pd.DataFrame, floor: int) -> pd.Series:
    """Return which rows count few people or events."""
    few = pd.Series(False, table.index)
    describes = table["estimand"].isin(_BEFORE_EVENTS)
    for name in _GROUP_COUNTS:
        if name in table:
            counts = _numbers(table, name)
            is_few = (counts > 0) & (counts < floor)
            few |= is_few & ~(describes & (name == "n_events"))
    return few


def _compares_few(table: pd.DataFrame, few: pd.Series) -> pd.Series:
    """Return which rows are about, or compare with, a group that is of few elsewhere.

    How two groups act together rests on all their crossings.
    """
    keys = [name for name in ("biomarker", "time") if name in table]
    group, reference = (
        table[name].fillna("").astype(str) for name in ("group", "reference")
    )
    own = (reference == "") | (reference == group)
    found = pd.Series(False, table.index)
    if "first_group" in table:
        is_crossing = table["first_group"].fillna("").astype(str) != ""
        own |= is_crossing
        is_joint = (group != "") & ~is_crossing
        found |= is_joint & bool((few & is_crossing).any())
    named = {
        tuple(row)
        for row in table.loc[few & own, [*keys, "group"]].itertuples(index=False)
    }
    for name in ("group", "reference"):
        rows = table[[*keys, name]].itertuples(index=False)
        found |= np.array([tuple(row) in named for row in rows], dtype=np.bool_)
    return found


def _is_about_thin(table: pd.DataFrame, known: KnownLevels) -> pd.Series:
    """Return which rows are about a variable that tells few people from all others."""
    named = pd.Series(False, table.index)
    for name in ("variable", "term"):
        parts = _texts(table, name).str.split(_CONTRAST)
        named |= parts.map(lambda found: not known.thin.isdisjoint(found))
    return named & ~table["estimand"].map(nature_of).isin(_OF_PARTS)


def _nearly_constant(table: pd.DataFrame, floor: int) -> pd.Series:
    """Return which means and spreads may be of numbers that few do not share.

    Where the 5th percentile is the 95th, mean and spread about it tell of those beside
    it: by Cauchy's inequality they are at least n m^2 / (m^2 + s^2).
    """
    found = pd.Series(False, table.index)
    if not {"variable", "estimand", "estimate", "n"} <= {*table}:
        return found
    rows = table[table["estimand"].isin(("p5", "p95", "mean", "sd"))]
    keys = [name for name in _DESCRIBED if name in table]
    for _, block in rows.groupby(keys, dropna=False, sort=False):
        of = dict(zip(block["estimand"], block["estimate"].astype(float), strict=True))
        if len(of) < 4 or of["p5"] != of["p95"] or of["sd"] == 0:
            continue
        mean = of["mean"] - of["p5"]
        n = float(block["n"].iloc[0])
        if n * mean**2 / (mean**2 + of["sd"] ** 2) < floor:
            found[block.index] = True
    return found & table["estimand"].isin(("mean", "sd"))


def _differs_by_few(table: pd.DataFrame, floor: int) -> pd.Series:
    """Return which standardised differences are of two levels, one of few people.

    That of two shares tells, with one of them, the other.
    """
    found = table["estimand"] == "smd"
    if not found.any():
        return found
    rows = table[table["estimand"] == "count"]
    counts = rows["estimate"].astype(float)
    n_levels = rows.groupby("variable")["level"].nunique()
    is_few = (counts > 0) & (counts < floor) & (rows["variable"].map(n_levels) == 2)
    few = {*zip(rows["variable"][is_few], rows["group"][is_few], strict=True)}
    is_of_few = pd.Series(False, table.index)
    for name in ("group", "reference"):
        pairs = zip(_texts(table, "variable"), _texts(table, name), strict=True)
        is_of_few |= np.array([pair in few for pair in pairs], np.bool_)
    return found & is_of_few


def _few_levels(table: pd.DataFrame, floor: int) -> set[FewRow]:
    """Return the levels of few of whom a table estimates something."""
    if not _is_by_level(table) or "estimate" not in table:
        return set()
    is_few = _counts_few(table, floor) & table["estimate"].notna()
    is_few &= ~_texts(table, "level").isin(WHOLE)
    return {*_rows(table[is_few])}


def _tests_few(table: pd.DataFrame, known: KnownLevels) -> pd.Series:
    """Return which rows test or subtract levels one of which is of few.

    So do rows of a level of few in a table that does not count its people, and all
    that are shrunken to a mean with it.
    """
    if not _is_by_level(table):
        return pd.Series(False, table.index)
    few: dict[tuple[str, str, str], set[str]] = {}
    for row in known.few:
        few.setdefault((row.biomarker, row.subgroup, row.time), set()).add(row.level)
    between_levels, is_counted_here = "measure" in table, "n" in table
    is_pooled = "weight" in table  # each estimate is drawn to the mean of all
    found = []
    for row, term in zip(_rows(table), _texts(table, "term"), strict=True):
        levels = few.get((row.biomarker, row.subgroup, row.time), set())
        if row.level not in WHOLE and is_counted_here:
            levels = set()
        elif row.level not in WHOLE and not is_pooled:
            levels = levels & {row.level}
        elif between_levels and _CONTRAST in term:
            levels = levels & {*term.split(_CONTRAST)}
        found.append(bool(levels))
    return pd.Series(found, table.index)


def _is_about_few_others(table: pd.DataFrame, floor: int) -> pd.Series:
    """Return which rows compare a level with all others, who are few."""
    is_with_others = _texts(table, "term").str.contains(_OTHERS, regex=False)
    found = pd.Series(False, table.index)
    if not is_with_others.any():
        return found
    everyone = table[table["level"].isin(WHOLE) & table["subgroup"].isin(WHOLE)]
    for name, keys in (("n", ["biomarker"]), ("n_events", ["biomarker", "time"])):
        totals = (
            everyone.groupby(keys, dropna=False)[name]
            .max()
            .rename("total")
            .reset_index()
        )
        of_all = table[keys].merge(totals, on=keys, how="left")["total"]
        others = _numbers(of_all.to_frame(name), name) - _numbers(table, name)
        found |= (others > 0) & (others < floor)
    return found & is_with_others


def _is_by_level(table: pd.DataFrame) -> bool:
    """Tell whether each row of a table is about a level, or about all of them."""
    parts = {"variable", "group"}  # of levels, whose number is not theirs
    return {"subgroup", "level", "estimand"} <= {*table} and parts.isdisjoint(table)


def _rows(table: pd.DataFrame) -> Iterator[FewRow]:
    """Yield what each row is about."""
    columns = (_texts(table, name) for name in FewRow._fields)
    return map(FewRow, *columns)


def _texts(table: pd.DataFrame, name: str) -> pd.Series:
    """Return a column as text, empty where there is none."""
    if name not in table:
        return pd.Series("", table.index, dtype=object)
    return table[name].astype(object).where(table[name].notna(), "").astype(str)


def _numbers(table: pd.DataFrame, name: str) -> FloatArray:
    return table[name].to_numpy(dtype=np.float64, na_value=np.nan)
