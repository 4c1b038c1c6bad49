from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="needs fahrstats[face]")

import torch
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from fahrstats.errors import DataError
from fahrstats.face.checkpoints.card import ConvolutionalArchitecture
from fahrstats.face.network.convolutional import ConvolutionalNetwork, convolutions_to
from fahrstats.face.network.convolutional_sizes import (
    convolutional_architecture,
    convolutional_flop,
)

SHAPE = ConvolutionalArchitecture(image_size=32, widths=(8, 16), blocks=(1, 2))
ATOL = 1e-5  # another order of float32 additions


def test_parameters_have_the_names_that_checkpoints_use():
    def block(width):
        kernel = (width, width, 3, 3)
        norm = {"norm.weight": (width,), "norm.bias": (width,)}
        return {**norm, "first.weight": kernel, "second.weight": kernel}

    blocks = {"blocks.1": block(8), "blocks.3": block(16), "blocks.4": block(16)}
    assert {name: tuple(x.shape) for name, x in network().state_dict().items()} == {
        "blocks.0.weight": (8, 3, 3, 3),
        "blocks.2.weight": (16, 8, 3, 3),
        **{f"{at}.{name}": of[name] for at, of in blocks.items() for name in of},
        "norm.weight": (16,),
        "norm.bias": (16,),
        "head.weight": (2, 16),
        "head.bias": (2,),
    }


@pytest.mark.parametrize(("size", "millions"), [("mini", 0.68), ("small", 2.92)])
def test_usual_sizes_have_the_parameters_and_cost_that_they_name(size, millions):
    shape = convolutional_architecture(size)
    with torch.device("meta"):
        model = ConvolutionalNetwork(shape, 0)
        with FlopCounterMode(display=False) as counter:
            model.embed(torch.empty(1, 3, 112, 112))
    count = sum(x.numel() for x in model.parameters())
    assert count / 1e6 == pytest.approx(millions, abs=0.01)
    assert counter.get_total_flops() == convolutional_flop(shape)


def test_initial_parameters_follow_from_the_seed():
    state = torch.random.get_rng_state()
    one, same, other = (ConvolutionalNetwork(SHAPE, 1, seed=seed) for seed in (4, 4, 5))
    assert torch.equal(torch.random.get_rng_state(), state)
    for name, value in one.named_parameters():
        assert torch.equal(value, same.get_parameter(name))
        if name.endswith("bias") or "second" in name:
            assert value.abs().max() == 0
        elif "norm" in name:
            assert (value == 1).all()
        else:
            assert not torch.equal(value, other.get_parameter(name))
    spread = one.get_parameter("blocks.4.first.weight").std().item()
    assert spread == pytest.approx((2 / 144) ** 0.5, rel=0.05)


def test_the_network_written_out():
    model, images = network(), pictures(3)
    p = dict(model.named_parameters())
    x = images
    for narrowing, blocks in ((0, (1,)), (2, (3, 4))):
        x = functional.conv2d(x, p[f"blocks.{narrowing}.weight"], stride=2, padding=1)
        for at in (f"blocks.{i}" for i in blocks):
            y = grouped(x, p[f"{at}.norm.weight"], p[f"{at}.norm.bias"])
            y = functional.conv2d(y, p[f"{at}.first.weight"], padding=1).clamp(min=0)
            x = x + functional.conv2d(y, p[f"{at}.second.weight"], padding=1)
    x = grouped(x, p["norm.weight"], p["norm.bias"]).clamp(min=0).mean(dim=(2, 3))
    torch.testing.assert_close(model.embed(images), x, rtol=0, atol=ATOL)
    expected = x @ p["head.weight"].T + p["head.bias"]
    torch.testing.assert_close(model(images), expected, rtol=0, atol=ATOL)


def test_a_face_does_not_depend_on_its_batch_even_in_training():
    model, images = network().train(), pictures(4)
    alone = torch.cat([model(image[None]) for image in images])
    torch.testing.assert_close(model(images), alone, rtol=0, atol=ATOL)
    other = torch.cat([images[:1], 9 * pictures(3, seed=9)])
    assert torch.equal(model(images)[0], model(other)[0])


def test_a_network_without_a_head_embeds_only():
    model = ConvolutionalNetwork(SHAPE, 0)
    assert model.head is None
    assert model.embed(pictures(2)).shape == (2, model.width) == (2, 16)
    with pytest.raises(DataError, match="has no head; ask for `embed`"):
        model(pictures(2))


def test_images_of_other_sizes_are_read():
    assert network()(pictures(2, side=45)).shape == (2, 2)


def test_bfloat16_is_near_and_comes_out_as_float32():
    model, images = network(), pictures(4)
    exact = model.embed(images)
    with torch.autocast("cpu", torch.bfloat16):
        automatic = model.embed(images)
        assert model(images).dtype == torch.float32
    short = convolutions_to(model, "bfloat16").embed(images)
    assert model.norm.weight.dtype == torch.float32
    for found in (automatic, short):
        assert found.dtype == torch.float32
        assert 0 < (found - exact).abs().max() < 0.03  # 8 bits, of variance 1


def test_the_place_and_brightness_of_a_bar_are_learned():
    generator = torch.Generator().manual_seed(1)
    model = ConvolutionalNetwork(SHAPE, 2, seed=1)
    steps = 150
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 1e-2, total_steps=steps)
    for _ in range(steps):
        images, truth = bars(64, generator)
        optimiser.zero_grad()
        (model(images) - truth).square().mean().backward()
        optimiser.step()
        schedule.step()
    images, truth = bars(256, generator)
    with torch.inference_mode():
        left = (model(images) - truth).square().mean(dim=0) / truth.var(dim=0)
    assert left.max() < 0.1  # share of the variance


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (torch.zeros(2, 1, 32, 32), r"has shape \(2, 1, 32, 32\); it must be \(batch"),
        (torch.zeros(3, 32, 32), r"has shape \(3, 32, 32\); it must be \(batch, 3, h"),
        (torch.zeros(1, 3, 0, 32), r"has shape \(1, 3, 0, 32\); it must be \(batch"),
        (torch.zeros(1, 3, 32, 32, dtype=torch.uint8), r"holds torch.uint8; it must"),
    ],
)
def test_what_is_no_batch_of_pictures_is_refused(images, message):
    with pytest.raises(DataError, match=message):
        network().embed(images)


def test_numbers_that_do_not_fit_are_refused():
    with pytest.raises(DataError, match="`widths` holds 9"):
        ConvolutionalNetwork(
            ConvolutionalArchitecture(image_size=32, widths=(9,), blocks=(1,)), 1
        )


def network() -> ConvolutionalNetwork:
    """Return a network in which every parameter matters."""
    model = ConvolutionalNetwork(SHAPE, 2)
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for value in model.parameters():
            value += 0.1 * torch.randn(value.shape, generator=generator)
    return model


def pictures(count: int, *, side: int = 32, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, 3, side, side, generator=generator)


def grouped(x, weight, bias):
    """Normalise eight channels at a time, then scale and shift each channel."""
    batch, width, *sides = x.shape
    groups = x.reshape(batch, width // 8, -1)
    variance = groups.var(dim=2, unbiased=False, keepdim=True)
    normed = (groups - groups.mean(dim=2, keepdim=True)) / (variance + 1e-5).sqrt()
    return (
        normed.view(batch, width, *sides) * weight[:, None, None] + bias[:, None, None]
    )


def bars(count: int, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Draw noise with a bright bar; return its place and brightness, -1 to 1."""
    truth = 2 * torch.rand(count, 2, generator=generator) - 1
    columns = torch.linspace(-1.2, 1.2, 32)
    inside = (columns - truth[:, :1]).abs() < 0.2  # (count, 32)
    bar = inside * (2 + truth[:, 1:])
    noise = 0.2 * torch.randn(count, 3, 32, 32, generator=generator)
    return noise + bar[:, None, None, :], truth
