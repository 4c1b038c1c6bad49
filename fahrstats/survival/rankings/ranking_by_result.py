"""The result of ranking by subgroup, and the tables made from it."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import chi2

from fahrstats.columns import in_order
from fahrstats.display.journals import (
    format_count,
    format_difference,
    format_number,
    phrase_p,
)
from fahrstats.errors import DataError
from fahrstats.kernels.product_limit import chi_squared
from fahrstats.survival.rankings.ranking import Concordance
from fahrstats.survival.rankings.ranking_rows import (
    ROUNDING,
    c_index_rows,
    delta_rows,
    weighting_columns,
    with_joint,
)

if TYPE_CHECKING:
    from plotnine import ggplot

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class SubgroupConcordance:
    """Concordance of k scores in the L levels of one subgroup.

    Attributes
    ----------
    subgroup : str
        The column.
    levels : tuple of str
        Its levels, in their order.
    c_index : ndarray of shape (L, k)
        Missing where a level is not estimated.
    cov : ndarray of shape (L k, L k)
        Joint covariance, the k scores of the first level first.
    delta_std_error : ndarray of shape (L, k, k)
        Standard error of the difference of each two scores in each level.
    n, n_events : tuple of int
        Rows, and events among them that count, of each level.
    notes : tuple of str
        Why a level is not estimated.
    """

    subgroup: str
    levels: tuple[str, ...]
    c_index: FloatArray
    cov: FloatArray
    delta_std_error: FloatArray
    n: tuple[int, ...]
    n_events: tuple[int, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class ConcordanceBySubgroup:
    """Concordance of k scores in everyone and in the levels of subgroups.

    Attributes
    ----------
    overall : Concordance
        In everyone.
    subgroups : tuple of SubgroupConcordance
        One per column, in the order asked for.
    """

    overall: Concordance
    subgroups: tuple[SubgroupConcordance, ...]

    def tidy(self, *, conf_level: float = 0.95) -> pd.DataFrame:
        """Everyone first, then each subgroup: levels, and the test that they are alike.

        A level has one row per score (``c_index``) and one per pair of scores
        (``delta_c_index``); the tests (``heterogeneity_chi2``) have one row for each of
        these.
        """
        tables = [self._everyone(conf_level)]
        for part in self.subgroups:
            tables.append(self._level_rows(part, conf_level))
            tables.append(pd.DataFrame(list(self._tests(part))))
        return self._arranged(pd.concat(tables, ignore_index=True))

    def differences(
        self, subgroup: str, *, reference: str | None = None, conf_level: float = 0.95
    ) -> pd.DataFrame:
        """Differences between levels, of every score and of every pair of scores.

        ``p_adjusted`` and the joint limits hold for all differences of one score (or
        pair) together: the single-step max-T method of
        :meth:`fahrstats.Concordance.contrasts`.

        Parameters
        ----------
        subgroup
            Column of ``by``.
        reference
            Level that is subtracted from all others; without it, all pairs of levels.
        conf_level
            Of each interval alone, and of the joint limits together.

        Raises
        ------
        DataError
            ``subgroup`` or ``reference`` is unknown, or fewer than two levels are
            estimated.
        """
        part = self._part(subgroup)
        usable = [i for i in range(len(part.levels)) if not part.notes[i]]
        if len(usable) < 2:
            raise DataError(
                f"`{subgroup}` has {len(usable)} of {len(part.levels)} levels with an "
                "estimate; a difference needs two."
            )
        if reference is None:
            pairs = list(combinations(usable, 2))
        else:
            known = [part.levels[i] for i in usable]
            if reference not in known:
                levels = ", ".join(f"`{level}`" for level in known)
                raise DataError(
                    f"`reference` is `{reference}`; the levels of `{subgroup}` with an "
                    f"estimate are {levels}."
                )
            base = part.levels.index(reference)
            pairs = [(i, base) for i in usable if i != base]
        tables = [
            self._level_differences(part, term, signs, pairs, conf_level)
            for term, signs in self._quantities()
        ]
        return self._arranged(pd.concat(tables, ignore_index=True))

    def glance(self) -> pd.DataFrame:
        """One row: the concordance of everyone."""
        return self.overall.glance()

    def plot(self, *, term: str | None = None) -> ggplot:
        """Dots and intervals of one score (the first), or of a difference ``a - b``.

        Raises
        ------
        DataError
            ``term`` is neither a score nor a difference of two.
        """
        from fahrstats.display.figures import estimates

        table = self.tidy()
        wanted = self.overall.terms[0] if term is None else term
        rows = table[(table["term"] == wanted) & table["conf_low"].notna()]
        if rows.empty:
            known = ", ".join(f"`{name}`" for name, _ in self._quantities())
            raise DataError(f"`term` is `{wanted}`; choose one of {known}.")
        is_level = rows["subgroup"] != "overall"
        named = rows["subgroup"] + ": " + rows["level"]
        return estimates(
            rows.assign(level=named.where(is_level, "Overall")),
            title=wanted.replace(" - ", " minus "),
        )

    def summary(self) -> str:
        """Describe the result as text: each score by level, then its test."""
        table = self.tidy()
        lines = [f"Concordance by subgroup: {self.overall.formula}"]
        for name, _ in self._quantities():
            lines += ["", name]
            rows = table[table["term"] == name].to_dict("records")
            lines += [_describe(row) for row in rows]
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.summary()

    def _quantities(self) -> Iterator[tuple[str, FloatArray]]:
        """Every score and every difference, with the weights of the scores in it."""
        terms = self.overall.terms
        every = np.eye(len(terms))
        yield from zip(terms, every, strict=True)
        for a, b in combinations(range(len(terms)), 2):
            yield f"{terms[a]} - {terms[b]}", every[a] - every[b]

    def _everyone(self, conf_level: float) -> pd.DataFrame:
        """All rows together."""
        found = self.overall
        tables = [found.tidy(conf_level=conf_level)]
        if len(found.terms) > 1:
            tables += [
                found.contrast(a, b, conf_level=conf_level)
                for a, b in combinations(found.terms, 2)
            ]
        return pd.concat(tables).assign(subgroup="overall", level="overall")

    def _level_rows(self, part: SubgroupConcordance, conf_level: float) -> pd.DataFrame:
        """Scores, then differences, in each level in turn."""
        terms, n_levels = self.overall.terms, len(part.levels)
        errors = np.sqrt(np.diag(part.cov))
        tables = [
            c_index_rows(terms * n_levels, part.c_index.ravel(), errors, conf_level)
        ]
        codes = [np.repeat(np.arange(n_levels), len(terms))]
        pairs = list(combinations(range(len(terms)), 2))
        if pairs:
            first, second = [a for a, _ in pairs], [b for _, b in pairs]
            names = [f"{terms[a]} - {terms[b]}" for a, b in pairs]
            delta = part.c_index[:, first] - part.c_index[:, second]
            errors = part.delta_std_error[:, first, second]
            tables.append(
                delta_rows(names * n_levels, delta.ravel(), errors.ravel(), conf_level)
            )
            codes.append(np.repeat(np.arange(n_levels), len(pairs)))
        code = np.concatenate(codes)
        table = pd.concat(tables).assign(
            subgroup=part.subgroup,
            level=np.array(part.levels, dtype=object)[code],
            n=np.array(part.n)[code],
            n_events=np.array(part.n_events)[code],
        )
        reasons = np.array(part.notes, dtype=object)[code]
        table["note"] = np.where(reasons == "", table["note"], reasons)
        return table.iloc[np.argsort(code, kind="stable")]

    def _tests(self, part: SubgroupConcordance) -> Iterator[dict[str, object]]:
        """Test of each quantity that it is the same in all levels estimated."""
        usable = [i for i in range(len(part.levels)) if not part.notes[i]]
        left_out = [part.levels[i] for i in range(len(part.levels)) if part.notes[i]]
        for term, signs in self._quantities():
            row: dict[str, object] = {
                "subgroup": part.subgroup,
                "level": "",
                "term": term,
                "estimand": "heterogeneity_chi2",
                "statistic": np.nan,
                "df": 0,
                "p_value": np.nan,
                "n": sum(part.n[i] for i in usable),
                "n_events": sum(part.n_events[i] for i in usable),
                "note": f"without {', '.join(left_out)}" if left_out else "",
            }
            if len(usable) < 2:
                yield row | {"note": "fewer than two levels can be estimated"}
                continue
            pairs = [(usable[0], i) for i in usable[1:]]
            delta, cov = _between_levels(part, signs, pairs)
            if (np.diag(cov) <= ROUNDING**2).all():
                yield row | {"note": "no variation to test in any level"}
                continue
            statistic, df = chi_squared(delta, cov)
            p_value = float(chi2.sf(statistic, df))
            yield row | {"statistic": statistic, "df": df, "p_value": p_value}

    def _level_differences(
        self,
        part: SubgroupConcordance,
        term: str,
        signs: FloatArray,
        pairs: list[tuple[int, int]],
        conf_level: float,
    ) -> pd.DataFrame:
        """Differences of one quantity between pairs of levels."""
        delta, cov = _between_levels(part, signs, pairs)
        std_error = np.sqrt(np.diag(cov))
        table = delta_rows([term] * len(pairs), delta, std_error, conf_level)
        table["note"] = np.where(std_error <= ROUNDING, "no variation to test", "")
        table = with_joint(table, cov, conf_level)
        return table.assign(
            subgroup=part.subgroup,
            level=[f"{part.levels[a]} - {part.levels[b]}" for a, b in pairs],
            n=[part.n[a] + part.n[b] for a, b in pairs],
            n_events=[part.n_events[a] + part.n_events[b] for a, b in pairs],
        )

    def _part(self, subgroup: str) -> SubgroupConcordance:
        """Find a subgroup, or refuse an unknown one."""
        for part in self.subgroups:
            if part.subgroup == subgroup:
                return part
        known = ", ".join(f"`{part.subgroup}`" for part in self.subgroups)
        raise DataError(f"`subgroup` is `{subgroup}`; choose one of {known}.")

    def _arranged(self, table: pd.DataFrame) -> pd.DataFrame:
        """Add how pairs were weighed, and put the columns in order."""
        found = self.overall
        table = table.assign(**weighting_columns(found.time_weight, found.tau))
        return table[in_order(table.columns)]


def _describe(row: dict[Hashable, Any]) -> str:
    """One line of the summary: an estimate with its interval, or a test."""
    if row["estimand"] == "heterogeneity_chi2":
        if np.isnan(row["p_value"]):
            return f"  {row['subgroup']}: {row['note']}"
        statistic = format_number(row["statistic"])
        tested = f"chi-squared {statistic} on {row['df']:.0f} df"
        return f"  {row['subgroup']}: equal in all levels: {tested}, " + phrase_p(
            row["p_value"]
        )
    overall = row["subgroup"] == "overall"
    where = "everyone" if overall else f"{row['subgroup']} {row['level']}"
    sizes = f"{format_count(row['n'])} rows, {format_count(row['n_events'])} events"
    if np.isnan(row["estimate"]):
        return f"    {where}: {row['note']} ({sizes})"
    limits = row["estimate"], row["conf_low"], row["conf_high"]
    interval = format_difference(*limits, decimals=4)
    note = f"; {row['note']}" if row["note"] else ""
    return f"    {where}: {interval} ({sizes}){note}"


def _between_levels(
    part: SubgroupConcordance, signs: FloatArray, pairs: list[tuple[int, int]]
) -> tuple[FloatArray, FloatArray]:
    """Differences of a quantity between levels, and their joint covariance.

    ``signs`` (k,) are the weights of the scores in the quantity.
    """
    every = np.eye(len(part.levels))
    of_levels = np.stack([every[a] - every[b] for a, b in pairs])
    used = np.kron(of_levels, signs)
    known = np.nan_to_num(part.cov)
    values = np.nan_to_num(part.c_index) @ signs
    return of_levels @ values, used @ known @ used.T
