from __future__ import annotations

import errno
import json
import subprocess
import sys
import textwrap
from dataclasses import replace

import pytest
import torch
from checkpoints import CARD, CONVOLUTIONAL_CARD, formula_parameters
from safetensors.torch import load_file, save_file

from fahrstats import files
from fahrstats.errors import DataError
from fahrstats.face.checkpoints import store
from fahrstats.face.checkpoints.card_file import read_card
from fahrstats.face.checkpoints.store import load_checkpoint, save_checkpoint
from fahrstats.face.network.convolutional import ConvolutionalNetwork
from fahrstats.face.network.vit import VisionTransformer
from fahrstats.files import file_sha256


@pytest.fixture
def saved(tmp_path):
    """Put a checkpoint on disk."""
    return save_checkpoint(tmp_path / "small.safetensors", CARD, formula_parameters())


def rewrite(saved, tensors):
    """Replace the parameters, and make the card vouch for them."""
    save_file(tensors, saved.path)
    vouch(saved)


def vouch(saved):
    card = saved.path.with_suffix(".json")
    values = json.loads(card.read_text())
    card.write_text(json.dumps(values | {"sha256": file_sha256(saved.path)}))


def test_a_checkpoint_comes_back_bit_for_bit(saved, tmp_path):
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "small.json",
        "small.safetensors",
    ]
    for name in (saved.path, str(saved.path), tmp_path / "small.json"):
        loaded = load_checkpoint(name)
        assert loaded.path == saved.path
        assert loaded.card == saved.card == replace(CARD, sha256=loaded.card.sha256)
        assert loaded.card.sha256 == file_sha256(saved.path)
        assert loaded.name == f"small-age@{loaded.card.sha256[:12]}"
        assert set(loaded.parameters) == set(formula_parameters())
        for key, tensor in formula_parameters().items():
            assert torch.equal(loaded.parameters[key], tensor)
            assert torch.equal(loaded.network().state_dict()[key], tensor)


def test_the_same_parameters_make_the_same_file(saved, tmp_path):
    backwards = dict(reversed(formula_parameters().items()))
    again = save_checkpoint(tmp_path / "again.safetensors", CARD, backwards)
    assert again.name == saved.name


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_parameters_may_be_stored_in_half_the_space(tmp_path, dtype):
    short = {name: x.to(dtype) for name, x in formula_parameters().items()}
    loaded = load_checkpoint(
        save_checkpoint(tmp_path / "s.safetensors", CARD, short).path
    )
    network = loaded.network()
    assert {x.dtype for x in network.state_dict().values()} == {torch.float32}
    assert torch.equal(network.norm.weight, short["norm.weight"].float())


def test_a_network_may_have_no_head_and_fixed_positions(tmp_path):
    card = replace(
        CARD,
        outputs=(),
        architecture=replace(CARD.architecture, positions="sincos", width=16),
    )
    saved = save_checkpoint(tmp_path / "f.safetensors", card, formula_parameters(card))
    loaded = load_checkpoint(saved.path)
    assert not {"head.weight", "positions"} & set(loaded.parameters)
    network = VisionTransformer(card.architecture, 0)
    network.load_state_dict(dict(loaded.parameters))
    image = torch.linspace(-1, 1, 3 * 24 * 24).reshape(1, 3, 24, 24)
    assert torch.equal(loaded.network().embed(image), network.embed(image))


@pytest.mark.parametrize("outputs", [CARD.outputs, ()])
def test_a_convolutional_network_comes_back_bit_for_bit(tmp_path, outputs):
    card = replace(CONVOLUTIONAL_CARD, outputs=outputs)
    trained = ConvolutionalNetwork(card.architecture, len(outputs)).eval()
    trained.load_state_dict(formula_parameters(card))
    save_checkpoint(tmp_path / "c.safetensors", card, trained.state_dict())
    loaded = load_checkpoint(tmp_path / "c.safetensors")
    assert loaded.card == replace(card, sha256=loaded.card.sha256)
    image = torch.linspace(-1, 1, 3 * 24 * 24).reshape(1, 3, 24, 24)
    assert torch.equal(loaded.network().eval().embed(image), trained.embed(image))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_running_means_come_back_as_training_left_them(tmp_path, dtype):
    card = CONVOLUTIONAL_CARD
    trained = ConvolutionalNetwork(card.architecture, 1)
    trained(torch.linspace(-1, 1, 4 * 3 * 24 * 24).reshape(4, 3, 24, 24))
    parameters = {name: x.to(dtype) for name, x in trained.state_dict().items()}
    saved = save_checkpoint(tmp_path / "c.safetensors", card, parameters)
    network = load_checkpoint(saved.path).network()
    for name, value in trained.named_buffers():
        assert not torch.equal(value, torch.full_like(value, "variance" in name))
        assert torch.equal(network.get_buffer(name), value.to(dtype).float())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"stem_norm.mean": None}, r"lacks `stem_norm\.mean`, which its card implies"),
        (
            {"blocks.0.first_norm.variance": torch.full((8,), torch.nan)},
            r"8 of 8 values of `blocks\.0\.first_norm\.variance` are not finite",
        ),
    ],
)
def test_running_means_that_cannot_be_are_named(tmp_path, changes, message):
    parameters = formula_parameters(CONVOLUTIONAL_CARD) | changes
    tensors = {name: x for name, x in parameters.items() if x is not None}
    with pytest.raises(DataError, match=message):
        save_checkpoint(tmp_path / "c.safetensors", CONVOLUTIONAL_CARD, tensors)


# --- the file is not what the card says -----------------------------------------------


def test_one_changed_byte_is_noticed(saved):
    content = bytearray(saved.path.read_bytes())
    content[-1] ^= 1
    saved.path.write_bytes(content)
    with pytest.raises(DataError, match=r"SHA-256 `.{12}\.\.\.`, but its card says `"):
        load_checkpoint(saved.path)


def test_the_bytes_that_were_checked_are_those_that_are_used(saved, monkeypatch):
    """Whoever may write to the file cannot slip others in after the check."""
    honest = {name: x.clone() for name, x in saved.parameters.items()}
    others = {name: x + 1 for name, x in honest.items()}

    def check_then_swap(*args, **kwargs):
        card = read_card(*args, **kwargs)
        save_file(others, saved.path)
        return card

    monkeypatch.setattr(store, "read_card", check_then_swap)
    loaded = load_checkpoint(saved.path)
    saved.path.write_bytes(b"\0" * saved.path.stat().st_size)
    for name, tensor in honest.items():
        assert torch.equal(loaded.parameters[name], tensor)


def test_the_card_of_another_checkpoint_is_noticed(saved, tmp_path):
    other = dict(formula_parameters(), **{"head.bias": torch.ones(1)})
    save_checkpoint(tmp_path / "other.safetensors", CARD, other)
    (tmp_path / "other.json").replace(tmp_path / "small.json")
    with pytest.raises(DataError, match=r"or the card is another's\. Copy both files"):
        load_checkpoint(saved.path)


def test_parameters_without_a_card_are_not_used(saved):
    saved.path.with_suffix(".json").unlink()
    with pytest.raises(
        DataError, match=r"There is no card .*small\.json.*`fahrstats ch"
    ):
        load_checkpoint(saved.path)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda content: content[:-1], "is not a safetensors file: .*incomplete"),
        (lambda content: content[:5], "is not a safetensors file"),
        (lambda content: b"", "is not a safetensors file"),
        (  # a header that claims 2^60 bytes is not made room for
            lambda content: (2**60).to_bytes(8, "little") + content[8:],
            "is not a safetensors file: .*[Hh]eader.*large",
        ),
        (
            lambda content: (50).to_bytes(8, "little") + content[8:],
            "is not a safetensors file: .*[Hh]eader",
        ),
    ],
    ids=["truncated", "stub", "empty", "header bomb", "broken header"],
)
def test_a_damaged_file_that_its_card_vouches_for_is_named(saved, damage, message):
    saved.path.write_bytes(damage(saved.path.read_bytes()))
    vouch(saved)
    with pytest.raises(DataError, match=message):
        load_checkpoint(saved.path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"blocks.1.up.weight": torch.zeros(24, 17)},
            r"`blocks\.1\.up\.weight` has shape \(24, 17\), but its card implies \(24",
        ),
        ({"norm.bias": None}, r"lacks `norm\.bias`, which its card implies"),
        ({"pooler.bias": torch.zeros(2)}, r"holds `pooler\.bias`, unknown to its card"),
        (
            {f"blocks.{i}.qkv.bias": torch.zeros(48) for i in range(2, 8)},
            r"`blocks\.2\.qkv\.bias`.*`blocks\.5\.qkv\.bias` and 2 more, unknown to",
        ),
        (
            {"norm.bias": torch.full((16,), torch.nan)},
            r"16 of 16 values of `norm\.bias` are not finite",
        ),
        (
            {"head.weight": torch.tensor([[torch.inf] + [0.0] * 15])},
            r"1 of 16 values of `head\.weight` are not finite",
        ),
        (
            {"head.bias": torch.zeros(1, dtype=torch.int64)},
            r"`head\.bias` holds torch\.int64; float32, float16 and bfloat16 are read",
        ),
    ],
)
def test_tensors_that_do_not_fit_the_card_are_named(saved, tmp_path, changes, message):
    tensors = {
        k: x for k, x in (load_file(saved.path) | changes).items() if x is not None
    }
    with pytest.raises(DataError, match=message):
        save_checkpoint(tmp_path / "wrong.safetensors", CARD, tensors)
    assert not (tmp_path / "wrong.safetensors").exists()
    rewrite(saved, tensors)
    with pytest.raises(DataError, match=message):
        load_checkpoint(saved.path)


# --- writing --------------------------------------------------------------------------


def test_a_full_disk_leaves_the_older_checkpoint(saved, monkeypatch):
    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    other = dict(formula_parameters(), **{"head.bias": torch.ones(1)})
    with pytest.raises(OSError, match="No space left on device") as error:
        save_checkpoint(saved.path, CARD, other)
    assert error.value.filename == str(saved.path)
    assert load_checkpoint(saved.path).name == saved.name
    assert len(list(saved.path.parent.iterdir())) == 2


@pytest.mark.slow
def test_a_file_that_cannot_grow_leaves_nothing(tmp_path):
    """The kernel refuses to write past 4 KiB, as it does on a full disk."""
    script = """
        import pathlib, resource, signal, sys
        from checkpoints import CARD, formula_parameters
        from fahrstats.face.checkpoints.store import save_checkpoint

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
        path = pathlib.Path(sys.argv[1]) / "small.safetensors"
        save_checkpoint(path, CARD, formula_parameters())
    """
    support = next(path for path in sys.path if path.endswith("support"))
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), str(tmp_path)],
        env={"PYTHONPATH": support, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "OSError: [Errno 27] File too large" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_is_killed_between_the_two_files_is_noticed(saved, monkeypatch):
    def killed(path, write_to):
        if path.suffix == ".json":
            raise KeyboardInterrupt
        files.write_whole(path, write_to)

    monkeypatch.setattr("fahrstats.face.checkpoints.store.write_whole", killed)
    other = dict(formula_parameters(), **{"head.bias": torch.ones(1)})
    with pytest.raises(KeyboardInterrupt):
        save_checkpoint(saved.path, CARD, other)
    with pytest.raises(DataError, match="its card says"):
        load_checkpoint(saved.path)


def test_the_name_of_the_file_says_what_it_is(tmp_path):
    with pytest.raises(DataError, match=r"`.*small\.pth` must end in \.safetensors"):
        save_checkpoint(tmp_path / "small.pth", CARD, formula_parameters())


def test_a_card_that_could_not_be_read_again_is_not_written(tmp_path):
    card = replace(CARD, accuracy={"MAE, years": float("nan")})
    with pytest.raises(DataError, match=r"\[accuracy\]: `MAE, years` is nan"):
        save_checkpoint(tmp_path / "small.safetensors", card, formula_parameters())
    assert list(tmp_path.iterdir()) == []
