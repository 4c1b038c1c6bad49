from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="needs fahrstats[face]")

import torch

from fahrstats.errors import DataError
from fahrstats.face.checkpoints.card import Architecture
from fahrstats.face.network.masked import MaskedAutoencoder, count_kept, draw_order
from fahrstats.face.network.vit import cut_patches

SHAPE = Architecture(
    image_size=32, patch_size=8, width=32, depth=2, heads=2, mlp_width=64
)


@pytest.mark.parametrize(
    ("n", "ratio", "kept"), [(196, 0.75, 49), (16, 0.75, 4), (10, 0.8, 2), (9, 0.5, 4)]
)
def test_the_stated_number_stays_visible(n, ratio, kept):
    assert count_kept(n, mask_ratio=ratio) == kept


@pytest.mark.parametrize("ratio", [0.0, 1.0, 0.99, -1.0])
def test_some_patches_are_seen_and_some_hidden(ratio):
    with pytest.raises(DataError, match=f"`mask_ratio` is {ratio}, which leaves"):
        network(mask_ratio=ratio)


def test_a_decoder_that_does_not_fit_is_named():
    with pytest.raises(DataError, match="`width` is 30 and cannot be shared among 4"):
        MaskedAutoencoder(SHAPE, decoder_width=30, decoder_heads=4)


def test_orders_hold_every_patch_once_and_are_reproducible():
    order = draw_order(5, n_patches=16, generator=seeded(3))
    assert (order.sort(dim=1).values == torch.arange(16)).all()
    assert order.unique(dim=0).shape[0] == 5
    again = draw_order(5, n_patches=16, generator=seeded(3))
    assert torch.equal(order, again)


def test_every_patch_is_seen_equally_often():
    """Seen in 4 of 16 orders: binomial, band of 4.5 standard errors for 16 patches."""
    n = 20_000
    seen = draw_order(n, n_patches=16, generator=seeded(1))[:, :4]
    counts = torch.bincount(seen.flatten(), minlength=16)
    margin = 4.5 * (n * 0.25 * 0.75) ** 0.5
    assert (counts - n / 4).abs().max() < margin


def test_hidden_pixels_do_not_change_what_is_drawn():
    model, images = network(), pictures(3)
    order = draw_order(3, n_patches=16, generator=seeded(0))
    noisy = cover(images, order[:, 4:])
    drawn = model.reconstruct(images, order)
    drawn_noisy = model.reconstruct(noisy, order)
    # What is drawn, less the mean and spread that are those of the true pixels.
    for i in range(3):
        hidden = order[i, 4:]
        one, two = (
            standardised(cut_patches(x[i : i + 1], patch_size=8)[0, hidden])
            for x in (drawn, drawn_noisy)
        )
        torch.testing.assert_close(one, two, rtol=0, atol=1e-4)
    assert model(noisy, order) != model(images, order)


def test_visible_patches_are_left_as_they_are():
    model, images = network(), pictures(3)
    order = draw_order(3, n_patches=16, generator=seeded(0))
    found = cut_patches(model.reconstruct(images, order), patch_size=8)
    truth = cut_patches(images, patch_size=8)
    for i in range(3):
        assert torch.equal(found[i, order[i, :4]], truth[i, order[i, :4]])
        assert not torch.isclose(found[i, order[i, 4:]], truth[i, order[i, 4:]]).all()


def test_drawing_the_mean_costs_the_variance_of_a_standardised_patch():
    """Without weights every pixel is drawn as 0: the loss is (m - 1) / m."""
    model = network()
    torch.nn.init.zeros_(model.draw.weight)
    order = draw_order(4, n_patches=16, generator=seeded(0))
    m = 3 * 8 * 8
    loss = model(pictures(4), order).item()
    assert loss == pytest.approx((m - 1) / m, rel=1e-4)


def test_a_patch_of_one_colour_is_finite():
    order = draw_order(2, n_patches=16, generator=seeded(0))
    assert network()(torch.full((2, 3, 32, 32), 0.3), order).isfinite()


def test_other_image_sizes_keep_the_ratio():
    model = network()
    images = pictures(2, 48, 64)
    order = draw_order(2, n_patches=48, generator=seeded(0))
    assert model(images, order).isfinite()
    found = cut_patches(model.reconstruct(images, order), patch_size=8)
    truth = cut_patches(images, patch_size=8)
    assert (found == truth).all(dim=2).sum(dim=1).tolist() == [12, 12]


def test_gradients_reach_every_parameter():
    model = network()
    model(pictures(2), draw_order(2, n_patches=16, generator=seeded(0))).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name


def test_it_learns_to_fill_in_slopes():
    """Brightness rises in a random direction, the same in hidden and seen patches."""
    model = network()
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.0)
    generator = seeded(5)
    losses = []
    for _ in range(160):
        order = draw_order(32, n_patches=16, generator=generator)
        loss = model(slopes(32, generator), order)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert sum(losses[:10]) / 10 > 0.95
    assert sum(losses[-10:]) / 10 < 0.6


def network(*, mask_ratio: float = 0.75) -> MaskedAutoencoder:
    return MaskedAutoencoder(
        SHAPE,
        decoder_width=32,
        decoder_depth=1,
        decoder_heads=2,
        mask_ratio=mask_ratio,
        seed=7,
    )


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def pictures(n: int, height: int = 32, width: int = 32) -> torch.Tensor:
    return torch.rand(n, 3, height, width, generator=seeded(11))


def cover(images: torch.Tensor, hidden: torch.Tensor) -> torch.Tensor:
    """Put noise into some patches of 8 x 8 of images of 32 x 32."""
    images = images.clone()
    generator = seeded(12)
    for image, patches in zip(images, hidden, strict=True):
        for patch in patches.tolist():
            top, left = 8 * (patch // 4), 8 * (patch % 4)
            noise = torch.rand(3, 8, 8, generator=generator)
            image[:, top : top + 8, left : left + 8] = noise
    return images


def standardised(patches: torch.Tensor) -> torch.Tensor:
    centred = patches - patches.mean(dim=1, keepdim=True)
    return centred / centred.std(dim=1, keepdim=True)


def slopes(n: int, generator: torch.Generator) -> torch.Tensor:
    angle = 2 * torch.pi * torch.rand(n, 1, 1, generator=generator)
    place = torch.arange(32) / 32
    slope = place[None, :, None] * angle.cos() + place[None, None, :] * angle.sin()
    return slope[:, None].expand(-1, 3, -1, -1)
