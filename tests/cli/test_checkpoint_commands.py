from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest
import torch
from checkpoints import CARD, CONVOLUTIONAL_CARD, formula_parameters

from fahrstats.face.checkpoints import names
from fahrstats.face.checkpoints.store import load_checkpoint, save_checkpoint

THEIRS = {
    "class_token": "cls_token",
    "positions": "pos_embed",
    "patch.weight": "patch_embed.proj.weight",
    "patch.bias": "patch_embed.proj.bias",
    ".qkv.": ".attn.qkv.",
    ".out.": ".attn.proj.",
    ".up.": ".mlp.fc1.",
    ".down.": ".mlp.fc2.",
}
CONFIG = """
name = "small-age"
training_data = "none"
licence = "none"
architecture = {heads = 2, norm_eps = 1e-6}
outputs = [{column = "faceage", units = "years"}]
[preprocessing]
crop_margin = 0.2
interpolation = "bicubic"
channel_order = "RGB"
channel_mean = [0.5, 0.4, 0.3]
channel_spread = [0.25, 0.2, 0.3]
"""


@pytest.fixture
def theirs(tmp_path):
    """Write the parameters of a checkpoint as timm would name them."""
    state = {}
    for name, tensor in formula_parameters().items():
        for our_part, their_part in THEIRS.items():
            name = name.replace(our_part, their_part)
        state[name] = tensor
    path = tmp_path / "theirs.pth"
    torch.save({"model_state_dict": state, "epoch": 3}, path)
    return path


def test_a_checkpoint_is_imported_and_shown(run, theirs, tmp_path):
    config, out = tmp_path / "config.toml", tmp_path / "ours.safetensors"
    config.write_text(CONFIG)
    status, text, _ = run("checkpoint", "import", theirs, "--config", config, "-o", out)
    ours = load_checkpoint(out)
    assert status == 0
    assert text == f"Wrote {out} ({ours.name}) and its card.\n"
    for name, tensor in formula_parameters().items():
        assert torch.equal(ours.parameters[name], tensor)
    for path in (out, out.with_suffix(".json")):
        status, text, _ = run("checkpoint", "show", path)
        assert status == 0
        assert text.splitlines()[:5] == [
            "small-age",
            "Gives           faceage (years)",
            "Accuracy        not measured",
            "Training data   none",
            "Licence         none",
        ]
        assert f"SHA-256         {ours.card.sha256}" in text
        assert "Imported from theirs.pth" in text
        assert max(map(len, text.splitlines())) <= 88


def test_what_is_missing_is_said_in_one_line(run, theirs, tmp_path):
    config, out = tmp_path / "config.toml", tmp_path / "ours.safetensors"
    config.write_text("")
    status, text, errors = run(
        "checkpoint", "import", theirs, "--config", config, "-o", out
    )
    assert (status, text) == (1, "")
    assert errors.startswith("Error: `")
    assert errors.count("is missing") == 10
    assert len(errors.splitlines()) == 1
    assert not out.exists()


def test_the_example_of_the_help_is_a_configuration(run, theirs, tmp_path):
    _, text, _ = run("checkpoint", "import", "--help")
    _, begins, example = text.partition('name = "fahr-faceage"')
    config = tmp_path / "config.toml"
    example = "\n".join(line.strip() for line in example.splitlines())
    config.write_text((begins + example).replace("heads = 12", "heads = 2"))
    out = tmp_path / "ours.safetensors"
    status, _, errors = run(
        "checkpoint", "import", theirs, "--config", config, "-o", out
    )
    assert (status, errors) == (0, "")


def test_absent_files_are_named(run, theirs, tmp_path):
    out = tmp_path / "ours.safetensors"
    for file, message in (
        (theirs, "There is no file `absent.toml`."),
        ("absent.pth", "`absent.pth`: No such file or directory"),
    ):
        status, _, errors = run(
            "checkpoint", "import", file, "--config", "absent.toml", "-o", out
        )
        assert status == 1
        assert message in errors


def test_a_changed_file_is_not_shown(run, tmp_path):
    saved = save_checkpoint(tmp_path / "s.safetensors", CARD, formula_parameters())
    saved.path.write_bytes(saved.path.read_bytes()[:-1])
    status, _, errors = run("checkpoint", "show", saved.path)
    assert status == 1
    assert "the file is damaged or was changed" in errors


def test_a_convolutional_checkpoint_is_shown(run, tmp_path):
    card = CONVOLUTIONAL_CARD
    saved = save_checkpoint(tmp_path / "c.safetensors", card, formula_parameters(card))
    status, text, _ = run("checkpoint", "show", saved.path)
    assert status == 0
    assert "Network         residual convolutional, blocks 1, 2, widths 8, 16\n" in text


def test_facesurvival_is_explained(run):
    status, _, errors = run("checkpoint", "show", "FAHR-FaceSurvival")
    assert status == 1
    assert "its authors never released one. Train one on your own" in errors


def test_shipped_checkpoints_are_listed_with_what_they_give(run, tmp_path, monkeypatch):
    monkeypatch.setattr(names, "_SHIPPED", tmp_path)
    assert run("checkpoint", "list")[1] == (
        "No checkpoint is part of this version; give the path of one.\n"
    )
    save_checkpoint(tmp_path / "mini-age.safetensors", CARD, formula_parameters())
    card = replace(CARD, outputs=())
    save_checkpoint(tmp_path / "mini.safetensors", card, formula_parameters(card))
    assert run("checkpoint", "list")[1] == "mini-age: faceage\nmini: embeddings\n"


def test_a_card_is_shown_without_torch(tmp_path):
    saved = save_checkpoint(tmp_path / "s.safetensors", CARD, formula_parameters())
    script = (
        "import sys; from fahrstats.cli import main\n"
        f"sys.argv = ['fahrstats', 'checkpoint', 'show', {str(saved.path)!r}]\n"
        "try: main()\n"
        "finally: print('torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "False"
