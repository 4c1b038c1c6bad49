"""Where a stage writes, what it is told, and what it draws."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain

import numpy as np
from made_faces import open_job, open_training

THREE_STAGES = ("epochs = 2\npeak = 0.5", "epochs = 1", "epochs = 1\npeak = 0.25")


def test_stages_are_told_apart(tmp_path):
    config = open_training(tmp_path, stages=THREE_STAGES)
    first, _, third = (open_job(config, number) for number in (1, 2, 3))
    assert (first.stage.peak, third.stage.peak) == (0.5, 0.25)
    assert first.kept.name == "stage-1.safetensors"
    assert first.states != third.states
    assert first.kept.parent == config.folder


def test_settings_are_those_that_decide_the_parameters_by_the_end_of_a_stage(tmp_path):
    config = open_training(tmp_path, stages=THREE_STAGES)
    later = replace(config.stages[2], peak=0.125)
    changed = replace(config, stages=(*config.stages[:2], later), notes="Changed.")
    same = [
        open_job(config, number).settings == open_job(changed, number).settings
        for number in (1, 2, 3)
    ]
    assert same == [True, True, False]


def test_every_epoch_of_every_stage_has_batches_of_its_own(tmp_path):
    stages = ("epochs = 2\nbatch_size = 16",) * 2
    config = open_training(tmp_path, stages=stages)
    epochs = [
        np.concatenate(open_job(config, number).batches(epoch))
        for number, epoch in ((1, 0), (1, 1), (2, 0), (2, 1))
    ]
    assert all(sorted(order) == list(range(64)) for order in epochs)
    assert len({tuple(order) for order in epochs}) == 4
    again = list(chain(*open_job(config, 2).batches(1)))
    assert again == epochs[3].tolist()
