"""Fixtures of the face layer."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
import torch
from filelock import FileLock
from trained import Trained, train_checkpoints


@pytest.fixture(scope="package", autouse=True)
def _one_thread() -> Iterator[None]:
    """Compute on one thread, as workers do: products are then the same to the bit."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True)
def _same_draws() -> None:
    """Draw the same numbers in every run, also where a library draws them."""
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Train two small checkpoints once, however many processes run the tests."""
    root = tmp_path_factory.getbasetemp()
    folder = (root.parent if "PYTEST_XDIST_WORKER" in os.environ else root) / "trained"
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            before = torch.get_num_threads()
            torch.set_num_threads(1)
            partial = folder.with_name("training")
            partial.mkdir(exist_ok=True)
            train_checkpoints(partial)
            partial.rename(folder)
            torch.set_num_threads(before)
    return Trained(
        folder / "trained-faceage.safetensors",
        folder / "trained-facesurvival.safetensors",
    )
