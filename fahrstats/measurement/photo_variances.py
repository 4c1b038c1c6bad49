"""Variances between subjects, between days and between photos of a day."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.stats import chi2, f

from fahrstats.errors import ConvergenceError
from fahrstats.kernels.nested_variances import (
    NestedMeans,
    climb_nested,
    score_and_information,
)
from fahrstats.kernels.random_effects import tau_squared_at

FloatArray = NDArray[np.float64]
Limits = tuple[float, float]
Line = Callable[[float], tuple[FloatArray, FloatArray]]

Layout = Literal["nested", "photos", "days"]
"""What the repeated photos tell apart: days and photos, photos only, or days only."""

_SUBJECTS, _DAYS, _PHOTOS = 0, 1, 2
_UNIT = np.eye(3)
_NEVER = 1e-9
"""Share of a variance, and distance of a share from 1, at which profiles end."""


_CLOSE = 1e-9
"""Relative accuracy of a limit."""


@dataclass(frozen=True, slots=True, eq=False)
class PhotoVariances:
    """Variance components of repeated photos, by restricted maximum likelihood.

    Attributes
    ----------
    layout : str
        ``"nested"``: between subjects, between days, between photos of a day. Else two
        components, ``theta[1]`` being 0: ``"photos"``, where nobody has photos of two
        days, with days as part of subjects; ``"days"``, where no day has two photos,
        with photos as part of days.
    means : NestedMeans
        Means of the days, or of the subjects where the layout is not nested.
    theta : ndarray of shape (3,)
        Variances between subjects, between days, and between photos.
    mean : float
        Generalised least-squares mean over subjects.
    deviance : float
        Minus twice the restricted log-likelihood.
    n, n_subjects : int
        Photos, and the subjects that they are of.
    span : float
        Most days between two photos of a subject; missing without days.
    """

    layout: Layout
    means: NestedMeans
    theta: FloatArray
    mean: float
    deviance: float
    n: int
    n_subjects: int
    span: float

    @property
    def within(self) -> tuple[float, float]:
        """Pooled variance within the means, and its degrees of freedom."""
        df = self.means.df_within
        return self.means.within / df, float(df)

    @property
    def of_one_photo(self) -> tuple[float, float]:
        """Variance of a photo within its subject, and its degrees of freedom.

        Satterthwaite's of the sum of the variances of days and photos, from the
        expected information; where the layout is not nested, those of ``within``.
        """
        if self.layout != "nested":
            return self.within
        total = self.theta[_DAYS] + self.theta[_PHOTOS]
        _, information, _ = score_and_information(self.means, self.theta, self.mean)
        both = _UNIT[_DAYS] + _UNIT[_PHOTOS]
        return total, 2 * total**2 / float(both @ np.linalg.solve(information, both))

    def within_limits(self, conf_level: float) -> Limits:
        """Exact chi-squared limits of the variance within the means."""
        return chi_squared_limits(*self.within, conf_level)

    def between_limits(self, conf_level: float) -> Limits:
        """Profile-likelihood limits of the variance between subjects."""
        return self._component_limits(_SUBJECTS, conf_level)

    def days_limits(self, conf_level: float) -> Limits:
        """Profile-likelihood limits of the variance between days of a subject."""
        return self._component_limits(_DAYS, conf_level)

    def icc(self) -> float:
        """Correlation of two photos of a subject, of two days where they are told."""
        return float(self.theta[_SUBJECTS] / self.theta.sum())

    def icc_same_day(self) -> float:
        """Correlation of two photos of a subject on one day."""
        return 1 - float(self.theta[_PHOTOS] / self.theta.sum())

    def icc_limits(self, conf_level: float) -> Limits:
        """Limits of :meth:`icc`: profile likelihood, or exact where not nested.

        The exact ones are Wald's (1940), those of Searle where all have the same number
        of photos.
        """
        if self.layout != "nested":
            return self._exact_icc_limits(conf_level)

        return self._share_limits(self.icc(), _SUBJECTS, [_DAYS, _PHOTOS], conf_level)

    def icc_same_day_limits(self, conf_level: float) -> Limits:
        """Profile-likelihood limits of :meth:`icc_same_day`."""
        if self.layout != "nested":
            return self._exact_icc_limits(conf_level)
        # of the share of the photos, which is the rest
        low, high = self._share_limits(
            1 - self.icc_same_day(), _PHOTOS, [_SUBJECTS, _DAYS], conf_level
        )
        return 1 - high, 1 - low

    def _share_limits(
        self, share: float, component: int, others: list[int], conf_level: float
    ) -> Limits:
        """Profile limits of the share that one component has in the whole variance."""

        def line(share: float) -> tuple[FloatArray, FloatArray]:
            of_component = np.outer(_UNIT[component], np.ones(2))
            return np.zeros(3), share * of_component + (1 - share) * _UNIT[:, others]

        rest = self.theta[others] + _NEVER * self.theta.sum()
        start = self.theta.sum() * rest / rest.sum()
        return self._profile(line, start, share, 1.0, conf_level)

    def _component_limits(self, component: int, conf_level: float) -> Limits:
        others = [_SUBJECTS, _PHOTOS] if component == _DAYS else [_DAYS, _PHOTOS]
        if self.layout != "nested":
            others = [_PHOTOS]

        def line(variance: float) -> tuple[FloatArray, FloatArray]:
            return variance * _UNIT[component], _UNIT[:, others]

        estimate = float(self.theta[component])
        return self._profile(line, self.theta[others], estimate, np.inf, conf_level)

    def _profile(
        self,
        line: Line,
        start: FloatArray,
        estimate: float,
        largest: float,
        conf_level: float,
    ) -> Limits:
        """Return where the profile deviance is a quantile of chi-squared above its min.

        ``line`` gives the variances that have a value of the quantity.
        """
        bound = float(np.sqrt(chi2.ppf(conf_level, 1)))

        def above(value: float) -> float:
            # the root is close to a line in the value, or in its logarithm
            nonlocal start
            peak = climb_nested(self.means, start, *line(value))
            if not peak.has_converged:
                raise ConvergenceError(
                    "The profile of a variance between photos ended without a maximum; "
                    "photos that repeat a number may be copies."
                )
            start = peak.phi + _NEVER * peak.theta.sum()
            return float(np.sqrt(max(0.0, peak.deviance - self.deviance))) - bound

        # towards 0 and towards the largest value until the deviance is above the cut
        low = estimate / 10
        while low > _NEVER * estimate and above(low) < 0:
            low /= 10
        high = 2 * estimate + float(self.theta.sum())
        if np.isfinite(largest):
            high = largest - (largest - estimate) / 10
        while largest - high > _NEVER and above(high) < 0:
            high = 2 * high if np.isinf(largest) else largest - (largest - high) / 10
        return (
            _root(above, low, estimate) if low > _NEVER * estimate else 0.0,
            _root(above, estimate, high) if largest - high > _NEVER else 1.0,
        )

    def _exact_icc_limits(self, conf_level: float) -> Limits:
        """Invert the F test of a ratio of variances (Wald 1940)."""
        error, df_error = self.within
        df = self.means.n.size - 1
        alpha = (1 - conf_level) / 2
        ends = []
        for quantile in (f.isf(alpha, df, df_error), f.ppf(alpha, df, df_error)):
            between = tau_squared_at(
                self.means.mean, error / self.means.n, df * float(quantile)
            )
            ends.append(between / (between + error))
        return ends[0], ends[1]


def _root(function: Callable[[float], float], low: float, high: float) -> float:
    return float(brentq(function, low, high, xtol=_CLOSE * high, rtol=_CLOSE))


def chi_squared_limits(variance: float, df: float, conf_level: float) -> Limits:
    """Limits of a variance that was estimated on ``df`` degrees of freedom."""
    alpha = (1 - conf_level) / 2
    return (
        float(variance * df / chi2.isf(alpha, df)),
        float(variance * df / chi2.ppf(alpha, df)),
    )


def find_obstacle(photos: pd.DataFrame) -> str:
    """Say why photos tell no variances, or nothing.

    ``photos`` has columns ``subject``, ``predicted`` and, where known, ``day``.
    """
    n_subjects = photos["subject"].nunique()
    if n_subjects < 2:
        return f"photos of {n_subjects} subject{'s' * (n_subjects != 1)}, and 2 needed"
    if n_subjects == len(photos):
        return "no subject has two photos"
    means = _means(photos, _find_layout(photos))
    if means.within <= np.finfo(np.float64).eps * float(means.n @ means.mean**2):
        return "repeated photos have the very same value, as copies do"
    return ""


def estimate_variances(photos: pd.DataFrame) -> PhotoVariances:
    """Fit the mixed model to photos that :func:`find_obstacle` has nothing against.

    Raises
    ------
    ConvergenceError
        The iteration ended without a maximum.
    """
    layout = _find_layout(photos)
    means = _means(photos, layout)
    components = [_SUBJECTS, _DAYS, _PHOTOS]
    if layout != "nested":
        components = [_SUBJECTS, _PHOTOS]
    error = means.within / means.df_within
    spread = float(means.mean.var(ddof=1))
    start = np.array([spread, error / 4, error])[components]
    peak = climb_nested(means, start, np.zeros(3), _UNIT[:, components])
    if not peak.has_converged:
        raise ConvergenceError(
            f"The mixed model of {len(photos)} photos ended without a maximum; photos "
            "that repeat a number may be copies."
        )
    return PhotoVariances(
        layout=layout,
        means=means,
        theta=peak.theta,
        mean=peak.mean,
        deviance=peak.deviance,
        n=len(photos),
        n_subjects=int(photos["subject"].nunique()),
        span=_span(photos),
    )


def _find_layout(photos: pd.DataFrame) -> Layout:
    if "day" not in photos:
        return "photos"
    days = photos[["subject", "day"]].drop_duplicates()
    if len(days) == len(photos):
        return "days"
    return "nested" if days["subject"].duplicated().any() else "photos"


def _means(photos: pd.DataFrame, layout: Layout) -> NestedMeans:
    """Return sufficient statistics, of days where they are a level of their own."""
    keys = ["subject", "day"] if layout == "nested" else ["subject"]
    cells = photos.groupby(keys, sort=True)["predicted"]
    size, mean = cells.size(), cells.mean()
    of_subject = size.index.get_level_values(0)
    deviation = photos["predicted"] - cells.transform("mean")
    return NestedMeans(
        n=np.asarray(size, np.float64),
        mean=np.asarray(mean, np.float64),
        first=np.flatnonzero(~of_subject.duplicated()),
        within=float((deviation**2).sum()),
    )


def _span(photos: pd.DataFrame) -> float:
    """Return the most days between two photos of a subject."""
    if "day" not in photos:
        return np.nan
    day = photos.groupby("subject")["day"]
    longest = day.max() - day.min()
    if pd.api.types.is_timedelta64_dtype(longest):
        longest = longest.dt.days
    return float(longest.to_numpy(np.float64).max())
