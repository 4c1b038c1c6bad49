"""The partial likelihood less a quadratic penalty."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fahrstats.kernels.newton import PartialLikelihood
from fahrstats.kernels.partial_likelihood import BlockSums

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class RidgePoint:
    """The penalised log-likelihood at some coefficients."""

    log_likelihood: float
    beta: FloatArray
    sums: BlockSums


@dataclass(frozen=True, slots=True, eq=False)
class RidgeLikelihood:
    """A partial likelihood less Σ penalty β² / 2; ``penalty`` of shape (p,)."""

    partial: PartialLikelihood
    penalty: FloatArray

    def at(self, beta: FloatArray) -> RidgePoint:
        """Evaluate the penalised likelihood."""
        sums = self.partial.at(beta)
        shrinkage = float(self.penalty @ beta**2) / 2
        return RidgePoint(sums.log_likelihood - shrinkage, beta, sums)

    def gradient(self, point: RidgePoint) -> FloatArray:
        """Return the first derivative."""
        slope = self.partial.gradient(point.sums) - self.penalty * point.beta
        return np.asarray(slope, np.float64)

    def information(self, point: RidgePoint) -> FloatArray:
        """Return minus the second derivative."""
        return self.partial.information(point.sums) + np.diag(self.penalty)
