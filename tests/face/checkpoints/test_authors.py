from __future__ import annotations

import argparse
import pickle
import subprocess
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from fahrstats.errors import DataError
from fahrstats.face.checkpoints.authors import import_checkpoint
from fahrstats.face.checkpoints.card import Output
from fahrstats.face.checkpoints.store import load_checkpoint
from fahrstats.files import file_sha256

TRANSFORMERS_ATOL = 1e-5  # float32 sums in another order
CONFIG = """\
name = "fahr-faceage"
training_data = "unknown"
licence = "unknown"

[architecture]
heads = 4
norm_eps = 1e-12

[preprocessing]
crop_margin = 0.2
interpolation = "bicubic"
channel_order = "RGB"
channel_mean = [0.5, 0.5, 0.5]
channel_spread = [0.5, 0.5, 0.5]

[[outputs]]
column = "faceage"
units = "years"
"""
SIZES = {"width": 32, "depth": 2, "patch_size": 8, "image_size": 24, "mlp_width": 48}


@pytest.fixture
def imported(tmp_path):
    """Import a file under a configuration."""

    def run(file: Path, config: str = CONFIG):
        (tmp_path / "config.toml").write_text(config, encoding="utf-8")
        return import_checkpoint(
            file, config=tmp_path / "config.toml", out=tmp_path / "ours.safetensors"
        )

    return run


def without(*lines: str) -> str:
    """Return the configuration without the lines that begin so."""
    return "\n".join(x for x in CONFIG.splitlines() if not x.startswith(lines))


def random(shape, seed):
    generator = torch.Generator().manual_seed(seed)
    return 0.1 * torch.randn(shape, generator=generator)


def timm_state(**extra) -> dict[str, torch.Tensor]:
    """Random parameters under timm's names, one output."""
    width, hidden = SIZES["width"], SIZES["mlp_width"]
    shapes = {
        "cls_token": (1, 1, width),
        "pos_embed": (1, 10, width),
        "patch_embed.proj.weight": (width, 3, 8, 8),
        "patch_embed.proj.bias": (width,),
        "norm.weight": (width,),
        "norm.bias": (width,),
        "head.weight": (1, width),
        "head.bias": (1,),
    }
    for i in range(SIZES["depth"]):
        for name, n_out, n_in in (
            ("attn.qkv", 3 * width, width),
            ("attn.proj", width, width),
            ("mlp.fc1", hidden, width),
            ("mlp.fc2", width, hidden),
        ):
            shapes[f"blocks.{i}.{name}.weight"] = (n_out, n_in)
            shapes[f"blocks.{i}.{name}.bias"] = (n_out,)
        for name in ("norm1", "norm2"):
            shapes[f"blocks.{i}.{name}.weight"] = (width,)
            shapes[f"blocks.{i}.{name}.bias"] = (width,)
    state = {
        name: random(shape, seed) for seed, (name, shape) in enumerate(shapes.items())
    }
    return state | extra


def save(content, path: Path) -> Path:
    torch.save(content, path)
    return path


# --- Hugging Face ---------------------------------------------------------------------


def hugging_face(n_outputs: int = 1):
    """Return a network of transformers, no parameter at its initial value."""
    transformers = pytest.importorskip("transformers", reason="needs the extra `hf`")
    config = transformers.ViTConfig(
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=48,
        image_size=24,
        patch_size=8,
        num_labels=n_outputs,
        layer_norm_eps=1e-12,
    )
    network = transformers.ViTForImageClassification(config).eval()
    with torch.no_grad():
        for seed, parameter in enumerate(network.parameters()):
            parameter += random(parameter.shape, seed)
    return network


def version_4_names(state):
    """Return the same tensors under the names of transformers 4."""
    new = {
        "vit.layers.": "vit.encoder.layer.",
        ".attention.q_proj.": ".attention.attention.query.",
        ".attention.k_proj.": ".attention.attention.key.",
        ".attention.v_proj.": ".attention.attention.value.",
        ".attention.o_proj.": ".attention.output.dense.",
        ".mlp.fc1.": ".intermediate.dense.",
        ".mlp.fc2.": ".output.dense.",
    }
    renamed = {}
    for name, tensor in state.items():
        for old, replacement in new.items():
            name = name.replace(old, replacement)
        renamed[name] = tensor
    assert "vit.encoder.layer.1.attention.attention.query.weight" in renamed
    return renamed


def renamed(state, old, new):
    return {name.replace(old, new): tensor for name, tensor in state.items()}


OPTIMISER = {"state": {0: {"step": 3}}, "param_groups": [{"lr": 1e-3, "params": [0]}]}


@pytest.mark.parametrize(
    "layout",
    [
        lambda state: {"model_state_dict": state, "optimizer_state_dict": OPTIMISER},
        lambda state: {"epoch": 3, "model_state_dict": version_4_names(state)},
        lambda state: {"state_dict": renamed(state, "vit.", "module.vit.")},
        lambda state: {"model": renamed(state, "classifier", "regressor.1")},
        lambda state: renamed(renamed(state, "vit.", "backbone."), "classifier", "fc"),
        lambda state: renamed(renamed(state, "vit.", ""), "classifier", "age_head"),
    ],
    ids=["authors", "version 4", "parallel", "sequential head", "backbone", "bare"],
)
def test_an_imported_network_gives_what_transformers_gives(imported, tmp_path, layout):
    network = hugging_face()
    file = save(layout(network.state_dict()), tmp_path / "theirs.pth")
    ours = imported(file)
    images = random((3, 3, 24, 24), 99) * 10
    with torch.inference_mode():
        theirs = network(images).logits
        found = ours.network()(images)
    assert theirs.std() > 0.01
    torch.testing.assert_close(found, theirs, rtol=0, atol=TRANSFORMERS_ATOL)
    assert load_checkpoint(ours.path).card == ours.card


def test_what_the_library_itself_writes_is_imported(imported, tmp_path):
    network = hugging_face()
    network.save_pretrained(tmp_path)
    ours = imported(tmp_path / "model.safetensors")
    images = random((2, 3, 24, 24), 98)
    with torch.inference_mode():
        theirs, found = network(images).logits, ours.network()(images)
    torch.testing.assert_close(found, theirs, rtol=0, atol=TRANSFORMERS_ATOL)


def test_a_pretrained_network_has_no_head_and_leaves_its_decoder(imported, tmp_path):
    transformers = pytest.importorskip("transformers", reason="needs the extra `hf`")
    network = transformers.ViTMAEForPreTraining(
        transformers.ViTMAEConfig(
            hidden_size=32,
            num_hidden_layers=2,
            num_attention_heads=4,
            intermediate_size=48,
            image_size=24,
            patch_size=8,
            mask_ratio=0.0,
            decoder_hidden_size=16,
            decoder_num_hidden_layers=1,
            decoder_num_attention_heads=2,
            decoder_intermediate_size=16,
        )
    ).eval()
    file = save(network.state_dict(), tmp_path / "mae.pth")
    ours = imported(file, without("[[outputs]]", "column", "units"))
    assert ours.card.outputs == ()
    assert "without the tensors of pretraining" in ours.card.notes
    images = random((2, 3, 24, 24), 97)
    with torch.inference_mode():
        theirs = network.vit(images).last_hidden_state[:, 0]
        found = ours.network().embed(images)
    torch.testing.assert_close(found, theirs, rtol=0, atol=TRANSFORMERS_ATOL)
    network.save_pretrained(tmp_path)
    again = imported(
        tmp_path / "model.safetensors", without("[[outputs]]", "column", "units")
    )
    assert all(torch.equal(again.parameters[k], x) for k, x in ours.parameters.items())


def test_it_must_be_said_that_a_pooler_is_unused(imported, tmp_path):
    pooler = {
        "pooler.dense.weight": random((32, 32), 1),
        "pooler.dense.bias": random(32, 2),
    }
    state = {f"vit.{name}": x for name, x in timm_state(**pooler).items()}
    file = save(state, tmp_path / "theirs.pth")
    with pytest.raises(
        DataError, match=r'pooler = "unused" above the first section; a head t'
    ):
        imported(file)
    ours = imported(file, f'pooler = "unused"\n{CONFIG}')
    assert "without the pooler" in ours.card.notes
    assert "pooler.dense.weight" not in ours.parameters


# --- timm -----------------------------------------------------------------------------


def test_names_of_timm_become_ours_and_nothing_else_changes(imported, tmp_path):
    state = timm_state()
    ours = imported(save({"model": state}, tmp_path / "theirs.pth"))
    expected = {
        "class_token": "cls_token",
        "positions": "pos_embed",
        "patch.weight": "patch_embed.proj.weight",
        "patch.bias": "patch_embed.proj.bias",
        "norm.weight": "norm.weight",
        "norm.bias": "norm.bias",
        "head.weight": "head.weight",
        "head.bias": "head.bias",
    }
    for i in range(2):
        for kind in ("weight", "bias"):
            expected |= {
                f"blocks.{i}.norm1.{kind}": f"blocks.{i}.norm1.{kind}",
                f"blocks.{i}.qkv.{kind}": f"blocks.{i}.attn.qkv.{kind}",
                f"blocks.{i}.out.{kind}": f"blocks.{i}.attn.proj.{kind}",
                f"blocks.{i}.norm2.{kind}": f"blocks.{i}.norm2.{kind}",
                f"blocks.{i}.up.{kind}": f"blocks.{i}.mlp.fc1.{kind}",
                f"blocks.{i}.down.{kind}": f"blocks.{i}.mlp.fc2.{kind}",
            }
    assert set(ours.parameters) == set(expected)
    for name, theirs in expected.items():
        assert torch.equal(ours.parameters[name], state[theirs]), name


def test_names_of_timm_feed_the_same_computation(imported, tmp_path):
    """The twin follows timm's published forward pass, written with plain products."""
    state = timm_state()
    ours = imported(save(state, tmp_path / "theirs.pth"))
    images = random((2, 3, 24, 24), 96)
    x = {name: tensor.double() for name, tensor in state.items()}
    linear, norm = torch.nn.functional.linear, torch.nn.functional.layer_norm

    def affine(name, value):
        return linear(value, x[f"{name}.weight"], x[f"{name}.bias"])

    def normed(name, value):
        return norm(value, (32,), x[f"{name}.weight"], x[f"{name}.bias"], 1e-12)

    patches = torch.nn.functional.conv2d(
        images.double(), x["patch_embed.proj.weight"], x["patch_embed.proj.bias"], 8
    )
    tokens = patches.flatten(2).transpose(1, 2)
    tokens = torch.cat([x["cls_token"].expand(2, -1, -1), tokens], 1) + x["pos_embed"]
    for i in range(2):
        qkv = affine(f"blocks.{i}.attn.qkv", normed(f"blocks.{i}.norm1", tokens))
        query, key, value = qkv.reshape(2, 10, 3, 4, 8).permute(2, 0, 3, 1, 4)
        shares = (query @ key.transpose(-2, -1) / 8**0.5).softmax(-1)
        mixed = (shares @ value).transpose(1, 2).reshape(2, 10, 32)
        tokens = tokens + affine(f"blocks.{i}.attn.proj", mixed)
        hidden = affine(f"blocks.{i}.mlp.fc1", normed(f"blocks.{i}.norm2", tokens))
        hidden = hidden * (1 + torch.erf(hidden / 2**0.5)) / 2
        tokens = tokens + affine(f"blocks.{i}.mlp.fc2", hidden)
    theirs = affine("head", normed("norm", tokens)[:, 0])
    with torch.inference_mode():
        found = ours.network()(images)
    torch.testing.assert_close(found.double(), theirs, rtol=0, atol=TRANSFORMERS_ATOL)


# --- what is read off the tensors, and what is asked ----------------------------------


def test_sizes_are_read_off_the_shapes_and_the_rest_off_the_configuration(
    imported, tmp_path
):
    file = save(timm_state(), tmp_path / "theirs.pth")
    card = imported(
        file, CONFIG.replace("[[outputs]]", "[accuracy]\nMAE = 4.4\n[[outputs]]")
    ).card
    sizes = {name: getattr(card.architecture, name) for name in SIZES}
    assert sizes == SIZES
    assert (card.architecture.heads, card.architecture.norm_eps) == (4, 1e-12)
    assert card.architecture.positions == "learned"
    assert card.preprocessing.input_size == 24
    assert card.preprocessing.channel_mean == (0.5, 0.5, 0.5)
    assert card.outputs == (Output("faceage", "years"),)
    assert card.accuracy == {"MAE": 4.4}
    assert card.notes == f"Imported from theirs.pth, SHA-256 {file_sha256(file)}."


def test_scale_and_offset_become_part_of_the_head(imported, tmp_path):
    file = save(timm_state(), tmp_path / "theirs.pth")
    plain, scaled = (
        imported(file),
        imported(file, f"{CONFIG}scale = 100\noffset = -3.5\n"),
    )
    images = random((4, 3, 24, 24), 95)
    with torch.inference_mode():
        expected = 100 * plain.network()(images) - 3.5
        found = scaled.network()(images)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


def test_half_precision_and_a_head_without_bias_are_imported(imported, tmp_path):
    state = {name: x.half() for name, x in timm_state().items() if name != "head.bias"}
    ours = imported(save(state, tmp_path / "theirs.pth"))
    assert ours.parameters["head.bias"].tolist() == [0.0]
    assert {x.dtype for x in ours.parameters.values()} == {torch.float32}


def test_everything_that_must_be_said_is_asked_at_once(imported, tmp_path):
    with pytest.raises(DataError) as error:
        imported(save(timm_state(), tmp_path / "theirs.pth"), "")
    message = str(error.value)
    for key in (
        "`name` is missing: a name of your own",
        "`training_data` is missing",
        "`licence` is missing: licence of the parameters, or `unknown`",
        "[architecture]: `heads` is missing: attention heads of a block; in most "
        "networks the width, here 32, divided by 64",
        "[architecture]: `norm_eps` is missing: added to the variance in layer norms; "
        "1e-12 in Hugging Face's ViT",
        "[preprocessing]: `crop_margin` is missing: share of the side",
        "[preprocessing]: `interpolation` is missing: `bilinear` or `bicubic`",
        "[preprocessing]: `channel_order` is missing: `RGB`, or `BGR`",
        "[preprocessing]: `channel_mean` is missing: three numbers",
        "[preprocessing]: `channel_spread` is missing: three numbers",
        "0 of 1 sections [[outputs]] are given; every column of the head needs one, "
        'with `column`, such as "faceage", and `units`, "years" or "log hazard".',
    ):
        assert key in message


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "heads = 4",
            "heads = 4\npatch_size = 16",
            r"`patch_size` is 16, but the tenso",
        ),
        ("heads = 4", "heads = 4\ndepth = 12", r"`depth` is 12, but the tensors say 2"),
        ("heads = 4", "heads = 5", r"`width` is 32 and cannot be shared among 5"),
        (
            "heads = 4",
            "heads = 4\nwindow = 7",
            r"\[architecture\]: `window` is not known",
        ),
        ("[prep", "input_size = 224\n[prep", r"`input_size` is not known"),
        (
            "crop_margin",
            "input_size = 224\ncrop_margin",
            r"`input_size` of \[preproc.*224",
        ),
        ("margin = 0.2", "margin = 2.5", r"`crop_margin` is 2.5; it must be at most 1"),
        ('"RGB"', '"rgb"', r"`channel_order` is `rgb`; known here: `BGR`, `RGB`"),
        ('"years"', '"months"', r"\[outputs 1\]: `units` is `months`; known here"),
        ('"years"', '"years"\nscale = 0', r"`scale` is 0, which makes every score the"),
        ('"faceage"', '"face age"', r"`face age` cannot stand in a formula"),
        ('column = "faceage"', "", r"\[outputs 1\]: `column` is missing: name of the"),
        (
            "[architecture]",
            "[[architecture]]",
            r"`architecture` must be a section of its",
        ),
        ('name = "fahr-faceage"', 'name = ""', r"`name` is empty"),
        ('name = "', "name = ", r"config\.toml` is not TOML"),
    ],
)
def test_a_configuration_that_cannot_be_true_is_refused(
    imported, tmp_path, old, new, message
):
    assert old in CONFIG
    with pytest.raises(DataError, match=message):
        imported(save(timm_state(), tmp_path / "t.pth"), CONFIG.replace(old, new, 1))
    assert not list(tmp_path.glob("ours*"))


def test_columns_of_the_head_are_sections(imported, tmp_path):
    config = "outputs = [3]\n" + without("[[outputs]]", "column", "units")
    with pytest.raises(DataError, match=r"`outputs` must be written as sections, \[\["):
        imported(save(timm_state(), tmp_path / "t.pth"), config)


# --- files that are refused -----------------------------------------------------------


class Malicious:
    """What a pickle could hold: a command that is run when it is read."""

    def __init__(self, command):
        self.command = command

    def __reduce__(self):
        return subprocess.getoutput, (self.command,)


@pytest.mark.parametrize(
    "writer", [torch.save, lambda x, path: path.write_bytes(pickle.dumps(x))]
)
def test_code_in_a_file_is_never_run(imported, tmp_path, writer):
    ran = tmp_path / "ran"
    content = {"model_state_dict": timm_state(), "more": Malicious(f"touch {ran}")}
    file = tmp_path / "malicious.pth"
    writer(content, file)
    with pytest.raises(
        DataError, match=r"was not read: it asks for .*, which may run code\. Ask"
    ):
        imported(file)
    assert not ran.exists()
    pickle.loads(pickle.dumps(Malicious(f"touch {ran}")))
    assert ran.exists()  # so the file would have run it, if it had been unpickled


@pytest.mark.parametrize("is_zip", [True, False])
def test_what_a_training_script_keeps_is_left_alone(imported, tmp_path, is_zip):
    content = {
        "epoch": 3,
        "model": timm_state(),
        "mae": np.float64(4.4),
        "losses": np.arange(3.0),
        "args": argparse.Namespace(lr=1e-3, out=None),
    }
    file = tmp_path / "t.pth"
    torch.save(content, file, _use_new_zipfile_serialization=is_zip)
    ours = imported(file)
    plain = imported(save(timm_state(), tmp_path / "plain.pth"))
    assert ours.card.sha256 == plain.card.sha256


def test_parameters_of_numpy_are_not_read(imported, tmp_path):
    state = {name: x.numpy() for name, x in timm_state().items()}
    with pytest.raises(DataError, match="holds no tensors by name"):
        imported(save(state, tmp_path / "t.pth"))


@pytest.mark.parametrize("name", ["age_predictor", "output", "fc", "head.1"])
def test_a_head_beside_the_encoder_may_have_any_name(imported, tmp_path, name):
    state = timm_state()
    head = {f"{name}.{kind}": state.pop(f"head.{kind}") for kind in ("weight", "bias")}
    state = {f"encoder.{key}": x for key, x in state.items()}
    ours = imported(save(state | head, tmp_path / "t.pth"))
    assert torch.equal(ours.parameters["head.weight"], head[f"{name}.weight"])
    assert torch.equal(ours.parameters["head.bias"], head[f"{name}.bias"])


def test_queries_keys_and_values_may_have_no_bias(imported, tmp_path):
    state = timm_state()
    zeros = {f"blocks.{i}.attn.qkv.bias": torch.zeros(96) for i in range(2)}
    with_zeros = imported(save(state | zeros, tmp_path / "zeros.pth"))
    for name in zeros:
        del state[name]
    without_any = imported(save(state, tmp_path / "none.pth"))
    assert without_any.card.sha256 == with_zeros.card.sha256
    with pytest.raises(DataError, match=r"lacks `blocks\.0\.qkv\.bias`"):
        imported(
            save(
                state | {"blocks.1.attn.qkv.bias": torch.zeros(96)},
                tmp_path / "some.pth",
            )
        )


def test_a_file_is_not_written_over_by_its_own_import(imported, tmp_path):
    file = tmp_path / "ours.safetensors"
    save_file(timm_state(), file)
    before = file.read_bytes()
    with pytest.raises(DataError, match=r"ours\.safetensors` is the file to import"):
        imported(file)
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.pth", b"", r"`.*t\.pth` is damaged or no file of torch"),
        ("t.pth", b"hello", r"is damaged or no file of torch"),
        ("t.safetensors", b"\0" * 20, r"is not a safetensors file"),
        (
            "t.safetensors",
            (2**62).to_bytes(8, "little") + b"{",
            r"is not a safetensors fi",
        ),
    ],
)
def test_a_damaged_file_is_named(imported, tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message):
        imported(tmp_path / name)


def test_a_truncated_file_of_torch_is_named(imported, tmp_path):
    file = save(timm_state(), tmp_path / "t.pth")
    file.write_bytes(file.read_bytes()[:9000])
    with pytest.raises(DataError, match="is damaged or no file of torch"):
        imported(file)
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.txt", "a")
    with pytest.raises(DataError, match="is damaged or no file of torch"):
        imported(file)


MLP_HEAD = {"head.weight": torch.zeros(8, 32), "head.1.weight": torch.zeros(1, 8)}
TWO = {f"teacher.{name}": x for name, x in timm_state().items()}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"epoch": 3}, r"holds no tensors by name.*`model_state_dict`.*state_dict\(\)"),
        ([1, 2], r"holds no tensors by name"),
        (
            {"conv1.weight": torch.zeros(3)},
            r"no vision transformer.*begins with `conv1",
        ),
        (timm_state(**TWO), r"holds 2 vision transformers, under ``, `teacher\.`"),
        (
            timm_state(**{"reg_token": torch.zeros(1)}),
            r"1 tensors that a plain.*`reg_tok",
        ),
        (
            timm_state(**{"blocks.0.ls1.gamma": torch.zeros(32)}),
            r"`blocks\.0\.ls1\.gamma`",
        ),
        (
            timm_state(**{"fc_norm.weight": torch.zeros(32)}),
            r"`fc_norm`: its head reads t",
        ),
        ({"net": {}}, r"holds no tensors by name.* \(it holds `net`\); write"),
        (
            timm_state(**{"layernorm.weight": torch.zeros(32)}),
            r"what becomes `norm\.weight` twice, once as `layernorm\.weight`",
        ),
        (
            timm_state(**{"module.head.weight": torch.zeros(1, 32)}),
            r"a head that is not one linear map: .*`module\.head\.weight`",
        ),
        (
            timm_state(**{"blocks.1000000000.norm1.weight": torch.zeros(32)}),
            r"does not have: `blocks\.1000000000\.norm1\.weight`",
        ),
        (
            {name: x.to(torch.int8) for name, x in timm_state().items()},
            r"`cls_token` holds torch\.int8 .* arrays of floating-point numbers",
        ),
        (timm_state(cls_token=torch.zeros(())), r"`cls_token` holds .* 0-d"),
        (timm_state(cls_token=torch.zeros(1, device="meta")), r"holds .* meta, 1-d"),
        (
            timm_state(**{"norm.bias": torch.zeros(32).to_sparse()}),
            r"`norm\.bias` holds torch\.float32 \(torch\.sparse_coo",
        ),
        (
            timm_state(pos_embed=torch.zeros(1, 1, 1).expand(1, 10, 10**12)),
            r"`pos_embed` claims 10000000000000 numbers and stores fewer",
        ),
        (timm_state(**MLP_HEAD), r"head that is not one linear map: `head\.weight`"),
        (
            timm_state(**{"pos_embed": torch.zeros(1, 9, 32)}),
            r"positions of shape \(1, 9",
        ),
        (
            timm_state(**{"patch_embed.proj.weight": torch.zeros(32, 1, 8, 8)}),
            r"patches of shape \(1, 8, 8\)",
        ),
        (
            timm_state(**{"blocks.1.attn.proj.bias": torch.zeros(31)}),
            r"`blocks\.1\.out\.bias` has shape \(31,\), but its card implies \(32,\)",
        ),
        (
            timm_state(**{"norm.bias": torch.full((32,), torch.nan)}),
            r"32 of 32 values of `norm\.bias` are not finite",
        ),
    ],
)
def test_parameters_that_are_no_plain_vision_transformer_are_named(
    imported, tmp_path, content, message
):
    with pytest.raises(DataError, match=message):
        imported(save(content, tmp_path / "t.pth"))
    assert not list(tmp_path.glob("ours*"))


@pytest.mark.parametrize(
    ("absent", "message"),
    [
        ("pos_embed", r"lacks what becomes `positions`; it is not a whole vision"),
        ("blocks.1.mlp.fc2.bias", r"lacks `blocks\.1\.down\.bias`, which its card"),
    ],
)
def test_parameters_that_are_not_all_there_are_named(
    imported, tmp_path, absent, message
):
    state = timm_state()
    del state[absent]
    with pytest.raises(DataError, match=message):
        imported(save(state, tmp_path / "t.pth"))


def test_queries_without_keys_are_named(imported, tmp_path):
    state = timm_state()
    state["blocks.0.attention.q_proj.weight"] = torch.zeros(32, 32)
    with pytest.raises(
        DataError, match=r"holds `blocks\.0\.q\.weight`, but not `blocks\.0\.k"
    ):
        imported(save(state, tmp_path / "t.pth"))
