"""The result of a comparison of regions, and the tables made from it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import t

from fahrstats.columns import contrast_name, in_order
from fahrstats.display.journals import format_count, phrase_p
from fahrstats.kernels.label_swaps import means_within, share_as_large, skew_free
from fahrstats.kernels.simultaneous import holm
from fahrstats.measurement.shared_draws import check_conf_level, spread

if TYPE_CHECKING:
    from plotnine import ggplot

FloatArray = NDArray[np.float64]

OVERLAPS = ("common_importance", "js_divergence", "spearman", "spearman_by_face")
"""Measures of how much two models rest on the same regions, in this order."""

_ROUNDING = 1e-9
"""What float64 can take from a whole number of swaps."""


@dataclass(frozen=True, slots=True, eq=False)
class RegionComparison:
    """Regions that k models rest on, compared on the same photos.

    Attributes
    ----------
    models, regions : tuple of str
        Labels, in the order of the data.
    differences : ndarray of shape (subjects, pairs, p)
        Share of each region by the first model of a pair less that by the second, in
        the mean photo of each subject.
    largest : ndarray of shape (n_swaps,)
        Largest statistic of all pairs and regions when labels are swapped and the
        models rest on the regions as they do.
    p_value : ndarray of shape (pairs,)
        Of the test that two models rest on the same regions.
    overlaps : ndarray of shape (1 + n_boot, pairs, 4)
        Measures of overlap, in the data and in each draw of the subjects.
    n, n_subjects : int
        Photos that are compared, and whom they show.
    n_dropped : int
        Photos left out because some model has no shares of them.
    seed : int
        Decided the draws and swaps.
    """

    models: tuple[str, ...]
    regions: tuple[str, ...]
    differences: FloatArray
    largest: FloatArray
    p_value: FloatArray
    overlaps: FloatArray
    n: int
    n_subjects: int
    n_dropped: int
    seed: int

    def tidy(self, *, conf_level: float = 0.95) -> pd.DataFrame:
        """One row per pair of models ``a - b`` and region: the difference of shares.

        ``p_adjusted`` and the joint limits hold for all rows together; a region is
        outside the joint limits of 0 exactly where ``p_adjusted`` is at most
        ``1 - conf_level``. ``conf_low`` and ``conf_high`` hold for each row alone.
        """
        check_conf_level(conf_level)
        flat = self.differences.reshape(self.n_subjects, -1)
        alone = means_within(flat, t.isf((1 - conf_level) / 2, self.n_subjects - 1))
        joint = means_within(flat, self._critical(conf_level))
        found = self._rows("region", self.regions).assign(
            estimand="delta_importance_share",
            estimate=flat.mean(axis=0),
            std_error=flat.std(axis=0, ddof=1) / np.sqrt(self.n_subjects),
            p_adjusted=share_as_large(self.largest, skew_free(flat)),
            conf_low=alone[0],
            conf_high=alone[1],
            joint_low=joint[0],
            joint_high=joint[1],
        )
        return found[in_order(found.columns)]

    def overlap(self, *, conf_level: float = 0.95) -> pd.DataFrame:
        """One row per pair of models and measure of overlap.

        ``common_importance`` is the part of importance that two models lay on the same
        regions, from 0 to 1: the sum over regions of the smaller mean share.
        ``js_divergence`` is the Jensen-Shannon divergence of the mean shares in bits, 0
        where they are the same and 1 where they have no region in common. ``spearman``
        is the rank correlation of the mean shares, and ``spearman_by_face`` the mean
        over faces of that of the shares of a face.

        Chance makes the mean shares of a sample less alike than those of everybody.
        Estimates are corrected for it by the bootstrap, and limits are those of the
        corrected estimate, by Student's t. The ranks of regions that matter about
        equally jump from sample to sample, so that ``spearman`` describes the faces at
        hand and has no limits.
        """
        check_conf_level(conf_level)
        draws = self.overlaps.reshape(len(self.overlaps), -1)
        std_error = spread(draws[1:], np.full(draws.shape[1], self.n_subjects))
        estimate = 2 * draws[0] - draws[1:].mean(axis=0)
        reach = t.isf((1 - conf_level) / 2, self.n_subjects - 1) * std_error
        found = self._rows("estimand", OVERLAPS)
        name = found["estimand"]
        is_rank = (name == "spearman").to_numpy()
        lowest = np.where(name.str.startswith("spearman"), -1.0, 0.0)
        low, high = estimate - reach, estimate + reach
        estimate, low, high = (np.clip(x, lowest, 1.0) for x in (estimate, low, high))
        found = found.assign(
            estimate=np.where(is_rank, draws[0], estimate),
            std_error=np.where(is_rank, np.nan, std_error),
            conf_low=np.where(is_rank, np.nan, low),
            conf_high=np.where(is_rank, np.nan, high),
            note=np.where(is_rank, "of the faces at hand", ""),
        )
        return found[in_order(found.columns)]

    def test(self) -> pd.DataFrame:
        """Test of each pair of models for resting on the same regions, one row each.

        ``p_value`` is that of the largest difference of shares when the labels of the
        two models are swapped at random within subjects, and ``p_adjusted`` is Holm's
        over all pairs. ``region`` is where they differ most, and ``estimate`` by how
        much.

        References
        ----------
        Holm (1979), Scandinavian Journal of Statistics 6:65-70.
        """
        differences = self.differences.mean(axis=0)  # (pairs, p)
        most = np.abs(differences).argmax(axis=1)
        found = pd.DataFrame(
            {
                "term": self._pairs,
                "region": [self.regions[at] for at in most],
                "estimand": "delta_importance_share",
                "estimate": differences[np.arange(len(most)), most],
                "p_value": self.p_value,
                "p_adjusted": holm(self.p_value),
                "n": self.n,
                "n_subjects": self.n_subjects,
            }
        )
        return found[in_order(found.columns)]

    def glance(self) -> pd.DataFrame:
        """One row: photos and subjects compared, photos left out."""
        values = {
            "n": self.n,
            "n_subjects": self.n_subjects,
            "n_dropped": self.n_dropped,
        }
        return pd.DataFrame([values])[in_order(values)]

    def plot(self) -> ggplot:
        """Differences of shares by region, with joint limits, a panel for each pair."""
        from fahrstats.display.figures import region_differences

        return region_differences(self.tidy())

    def summary(self) -> str:
        """Say of each pair whether it rests on the same regions."""
        lines = [
            f"Regions compared in {format_count(self.n)} photos of "
            f"{format_count(self.n_subjects)} subjects; {format_count(self.n_dropped)} "
            "photos without shares by every model left out"
        ]
        overlap = self.overlap()
        common = overlap[overlap["estimand"] == "common_importance"]["estimate"]
        table = self.tidy().set_index(["term", "region"])
        tests = self.test().to_dict("records")
        for row, share in zip(tests, common, strict=True):
            limits = table.loc[(row["term"], row["region"])]
            lines.append(
                f"{row['term']}: {share:.0%} of importance in common; same regions: "
                f"{phrase_p(row['p_value'])}; most different in {row['region']}: "
                f"{row['estimate']:+.0%} ({limits['joint_low']:+.0%} to "
                f"{limits['joint_high']:+.0%}, joint limits)"
            )
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.summary()

    @property
    def _pairs(self) -> list[str]:
        return [contrast_name(a, b) for a, b in combinations(self.models, 2)]

    def _critical(self, conf_level: float) -> float:
        """Return the largest size of a statistic that is not told from 0."""
        allowed = (
            int(np.floor((1 - conf_level) * (1 + self.largest.size) + _ROUNDING)) - 1
        )
        if allowed < 0:
            return np.inf
        return float(np.sort(self.largest)[::-1][allowed])

    def _rows(self, column: str, names: tuple[str, ...]) -> pd.DataFrame:
        """Return a row for each pair of models and name, without the estimate."""
        return pd.DataFrame(
            {
                "term": np.repeat(self._pairs, len(names)),
                column: names * len(self._pairs),
                "n": self.n,
                "n_subjects": self.n_subjects,
            }
        )
