"""The result of judging predicted ages, and the tables made from it."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fahrstats.columns import in_order
from fahrstats.display.journals import (
    format_count,
    format_difference,
    phrase_p,
)
from fahrstats.errors import DataError
from fahrstats.measurement.accuracy_blocks import BY_LIKELIHOOD
from fahrstats.measurement.accuracy_contrasts import (
    group_contrasts,
    largest_of,
    model_contrasts,
)
from fahrstats.measurement.age_curves import AgeCurves
from fahrstats.measurement.age_groups import OVERALL
from fahrstats.measurement.shared_draws import (
    check_conf_level,
    percentiles,
    spread,
)

if TYPE_CHECKING:
    from plotnine import ggplot

FloatArray = NDArray[np.float64]

_SHOWN = ("mae", "mae_to_interval", "macro_mae", "mean_error", "r")
"""Statistics that the summary tells of everyone."""


@dataclass(frozen=True, slots=True, eq=False)
class AgeAccuracy:
    """Accuracy of the ages that k models predict.

    Attributes
    ----------
    models : tuple of str
        Columns of predicted age.
    age : str
        Column of true age.
    table : DataFrame
        Estimates by group, model and statistic, without intervals.
    draws : ndarray of shape (n_boot, rows)
        The same estimates in each draw of the people.
    curves : AgeCurves
        Predicted age by true age, and the reverse.
    bands : tuple of str
        Bands of age.
    n, n_subjects : int
        Photos that every model predicted, and people on them.
    n_missing, n_dropped : int
        Photos that some model did not predict, and photos of unknown age.
    seed : int
        Decided the draws.
    """

    models: tuple[str, ...]
    age: str
    table: pd.DataFrame
    draws: FloatArray
    curves: AgeCurves
    bands: tuple[str, ...]
    n: int
    n_subjects: int
    n_missing: int
    n_dropped: int
    seed: int

    def tidy(self, *, conf_level: float = 0.95) -> pd.DataFrame:
        """One row per group, model and statistic: everyone, bands of age, ``by``.

        ``std_error`` is that of the bootstrap, and limits are its percentiles, both
        widened for the number of people as a t interval would be.
        """
        check_conf_level(conf_level)
        table = self.table.copy()
        people = table["n_subjects"].to_numpy()
        low, high, n_usable = percentiles(self.draws, people, conf_level)
        table["conf_low"], table["conf_high"] = low, high
        table["std_error"] = spread(self.draws, people)
        fewer = (n_usable < len(self.draws)) & np.isfinite(low)
        table["note"] = [
            "; ".join(filter(None, [note, f"limits from {usable} draws" * bool(short)]))
            for note, usable, short in zip(table["note"], n_usable, fewer, strict=True)
        ]
        return table[in_order(table.columns)]

    def contrasts(
        self,
        *,
        estimand: str = "mae",
        subgroup: str = OVERALL,
        conf_level: float = 0.95,
    ) -> pd.DataFrame:
        """Differences of all pairs of models, on the same photos.

        One row for each pair ``a - b`` in each level; a hyphen between blanks inside a
        name becomes a dash. Standard errors are those of the
        shared bootstrap, tests and limits normal. ``p_adjusted`` and the joint limits
        hold for all rows together: single-step max-T.

        Parameters
        ----------
        estimand
            Statistic, such as ``"mae"`` or ``"macro_mae"``.
        subgroup
            ``"overall"``, the column of age, or a grouping of ``by``.
        conf_level
            Of each interval alone, and of the joint limits together.

        Raises
        ------
        DataError
            There is one model, or no such statistic in such a grouping.

        References
        ----------
        Hothorn, Bretz and Westfall (2008), Biometrical Journal 50:346-363.
        """
        check_conf_level(conf_level)
        if len(self.models) < 2:
            raise DataError(
                f"`{self.models[0]}` is the only model; a difference needs two."
            )
        rows = self._rows(estimand, subgroup)
        return model_contrasts(self.table, rows, self.draws, conf_level)

    def group_contrasts(
        self,
        *,
        subgroup: str,
        estimand: str = "standardized_mae",
        conf_level: float = 0.95,
    ) -> pd.DataFrame:
        """Differences of all pairs of levels of a grouping, for each model.

        One row for each pair ``a - b``. Tests and limits are those of
        :meth:`contrasts`; ``p_adjusted`` and the joint limits hold for all pairs and
        models together, and so for the largest difference, too. Levels of fewer than 20
        people are not compared, and named in the note.

        Parameters
        ----------
        subgroup
            A grouping of ``by``, or the column of age.
        estimand
            A statistic of :meth:`tidy`; the default compares groups at equal ages.
        conf_level
            Of each interval alone, and of the joint limits together.

        Raises
        ------
        DataError
            There is no such statistic in such a grouping, or fewer than two levels
            can be compared.
        """
        check_conf_level(conf_level)
        rows = self._rows(estimand, subgroup)
        return group_contrasts(self.table, rows, self.draws, conf_level)

    def largest_differences(
        self,
        *,
        subgroup: str,
        estimand: str = "standardized_mae",
        conf_level: float = 0.95,
    ) -> pd.DataFrame:
        """Return the largest row of :meth:`group_contrasts` for each model.

        It was chosen for its size: only its joint limits and ``p_adjusted`` know that.
        """
        return largest_of(
            self.group_contrasts(
                subgroup=subgroup, estimand=estimand, conf_level=conf_level
            )
        )

    def calibration(self, *, conf_level: float = 0.95) -> pd.DataFrame:
        """Predicted age as a smooth function of true age, and the reverse.

        ``mean_predicted`` at a ``value`` of true age tells by how much faces of that
        age are misread; ``mean_age`` at a predicted age tells what a prediction means
        in people of these ages. Both are least-squares natural splines with five knots
        (four from 30 and three below 30 people; a straight line where values are few)
        at whole years from the 1st to the 99th percentile. Limits are percentiles of
        the bootstrap at each place; joint limits hold for a whole curve.
        """
        check_conf_level(conf_level)
        return self.curves.tidy(conf_level)

    def glance(self) -> pd.DataFrame:
        """One row: photos, people, photos that a model failed, photos without age."""
        values = {
            "n": self.n,
            "n_subjects": self.n_subjects,
            "n_missing": self.n_missing,
            "n_dropped": self.n_dropped,
        }
        return pd.DataFrame([values])[in_order(values)]

    def plot(self) -> ggplot:
        """MAE by band of age, a line with its pointwise band for each model.

        Raises
        ------
        DataError
            No MAE was estimated.
        """
        from fahrstats.display.figures import errors_by_age

        table = self.tidy()
        is_shown = (table["subgroup"] == self.age) & (table["estimand"] == "mae")
        shown = table[is_shown].dropna(subset="estimate")
        if shown.empty:
            raise DataError("No band of age has a mean absolute error to be drawn.")
        return errors_by_age(shown)

    def summary(self) -> str:
        """Describe the accuracy of each model in everyone, and differences in MAE."""
        table = self.tidy()
        lines = [
            f"Accuracy of predicted age against {self.age}, years",
            f"{format_count(self.n)} photos of {format_count(self.n_subjects)} people; "
            f"{format_count(self.n_missing)} photos without a prediction and "
            f"{format_count(self.n_dropped)} without an age left out",
        ]
        if (table["estimand"] == "mae_to_interval").any():
            lines.append(
                "true ages are known to intervals: all but the distance to them is "
                "found by likelihood"
            )
        overall = table[table["subgroup"] == OVERALL]
        for model, rows in overall.groupby("model", sort=False):
            lines.append(str(model))
            for row in rows[rows["estimand"].isin(_SHOWN)].to_dict("records"):
                name = str(row["estimand"]).replace("_", " ")
                notes = [n for n in row["note"].split("; ") if n != BY_LIKELIHOOD]
                lines.append(
                    "; ".join([f"  {name} {_in_words(row)}", *filter(None, notes)])
                )
        for estimand in ("mae", "macro_mae") if len(self.models) > 1 else ():
            lines.append(f"Differences in {estimand.replace('_', ' ')}")
            found = self.contrasts(estimand=estimand).to_dict("records")
            lines += [f"  {row['term']} {_in_words(row)}" for row in found]
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.summary()

    def _rows(self, estimand: str, subgroup: str) -> pd.DataFrame:
        """Find the rows of a statistic in a grouping, or refuse an unknown one."""
        table = self.table
        for column, wanted in (("subgroup", subgroup), ("estimand", estimand)):
            known = table[column].unique()
            if wanted not in known:
                options = ", ".join(f"`{value}`" for value in known)
                raise DataError(f"`{column}` is `{wanted}`; choose one of {options}.")
            table = table[table[column] == wanted]
        return table


def _in_words(row: Mapping[Hashable, Any]) -> str:
    """Write an estimate with its interval, and its adjusted test if it has one."""
    if not np.isfinite(row["estimate"]):
        return "not estimated"
    limits = row["estimate"], row["conf_low"], row["conf_high"]
    text = format_difference(*limits, decimals=2)
    if np.isfinite(row.get("p_adjusted", np.nan)):
        text += f", adjusted {phrase_p(row['p_adjusted'])}"
    return text
