"""How many people a study needs: for a model, for a C-index, for a hazard ratio."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.stats import norm

from fahrstats.columns import in_order
from fahrstats.display.journals import format_count, format_number
from fahrstats.errors import DataError

if TYPE_CHECKING:
    from plotnine import ggplot

SHRINKAGE = 0.9
"""Least shrinkage factor of a model's coefficients."""

OPTIMISM = 0.05
"""Most optimism of the apparent share of Nagelkerke's R squared."""

MARGIN = 0.05
"""Most error of the overall risk at the horizon."""


def sample_size(
    *,
    n_coefficients: int,
    event_rate: float,
    mean_follow_up: float,
    horizon: float,
    cox_snell_r2: float | None = None,
    nagelkerke_r2: float | None = None,
) -> SampleSize:
    """Find the least sample size to develop a prediction model of a time to an event.

    Riley's criteria, of which the largest n counts: coefficients shrink by at most a
    tenth (a shrinkage factor of 0.9 or more); the apparent and the true Nagelkerke's R
    squared differ by at most 0.05; and the overall risk at the horizon is known to
    within 0.05. Event rate, follow-up and horizon are in one unit of time.

    Parameters
    ----------
    n_coefficients
        Candidate coefficients, dummies and spline columns included.
    event_rate
        Events per person and unit of time.
    mean_follow_up
        Mean follow-up.
    horizon
        Time for which risks are predicted.
    cox_snell_r2, nagelkerke_r2
        Anticipated R squared; give one. Nagelkerke's is Cox and Snell's over the
        largest that the event rate allows; 0.15 is cautious (Riley et al. 2020).

    Raises
    ------
    DataError
        A number is out of range, or R squared is more than the event rate allows.

    Notes
    -----
    n equals that of R's ``pmsampsize`` but for the third criterion, for which that
    package prints the interval at the n of the others instead of solving for n, and
    where rounding of its events (of 10 000 people) moves the second by one. The
    precision of the risk is that of a constant hazard: a Wald interval of the rate.

    References
    ----------
    Riley et al. (2019), Statistics in Medicine 38:1276-1296. Riley et al. (2020), BMJ
    368:m441.

    Examples
    --------
    >>> fs.sample_size(n_coefficients=30, event_rate=0.065, mean_follow_up=2.07,
    ...                horizon=2, cox_snell_r2=0.051)
    """
    _whole("n_coefficients", n_coefficients)
    _positive(event_rate=event_rate, mean_follow_up=mean_follow_up, horizon=horizon)
    events_each = event_rate * mean_follow_up
    if events_each >= 1:
        raise DataError(
            f"`event_rate` times `mean_follow_up` is {events_each:.4g} events per "
            "person, who has one at most; give both in one unit of time."
        )
    most = 1 - math.exp(2 * (events_each * math.log(events_each) - events_each))
    r2 = _r_squared(cox_snell_r2, nagelkerke_r2, most)
    least = {
        f"shrinkage of at least {SHRINKAGE:g}": _n_shrinkage(
            n_coefficients, r2, SHRINKAGE
        ),
        f"optimism of R squared of at most {OPTIMISM:g}": _n_shrinkage(
            n_coefficients, r2, r2 / (r2 + OPTIMISM * most)
        ),
        f"risk at {horizon:g} to within {MARGIN:g}": _n_risk(
            event_rate, mean_follow_up, horizon
        ),
    }
    return SampleSize(
        question=f"a model of {n_coefficients} coefficients, Cox-Snell R squared "
        f"{r2:.4g} of at most {most:.4g}",
        criteria=tuple(
            Criterion(name, n, n * events_each, n_coefficients)
            for name, n in least.items()
        ),
    )


def sample_size_c_index(
    *,
    c_index: float,
    event_share: float,
    std_error: float | Sequence[float] = (0.0255,),
) -> SampleSize:
    """Find the sample size at which a C-index has a wanted standard error.

    Newcombe's variance for the area under a curve, as Riley takes it for external
    validation, with the share of people who have the event by the horizon as the
    prevalence. It is that of C(t) at a horizon without censoring before it. Harrell's C
    over all follow-up also compares people who both have the event, so n is on the safe
    side.

    Parameters
    ----------
    c_index
        Anticipated concordance, above 0.5 and below 1.
    event_share
        Share of people who have the event by the horizon.
    std_error
        Wanted standard errors; 0.0255 makes a 95% interval 0.1 wide.

    Raises
    ------
    DataError
        A number is out of range.

    References
    ----------
    Newcombe (2006), Statistics in Medicine 25:559-573, method 4. Riley et al. (2021),
    Statistics in Medicine 40:4230-4251.

    Examples
    --------
    >>> fs.sample_size_c_index(c_index=0.7, event_share=0.3, std_error=[0.0255, 0.0128])
    """
    if not isinstance(c_index, Real) or not 0.5 < c_index < 1:
        raise DataError(f"`c_index` is {c_index}; give a number between 0.5 and 1.")
    _share("event_share", event_share)
    wanted = _several("std_error", std_error)
    for value in wanted:
        if not 0 < value < 0.5:
            raise DataError(
                f"`std_error` holds {value}; give numbers between 0 and 0.5."
            )
    return SampleSize(
        question=f"a C-index of {c_index:g}, where {100 * event_share:g}% have the "
        "event",
        criteria=tuple(
            Criterion(f"standard error of {value:g}", n, n * event_share, 0)
            for value in wanted
            for n in [_n_c_index(c_index, event_share, value)]
        ),
    )


def sample_size_hazard_ratio(
    *,
    hr: float | Sequence[float],
    event_share: float,
    power: float = 0.8,
    r2_with_covariates: float = 0.0,
    spread: float = 1.0,
    conf_level: float = 0.95,
) -> SampleSize:
    """Find the events and people needed to detect a hazard ratio of a score.

    Schoenfeld's number of events for a Wald test in a Cox model, extended by Hsieh and
    Lavori to numeric scores: (z(1 - alpha/2) + z(power))^2 over the squared log hazard
    ratio per SD, and over 1 - R^2 for what the covariates know of the score.

    Parameters
    ----------
    hr
        Hazard ratios to detect, per unit of the score.
    event_share
        Share of people who have the event while followed.
    power
        Probability of detecting it.
    r2_with_covariates
        Squared multiple correlation of the score with the covariates of the model.
    spread
        Standard deviation of the score; 1 where ``hr`` is per SD, and the root of
        q (1 - q) for a group with a share q.
    conf_level
        Confidence level of the two-sided test; 0.9 for a one-sided test at 5%.

    Raises
    ------
    DataError
        A number is out of range.

    References
    ----------
    Schoenfeld (1983), Biometrics 39:499-503. Hsieh and Lavori (2000), Controlled
    Clinical Trials 21:552-560.

    Examples
    --------
    >>> fs.sample_size_hazard_ratio(hr=[1.2, 1.5], event_share=0.3,
    ...                             r2_with_covariates=0.5)
    """
    ratios = _several("hr", hr)
    for value in ratios:
        if not (0 < value < math.inf) or value == 1:
            raise DataError(f"`hr` holds {value}; give positive ratios other than 1.")
    _share("event_share", event_share)
    _share("power", power)
    _share("conf_level", conf_level)
    _positive(spread=spread)
    if not 0 <= r2_with_covariates < 1:
        raise DataError(
            f"`r2_with_covariates` is {r2_with_covariates}; give a number from 0 to "
            "below 1."
        )
    z = float(norm.isf((1 - conf_level) / 2) + norm.ppf(power))
    criteria = []
    for value in ratios:
        b = math.log(value) * spread
        events = z**2 / (b**2 * (1 - r2_with_covariates))
        n = math.ceil(math.ceil(events) / event_share)
        criteria.append(Criterion(f"hazard ratio of {value:g}", n, events, 0))
    return SampleSize(
        question=f"a hazard ratio with {100 * power:g}% power, where "
        f"{100 * event_share:g}% have the event",
        criteria=tuple(criteria),
    )


@dataclass(frozen=True, slots=True)
class Criterion:
    """One demand on a sample, and what it takes.

    Attributes
    ----------
    name : str
        The demand in words.
    n : int
        Least number of people.
    n_events : float
        Events to expect among them.
    n_coefficients : int
        Coefficients of the model; 0 where there is none.
    """

    name: str
    n: int
    n_events: float
    n_coefficients: int


@dataclass(frozen=True, slots=True)
class SampleSize:
    """Sample sizes by demand.

    Attributes
    ----------
    question : str
        What is planned.
    criteria : tuple of Criterion
        The demands.
    """

    question: str
    criteria: tuple[Criterion, ...]

    @property
    def n(self) -> int:
        """People needed to meet every demand."""
        return max(criterion.n for criterion in self.criteria)

    def tidy(self) -> pd.DataFrame:
        """People and events for each demand, and events per coefficient of a model.

        Events are rounded up.
        """
        rows: list[dict[str, object]] = []
        for criterion in self.criteria:
            counts = {"n": criterion.n, "n_events": math.ceil(criterion.n_events)}
            rows.append(
                {
                    "term": criterion.name,
                    "estimand": "sample_size",
                    "estimate": float(criterion.n),
                    **counts,
                }
            )
            if criterion.n_coefficients:
                share = criterion.n_events / criterion.n_coefficients
                rows.append(
                    {
                        "term": criterion.name,
                        "estimand": "events_per_coefficient",
                        "estimate": share,
                        **counts,
                    }
                )
        return pd.DataFrame(rows)[in_order(rows[0])]

    def glance(self) -> pd.DataFrame:
        """One row: people, and events among them, that meet every demand."""
        most = max(self.criteria, key=lambda criterion: criterion.n)
        values = {"n": most.n, "n_events": math.ceil(most.n_events)}
        return pd.DataFrame([values])

    def plot(self) -> ggplot:
        """People needed for each demand, as bars."""
        from fahrstats.display.figures import sample_sizes

        return sample_sizes(self.tidy())

    def summary(self) -> str:
        """Describe the plan as text."""
        lines = [
            f"Sample size for {self.question}: {format_count(self.n)} people",
        ]
        for criterion in self.criteria:
            text = (
                f"  {criterion.name}: n = {format_count(criterion.n)}, "
                f"{format_count(math.ceil(criterion.n_events))} events"
            )
            if criterion.n_coefficients:
                share = criterion.n_events / criterion.n_coefficients
                text += f", {format_number(share)} a coefficient"
            lines.append(text)
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.summary()


_CERTAIN = 1e-12
"""Survival below which a model has no risk to predict."""


def _n_shrinkage(n_coefficients: int, r2: float, shrinkage: float) -> int:
    """Equation 11 of Riley et al. (2019)."""
    return math.ceil(n_coefficients / ((shrinkage - 1) * math.log(1 - r2 / shrinkage)))


def _n_risk(rate: float, mean_follow_up: float, horizon: float) -> int:
    """Return n at which the risk's interval reaches ``MARGIN`` on its wider side.

    The interval of the rate is rate +- 1.96 sqrt(rate / person-time), and the risk
    changes fastest towards smaller rates.
    """
    survival = math.exp(-rate * horizon)
    if survival < _CERTAIN:
        raise DataError(
            f"At `event_rate` {rate:g} all have the event by `horizon` {horizon:g}; "
            "give an earlier horizon, in the unit of the rate."
        )
    half = math.log1p(MARGIN / survival) / horizon
    z = float(norm.isf(0.025))
    return math.ceil(z**2 * rate / (half**2 * mean_follow_up))


def _n_c_index(c: float, share: float, std_error: float) -> int:
    """Solve Newcombe's variance, a quadratic in n, for n."""
    curve = (1 - c) / (2 - c) + c / (1 + c)
    top = c * (1 - c)
    square = share * (1 - share) * std_error**2
    linear, constant = top * curve / 2, top * (1 - curve)
    return math.ceil(
        (linear + math.sqrt(linear**2 + 4 * square * constant)) / (2 * square)
    )


def _r_squared(cox_snell: float | None, nagelkerke: float | None, most: float) -> float:
    """Return Cox and Snell's R squared, from the one that was given."""
    if (cox_snell is None) == (nagelkerke is None):
        raise DataError("Give either `cox_snell_r2` or `nagelkerke_r2`.")
    if nagelkerke is not None:
        _share("nagelkerke_r2", nagelkerke)
        r2 = nagelkerke * most
    else:
        assert cox_snell is not None
        _share("cox_snell_r2", cox_snell)
        r2 = cox_snell
    if r2 >= min(most, SHRINKAGE):
        raise DataError(
            f"Cox and Snell's R squared is {r2:.4g}, but at this event rate it stays "
            f"below {min(most, SHRINKAGE):.4g}; anticipate a smaller one."
        )
    return r2


def _several(name: str, values: float | Sequence[float]) -> list[float]:
    """Return one or several numbers as a list."""
    given = [float(value) for value in np.atleast_1d(values)]
    if not given:
        raise DataError(f"`{name}` is empty; give at least one.")
    return given


def _whole(name: str, value: int) -> None:
    if not isinstance(value, Integral) or isinstance(value, bool) or value < 1:
        raise DataError(f"`{name}` is {value}; give a whole number of at least 1.")


def _positive(**numbers: float) -> None:
    for name, value in numbers.items():
        if not isinstance(value, Real) or not 0 < value < math.inf:
            raise DataError(f"`{name}` is {value}; give a positive number.")


def _share(name: str, value: float) -> None:
    if not isinstance(value, Real) or not 0 < value < 1:
        raise DataError(f"`{name}` is {value}; give a number between 0 and 1.")
