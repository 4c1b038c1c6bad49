"""A table, the columns made of it so far, and what stood in the way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pandas as pd

from fahrstats.cohort.table_file import MISSING_MARKERS
from fahrstats.section import did_you_mean
from fahrstats.study.wording import code_text, counted

_LEVELS_SHOWN = 6


@dataclass(frozen=True, slots=True, eq=False)
class Work:
    """The table, and what has been made of it so far."""

    table: pd.DataFrame
    columns: dict[str, pd.Series] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def source(self, name: str, where: str) -> pd.Series | None:
        """Return a column of the table, or report that it has none."""
        if (self.table.columns == name).sum() == 1:
            return self.table[name]
        if name in self.table.columns:
            self.problems.append(f"{where}: the table has several columns `{name}`.")
        else:
            guess = did_you_mean(name, self.table.columns)
            self.problems.append(f"{where}: the table has no column `{name}`.{guess}")
        return None

    def report(
        self,
        where: str,
        problems: Iterator[str],
        hint: str = "",
        into: list[str] | None = None,
    ) -> bool:
        """Add problems, saying where they are; tell whether there were any."""
        found = [
            f"{where}: {problem}{' ' + hint if hint else ''}" for problem in problems
        ]
        (self.problems if into is None else into).extend(found)
        return bool(found)


def make_factor(
    work: Work, values: pd.Series, levels: tuple[tuple[str, str], ...], where: str
) -> pd.Series | None:
    """Return a categorical column of text; ``levels`` gives codes their names."""
    codes = codes_of(values)
    if levels:
        names = dict(levels)
        if work.report(
            where, unlisted_codes(codes, set(names), str(values.name), "levels")
        ):
            return None
        texts = list(dict.fromkeys(names.values()))
        return codes.map(names).astype(pd.CategoricalDtype(texts))
    work.report(where, marker_problems(values), into=work.notes)
    if isinstance(values.dtype, pd.CategoricalDtype):
        order = [code_text(level) for level in values.cat.categories]
    else:
        order = [code_text(level) for level in sorted(values.dropna().unique())]
    return codes.astype(pd.CategoricalDtype(order))


def codes_of(values: pd.Series) -> pd.Series:
    """Return the values as text, so that 1, 1.0 and "1" are the same code."""
    return values.astype(object).map(code_text, na_action="ignore")


def examples(values: pd.Series) -> str:
    """Show up to three values of a column."""
    return ", ".join(f"`{value}`" for value in values.dropna().unique()[:3])


def marker_problems(values: pd.Series) -> Iterator[str]:
    """Yield the levels of a column of text that may stand for a missing value."""
    texts = values.dropna().astype(str).str.strip()
    for marker, n in texts[texts.isin(MISSING_MARKERS)].value_counts().items():
        yield (
            f"`{values.name}` holds the text `{marker}` in {n} of {len(values)} rows, "
            "which counts as a level; leave such cells empty if it means a missing "
            "value."
        )


def unlisted_codes(
    codes: pd.Series, listed: set[str], column: str, where: str
) -> Iterator[str]:
    """Yield the codes of a column that the study file does not mention."""
    unknown = codes[codes.notna() & ~codes.isin(listed)]
    if len(unknown):
        counts = unknown.value_counts().head(_LEVELS_SHOWN)
        shown = ", ".join(
            f"`{code}` ({counted(n, 'row')})" for code, n in counts.items()
        )
        yield (
            f"`{column}` holds {shown} in {len(unknown)} of {len(codes)} rows, not "
            f"listed in {where}; list every level, or leave such cells empty."
        )


def is_amount(values: pd.Series) -> bool:
    """Tell whether a column holds amounts; booleans are levels."""
    plain = values.infer_objects()
    return pd.api.types.is_numeric_dtype(plain) and not pd.api.types.is_bool_dtype(
        plain
    )
