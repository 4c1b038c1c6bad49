"""Cox models of those still followed at given times: landmarks, or no early events."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from fahrstats.cohort.design import Dropped, build_design
from fahrstats.cohort.follow_up import as_float, merge_near_ties, tie_with
from fahrstats.cohort.formula import ParsedFormula
from fahrstats.columns import in_order
from fahrstats.display.journals import format_count, format_ratio, phrase_p
from fahrstats.display.result_table import records
from fahrstats.errors import DataError
from fahrstats.survival.cox_models.cox_fit import CoxFit
from fahrstats.survival.cox_models.hazards import cox
from fahrstats.survival.summaries import describe_dropped, name_with_step

if TYPE_CHECKING:
    from plotnine import ggplot


def landmark(
    formula: str,
    data: pd.DataFrame,
    *,
    landmarks: float | Sequence[float],
    strata: str | None = None,
    cluster: str | None = None,
    weights: str | None = None,
    id: str | None = None,
) -> Landmarks:
    """Fit a Cox model to follow-up after each of several times, covariates unchanged.

    All follow-up up to a landmark is left out, with its events: whoever had the event,
    or was lost, at or before it is not in the model, and the others are at risk from
    there on. Covariates are what they were at the start. Does the effect of a marker
    last, or does it come from events so early that disease may have made the marker
    (reverse causation)? Rows with a missing value in any column the model uses are left
    out first and counted in ``n_dropped``. ``data`` is never modified.

    Parameters
    ----------
    formula
        Outcome and covariates, as in :func:`cox`.
    data
        One row per subject, or per interval a subject is at risk.
    landmarks
        Times in the unit of follow-up; 0 keeps all of it. One that differs from
        another by rounding error only is the same.
    strata, cluster, weights, id
        As in :func:`cox`.

    Raises
    ------
    FormulaError
        The formula cannot be read.
    DataError
        A landmark is negative, nobody has the event after it, or the data do not pass
        the gate.
    ConvergenceError
        A fit ended without a maximum.

    Notes
    -----
    Two things are called leaving early events out: dropping those who had one, or
    dropping follow-up and all who did not outlast it, as here. The partial likelihood
    sums over events, and those after the landmark are compared with whoever is at risk
    then; those lost before are never among them. Both therefore give the same hazard
    ratios, whether time goes on from the start or begins anew at the landmark, and
    differ only in the number of people they name. Subjects who enter after a landmark
    belong to its model. A transform that learns from the rows, such as the knots of a
    spline, learns from those of each model; give it numbers to keep it.

    References
    ----------
    Anderson, Cain and Gelber (1983), Journal of Clinical Oncology 1:710-719. Dafni
    (2011), Circulation: Cardiovascular Quality and Outcomes 4:363-371.

    Examples
    --------
    >>> later = fs.landmark("Surv(time, event) ~ faceage + age", cohort,
    ...                     landmarks=[0, 1, 2])
    >>> later.tidy(exponentiate=True, per={"faceage": 10})
    """
    roles: dict[str, Any] = {
        "strata": strata,
        "cluster": cluster,
        "weights": weights,
        "id": id,
    }
    design = build_design(formula, data, **roles)
    outcome = design.formula
    wanted = _check_landmarks(landmarks, design.time, design.event, outcome)
    rows = data.iloc[design.rows]
    began = 0.0 if outcome.entry is None else as_float(rows[outcome.entry])
    fits = []
    for time in wanted:
        entry = _free_name(data, time)
        from_landmark = (
            f"Surv(`{entry}`, `{outcome.time}`, `{outcome.event}`) ~"
            f"{formula.partition('~')[2]}"
        )
        late = rows.assign(**{entry: np.maximum(began, time)}).loc[design.time > time]
        fits.append(cox(from_landmark, late, **roles))
    return Landmarks(
        formula=formula,
        landmarks=tuple(wanted),
        fits=tuple(fits),
        n=design.n,
        n_events=design.n_events,
        dropped=design.dropped,
    )


@dataclass(frozen=True, slots=True, eq=False)
class Landmarks:
    """Cox models of follow-up after each of several times.

    Attributes
    ----------
    formula : str
        The formula as given.
    landmarks : tuple of float
        The times, in the caller's order.
    fits : tuple of CoxFit
        The model of each.
    n, n_events : int
        Rows that passed the gate, and events in all their follow-up.
    dropped : tuple of Dropped
        Rows left out at the gate, by reason.
    """

    formula: str
    landmarks: tuple[float, ...]
    fits: tuple[CoxFit, ...]
    n: int
    n_events: int
    dropped: tuple[Dropped, ...]

    @property
    def n_dropped(self) -> int:
        """Rows left out at the gate."""
        return sum(dropped.n for dropped in self.dropped)

    def tidy(
        self,
        *,
        exponentiate: bool = False,
        per: Mapping[str, float] | None = None,
        conf_level: float = 0.95,
    ) -> pd.DataFrame:
        """One row per landmark and design column.

        ``time`` is the landmark; ``n_removed`` rows and ``n_removed_events`` of their
        events were over by then.

        Parameters
        ----------
        exponentiate, per, conf_level
            As in :meth:`CoxFit.tidy`.
        """
        table = pd.concat(
            [
                fit.tidy(
                    exponentiate=exponentiate, per=per, conf_level=conf_level
                ).assign(
                    time=time,
                    n_removed=self.n - fit.n,
                    n_removed_events=self.n_events - fit.n_events,
                )
                for time, fit in zip(self.landmarks, self.fits, strict=True)
            ],
            ignore_index=True,
        )
        return table[in_order(table.columns)]

    def glance(self) -> pd.DataFrame:
        """One row: rows that passed the gate, events in all their follow-up."""
        values = {"n": self.n, "n_events": self.n_events, "n_dropped": self.n_dropped}
        return pd.DataFrame([values])[in_order(values)]

    def plot(self, *, per: Mapping[str, float] | None = None) -> ggplot:
        """Forest plot of the hazard ratios, the landmarks below each column."""
        from fahrstats.display.figures import forest

        table = self.tidy(exponentiate=True, per=per)
        # One landmark after the other becomes one column of the design after the other.
        rows = table.iloc[np.argsort(pd.factorize(table["term"])[0], kind="stable")]
        names = [name_with_step(row) for row in records(rows)]
        levels = [f"after {time:g}" for time in rows["time"]]
        return forest(rows.assign(subgroup=names, level=levels).drop(columns="term"))

    def summary(self) -> str:
        """Describe the models as text: each landmark, its counts and hazard ratios."""
        lines = [
            f"Cox models of follow-up after landmarks: {self.formula}",
            f"{format_count(self.n)} rows, {format_count(self.n_events)} events",
            *describe_dropped(self.dropped),
        ]
        for time, fit in zip(self.landmarks, self.fits, strict=True):
            lines.append(
                f"After {time:g}: {format_count(fit.n_events)} events in "
                f"{format_count(fit.n)} rows"
            )
            for row in records(fit.tidy(exponentiate=True)):
                limits = row["estimate"], row["conf_low"], row["conf_high"]
                text = f"  {row['term']}: HR {format_ratio(*limits)}"
                if np.isfinite(row["p_value"]):
                    text += f", {phrase_p(row['p_value'])}"
                lines.append(text + (f"  ({row['note']})" if row["note"] else ""))
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.summary()


def _check_landmarks(
    landmarks: float | Sequence[float],
    time: np.ndarray,
    event: np.ndarray,
    outcome: ParsedFormula,
) -> list[float]:
    """Refuse landmarks that are negative, or that no event comes after."""
    column = outcome.time
    listed = list(landmarks) if isinstance(landmarks, Iterable) else [landmarks]
    if not listed or not all(_is_time(landmark) for landmark in listed):
        raise DataError(
            f"`landmarks` is {landmarks}; give times from 0 on in the unit of "
            f"`{column}`."
        )
    # No landmark is called -0.
    given, _ = merge_near_ties(np.abs(np.array(listed, np.float64)), None)
    tied = tie_with(given, time)
    if tied.max() >= time.max():
        raise DataError(
            f"`landmarks` holds {tied.max():g}, but the longest follow-up in "
            f"`{column}` is {time.max():g}; give earlier times in its unit."
        )
    last = time[event == 1].max(initial=-np.inf)
    if tied.max() >= last:
        raise DataError(
            f"`landmarks` holds {tied.max():g}, but the last event of "
            f"`{outcome.event}` is at {last:g}; give earlier times, which enough "
            "events come after."
        )
    return list(dict.fromkeys(tied.tolist()))


def _is_time(landmark: float) -> bool:
    """Whether a value is a time from 0 on."""
    if isinstance(landmark, bool) or not isinstance(landmark, Real):
        return False
    return bool(0 <= landmark <= sys.float_info.max)


def _free_name(data: pd.DataFrame, time: float) -> str:
    """Return a name for the start of follow-up after a landmark that no column has."""
    name = f"entry after {time:g}"
    while name in data.columns:
        name += "_"
    return name
