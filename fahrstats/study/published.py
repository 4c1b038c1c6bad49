"""Published hazard ratios, as read from the file that a study names."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

import pandas as pd

from fahrstats.section import did_you_mean
from fahrstats.study.specification import Study

_COLUMNS = ("outcome", "subgroup", "level", "term", "hr", "low", "high", "source")


@dataclass(frozen=True, slots=True)
class PublishedRow:
    """One hazard ratio in print.

    Attributes
    ----------
    outcome : str
        Name of a further outcome; empty for the main one.
    subgroup, level : str
        The people it is about; both empty for everyone.
    term : str
        The score.
    hr, low, high : Decimal
        The hazard ratio and its confidence limits, with as many decimals as printed.
    source : str
        Where it is printed.
    """

    outcome: str
    subgroup: str
    level: str
    term: str
    hr: Decimal
    low: Decimal
    high: Decimal
    source: str

    def is_matched_by(self, estimates: Sequence[float]) -> bool:
        """Tell whether estimate and limits round to what is printed."""
        printed = (self.hr, self.low, self.high)
        return all(
            math.isfinite(ours) and Decimal(float(ours)).quantize(theirs) == theirs
            for ours, theirs in zip(estimates, printed, strict=True)
        )


def read_rows(
    table: pd.DataFrame, study: Study, data: pd.DataFrame
) -> tuple[list[PublishedRow], list[str]]:
    """Return the rows of a published table, and every problem of the file.

    Parameters
    ----------
    table
        The file, all cells as text.
    study
        The study whose outcomes, subgroups and scores it may name.
    data
        The prepared cohort, which holds the levels of the subgroups.
    """
    absent = [name for name in _COLUMNS if name not in table.columns]
    if absent:
        names = ", ".join(f"`{name}`" for name in absent)
        return [], [f"the published table has no column {names}."]
    rows, problems = [], []
    for number, cells in enumerate(table[list(_COLUMNS)].itertuples(index=False), 2):
        row, wrong = _read_row([str(cell).strip() for cell in cells], study, data)
        problems += [f"line {number} of the published table: {text}" for text in wrong]
        if row is not None:
            rows.append(row)
    return rows, problems


def _read_row(
    cells: list[str], study: Study, data: pd.DataFrame
) -> tuple[PublishedRow | None, list[str]]:
    """Read one line."""
    outcome, subgroup, level, term, *printed, source = cells
    names = {subgroup.key: subgroup.name for subgroup in study.subgroups}
    problems = [
        *_unknown(outcome, "outcome", [outcome.name for outcome in study.outcomes]),
        *_unknown(subgroup, "subgroup", ["", *names]),
        *_unknown(term, "term", [s.name for s in (*study.scores, *study.printed)]),
    ]
    column = names.get(subgroup)
    if column in data.columns:
        problems += _unknown(level, "level", list(data[column].cat.categories))
    numbers = []
    for text in printed:
        try:
            numbers.append(Decimal(text))
        except InvalidOperation:
            problems.append(f"`{text}` is no number.")
    if len(numbers) == 3 and not numbers[1] <= numbers[0] <= numbers[2]:
        problems.append(
            f"the limits {numbers[1]} and {numbers[2]} do not enclose {numbers[0]}."
        )
    if problems:
        return None, problems
    hr, low, high = numbers
    row = PublishedRow(outcome, column or "", level, term, hr, low, high, source)
    return row, []


def _unknown(value: str, kind: str, known: list[str]) -> Iterator[str]:
    """Yield a problem where ``value`` is none of the known ones."""
    if value not in known:
        listed = ", ".join(f"`{name}`" for name in known if name)
        guess = did_you_mean(value, known)
        yield f"`{value}` is no {kind} of the study ({listed}).{guess}"
