"""What the report of a prognostic biomarker chooses to say of groups of people.

Every function takes the results of the study; none computes anything.
"""

from __future__ import annotations

from typing import Final

import pandas as pd

from fahrstats.display.display_table import escape_markdown
from fahrstats.display.labels import listed
from fahrstats.report.study_results import StudyResults

MEASURES_OF_GROUPS: Final = (
    *("c_index", "model_c_index", "observed_expected", "calibration_slope", "ipa"),
)
"""Measures that groups are compared by."""

_SIZES: Final = ["n", "n_events"]


def judged_by(study: StudyResults) -> str:
    """Say up to when risks were predicted in the audit of each score, as Markdown."""
    times = study.rows("audit").dropna(subset="time").groupby("biomarker")["time"].max()
    if times.nunique() == 1:
        return study.amount(times.iloc[0])
    judged = [score for score in study.biomarkers if score in times]
    names = [escape_markdown(study.in_sentence(score)) for score in judged]
    return listed(
        [f"{study.amount(times[s])} ({n})" for s, n in zip(judged, names, strict=True)]
    )


def is_told_of_groups(table: pd.DataFrame) -> bool:
    """Tell whether an audit has a measure of some group that may be published."""
    is_group = table["subgroup"] != "overall"
    rows = table[is_group & table["estimand"].isin(MEASURES_OF_GROUPS)]
    return bool(rows["estimate"].notna().any())


def of_measures(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the measures that groups are compared by, those with a test.

    Where none has one, the rows that say why.
    """
    wanted = table[table["measure"].isin(("hr", *MEASURES_OF_GROUPS))]
    tested = wanted[wanted["statistic"].notna()]
    return tested if len(tested) else wanted


def measures_told(study: StudyResults, biomarker: str) -> tuple[str, ...]:
    """Return the measures of the table of groups, without C-indices told elsewhere."""
    measures = ("hr", *MEASURES_OF_GROUPS)
    ranked = _is_ranked_by_subgroup(study, biomarker)
    return tuple(name for name in measures if not (ranked and name == "c_index"))


def where_ranked(study: StudyResults) -> str:
    """Say where C-indices are that the table of groups leaves out, as Markdown."""
    ranked = [b for b in study.biomarkers if _is_ranked_by_subgroup(study, b)]
    if not ranked:
        return ""
    names = listed([study.in_sentence(score) for score in ranked])
    return f"@tbl-ranking has the C-index of {escape_markdown(names)} itself."


def with_counts(study: StudyResults, table: pd.DataFrame) -> pd.DataFrame:
    """Return an audit whose small groups have the counts that subgroups are told with.

    An audit tells these as bands; beside a part that prints them, a band says less of
    the same people and hides nothing.
    """
    if not study.has("subgroups"):
        return table
    keys = ["subgroup", "level"]
    ratios = study.rows(
        "subgroups", biomarker=str(table["biomarker"].iloc[0]), estimand="hr"
    )
    if not _are_of_the_same(ratios, table):
        return table
    told = table[keys].merge(ratios[[*keys, *_SIZES]], on=keys, how="left")
    is_small = table["n"].isna()
    counts = {
        name: table[name].mask(is_small, told[name].set_axis(table.index))
        for name in _SIZES
    }
    return table.assign(**counts)


def _is_ranked_by_subgroup(study: StudyResults, biomarker: str) -> bool:
    """Whether the table of ranking has the C-indices of an audit, of the same rows."""
    if not study.has("concordance_by") or not study.has("audit"):
        return False
    ranked = study.rows("concordance_by", term=biomarker, estimand="c_index")
    return _are_of_the_same(ranked, study.rows("audit", biomarker=biomarker))


def _are_of_the_same(one: pd.DataFrame, other: pd.DataFrame) -> bool:
    """Whether two tables say of everyone that there are as many people and events."""
    first, second = (
        table.loc[table["subgroup"] == "overall", _SIZES].head(1).to_numpy().tolist()
        for table in (one, other)
    )
    return bool(first) and first == second
