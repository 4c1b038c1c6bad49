"""The page on photographs says what the package does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from fahrstats.face.score_columns import STATUSES

PAGE = (Path(__file__).parents[1] / "docs/photographs.md").read_text(encoding="utf-8")


def test_the_configuration_imports_a_vision_transformer_of_112_pixels(tmp_path):
    transformers = pytest.importorskip("transformers", reason="needs the extra `hf`")
    import torch

    from fahrstats.face.checkpoints.authors import import_checkpoint

    shape = transformers.ViTConfig(
        hidden_size=48,
        num_hidden_layers=12,
        num_attention_heads=12,
        intermediate_size=96,
        image_size=112,
        patch_size=16,
        num_labels=1,
    )
    network = transformers.ViTForImageClassification(shape)
    run = {"model_state_dict": network.state_dict(), "optimizer_state_dict": {}}
    torch.save(run, tmp_path / "faceage.pth")
    (config,) = re.findall(r"```toml\n(.*?)```", PAGE, flags=re.DOTALL)
    (tmp_path / "faceage.toml").write_text(config, encoding="utf-8")
    checkpoint = import_checkpoint(
        tmp_path / "faceage.pth",
        config=tmp_path / "faceage.toml",
        out=tmp_path / "fahr-faceage.safetensors",
    )
    assert checkpoint.card.preprocessing.input_size == 112
    assert [output.column for output in checkpoint.card.outputs] == ["faceage"]


def test_every_status_is_explained_in_its_order():
    rows = re.findall(r"^\| `(\w+)` \|", PAGE, flags=re.MULTILINE)
    assert tuple(rows[: 1 + len(STATUSES)]) == ("status", *STATUSES)


def test_limits_are_those_of_the_code():
    from fahrstats.face.detection.found import SMALLEST_FACE
    from fahrstats.face.pictures import reading

    assert f"less than {SMALLEST_FACE} pixels high" in PAGE
    assert f"Over {reading.MAX_PIXELS // 10**6} million pixels" in PAGE
    assert f"or {reading.MAX_BYTES // 2**20} MiB a file" in PAGE
