"""A stage of a training and what it works with."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from fahrstats.face.training.config import Config, Stage
from fahrstats.face.training.faces.crops import Crops
from fahrstats.face.training.ranks import Ranks
from fahrstats.face.training.tasks.task import Task
from fahrstats.resampling import IntArray


@dataclass(frozen=True, slots=True)
class Job:
    """A stage and what it works with.

    Attributes
    ----------
    config : Config
        Of the whole training.
    number : int
        Of the stage, from 1.
    task : Task
        What it is for.
    crops : Crops
        Faces.
    ranks : Ranks
        Processes.
    """

    config: Config
    number: int
    task: Task
    crops: Crops
    ranks: Ranks

    @property
    def stage(self) -> Stage:
        """What the stage is told."""
        return self.config.stages[self.number - 1]

    @property
    def settings(self) -> str:
        """What decides the parameters by the end of the stage."""
        return replace(self.config, stages=self.config.stages[: self.number]).text()

    @property
    def kept(self) -> Path:
        """Where its parameters are kept."""
        return self.config.folder / f"stage-{self.number}.safetensors"

    @property
    def states(self) -> Path:
        """Where its states are saved."""
        return self.config.folder / "states" / f"stage-{self.number}"

    def batches(self, epoch: int) -> list[IntArray]:
        """Return the batches of an epoch, other ones in every stage."""
        before = sum(one.epochs for one in self.config.stages[: self.number - 1])
        return list(
            self.task.batches(self.stage, seed=self.config.seed, epoch=before + epoch)
        )
