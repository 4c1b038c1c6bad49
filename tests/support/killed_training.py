"""A training of ages that saves its state after every step, until it is killed."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import torch

from fahrstats.face.training import train
from fahrstats.face.training.config_file import read_config


def run(path: Path, last_step: int) -> None:
    """Train, and be killed by the system after so many steps, before the next state."""
    torch.set_num_threads(1)
    train._SECONDS_BETWEEN_STATES = 0.0
    left = last_step

    def watch(_text: str, _step: int, _of: int) -> None:
        nonlocal left
        left -= 1
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)

    train.train(read_config(path, kind="age"), device="cpu", watch=watch)


if __name__ == "__main__":
    run(Path(sys.argv[1]), int(sys.argv[2]))
