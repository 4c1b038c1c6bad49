"""How well scores rank the follow-up of the subjects they were made for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from fahrstats.errors import DataError
from fahrstats.face.training.frozen.embedded_faces import EmbeddedFaces
from fahrstats.kernels.concordance import rank_agreement
from fahrstats.kernels.risk_sets import sort_risk_sets


@dataclass(frozen=True, slots=True)
class RankCheck:
    """A C-index as :func:`fahrstats.concordance` has it, within strata.

    Attributes
    ----------
    c_index, std_error : float
        Harrell's statistic, and its infinitesimal-jackknife standard error.
    """

    c_index: float
    std_error: float

    @property
    def interval(self) -> tuple[float, float]:
        """Limits of the 95% interval."""
        margin = float(norm.isf(0.025)) * self.std_error
        return self.c_index - margin, self.c_index + margin


def check_ranks(people: EmbeddedFaces, score: NDArray[np.float64]) -> RankCheck:
    """Compare scores with follow-up, one row a subject.

    Raises
    ------
    DataError
        Of no two subjects is it known who had the event first.
    """
    sets = sort_risk_sets(people.time, people.event, strata=people.stratum)
    found = rank_agreement(sets, score[sets.order])
    if np.isnan(found.c_index[0]):
        raise DataError(
            "Of no two subjects is it known who had the event first, so scores cannot "
            "be checked; look at `time`, `event` and `stratum`."
        )
    return RankCheck(float(found.c_index[0]), float(np.linalg.norm(found.influence)))
