"""Prepared crops: the geometry of scoring, and variations that do what they say."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields, replace

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from skimage.data import astronaut

from fahrstats.errors import DataError
from fahrstats.face.detection.alignment import align, similarity, template
from fahrstats.face.detection.faces import FoundFace
from fahrstats.face.training.faces.augment import (
    Augmentation,
    draw_variations,
    prepare,
)

NONE = Augmentation.none()
LUMA = np.array([0.2126, 0.7152, 0.0722])
ASTRONAUT_POINTS = [[204, 108], [241, 107], [224, 131], [209, 147], [239, 147]]
# Places read from a 32-bit grid: 80 pixels at a precision of 2^-24, times the contrast
SAMPLING_ATOL = 2e-5
# Rounding dots to 256 levels moves their centres by up to a hundredth of a pixel of the
# stored crop, which are up to 1.6 pixels of the result
DOT_ATOL = 0.016


def noise(n, side=24, *, low=0, high=256, seed=0):
    values = np.random.default_rng(seed).integers(low, high, (n, side, side, 3))
    return torch.from_numpy(values.astype(np.uint8))


def drawn(n, *, seed=1):
    return draw_variations(n, torch.Generator().manual_seed(seed))


def varied(crops, augmentation, *, seed=1, pixels=None, margin=0.2, wanted_margin=None):
    return prepare(
        crops,
        margin=margin,
        pixels=crops.shape[1] if pixels is None else pixels,
        wanted_margin=margin if wanted_margin is None else wanted_margin,
        augmentation=augmentation,
        draws=drawn(len(crops), seed=seed),
    )


def dots(side, margin, *, spread=2.5):
    """Return five crops, each with a smooth dot on one landmark of the template."""
    places = np.arange(side)
    x, y = template(side, margin).T[:, :, None]
    along = np.exp(-((places - x) ** 2) / (2 * spread**2))
    down = np.exp(-((places - y) ** 2) / (2 * spread**2))
    dot = 255 * down[:, :, None] * along[:, None, :]
    grey = np.broadcast_to(np.round(dot)[..., None], (*dot.shape, 3))
    return torch.from_numpy(grey.astype(np.uint8))


def dot_places(images):
    """Return the centre of what is bright in each picture, (n, 2)."""
    bright = images.mean(dim=1).double().numpy()
    places = np.arange(bright.shape[1])
    total = bright.sum(axis=(1, 2))
    x, y = bright.sum(axis=1) @ places, bright.sum(axis=2) @ places
    return np.column_stack([x, y]) / total[:, None]


def photo_of(pixels, *, by=0.0):
    """Return the face of the astronaut, its landmarks ``by`` pixels to the right."""
    return FoundFace(
        photo="astronaut",
        pixels=pixels,
        box=np.array([190.0, 70.0, 255.0, 170.0]),
        points=np.add(ASTRONAUT_POINTS, [by, 0.0]),
    )


def difference(photo, *, pixels, wanted_margin):
    """Return the prepared part of a wide crop less the crop of that part, in levels."""
    stored = align(photo, size=160, margin=0.4, interpolation="bilinear")
    direct = align(photo, size=pixels, margin=wanted_margin, interpolation="bilinear")
    image = varied(
        torch.from_numpy(stored)[None],
        None,
        pixels=pixels,
        margin=0.4,
        wanted_margin=wanted_margin,
    )
    return 255 * image[0].permute(1, 2, 0).numpy() - direct


# --- geometry -------------------------------------------------------------------------


@pytest.mark.parametrize("augmentation", [None, NONE])
def test_nothing_to_do_gives_the_pixels_exactly(augmentation):
    crops = noise(20)  # more than are worked on at a time
    images = varied(crops, augmentation)
    assert images.dtype == torch.float32
    assert images.is_contiguous()
    assert torch.equal(images, crops.permute(0, 3, 1, 2) / 255)


@pytest.mark.parametrize("pixels", [64, 112, 160])
@pytest.mark.parametrize("wanted_margin", [0.0, 0.2, 0.4])
def test_landmarks_lie_where_the_template_says(pixels, wanted_margin):
    crops = dots(160, 0.4)
    images = varied(crops, None, pixels=pixels, margin=0.4, wanted_margin=wanted_margin)
    np.testing.assert_allclose(
        dot_places(images), template(pixels, wanted_margin), rtol=0, atol=DOT_ATOL
    )


@pytest.mark.parametrize(("pixels", "wanted_margin"), [(112, 0.2), (64, 0.2), (160, 0)])
def test_the_part_of_a_crop_is_the_crop_of_that_part(pixels, wanted_margin):
    # Both ways keep a gradient; the rounding of each to 256 levels is left.
    y, x = np.mgrid[:512, :512]
    gradient = np.stack([x / 2, y / 2, 255 - (x + y) / 4], axis=2)
    photo = photo_of(np.round(gradient).astype(np.uint8))
    error = difference(photo, pixels=pixels, wanted_margin=wanted_margin)
    assert np.abs(error).max() < 1.5  # half a level in the photo, in each of the crops


@pytest.mark.parametrize(("pixels", "wanted_margin"), [(112, 0.2), (64, 0.2), (112, 0)])
def test_a_photo_differs_by_less_than_half_a_pixel_of_misplacement(
    pixels, wanted_margin
):
    # Interpolating twice blurs twice; the face does not move.
    photo = photo_of(astronaut())
    error = difference(photo, pixels=pixels, wanted_margin=wanted_margin)
    moved = photo_of(astronaut(), by=0.5)
    settings = {"size": pixels, "margin": wanted_margin, "interpolation": "bilinear"}
    misplaced = align(moved, **settings) - align(photo, **settings).astype(float)
    assert np.square(error).mean() < np.square(misplaced).mean()
    assert abs(error.mean()) < 0.05


@pytest.mark.parametrize("wanted_margin", [0.4, 0.1])
@pytest.mark.parametrize("pixels", [133, 112, 64, 40])
def test_what_shrinks_is_averaged_like_a_triangle_kernel(pixels, wanted_margin):
    # One white column in each of 160 crops: the response is the kernel itself. A
    # triangle has the variance step^2 / 6; interpolation between pixels at a share f
    # has f (1 - f), on average 1/6.
    side = 160
    crops = torch.zeros(side, side, side, 3, dtype=torch.uint8)
    crops[torch.arange(side), :, torch.arange(side)] = 255
    images = varied(crops, None, pixels=pixels, margin=0.4, wanted_margin=wanted_margin)
    kernel = images[:, 0, pixels // 2].double().numpy()
    step = side / pixels * (1 + 2 * wanted_margin) / (1 + 2 * 0.4)
    inner = slice(pixels // 8, -pixels // 8)
    places = (np.arange(pixels) - (pixels - 1) / 2) * step + (side - 1) / 2
    distance = np.arange(side)[:, None] - places
    variance = places % 1 * (1 - places % 1) + max(step**2 - 1, 0) / 6
    found = [(kernel * distance**power).sum(axis=0)[inner] for power in range(3)]
    np.testing.assert_allclose(found[0], 1, rtol=0, atol=1e-5)
    np.testing.assert_allclose(found[1], 0, rtol=0, atol=1e-4)
    np.testing.assert_allclose(found[2], variance[inner], rtol=0, atol=1e-4)


def test_a_mirrored_face_is_the_face_mirrored():
    crops = noise(6, 40)
    mirrored = varied(crops, replace(NONE, mirrored_share=1), pixels=32)
    plain = varied(crops, None, pixels=32)
    torch.testing.assert_close(mirrored, plain.flip(3), rtol=0, atol=SAMPLING_ATOL)


def test_mirroring_mirrors_the_landmarks():
    places = dot_places(varied(dots(112, 0.2), replace(NONE, mirrored_share=1)))
    there = template(112, 0.2)
    expected = np.column_stack([111 - there[:, 0], there[:, 1]])
    np.testing.assert_allclose(places, expected, rtol=0, atol=DOT_ATOL)


def test_the_share_of_mirrored_faces_is_the_one_asked_for():
    crops = noise(1, 8).expand(400, 8, 8, 3)
    images = varied(crops, replace(NONE, mirrored_share=0.25))
    as_stored = torch.isclose(images, varied(crops, None), atol=SAMPLING_ATOL)
    n_mirrored = 400 - int(as_stored.flatten(1).all(dim=1).sum())
    assert 74 <= n_mirrored <= 126  # three standard errors around 100


def movements(augmentation, *, n=60):
    """Return the similarities that n faces, mirrored or not, were moved by."""
    crops = dots(80, 0.6)
    there = template(80, 0.4)
    if augmentation.mirrored_share:
        there = np.column_stack([79 - there[:, 0], there[:, 1]])
    found = []
    for seed in range(n):  # the five dots of a face move alike: each has the same seed
        images = [
            varied(
                crop[None],
                augmentation,
                seed=seed,
                pixels=80,
                margin=0.6,
                wanted_margin=0.4,
            )
            for crop in crops
        ]
        places = dot_places(torch.cat(images))
        matrix = similarity(there, places)
        left = places - there @ matrix[:, :2].T - matrix[:, 2]
        assert np.abs(left).max() < DOT_ATOL  # a similarity, and nothing else
        found.append(matrix)
    return np.array(found)


def test_rotation_turns_about_the_landmarks_by_up_to_the_angle():
    found = movements(replace(NONE, rotation_degrees=20))
    angle = np.degrees(np.arctan2(found[:, 1, 0], found[:, 0, 0]))
    assert 15 < angle.max() <= 20.1
    assert -20.1 <= angle.min() < -15
    np.testing.assert_allclose(np.linalg.det(found[:, :, :2]), 1, atol=2e-3)
    middle = template(80, 0.4).mean(axis=0)
    np.testing.assert_allclose(
        found[:, :, :2] @ middle + found[:, :, 2],
        np.tile(middle, (60, 1)),
        atol=DOT_ATOL,
    )


def test_scale_is_a_factor_about_the_landmarks():
    found = movements(replace(NONE, scale=0.25))
    size = np.sqrt(np.linalg.det(found[:, :, :2]))
    assert 1.15 < size.max() <= 1.251
    assert 1 / 1.251 <= size.min() < 1 / 1.15
    assert abs(np.log(size).mean()) < 3 * np.log(1.25) / np.sqrt(3 * 60)
    middle = template(80, 0.4).mean(axis=0)
    np.testing.assert_allclose(
        found[:, :, :2] @ middle + found[:, :, 2],
        np.tile(middle, (60, 1)),
        atol=DOT_ATOL,
    )


def test_a_mirrored_face_moves_as_any_other():
    every = replace(NONE, rotation_degrees=20, scale=0.25, shift=0.1)
    found = movements(replace(every, mirrored_share=1), n=8)
    np.testing.assert_allclose(found, movements(every, n=8), atol=2 * DOT_ATOL)


def test_rotation_and_scale_are_drawn_apart():
    found = movements(replace(NONE, rotation_degrees=20, scale=0.25))
    turn = found[:, 0, 0] + 1j * found[:, 1, 0]
    assert abs(np.corrcoef(np.angle(turn), np.log(np.abs(turn)))[0, 1]) < 0.4


def test_shift_is_a_share_of_the_side():
    found = movements(replace(NONE, shift=0.1))
    np.testing.assert_allclose(
        found[:, :, :2], np.tile(np.eye(2), (60, 1, 1)), atol=1e-3
    )
    shift = found[:, :, 2]
    assert np.all((shift.max(axis=0) > 6) & (shift.max(axis=0) <= 8.05))
    assert np.all((shift.min(axis=0) < -6) & (shift.min(axis=0) >= -8.05))
    assert abs(np.corrcoef(shift.T)[0, 1]) < 0.4


def test_what_the_crop_does_not_show_is_black():
    white = torch.full((30, 40, 40, 3), 255, dtype=torch.uint8)
    images = varied(white, replace(NONE, shift=0.5))
    black = images[:, 0] == 0
    assert torch.equal(black, images[:, 2] == 0)
    torch.testing.assert_close(images[:, 0], (~black).float())
    share = black.flatten(1).float().mean(dim=1)
    assert share.min() < 0.2
    assert share.max() > 0.5
    spare = varied(
        white,
        Augmentation(brightness=0, contrast=0, temperature=0),
        margin=0.4,
        wanted_margin=0.1,
    )
    assert spare.min() > 0.999


# --- colours --------------------------------------------------------------------------


def colour_maps(augmentation, *, n=80):
    """Return matrices (n, 3, 3), offsets (n, 3) and means of faces without clipping."""
    crops = noise(n, 12, low=90, high=140)
    before = varied(crops, None).double().flatten(2).numpy()  # (n, 3, pixels)
    after = varied(crops, augmentation).double().flatten(2).numpy()
    maps = []
    for x, y in zip(before, after, strict=True):
        design = np.vstack([x, np.ones(x.shape[1])]).T
        fit, *_ = np.linalg.lstsq(design, y.T, rcond=None)
        np.testing.assert_allclose(design @ fit, y.T, rtol=0, atol=1e-6)
        maps.append(fit.T)
    maps = np.array(maps)
    return maps[:, :, :3], maps[:, :, 3], before.mean(axis=2)


def assert_factors(found, strength):
    """Check that factors reach both ends of their range and are centred on 1."""
    logs = np.log(found) / np.log1p(strength)
    assert 0.8 < logs.max() < 1.001
    assert -1.001 < logs.min() < -0.8
    assert abs(logs.mean()) < 3 / np.sqrt(3 * logs.size)


def test_brightness_is_one_factor():
    matrix, offset, _ = colour_maps(replace(NONE, brightness=0.3))
    assert_factors(matrix[:, 0, 0], 0.3)
    np.testing.assert_allclose(matrix, matrix[:, :1, :1] * np.eye(3), atol=1e-4)
    np.testing.assert_allclose(offset, 0, atol=1e-4)


def test_contrast_is_a_factor_of_the_distance_from_the_mean_luminance():
    matrix, offset, mean = colour_maps(replace(NONE, contrast=0.3))
    factor = matrix[:, 0, 0]
    assert_factors(factor, 0.3)
    np.testing.assert_allclose(matrix, matrix[:, :1, :1] * np.eye(3), atol=1e-4)
    expected = ((1 - factor) * (mean @ LUMA))[:, None]
    np.testing.assert_allclose(offset, np.tile(expected, 3), atol=1e-4)


def test_saturation_is_a_factor_of_the_distance_from_grey():
    matrix, offset, _ = colour_maps(replace(NONE, saturation=0.3))
    factor = (matrix[:, 0, 0] - LUMA[0]) / (1 - LUMA[0])
    assert_factors(factor, 0.3)
    share = factor[:, None, None]
    np.testing.assert_allclose(
        matrix, share * np.eye(3) + (1 - share) * LUMA, atol=1e-4
    )
    np.testing.assert_allclose(offset, 0, atol=1e-4)


def test_temperature_exchanges_red_for_blue():
    matrix, offset, _ = colour_maps(replace(NONE, temperature=0.3))
    assert_factors(matrix[:, 0, 0], 0.3)
    gain = np.stack([matrix[:, 0, 0], np.ones(80), 1 / matrix[:, 0, 0]], axis=1)
    np.testing.assert_allclose(matrix, gain[:, :, None] * np.eye(3), atol=1e-4)
    np.testing.assert_allclose(offset, 0, atol=1e-4)


def test_a_share_of_the_faces_is_grey():
    images = varied(noise(400, 6), replace(NONE, grey_share=0.25, temperature=0.5))
    spread = images.amax(dim=1) - images.amin(dim=1)
    n_grey = int((spread.flatten(1).amax(dim=1) < 1e-6).sum())
    assert 74 <= n_grey <= 126  # three standard errors around 100


def test_together_the_colours_are_the_formula():
    every = {"brightness": 0.2, "contrast": 0.2, "saturation": 0.2, "temperature": 0.1}
    alone = {
        name: colour_maps(replace(NONE, **{name: strength}))[0]
        for name, strength in every.items()
    }
    matrix, offset, mean = colour_maps(replace(NONE, **every))
    inner = alone["saturation"] @ alone["brightness"] @ alone["temperature"]
    contrast = alone["contrast"][:, :1, :1]
    np.testing.assert_allclose(matrix, contrast * inner, atol=3e-4)
    level = (inner @ mean[:, :, None])[..., 0] @ LUMA
    expected = ((1 - contrast[:, 0, 0]) * level)[:, None]
    np.testing.assert_allclose(offset, np.tile(expected, 3), atol=3e-4)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.floats(0, 1), min_size=13, max_size=13),
    st.integers(0, 2**32),
    st.integers(1, 30),
)
@example([0.0] * 4 + [1.0] + [0.0] * 4 + [1.0] + [0.0] * 3, 3140, 18)  # coarse whites
def test_whatever_the_strengths_pixels_stay_pixels(shares, seed, pixels):
    lows = {"erased_area": 0.02, "coarsest": 0.01}
    highs = {"rotation_degrees": 180.0, "shift": 0.5, "erased_area": 0.5}
    strengths = {}
    for field, share in zip(fields(Augmentation), shares, strict=True):
        low, high = lows.get(field.name, 0.0), highs.get(field.name, 1.0)
        strengths[field.name] = low + share * (high - low)
    images = varied(
        noise(18, 21),
        Augmentation(**strengths),
        seed=seed,
        pixels=pixels,
        wanted_margin=0.1,
    )
    assert images.shape == (18, 3, pixels, pixels)
    assert images.dtype == torch.float32
    assert images.min() >= 0
    assert images.max() <= 1


# --- detail ---------------------------------------------------------------------------


def roughness(images):
    """Return the mean squared difference of neighbours of each picture."""
    return torch.diff(images, dim=3).square().flatten(1).mean(dim=1)


def test_coarse_faces_lose_detail_and_keep_their_tone():
    crops = noise(200, 32)
    plain = varied(crops, None)
    images = varied(crops, replace(NONE, coarse_share=0.3, coarsest=0.25))
    coarse = (images != plain).flatten(1).any(dim=1)
    assert 40 <= int(coarse.sum()) <= 80  # three standard errors around 60
    loss = (roughness(images) / roughness(plain))[coarse]
    assert loss.max() < 1.0
    assert loss.min() < 0.02
    shift = (images - plain).mean(dim=(1, 2, 3))
    assert shift.abs().max() < 0.02
    flat = torch.full((9, 32, 32, 3), 77, dtype=torch.uint8)
    kept = varied(flat, replace(NONE, coarse_share=1, coarsest=0.03))
    torch.testing.assert_close(kept, torch.full_like(kept, 77 / 255))


def test_a_coarse_face_is_at_least_the_coarsest_side():
    # A reduced face of one pixel is flat; at half the side nothing has a single tone.
    crops = noise(40, 16)
    one = varied(crops, replace(NONE, coarse_share=1, coarsest=0.001))
    half = varied(crops, replace(NONE, coarse_share=1, coarsest=0.5))
    flat = roughness(one) < 1e-9
    assert flat.any()
    mean = varied(crops, None)[flat].mean(dim=(2, 3))
    assert (one[flat][:, :, 0, 0] - mean).abs().max() < 0.1  # not the middle pixel's
    assert roughness(half).min() > 1e-3


def test_an_erased_rectangle_is_as_large_as_asked_for():
    crops = noise(200, 40, low=100)
    plain = varied(crops, None)
    images = varied(crops, replace(NONE, erased_share=0.5, erased_area=0.3))
    areas, aspects = [], []
    for image, before in zip(images, plain, strict=True):
        hidden = (image != before).all(dim=0)
        if not hidden.any():
            assert torch.equal(image, before)
            continue
        rows, columns = hidden.any(dim=1).nonzero(), hidden.any(dim=0).nonzero()
        height, width = (int(x.max() - x.min()) + 1 for x in (rows, columns))
        areas.append(height * width / 1600)
        aspects.append(width / height)
        inside = image[:, hidden]
        mean = before.mean(dim=(1, 2))[:, None].expand_as(inside)
        torch.testing.assert_close(inside, mean, rtol=0, atol=1e-6)
        assert torch.equal(image[:, ~hidden], before[:, ~hidden])
    assert 79 <= len(areas) <= 121  # three standard errors around 100
    assert 0.015 < min(areas) < 0.03
    assert 0.25 < max(areas) < 0.32
    assert 0.4 < min(aspects) < 0.7
    assert 1.4 < max(aspects) < 2.5


# --- chance ---------------------------------------------------------------------------


def test_the_generator_alone_decides():
    crops = noise(20)
    first = varied(crops, Augmentation(), seed=3)
    torch.manual_seed(0)
    assert torch.equal(first, varied(crops, Augmentation(), seed=3))
    assert not torch.equal(first, varied(crops, Augmentation(), seed=4))
    state = torch.get_rng_state()
    varied(crops, Augmentation(), seed=3)
    assert torch.equal(state, torch.get_rng_state())


def test_a_face_is_varied_by_its_draws_whatever_is_beside_it():
    crops, draws = noise(5), drawn(5)
    mine = {name: draw[1::2] for name, draw in draws.items()}
    settings = {"margin": 0.2, "pixels": 24, "wanted_margin": 0.2}
    settings |= {"augmentation": Augmentation()}
    whole = prepare(crops, **settings, draws=draws)
    assert torch.equal(whole[1::2], prepare(crops[1::2], **settings, draws=mine))


def test_every_face_has_its_own_draws():
    images = varied(noise(1).expand(20, 24, 24, 3), Augmentation())
    assert len({image.numpy().tobytes() for image in images}) == 20


def test_turning_a_variation_off_leaves_the_others():
    crops = noise(60)
    every = varied(crops, Augmentation(coarse_share=0.3))
    fewer = varied(crops, Augmentation(coarse_share=0))
    same = (every == fewer).flatten(1).all(dim=1)
    assert 30 <= int(same.sum()) <= 53  # three standard errors around 42


def test_a_face_does_not_depend_on_the_faces_after_it():
    crops = noise(20)
    many = varied(crops, Augmentation(erased_share=0.5))
    few = varied(crops[:7], Augmentation(erased_share=0.5))
    torch.testing.assert_close(many[:7], few, rtol=0, atol=0)


def test_autocast_does_not_reach_the_pixels():
    crops = noise(20)
    plain = varied(crops, Augmentation(), pixels=17)
    with torch.autocast("cpu", torch.bfloat16):
        cast = varied(crops, Augmentation(), pixels=17)
    assert torch.equal(plain, cast)


# --- what is refused ------------------------------------------------------------------


def test_an_augmentation_cannot_change():
    with pytest.raises(FrozenInstanceError):
        Augmentation().scale = 0.5
    assert Augmentation.none() != Augmentation()


@pytest.mark.parametrize(
    ("strength", "message"),
    [
        (
            {"mirrored_share": 1.1},
            r"`mirrored_share` is 1\.1; it must be from 0 to 1\.",
        ),
        ({"rotation_degrees": -1}, r"`rotation_degrees` is -1; .* from 0 to 180\."),
        ({"shift": 0.6}, r"`shift` is 0\.6; it must be from 0 to 0\.5\."),
        (
            {"brightness": float("nan")},
            r"`brightness` is nan; it must be from 0 to 1\.",
        ),
        ({"erased_area": 0.01}, r"`erased_area` is 0\.01; .* from 0\.02 to 0\.5\."),
        ({"coarsest": 0}, r"`coarsest` is 0; a face of no pixels"),
    ],
)
def test_a_strength_that_cannot_be_says_why(strength, message):
    with pytest.raises(DataError, match=message):
        Augmentation(**strength)


@pytest.mark.parametrize(
    ("crops", "message"),
    [
        (torch.zeros(2, 8, 8, 3), r"`crops` is torch\.float32 of shape \(2, 8, 8, 3\)"),
        (
            torch.zeros(2, 8, 9, 3, dtype=torch.uint8),
            r"shape \(2, 8, 9, 3\); give uint8",
        ),
        (torch.zeros(2, 3, 8, 8, dtype=torch.uint8), r"shape \(2, 3, 8, 8\)"),
        (torch.zeros(8, 8, 3, dtype=torch.uint8), r"shape \(8, 8, 3\)"),
        (torch.zeros(0, 8, 8, 3, dtype=torch.uint8), r"with at least one face"),
        (torch.tensor(1, dtype=torch.uint8), r"shape \(\)"),
    ],
)
def test_crops_of_another_kind_are_refused(crops, message):
    with pytest.raises(DataError, match=message):
        prepare(crops, margin=0.2, pixels=8, wanted_margin=0.2)


@pytest.mark.parametrize(
    ("margins", "message"),
    [
        ((0.2, 0.3), r"`wanted_margin` is 0\.3 and `margin` 0\.2; .* cut the photos"),
        ((0.2, -0.1), r"`wanted_margin` is -0\.1"),
        ((1.2, 0.3), r"`margin` 1\.2; .* from 0 to 1\."),
        ((float("nan"), 0.3), r"`margin` nan"),
    ],
)
def test_a_margin_that_is_not_there_is_refused(margins, message):
    margin, wanted_margin = margins
    with pytest.raises(DataError, match=message):
        prepare(noise(1), margin=margin, pixels=8, wanted_margin=wanted_margin)


def test_a_size_below_one_pixel_is_refused():
    with pytest.raises(DataError, match=r"at least 1 pixel, but it is 0"):
        prepare(noise(1), margin=0.2, pixels=0, wanted_margin=0.2)


@pytest.mark.parametrize("augmentation", [Augmentation(), NONE])
def test_variations_need_draws(augmentation):
    settings = {"margin": 0.2, "pixels": 8, "wanted_margin": 0.2}
    with pytest.raises(DataError, match=r"`draws` is missing; `draw_variations` makes"):
        prepare(noise(1), **settings, augmentation=augmentation)


def test_draws_of_other_faces_are_refused():
    settings = {"margin": 0.2, "pixels": 8, "wanted_margin": 0.2}
    settings |= {"augmentation": Augmentation()}
    with pytest.raises(DataError, match=r"17 draws of 3 faces for 1 crops"):
        prepare(noise(1), **settings, draws=drawn(3))
    with pytest.raises(DataError, match=r"0 draws of 0 faces for 1 crops"):
        prepare(noise(1), **settings, draws={})
