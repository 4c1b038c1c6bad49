from __future__ import annotations

import copy

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
CORNERS = ((0, 0), (0, 1), (1, 0), (1, 1))


def test_parameters_have_the_names_that_checkpoints_use():
    def norm(width):
        return dict.fromkeys(("weight", "bias", "mean", "variance"), (width,))

    def block(before, width):
        convolutions = {
            "first.weight": (width, before, 3, 3),
            "second.weight": (width, width, 3, 3),
        }
        norms = {f"{at}_norm": norm(width) for at in ("first", "second")}
        return convolutions | flat(norms)

    def flat(parts):
        return {f"{at}.{name}": of[name] for at, of in parts.items() for name in of}

    blocks = {
        "blocks.0": block(8, 8),
        "blocks.1": {**block(8, 16), "past.weight": (16, 8, 1, 1)},
        "blocks.2": block(16, 16),
    }
    assert {name: tuple(x.shape) for name, x in network().state_dict().items()} == {
        "stem.weight": (8, 3, 3, 3),
        **flat({"stem_norm": norm(8)}),
        **flat(blocks),
        "head.weight": (2, 16),
        "head.bias": (2,),
    }


@pytest.mark.parametrize(("size", "millions"), [("mini", 0.69), ("small", 2.32)])
def test_usual_sizes_have_the_parameters_that_they_name(size, millions):
    model = ConvolutionalNetwork(convolutional_architecture(size), 0)
    count = sum(x.numel() for x in model.parameters())
    assert count / 1e6 == pytest.approx(millions, abs=0.005)


@pytest.mark.parametrize(
    "shape",
    [
        convolutional_architecture("mini", image_size=80),
        ConvolutionalArchitecture(image_size=45, widths=(8, 8, 16), blocks=(2, 1, 3)),
    ],
)
def test_operations_are_those_that_torch_counts(shape):
    model = ConvolutionalNetwork(shape, 0).eval()
    with FlopCounterMode(display=False) as counter:
        model.embed(pictures(1, side=shape.image_size))
    assert counter.get_total_flops() == convolutional_flop(shape)


def test_initial_parameters_follow_from_the_seed():
    state = torch.random.get_rng_state()
    one, same, other = (ConvolutionalNetwork(SHAPE, 1, seed=seed) for seed in (4, 4, 5))
    assert torch.equal(torch.random.get_rng_state(), state)
    for name, value in one.named_parameters():
        assert torch.equal(value, same.get_parameter(name))
        if name.endswith("bias"):
            assert value.abs().max() == 0
        elif "norm" in name:
            assert (value == 1).all()
        else:
            assert not torch.equal(value, other.get_parameter(name))
    spread = one.get_parameter("blocks.2.first.weight").std().item()
    assert spread == pytest.approx((3 * 144) ** -0.5, rel=0.05)
    for name, value in one.named_buffers():
        assert (value == float("variance" in name)).all()


@pytest.mark.parametrize("mode", ["train", "eval"])
@pytest.mark.parametrize("side", [32, 45])
def test_the_network_written_out(mode, side):
    model, images = network().train(mode == "train"), pictures(3, side=side)
    p = {name: value.clone() for name, value in model.state_dict().items()}

    def norm(x, at):
        mean, variance = p[f"{at}_norm.mean"], p[f"{at}_norm.variance"]
        if mode == "train":
            mean = x.mean(dim=(0, 2, 3))
            variance = x.var(dim=(0, 2, 3), unbiased=False)
        scale = p[f"{at}_norm.weight"] / (variance + 1e-5).sqrt()
        shifted = x - mean.view(1, -1, 1, 1)
        return shifted * scale.view(1, -1, 1, 1) + p[f"{at}_norm.bias"].view(
            1, -1, 1, 1
        )

    x = functional.conv2d(images, p["stem.weight"], stride=2, padding=1)
    x = norm(x, "stem").clamp(min=0)
    for at, stride in (("blocks.0", 1), ("blocks.1", 2), ("blocks.2", 1)):
        y = functional.conv2d(x, p[f"{at}.first.weight"], stride=stride, padding=1)
        y = norm(y, f"{at}.first").clamp(min=0)
        y = norm(
            functional.conv2d(y, p[f"{at}.second.weight"], padding=1), f"{at}.second"
        )
        if stride == 2:
            past = p[f"{at}.past.weight"][:, :, 0, 0]
            x = torch.einsum("oi,nihw->nohw", past, halved(x))
        x = (x + y).clamp(min=0)
    x = x.mean(dim=(2, 3))
    torch.testing.assert_close(model.embed(images), x, rtol=0, atol=ATOL)
    expected = x @ p["head.weight"].T + p["head.bias"]
    torch.testing.assert_close(model(images), expected, rtol=0, atol=ATOL)


def test_a_face_depends_on_its_batch_in_training_alone():
    model, images = network().eval(), pictures(4)
    other = torch.cat([images[:1], 9 * pictures(3, seed=9)])
    assert torch.equal(model(images)[0], model(other)[0])
    alone = torch.cat([model(image[None]) for image in images])
    torch.testing.assert_close(model(images), alone, rtol=0, atol=ATOL)
    model.train()
    assert not torch.isclose(model(images)[0], model(other)[0]).any()


@pytest.mark.parametrize("mode", ["train", "eval"])
def test_all_places_seen_is_the_plain_network(mode):
    model, other = (network().train(mode == "train") for _ in range(2))
    everywhere = torch.ones(3, 1, 8, 8, dtype=torch.bool)
    found, plain = model.features(pictures(3), everywhere), other.features(pictures(3))
    torch.testing.assert_close(found, plain, rtol=0, atol=ATOL)
    for name, value in model.named_buffers():
        torch.testing.assert_close(value, other.get_buffer(name), rtol=0, atol=ATOL)


@pytest.mark.parametrize("mode", ["train", "eval"])
def test_seen_places_one_by_one(mode):
    """A twin that sums over the seen neighbours of every seen place."""
    model, images = network().train(mode == "train"), pictures(2)
    seen = torch.rand(2, 1, 8, 8, generator=torch.Generator().manual_seed(1)) < 0.4
    twin = copy.deepcopy(model)
    found = model.features(images, seen)
    assert (found.permute(0, 2, 3, 1)[~seen[:, 0]] == 0).all()

    at = places(seen, factor=4)
    x = {(i, row, column): images[i, :, row, column] for i, row, column in at}
    x = rectified(normed(sparse(x, twin.stem, seen), twin.stem_norm))
    for block in twin.blocks:
        y = rectified(normed(sparse(x, block.first, seen), block.first_norm))
        y = normed(sparse(y, block.second, seen), block.second_norm)
        if block.past is not None:
            x = {
                (i, row, column): block.past.weight[:, :, 0, 0]
                @ sum(x[i, 2 * row + a, 2 * column + b] / 4 for a, b in CORNERS)
                for i, row, column in y
            }
        x = rectified({place: x[place] + y[place] for place in y})
    assert x.keys() == set(places(seen, factor=1))
    for (i, row, column), value in x.items():
        torch.testing.assert_close(found[i, :, row, column], value, rtol=0, atol=ATOL)


@pytest.mark.parametrize("mode", ["train", "eval"])
def test_hidden_pixels_do_not_matter(mode):
    """Not even what is not a number, and to the bit."""
    seen = torch.rand(3, 1, 8, 8, generator=torch.Generator().manual_seed(1)) < 0.4
    hidden = ~seen.repeat_interleave(4, 2).repeat_interleave(4, 3)
    results = []
    for other in (0.0, 7.0, torch.nan):
        model = network().train(mode == "train")
        images = pictures(3).masked_fill(hidden, other)
        found = model.features(images, seen)
        found.square().mean().backward()
        results.append([found, *(x.grad for x in model.blocks.parameters())])
        results[-1] += list(model.buffers())
    for one, *others in zip(*results, strict=True):
        assert all(torch.equal(one, two) for two in others)


def test_a_network_without_a_head_embeds_only():
    model = ConvolutionalNetwork(SHAPE, 0)
    assert model.head is None
    assert model.embed(pictures(2)).shape == (2, model.width) == (2, 16)
    with pytest.raises(DataError, match="has no head; ask for `embed`"):
        model(pictures(2))


def test_images_of_other_sizes_are_read():
    assert network()(pictures(2, side=45)).shape == (2, 2)


def test_bfloat16_is_near_and_comes_out_as_float32():
    model, images = network().eval(), pictures(4)
    exact = model.embed(images)
    with torch.autocast("cpu", torch.bfloat16):
        automatic = model.embed(images)
        assert model(images).dtype == torch.float32
    short = convolutions_to(model, "bfloat16").embed(images)
    assert model.stem_norm.weight.dtype == torch.float32
    for found in (automatic, short):
        assert found.dtype == torch.float32
        assert 0 < (found - exact).abs().max() < 0.03  # 8 bits, of values near 1


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
    model.eval()
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
    """Return a network in which every number matters."""
    model = ConvolutionalNetwork(SHAPE, 2)
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for value in model.state_dict().values():
            value += 0.1 * torch.randn(value.shape, generator=generator)
    return model


def pictures(count: int, *, side: int = 32, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, 3, side, side, generator=generator)


def halved(x: torch.Tensor) -> torch.Tensor:
    """Average squares of 2 x 2 places, or what there is of them at the edge."""
    sums = torch.zeros(*x.shape[:2], *((side + 1) // 2 for side in x.shape[2:]))
    counts = torch.zeros(sums.shape[2:])
    for row in range(x.shape[2]):
        for column in range(x.shape[3]):
            sums[:, :, row // 2, column // 2] += x[:, :, row, column]
            counts[row // 2, column // 2] += 1
    return sums / counts


def places(seen: torch.Tensor, *, factor: int) -> list[tuple[int, int, int]]:
    """List the seen places of a map with larger sides than the last one."""
    planes = seen[:, 0].numpy().repeat(factor, 1).repeat(factor, 2)
    return [tuple(int(k) for k in at) for at in zip(*planes.nonzero(), strict=True)]


def sparse(x, convolution, seen):
    """Convolve at the seen places, over the neighbours that exist."""
    stride, weight = convolution.stride[0], convolution.weight
    area = len(x) / int(seen.sum()) / stride**2
    result = {}
    for image, row, column in places(seen, factor=round(area**0.5)):
        total = torch.zeros(weight.shape[0])
        for i in range(3):
            for j in range(3):
                near = (image, stride * row + i - 1, stride * column + j - 1)
                if near in x:
                    total = total + weight[:, :, i, j] @ x[near]
        result[image, row, column] = total
    return result


def normed(x, norm):
    """Normalise channels over the places that exist, or by the running means."""
    values = torch.stack(list(x.values()))  # (places, width)
    mean, variance = norm.mean, norm.variance
    if norm.training:
        mean, variance = values.mean(dim=0), values.var(dim=0, unbiased=False)
    scaled = (values - mean) / (variance + 1e-5).sqrt()
    return dict(zip(x, scaled * norm.weight + norm.bias, strict=True))


def rectified(x):
    return {place: value.clamp(min=0) for place, value in x.items()}


def bars(count: int, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Draw noise with a bright bar; return its place and brightness, -1 to 1."""
    truth = 2 * torch.rand(count, 2, generator=generator) - 1
    columns = torch.linspace(-1.2, 1.2, 32)
    inside = (columns - truth[:, :1]).abs() < 0.2  # (count, 32)
    bar = inside * (2 + truth[:, 1:])
    noise = 0.2 * torch.randn(count, 3, 32, 32, generator=generator)
    return noise + bar[:, None, None, :], truth
