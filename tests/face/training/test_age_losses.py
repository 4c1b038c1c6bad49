from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs fahrstats[face]")

import torch
from scipy import integrate, stats

from fahrstats.errors import DataError
from fahrstats.face.training.age_losses import age_loss

KINDS = ["huber", "l1"]
INTERVALS = [(30.0, 40.0), (0.0, 3.0), (20.0, 21.0), (70.0, np.inf), (38.0, 90.0)]
PREDICTED = [-5.0, 3.0, 29.0, 35.0, 40.0, 41.5, 80.0, 120.0]


def column(*values, dtype=torch.float64):
    return torch.tensor(values, dtype=dtype)


def loss_at(predicted, low, high, *, dtype=torch.float64, **options):
    bounds = [column(bound, dtype=dtype) for bound in (low, high)]
    return age_loss(column(predicted, dtype=dtype), *bounds, **options)


def slope(predicted, low, high, *, dtype=torch.float64, **options):
    leaf = column(predicted, dtype=dtype).requires_grad_()
    bounds = [column(bound, dtype=dtype) for bound in (low, high)]
    value = age_loss(leaf, *bounds, **options)
    value.backward()
    return value.item(), leaf.grad.item()


def huber_by_hand(error, delta):
    size = abs(error)
    return size**2 / (2 * delta) if size < delta else size - delta / 2


def test_exact_ages_cost_the_absolute_error_or_hubers():
    predicted, age = column(30, 42, 57, 20), column(31, 40, 50, 60)
    assert age_loss(predicted, age, age, kind="l1").item() == (1 + 2 + 7 + 40) / 4
    wanted = np.mean([huber_by_hand(r, 4) for r in (1, 2, 7, 40)])
    found = age_loss(predicted, age, age, delta=4).item()
    assert found == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize("spread", [2.0, 7.0])
@pytest.mark.parametrize(("low", "high"), INTERVALS)
def test_intervals_with_l1_are_laplaces_probability(low, high, spread):
    for predicted in PREDICTED:
        error = stats.laplace(predicted, spread)
        mass = min(
            [(error.cdf(high), error.cdf(low)), (error.sf(low), error.sf(high))],
            key=lambda ends: ends[0],  # the difference of the smaller tails
        )
        found = loss_at(predicted, low, high, kind="l1", spread=spread).item()
        wanted = -spread * np.log(mass[0] - mass[1])
        assert found == pytest.approx(wanted, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(("delta", "spread"), [(5.0, 5.0), (2.0, 8.0), (12.0, 2.0)])
@pytest.mark.parametrize(("low", "high"), INTERVALS)
def test_intervals_with_huber_are_the_integral_of_its_density(low, high, delta, spread):
    def density(error):
        return np.exp(-huber_by_hand(error, delta) / spread)

    def mass(start, end):
        marks = [m for m in (-delta, 0.0, delta) if start < m < end]
        pieces = [start, *marks, end]
        return sum(
            integrate.quad(density, a, b, epsabs=0, epsrel=1e-11)[0]
            for a, b in pairwise(pieces)
        )

    for predicted in PREDICTED:
        wanted = np.log(mass(-np.inf, np.inf)) - np.log(
            mass(low - predicted, high - predicted)
        )
        found = loss_at(predicted, low, high, delta=delta, spread=spread).item()
        assert found == pytest.approx(spread * wanted, rel=1e-8, abs=1e-9)


def test_a_wide_core_makes_the_errors_normal():
    error = stats.norm(36, np.sqrt(60.0 * 2.0))  # variance: delta times spread
    wanted = -2 * np.log(error.cdf(40) - error.cdf(30))
    assert loss_at(36, 30, 40, delta=60, spread=2).item() == pytest.approx(
        wanted, rel=1e-6
    )


@pytest.mark.parametrize("kind", KINDS)
def test_gradient(kind):
    low, high = (
        column(30, 40, 0, 70, 20, 55, np.nan),
        column(30, 50, 3, np.inf, 21, 55, 3),
    )
    leaf = column(33, 42, 60, 20, 17, 20, 8).requires_grad_()
    assert torch.autograd.gradcheck(lambda p: age_loss(p, low, high, kind=kind), leaf)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("predicted", [31.0, 38.0, 44.0, 100.0])
def test_a_narrow_interval_pulls_as_an_exact_age(kind, predicted):
    _, exact = slope(predicted, 40, 40, kind=kind)
    for width, tolerance in [(1e-1, 1e-4), (1e-3, 1e-8)]:
        low, high = 40 - width / 2, 40 + width / 2
        value, narrow = slope(predicted, low, high, kind=kind)
        assert narrow == pytest.approx(exact, abs=tolerance * 10)
        far = loss_at(predicted + 3, low, high, kind=kind).item() - value
        wanted = (
            loss_at(predicted + 3, 40, 40, kind=kind)
            - loss_at(predicted, 40, 40, kind=kind)
        ).item()
        assert far == pytest.approx(wanted, abs=tolerance * 10)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("far", [200.0, 5000.0])
def test_far_off_predictions_are_pulled_back_by_a_year_per_year(kind, dtype, far):
    for low, high in [(20, 30), (20, 20.5), (0, 1)]:
        value, above = slope(high + far, low, high, kind=kind, dtype=dtype)
        assert far - 5 < value < far + 25
        assert above == pytest.approx(1, abs=1e-4)
        assert slope(low - far, low, high, kind=kind, dtype=dtype)[1] == pytest.approx(
            -1, abs=1e-4
        )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_an_open_interval_pulls_from_below_only(kind, dtype):
    value, below = slope(-130, 70, np.inf, kind=kind, dtype=dtype)
    assert np.isfinite(value)
    assert below == pytest.approx(-1, abs=1e-4)
    value, above = slope(270, 70, np.inf, kind=kind, dtype=dtype)
    assert 0 <= value < 1e-6
    assert -1e-6 < above <= 0


@pytest.mark.parametrize("kind", KINDS)
def test_single_precision_agrees_with_double(kind):
    rng = np.random.default_rng(1)
    low = rng.integers(0, 90, size=500).astype(float)
    high = low + rng.choice([1, 5, 10, np.inf], size=500)
    for p, a, b in zip(rng.uniform(0, 100, size=500), low, high, strict=True):
        double = slope(p, a, b, kind=kind)
        single = slope(p, a, b, kind=kind, dtype=torch.float32)
        assert single == pytest.approx(double, rel=1e-4, abs=1e-4)


def test_the_mean_is_over_labelled_faces():
    low, high = column(30, np.nan, 40, np.nan), column(30, np.nan, 50, 9)
    leaf = column(33, 10, 44, 20).requires_grad_()
    both = age_loss(leaf, low, high)
    wanted = (loss_at(33, 30, 30) + loss_at(44, 40, 50)) / 2
    assert both.item() == pytest.approx(wanted.item(), rel=1e-12)
    both.backward()
    assert leaf.grad.isfinite().all()
    assert (leaf.grad[[1, 3]] == 0).all()


def test_a_batch_without_a_label_costs_nothing_and_stays_in_the_graph():
    assert slope(30, np.nan, np.nan) == (0, 0)


@pytest.mark.parametrize("kind", KINDS)
def test_an_interval_upside_down_does_not_pass_unseen(kind):
    assert loss_at(33, 40, 30, kind=kind).isnan()
    assert loss_at(70, 40, 30, kind=kind).isnan()


def test_half_precision_is_cast_up():
    half = torch.tensor([33.0], dtype=torch.bfloat16)
    value = age_loss(half, column(30), column(40))
    assert value.dtype == torch.float32
    assert value.item() == pytest.approx(loss_at(33, 30, 40).item(), rel=1e-5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "l2"}, '`kind` is \'l2\'; give "huber" or "l1"'),
        ({"delta": 0.0}, "`delta` is 0.0; give a positive number of years"),
        ({"spread": np.inf}, "`spread` is inf; give a positive number of years"),
        ({"delta": 60.0, "spread": 1.0}, "`delta` may be at most 50 times `spread`"),
    ],
)
def test_options_out_of_range_are_named(options, message):
    with pytest.raises(DataError, match=message):
        loss_at(30, 20, 30, **options)


def test_a_column_is_refused_rather_than_broadcast():
    with pytest.raises(DataError, match=r"shape \(2, 1\) and `age_low` \(2,\)"):
        age_loss(torch.zeros(2, 1), torch.zeros(2), torch.zeros(2))
