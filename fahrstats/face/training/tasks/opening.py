"""The task of a configuration."""

from __future__ import annotations

from fahrstats.face.training.config import Config
from fahrstats.face.training.faces.crops import Crops
from fahrstats.face.training.tasks.age import AgeTask
from fahrstats.face.training.tasks.pretraining import Pretraining
from fahrstats.face.training.tasks.survival import SurvivalTask
from fahrstats.face.training.tasks.task import Task


def open_task(config: Config, crops: Crops) -> Task:
    """Read the labels of a training, and check all of them.

    Raises
    ------
    DataError
        A label is wrong or missing, or a person is in several splits.
    """
    if config.kind == "pretrain":
        return Pretraining(config, crops)
    return (
        AgeTask(config, crops) if config.kind == "age" else SurvivalTask(config, crops)
    )
