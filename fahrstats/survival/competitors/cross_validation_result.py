"""The result of a cross-validation: risks of all rows, and how accurate they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fahrstats.cohort.follow_up import as_float, merge_near_ties
from fahrstats.columns import in_order
from fahrstats.errors import DataError
from fahrstats.survival.competitors.judging import Judged

if TYPE_CHECKING:
    from plotnine import ggplot

    from fahrstats.cohort.design import Dropped

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Misfit:
    """A fold in which a learner failed, or a library warned.

    Attributes
    ----------
    model, learner : str
        Label of the model, and the learner.
    fold : int
        The fold, from 1.
    message : str
        What was said.
    has_failed : bool
        Whether there are no risks for the rows of the fold.
    """

    model: str
    learner: str
    fold: int
    message: str
    has_failed: bool


@dataclass(frozen=True, slots=True, eq=False)
class CrossValidation:
    """Out-of-fold risks of n rows by several learners, and their accuracy.

    Attributes
    ----------
    labels, formulas : tuple of str
        Labels of the models in the caller's order, and their formulas.
    learners : tuple of str
        Kinds of models.
    horizons : tuple of float
        The horizons, rising.
    outcome : tuple of str
        Columns of the time and of the event.
    seed : int
        Decided folds and forests.
    time : ndarray of shape (n,)
        Follow-up of the rows used.
    rows : ndarray of int64, shape (n,)
        Their positions in the data.
    n_given : int
        Rows of the data.
    fold : ndarray of int64, shape (n,)
        Fold that a row was predicted in, from 1.
    risk : ndarray of shape (n, n_models, n_learners, n_horizons)
        Predicted risks; missing where a learner failed.
    judged : tuple of Judged
        Accuracy at each horizon of the risks known for all rows.
    misfits : tuple of Misfit
        Folds in which a learner failed or a library warned.
    n, n_events, n_clusters : int
        Rows, events among them, clusters (0 without).
    dropped : tuple of Dropped
        Rows left out, by reason.
    """

    labels: tuple[str, ...]
    formulas: tuple[str, ...]
    learners: tuple[str, ...]
    horizons: tuple[float, ...]
    outcome: tuple[str, str]
    seed: int
    time: FloatArray
    rows: IntArray
    n_given: int
    fold: IntArray
    risk: FloatArray
    judged: tuple[Judged, ...]
    misfits: tuple[Misfit, ...]
    n: int
    n_events: int
    n_clusters: int
    dropped: tuple[Dropped, ...]

    @property
    def n_folds(self) -> int:
        """Number of folds."""
        return int(self.fold.max())

    def tidy(self, *, conf_level: float = 0.95) -> pd.DataFrame:
        """Accuracy of every model and learner at each horizon, then paired differences.

        ``c_index`` (events up to the horizon, ranked by the risk by then; against 0.5),
        ``auc`` (against 0.5), ``brier``, ``ipa`` (against 0), ``calibration_slope`` and
        ``oe_ratio`` (against 1), ``ici``. With clusters, slope and ratio have neither
        limits nor test. Differences in the first four: a learner minus Cox's model for
        the same ``model``, and a later model minus the first for the same ``learner``.
        A learner that failed in a fold has missing values, and a note.
        """
        from fahrstats.survival.competitors.cross_validation_rows import (
            accuracy_table,
        )

        return accuracy_table(self, conf_level)

    def glance(self) -> pd.DataFrame:
        """One row: rows, events and rows left out."""
        values = {
            "n": self.n,
            "n_events": self.n_events,
            "n_dropped": sum(dropped.n for dropped in self.dropped),
        }
        return pd.DataFrame([values])[in_order(values)]

    def augment(self, data: pd.DataFrame) -> pd.DataFrame:
        """Return ``data`` with the out-of-fold risks and ``fold``, row for row.

        A column ``"label, learner, horizon"`` holds the risks of one model and learner
        by one horizon, missing for rows left out and where a learner failed. In
        backticks it can be judged further, as in ``fs.decision_curve("Surv(time, event)
        ~ `age + face, forest, 5`", result.augment(cohort), horizon=5)``.

        Raises
        ------
        DataError
            ``data`` are not those that were given.
        """
        self._refuse_other_data(data)
        fold = np.full(len(data), np.nan)
        fold[self.rows] = self.fold
        columns = {"fold": fold}
        for m, label in enumerate(self.labels):
            for k, learner in enumerate(self.learners):
                for h, horizon in enumerate(self.horizons):
                    risk = np.full(len(data), np.nan)
                    risk[self.rows] = self.risk[:, m, k, h]
                    columns[f"{label}, {learner}, {horizon:g}"] = risk
        return pd.concat([data, pd.DataFrame(columns, index=data.index)], axis=1)

    def plot(self) -> ggplot:
        """C-index and index of prediction accuracy of every learner and model."""
        from fahrstats.display.figures import learner_dots

        table = self.tidy()
        return learner_dots(table[table["estimand"].isin(["c_index", "ipa"])])

    def summary(self) -> str:
        """Describe the result as text: each learner, differences, what went wrong."""
        from fahrstats.survival.competitors.cross_validation_rows import (
            summarize_cross_validation,
        )

        return summarize_cross_validation(self)

    def __str__(self) -> str:
        return self.summary()

    def _refuse_other_data(self, data: pd.DataFrame) -> None:
        """Raise unless data have the rows and the follow-up of those given."""
        name = self.outcome[0]
        is_same = isinstance(data, pd.DataFrame) and len(data) == self.n_given
        if is_same and name in data.columns:
            time, _ = merge_near_ties(as_float(data[name]), None)
            is_same = np.array_equal(time[self.rows], self.time)
        if not is_same or name not in data.columns:
            raise DataError(
                f"`data` are not those of the cross-validation, {self.n_given} rows "
                f"with `{name}`; give the same data frame."
            )


def set_name(m: int, k: int) -> str:
    """Name of the risks of model m and learner k while they are judged."""
    return f"p{m}_{k}"
