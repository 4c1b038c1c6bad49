"""Trainings by the processes that ``torchrun`` started, and what each of them did."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import cast

import torch
from safetensors.torch import save_file
from torch import Tensor

from fahrstats.face.training import train
from fahrstats.face.training.config import Kind
from fahrstats.face.training.config_file import read_config
from fahrstats.face.training.course import Course, open_course
from fahrstats.face.training.job import Job
from fahrstats.face.training.learner import Learner

_WRITING = os.O_WRONLY | os.O_RDWR


def run(told: list[str]) -> None:
    """Train as each file says, and tell parameters and written files of this process.

    Parameters
    ----------
    told
        Kind, file and a free port of one training after another.
    """
    # The launcher's own store knows one meeting of the processes only.
    os.environ["TORCHELASTIC_USE_AGENT_STORE"] = "False"
    torch.set_num_threads(1)
    rank = os.environ["RANK"]
    written: list[str] = []
    courses: list[Course] = []

    def note(event: str, arguments: tuple[object, ...]) -> None:
        if event == "open" and cast(int, arguments[2]) & _WRITING:
            written.append(str(arguments[0]))

    def opened(job: Job, start: object) -> Course:
        courses.append(open_course(job, start))  # type: ignore[arg-type]
        return courses[-1]

    sys.addaudithook(note)
    train.open_course = opened
    for kind, file, port in zip(told[::3], told[1::3], told[2::3], strict=True):
        os.environ["MASTER_PORT"] = port
        path = Path(file)
        config = read_config(path, kind=cast(Kind, kind))
        train.train(config, device="cpu", watch=lambda *_: None)
        inside = [file for file in written if file.startswith(str(config.folder))]
        (path.parent / f"written-{rank}.json").write_text(json.dumps(inside))
        learner = courses[-1].learner
        save_file(learner.state_dict(), path.parent / f"rank-{rank}.safetensors")
        save_file(gradients_of(learner), path.parent / f"gradients-{rank}.safetensors")


def gradients_of(learner: Learner) -> dict[str, Tensor]:
    """Return the gradients of the last step."""
    gradients = {name: x.grad for name, x in learner.named_parameters()}
    return {name: grad for name, grad in gradients.items() if grad is not None}


if __name__ == "__main__":
    run(sys.argv[1:])
