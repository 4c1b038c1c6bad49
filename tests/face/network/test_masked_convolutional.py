from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="needs fahrstats[face]")

import torch
from torch.nn import functional

from fahrstats.errors import DataError
from fahrstats.face.checkpoints.card import ConvolutionalArchitecture
from fahrstats.face.network.convolutional import ConvolutionalNetwork
from fahrstats.face.network.masked import draw_order
from fahrstats.face.network.masked_convolutional import MaskedConvolutional
from fahrstats.face.network.vit import cut_patches

SHAPE = ConvolutionalArchitecture(image_size=32, widths=(8, 16), blocks=(1, 1))
ATOL = 1e-5  # another order of float32 additions


def test_the_encoder_is_the_network_of_the_same_seed():
    state = torch.random.get_rng_state()
    one, same, other = (MaskedConvolutional(SHAPE, seed=seed) for seed in (4, 4, 5))
    assert torch.equal(torch.random.get_rng_state(), state)
    plain = ConvolutionalNetwork(SHAPE, 0, seed=4).state_dict()
    assert plain.keys() == one.encoder.state_dict().keys()
    for name, value in one.encoder.state_dict().items():
        assert torch.equal(value, plain[name])
    for name, value in one.named_parameters():
        assert torch.equal(value, same.get_parameter(name))
    for name in ("enter.weight", "draw.weight", "blocks.0.first.weight"):
        assert not torch.equal(one.get_parameter(name), other.get_parameter(name))


@pytest.mark.parametrize("patch_size", [4, 8, 16])
def test_hidden_pixels_never_reach_the_encoder(patch_size):
    """Not even what is not a number, and to the bit."""
    model = network(patch_size=patch_size, mask_ratio=0.5)
    images, order = pictures(3), orders(3, model.n_patches)
    hidden = hidden_pixels(order, patch_size=patch_size, n_seen=model.n_kept)
    for other in (7.0, torch.nan):
        changed = images.masked_fill(hidden, other)
        one, two = (model.predict(x, order) for x in (images, changed))
        assert torch.equal(one, two)
        assert not torch.equal(model(images, order), model(changed, order))


def test_the_loss_counts_hidden_patches_only():
    """Written out in float64 from what is drawn."""
    model, images, order = network(), pictures(3), orders(3, 16)
    drawn = model.predict(images, order)
    assert model.n_kept == 4
    truth = cut_patches(images, patch_size=8).double()
    errors = []
    for i in range(3):
        for j in order[i, 4:].tolist():
            patch = truth[i, j]
            spread = (patch.var() + 1e-6).sqrt()
            errors.append((drawn[i, j] - (patch - patch.mean()) / spread).square())
    expected = torch.stack(errors).mean().item()
    assert model(images, order).item() == pytest.approx(expected, rel=1e-5)


def test_what_is_drawn_depends_on_visible_pixels_alone():
    model, order = network(), orders(2, 16)
    images = pictures(2).requires_grad_()
    hidden = hidden_pixels(order, patch_size=8, n_seen=4).expand(-1, 3, -1, -1)
    (slope,) = torch.autograd.grad(model.predict(images, order).sum(), images)
    assert (slope[hidden] == 0).all()
    assert (slope[~hidden] != 0).float().mean() > 0.9
    # A hidden pixel matters to the loss as the target
    (slope,) = torch.autograd.grad(model(images, order), images)
    assert (slope[hidden] != 0).float().mean() > 0.9


@pytest.mark.parametrize(("patch_size", "n_seen"), [(8, 4), (16, 1)])
def test_visible_patches_are_left_as_they_are(patch_size, n_seen):
    model, images = network(patch_size=patch_size), pictures(3)
    order = orders(3, model.n_patches)
    found, truth = (
        cut_patches(x, patch_size=patch_size)
        for x in (model.reconstruct(images, order), images)
    )
    for i in range(3):
        seen, hidden = order[i, :n_seen], order[i, n_seen:]
        assert torch.equal(found[i, seen], truth[i, seen])
        assert not torch.isclose(found[i, hidden], truth[i, hidden]).all()
        torch.testing.assert_close(  # what is drawn has the place of its patch
            found[i, hidden].mean(dim=1) - truth[i, hidden].mean(dim=1),
            (model.predict(images, order)[i, hidden]).mean(dim=1)
            * truth[i, hidden].std(dim=1),
            rtol=1e-3,
            atol=1e-4,
        )


def test_an_image_does_not_depend_on_its_batch_where_nothing_is_learned():
    model, images, order = network().eval(), pictures(4), orders(4, 16)
    turned = torch.tensor([2, 0, 3, 1])
    drawn = model.predict(images, order)
    again = model.predict(images[turned], order[turned])
    torch.testing.assert_close(again, drawn[turned], rtol=0, atol=ATOL)
    alone = torch.stack([model(images[i, None], order[i, None]) for i in range(4)])
    loss = model(images, order).item()
    assert loss == pytest.approx(alone.mean().item(), rel=1e-5)


def test_drawing_the_mean_costs_the_variance_of_a_standardised_patch():
    """Without weights every pixel is drawn as 0: the loss is (m - 1) / m."""
    model = network()
    torch.nn.init.zeros_(model.draw.weight)
    torch.nn.init.zeros_(model.draw.bias)
    m = 3 * 8 * 8
    loss = model(pictures(4), orders(4, 16)).item()
    assert loss == pytest.approx((m - 1) / m, rel=1e-4)


def test_a_few_pictures_are_learned_by_heart():
    model = MaskedConvolutional(SHAPE, patch_size=8, decoder_width=64, seed=1)
    images = functional.interpolate(pictures(4, side=8), size=32, mode="bilinear")
    optimiser = torch.optim.AdamW(model.parameters(), lr=5e-3, weight_decay=0.0)
    generator, losses = seeded(5), []
    for _ in range(200):
        order = draw_order(4, n_patches=16, generator=generator)
        loss = model(images, order)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[0] > 0.9
    assert sum(losses[-10:]) / 10 < 0.5


def test_gradients_reach_every_parameter():
    model = network()
    model(pictures(2), orders(2, 16)).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name


def test_other_image_sizes_keep_the_ratio():
    model, images = network(), pictures(2, side=48)
    order = orders(2, 36)
    assert model(images, order).isfinite()
    found, truth = (
        cut_patches(x, patch_size=8) for x in (model.reconstruct(images, order), images)
    )
    assert (found == truth).all(dim=2).sum(dim=1).tolist() == [9, 9]


def test_bfloat16_is_near_and_the_loss_is_float32():
    model, images, order = network(), pictures(4), orders(4, 16)
    with torch.autocast("cpu", torch.bfloat16):
        loss = model(images, order)
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(model(images, order).item(), rel=0.02)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"patch_size": 6}, "`patch_size` is 6; it must be a multiple of 4, the pix"),
        ({"patch_size": 2}, "`patch_size` is 2; it must be a multiple of 4"),
        ({"patch_size": 0}, "`patch_size` is 0; it must be a multiple of 4"),
        ({"patch_size": 12}, "An image of 32 x 32 pixels is not made of whole patches"),
        ({"decoder_width": 20}, "`decoder_width` is 20; it must be a multiple of 8"),
        ({"decoder_depth": -1}, "`decoder_depth` is -1; it must be 0 or more"),
        ({"mask_ratio": 0.99}, "`mask_ratio` is 0.99, which leaves 0 of 16 patches"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(wrong, message):
    with pytest.raises(DataError, match=message):
        MaskedConvolutional(SHAPE, **({"patch_size": 8} | wrong))


@pytest.mark.parametrize(
    ("images", "n_patches", "message"),
    [
        (torch.zeros(2, 1, 32, 32), 16, r"`images` has shape \(2, 1, 32, 32\)"),
        (torch.zeros(2, 3, 32, 32, dtype=torch.uint8), 16, "`images` holds torch.uint"),
        (torch.zeros(2, 3, 36, 32), 16, "An image of 36 x 32 pixels is not made of"),
        (torch.zeros(2, 3, 32, 32), 9, r"`order` has shape \(2, 9\); for these images"),
        (torch.zeros(3, 3, 32, 32), 16, r"it must be \(batch, patches\), \(3, 16\)"),
    ],
)
def test_what_does_not_fit_the_network_is_refused(images, n_patches, message):
    with pytest.raises(DataError, match=message):
        network()(images, orders(2, n_patches))


def network(*, patch_size: int = 8, mask_ratio: float = 0.75) -> MaskedConvolutional:
    """Return a network in which every parameter matters."""
    model = MaskedConvolutional(
        SHAPE, patch_size=patch_size, mask_ratio=mask_ratio, decoder_width=16
    )
    generator = seeded(3)
    with torch.no_grad():
        for value in model.state_dict().values():
            value += 0.1 * torch.randn(value.shape, generator=generator)
    return model


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def pictures(n: int, *, side: int = 32) -> torch.Tensor:
    return torch.randn(n, 3, side, side, generator=seeded(11))


def orders(n: int, n_patches: int) -> torch.Tensor:
    return draw_order(n, n_patches=n_patches, generator=seeded(0))


def hidden_pixels(order: torch.Tensor, *, patch_size: int, n_seen: int) -> torch.Tensor:
    """Return which pixels of images of 32 x 32 are hidden, (batch, 1, 32, 32)."""
    hidden = torch.ones(len(order), 1, 32, 32, dtype=torch.bool)
    n_columns = 32 // patch_size
    for image, patches in zip(hidden, order[:, :n_seen].tolist(), strict=True):
        for patch in patches:
            top, left = (patch_size * k for k in divmod(patch, n_columns))
            image[:, top : top + patch_size, left : left + patch_size] = False
    return hidden
