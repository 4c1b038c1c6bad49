"""The result of two scores analysed together, and the tables made from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import chi2

from fahrstats.cohort.design import Dropped
from fahrstats.cohort.groups import QuantileGroups
from fahrstats.columns import in_order
from fahrstats.display.journals import (
    format_count,
    format_interval,
    format_ratio,
    phrase_p,
)
from fahrstats.display.labels import per_label
from fahrstats.survival.cox_models.cox_fit import CoxFit
from fahrstats.survival.summaries import describe_dropped
from fahrstats.survival.two_scores.model_rows import effect_by_step, larger_model_test
from fahrstats.survival.wald import as_ratio, with_wald

if TYPE_CHECKING:
    from plotnine import ggplot

    from fahrstats.survival.over_time.survival_curves import SurvivalCurves

FloatArray = NDArray[np.float64]

_GROUPS = "groups of both"
_MOST_CURVES = 6
_RATIOS = ("log_hr", "log_hr_ratio")


@dataclass(frozen=True, slots=True)
class Cell:
    """One joint group.

    Attributes
    ----------
    levels : tuple of str
        Its group of the first score, and of the second.
    n, n_events : int
        Rows and events.
    position : int or None
        Its column in the model of joint groups; None for the reference and for a group
        without rows.
    note : str
        Why it has no hazard ratio; ``reference`` for the lowest group of both.
    """

    levels: tuple[str, str]
    n: int
    n_events: int
    position: int | None
    note: str


@dataclass(frozen=True, slots=True, eq=False)
class JointRiskGroups:
    """Two scores alone, together, and cut into joint groups; one set of rows.

    Attributes
    ----------
    formula : str
        Outcome and covariates as given.
    scores : tuple of str
        Names of the two scores.
    cuts : tuple of QuantileGroups
        Cut points of each score, with their origin.
    spread : tuple of float
        Standard deviation of each score in the rows used.
    cells : tuple of Cell
        Joint groups, those of the second score within those of the first.
    joint : CoxFit
        Model with an indicator of every joint group but the lowest.
    multiplied : CoxFit
        Model with indicators of the groups of each score, whose effects multiply.
    alone : tuple of CoxFit
        Models with one score as a number.
    together, with_product : CoxFit
        Models with both scores as numbers, and with their product besides (in SD).
    curves : SurvivalCurves
        Kaplan-Meier curves of the joint groups that have rows.
    dropped : tuple of Dropped
        Rows left out, by reason.
    """

    formula: str
    scores: tuple[str, str]
    cuts: tuple[QuantileGroups, QuantileGroups]
    spread: tuple[float, float]
    cells: tuple[Cell, ...]
    joint: CoxFit
    multiplied: CoxFit
    alone: tuple[CoxFit, CoxFit]
    together: CoxFit
    with_product: CoxFit
    curves: SurvivalCurves
    dropped: tuple[Dropped, ...]

    @property
    def n(self) -> int:
        """Rows used."""
        return self.joint.n

    @property
    def n_events(self) -> int:
        """Events among them."""
        return self.joint.n_events

    @property
    def n_dropped(self) -> int:
        """Rows left out, for any reason."""
        return sum(dropped.n for dropped in self.dropped)

    @property
    def cut_points(self) -> dict[str, QuantileGroups]:
        """Cut points by score, as another cohort takes them."""
        return dict(zip(self.scores, self.cuts, strict=True))

    def tidy(
        self,
        *,
        exponentiate: bool = False,
        conf_level: float = 0.95,
        sd: Mapping[str, float] | None = None,
    ) -> pd.DataFrame:
        """Joint groups, their interaction, and each score alone and given the other.

        Rows of the model ``groups of both`` are the joint groups (``log_hr`` against
        the lowest), the test that the groups of the scores multiply
        (``interaction_chi2``), and for the corner groups the log ratio of hazard ratios
        (``log_hr_ratio``, 0 where effects multiply) and the RERI (``reri``, 0 where
        excess risks add). The other rows are scores as numbers, per unit and per SD: of
        models with one score, with both, and with their product.

        Parameters
        ----------
        exponentiate
            Hazard ratios, and their ratio, instead of logarithms.
        conf_level
            Confidence level of the intervals.
        sd
            What one SD is, by score, where it is not that of the rows used: that of the
            rows of another analysis, whose hazard ratios stand beside these.
        """
        spread = tuple(
            (sd or {}).get(name, own)
            for name, own in zip(self.scores, self.spread, strict=True)
        )
        parts = [
            self._groups(conf_level),
            self._interaction(
                self.multiplied, self.joint, self._contrasts(), model=_GROUPS
            ),
            self._corners(conf_level),
            *self._scores(conf_level, spread),
            self._interaction(
                self.together,
                self.with_product,
                np.eye(len(self.with_product.terms))[[-1]],
                model=self._label("*"),
            ),
        ]
        if exponentiate:
            parts = [_exponentiated(part) for part in parts]
        table = pd.concat(parts, ignore_index=True)
        texts = ["group", "first_group", "second_group", "term", "reference", "per"]
        table[[*texts, "note"]] = table[[*texts, "note"]].fillna("")
        return table[in_order(table.columns)]

    def glance(self) -> pd.DataFrame:
        """One row: sizes, and the test of all joint groups and covariates."""
        table = self.joint.glance().assign(n_dropped=self.n_dropped)
        return table[in_order(table.columns)]

    def plot(self) -> ggplot:
        """Hazard ratios of the joint groups as tiles, a column per group of a score."""
        from fahrstats.display.figures import joint_tiles

        return joint_tiles(self.tidy(exponentiate=True), scores=self.scores)

    def plot_curves(self) -> ggplot:
        """Kaplan-Meier curves: all above an at-risk table, or a panel for each group.

        More than six joint groups get a panel for each group of the first score.
        """
        from fahrstats.display.figures import joint_curves

        if len(self.curves.groups) <= _MOST_CURVES:
            return self.curves.plot()
        levels = pd.DataFrame(
            [(self._name(cell), *cell.levels) for cell in self.cells],
            columns=["group", "first_group", "second_group"],
        )
        curves = self.curves.tidy().merge(levels, on="group", how="left")
        return joint_curves(curves, scores=self.scores)

    def summary(self) -> str:
        """Describe the result as text: joint groups, interaction, scores as numbers."""
        lines = [
            f"Joint groups of {self._label('and')}: {self.formula}",
            f"{format_count(self.n)} rows, {format_count(self.n_events)} events",
            *describe_dropped(self.dropped),
            *(
                f"{name} cut at {', '.join(f'{cut:g}' for cut in cuts.cut_points)} "
                f"({cuts.origin})"
                for name, cuts in self.cut_points.items()
            ),
        ]
        for row in self.tidy(exponentiate=True).to_dict("records"):
            limits = row["estimate"], row["conf_low"], row["conf_high"]
            sizes = f"{format_count(row['n_events'])}/{format_count(row['n'])}"
            test = f"{phrase_p(row['p_value'])} on {row['df']:.0f} df"
            note = f"  ({row['note']})" if row["note"] else ""
            step = f" {per_label(row['per'])}" if row["per"] else ""
            text = {
                "interaction_chi2": f"interaction, {row['model']}: {test}",
                "reri": f"RERI {format_interval(*limits)}",
                "hr_ratio": f"ratio of HRs, {row['model']}: {format_ratio(*limits)}",
                "hr": f"{row['model']}: {row['term']}{step} {format_ratio(*limits)}",
            }[row["estimand"]]
            if row["first_group"]:
                text = f"{row['group']}: {sizes}  {format_ratio(*limits)}"
            lines.append(f"  {text}{note}")
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.summary()

    def _name(self, cell: Cell) -> str:
        return cell_name(self.scores, cell.levels)

    def _label(self, sign: str) -> str:
        return f" {sign} ".join(self.scores)

    def _groups(self, conf_level: float) -> pd.DataFrame:
        """One row per joint group."""
        table = pd.DataFrame(
            {
                "model": _GROUPS,
                "group": [self._name(cell) for cell in self.cells],
                "first_group": [cell.levels[0] for cell in self.cells],
                "second_group": [cell.levels[1] for cell in self.cells],
                "reference": self._name(self.cells[0]),
                "estimand": "log_hr",
                "n": [cell.n for cell in self.cells],
                "n_events": [cell.n_events for cell in self.cells],
                "note": [cell.note for cell in self.cells],
            }
        )
        log_hr, std_error = np.full((2, len(self.cells)), np.nan)
        log_hr[0] = 0.0
        for k, cell in enumerate(self.cells):
            if cell.position is not None and not cell.note:
                log_hr[k] = self.joint.log_hr[cell.position]
                std_error[k] = np.sqrt(self.joint.cov[cell.position, cell.position])
        return with_wald(table, log_hr, std_error, conf_level)

    def _contrasts(self) -> FloatArray:
        """Departures of joint groups from multiplying, one row each, (k, p).

        None where a group below the top of a score is missing from the model.
        """
        g = len(self.cuts[1].labels)
        rows = []
        for k in range(len(self.cells)):
            i, j = divmod(k, g)
            columns = [self.cells[place].position for place in (k, i * g, j)]
            if i and j and None not in columns:
                row = np.zeros(len(self.joint.terms))
                row[np.array(columns, np.int64)] = 1.0, -1.0, -1.0
                rows.append(row)
        return np.reshape(rows, (len(rows), len(self.joint.terms)))

    def _corners(self, conf_level: float) -> pd.DataFrame:
        """Departure of the corner groups from multiplying and from adding."""
        top = self._name(self.cells[-1])
        table = pd.DataFrame(
            {
                "model": _GROUPS,
                "group": top,
                "reference": self._name(self.cells[0]),
                "estimand": ["log_hr_ratio", "reri"],
                "n": self.n,
                "n_events": self.n_events,
                "note": "",
            }
        )
        g = len(self.cuts[1].labels)
        corners = [self.cells[-1], self.cells[-g], self.cells[g - 1]]
        places = [cell.position for cell in corners]
        if any(cell.note for cell in corners) or None in places:
            empty = np.full(2, np.nan)
            table["note"] = "a corner group has no hazard ratio"
            return with_wald(table, empty, empty, conf_level)
        chosen = np.array(places, np.int64)
        log_hr = self.joint.log_hr[chosen]
        cov = self.joint.cov[np.ix_(chosen, chosen)]
        signs = np.array([1.0, -1.0, -1.0])
        slopes = np.stack([signs, signs * np.exp(log_hr)])
        estimate = np.array([signs @ log_hr, signs @ np.exp(log_hr) + 1])
        std_error = np.sqrt(np.einsum("ri,ij,rj->r", slopes, cov, slopes))
        return with_wald(table, estimate, std_error, conf_level)

    def _scores(
        self, conf_level: float, sd: tuple[float, ...]
    ) -> Iterator[pd.DataFrame]:
        """Each score alone and given the other, and the product of both."""
        models = [*zip(self.scores, self.alone, strict=True)]
        for model, fit in [*models, (self._label("+"), self.together)]:
            for name, spread in zip(self.scores, sd, strict=True):
                if name in fit.terms:
                    steps = {"1": 1.0, "SD": spread}
                    position = fit.terms.index(name)
                    yield effect_by_step(fit, position, steps, conf_level).assign(
                        model=model, term=name
                    )
        last = len(self.with_product.terms) - 1
        step = float(np.prod(sd) / np.prod(self.spread))
        yield effect_by_step(self.with_product, last, {"SD": step}, conf_level).assign(
            model=self._label("*"), term=":".join(self.scores), estimand="log_hr_ratio"
        )

    def _interaction(
        self, smaller: CoxFit, larger: CoxFit, contrasts: FloatArray, *, model: str
    ) -> pd.DataFrame:
        """Test a larger model against the smaller one within it."""
        statistic, df, note = larger_model_test(smaller, larger, contrasts)
        values = {
            "model": model,
            "term": ":".join(self.scores),
            "estimand": "interaction_chi2",
            "statistic": statistic,
            "df": df,
            "p_value": float(chi2.sf(statistic, df)) if df else np.nan,
            "n": larger.n,
            "n_events": larger.n_events,
            "note": note,
        }
        return pd.DataFrame([values])


def cell_name(pair: tuple[str, str], levels: tuple[str, str]) -> str:
    """Return the name of a joint group: ``faceage low, facesurvival high``."""
    return f"{pair[0]} {levels[0]}, {pair[1]} {levels[1]}"


def _exponentiated(table: pd.DataFrame) -> pd.DataFrame:
    """Turn logarithms of ratios into ratios; other rows stay as they are."""
    is_log = table["estimand"].isin(_RATIOS)
    if not is_log.any():
        return table
    parts = [as_ratio(table[is_log]).assign(std_error=np.nan), table[~is_log]]
    return pd.concat([part for part in parts if len(part)]).sort_index()
