"""The course of a training: a line per step, and a figure of its losses."""

from __future__ import annotations

import csv
import time
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from fahrstats.errors import DataError
from fahrstats.face.training.job import Job
from fahrstats.face.training.loading import Batch
from fahrstats.files import write_whole

LOG = "log.csv"
FIGURE = "loss.png"

_COLUMNS = ("stage", "step", "learning_rate", "loss", "error")
_SMOOTHED = 50  # steps of the running mean, but at most a tenth of the stage


class TrainingLog:
    """A CSV file that a resumed run cuts back to where it goes on.

    The columns are ``stage``, ``step`` (from 1), ``learning_rate``, ``loss`` of the
    batch, and ``error`` on the tuning photos where an epoch ended.

    Parameters
    ----------
    job : Job
        The stage; the first of several processes writes.
    step : int
        Steps of it that have been done.

    Raises
    ------
    DataError
        The file of an earlier run does not begin with these columns.
    """

    def __init__(self, job: Job, *, step: int) -> None:
        self._path = job.config.folder / LOG
        self._stage, self._writes = job.number, job.ranks.is_first
        if self._writes:
            done = (job.number, step)
            kept = [row for row in _rows(self._path) if _place(row) <= done]
            write_whole(self._path, lambda partial: _write(partial, kept))

    def write(
        self, step: int, *, rate: float, loss: float, error: float | None
    ) -> None:
        """Add a step."""
        if not self._writes:
            return
        told = "" if error is None else repr(error)
        with self._path.open("a", encoding="utf-8", newline="") as file:
            row = (self._stage, step, f"{rate:.6g}", repr(loss), told)
            rows = [row] if file.tell() else [_COLUMNS, row]  # it may have been deleted
            csv.writer(file, lineterminator="\n").writerows(rows)


class Clock:
    """How fast a training is, and how much of its time it waits for photos."""

    def __init__(self) -> None:
        self._photos = 0
        self._busy = self._waited = 0.0
        self._since = time.perf_counter()

    def timed(self, batches: Iterator[Batch]) -> Iterator[Batch]:
        """Yield batches, counting the time until each as waiting."""
        self._lap()
        for batch in batches:
            self._waited += self._lap()
            yield batch

    def learned(self, n_photos: int) -> None:
        """Count the time since the last call as learning from so many photos."""
        self._busy += self._lap()
        self._photos += n_photos

    def paused(self) -> None:
        """Leave out the time since the last call."""
        self._lap()

    @property
    def speed(self) -> float:
        """Photos a second; NaN before the first."""
        spent = self._busy + self._waited
        return self._photos / spent if self._photos else float("nan")

    @property
    def waiting(self) -> float:
        """Share of the time that was waiting; NaN before the first photo."""
        spent = self._busy + self._waited
        return self._waited / spent if self._photos else float("nan")

    def _lap(self) -> float:
        now = time.perf_counter()
        before, self._since = self._since, now
        return now - before


def draw_log(folder: Path, *, error_name: str) -> None:
    """Draw losses, errors and learning rates of a log over the steps of all stages.

    Nothing is drawn where the log was deleted.

    Parameters
    ----------
    folder
        Holds the log; the figure is written beside it.
    error_name
        What the errors of the tuning photos measure.

    Raises
    ------
    DataError
        The log does not begin with its columns.
    """
    if not _rows(folder / LOG):
        return
    from matplotlib.figure import Figure

    log = pd.read_csv(folder / LOG)
    last = log.groupby("stage")["step"].max()
    before = last.cumsum() - last
    log.index = pd.Index(log["step"] + log["stage"].map(before))
    figure = Figure(figsize=(7, 4.5), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    for _, part in log.groupby("stage"):
        judged = part["error"].dropna()
        above.plot(part["loss"], color="0.8", linewidth=0.5, label="loss of a batch")
        above.plot(_smoothed(part["loss"]), color="C0", label="its running mean")
        if len(judged):
            told = f"{error_name}, tuning photos"
            above.plot(judged, "o-", color="C3", linewidth=1, markersize=3, label=told)
        if above.get_legend() is None:
            above.legend(frameon=False)
        else:
            for axes in (above, below):
                axes.axvline(part.index[0] - 0.5, color="0.5", linewidth=0.8, ls=":")
        below.plot(part["learning_rate"], color="C0", linewidth=1)
    for axes in (above, below):
        axes.spines[["top", "right"]].set_visible(False)
    above.set_ylabel("loss, error" if log["error"].notna().any() else "loss")
    below.set(xlabel="step", ylabel="learning rate")
    figure.align_ylabels()
    out = folder / FIGURE
    write_whole(out, lambda partial: figure.savefig(partial, format="png", dpi=150))


def _smoothed(loss: pd.Series) -> pd.Series:
    """Return the running mean of the losses of a stage, about every step."""
    window = max(1, min(_SMOOTHED, len(loss) // 10))
    return loss.rolling(window, center=True, min_periods=1).mean()


def _rows(path: Path) -> list[list[str]]:
    """Return the whole lines of a log, none if there is no file."""
    if not path.exists():
        return []
    text = path.read_text(encoding="utf-8")
    whole = text[: text.rfind("\n") + 1]
    columns, *rows = csv.reader(whole.splitlines()) if whole else [list(_COLUMNS)]
    if tuple(columns) != _COLUMNS:
        raise DataError(
            f"`{path}` does not begin with the columns {', '.join(_COLUMNS)}; another "
            "program seems to have changed it: move it away, and the training goes on."
        )
    return rows


def _place(row: list[str]) -> tuple[int, int]:
    """Return stage and step of a line."""
    return int(row[0]), int(row[1])


def _write(path: Path, rows: list[list[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([_COLUMNS, *rows])
