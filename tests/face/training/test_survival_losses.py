from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs fahrstats[face]")

import torch

from fahrstats.errors import DataError
from fahrstats.face.training.survival_losses import cox_loss, ranking_loss
from fahrstats.kernels.partial_likelihood import block_sums, find_tie_blocks
from fahrstats.kernels.risk_sets import sort_risk_sets

TIES = ["efron", "breslow"]


def rows(n, *, seed, n_times, n_strata=1, dtype=torch.float64):
    rng = np.random.default_rng(seed)
    return {
        "log_hazard": torch.tensor(rng.normal(size=n), dtype=dtype),
        "time": torch.tensor(1.0 + rng.integers(n_times, size=n)),
        "event": torch.tensor(rng.random(n) < 0.6),
        "stratum": torch.tensor(rng.integers(n_strata, size=n)),
    }


def kernel_loss(batch, ties):
    """Minus the log-likelihood of the package's own Cox model at beta 1, per event."""
    sets = sort_risk_sets(
        batch["time"].double().numpy(),
        batch["event"].numpy(),
        strata=batch["stratum"].numpy(),
    )
    values = batch["log_hazard"].double().numpy()[sets.order]
    sums = block_sums(sets, find_tie_blocks(sets), values, efron=ties == "efron")
    return -sums.log_likelihood / batch["event"].sum().item()


def loss_and_gradient(loss, batch, **options):
    leaf = batch["log_hazard"].clone().requires_grad_()
    value = loss(**{**batch, "log_hazard": leaf}, **options)
    value.backward()
    return value.item(), leaf.grad


@pytest.mark.parametrize("ties", TIES)
@pytest.mark.parametrize(
    ("n", "n_times", "n_strata"),
    [(64, 10**6, 1), (300, 12, 1), (300, 12, 4), (300, 1, 1), (2000, 40, 3)],
)
def test_the_loss_is_the_cox_models_likelihood_per_event(ties, n, n_times, n_strata):
    batch = rows(n, seed=n, n_times=n_times, n_strata=n_strata)
    wanted = kernel_loss(batch, ties)
    assert cox_loss(**batch, ties=ties).item() == pytest.approx(wanted, rel=1e-12)
    batch["log_hazard"] = batch["log_hazard"].float()
    single = cox_loss(**batch, ties=ties)
    assert single.dtype == torch.float32
    assert single.item() == pytest.approx(kernel_loss(batch, ties), rel=1e-6)


def test_three_rows_by_hand():
    h, time, event = torch.zeros(3), torch.tensor([1.0, 1, 2]), torch.ones(3).bool()
    breslow = cox_loss(h, time, event, ties="breslow").item()
    assert breslow == pytest.approx(2 * np.log(3) / 3, rel=1e-6)
    assert cox_loss(h, time, event).item() == pytest.approx(np.log(6) / 3, rel=1e-6)


@pytest.mark.parametrize("ties", TIES)
def test_cox_gradient(ties):
    batch = rows(30, seed=1, n_times=6, n_strata=2)
    leaf = batch.pop("log_hazard").requires_grad_()
    assert torch.autograd.gradcheck(lambda h: cox_loss(h, **batch, ties=ties), leaf)


def test_ranking_gradient():
    batch = rows(30, seed=2, n_times=6, n_strata=2)
    leaf = batch.pop("log_hazard").requires_grad_()
    assert torch.autograd.gradcheck(lambda h: ranking_loss(h, **batch), leaf)


@pytest.mark.parametrize("n_strata", [1, 3])
def test_ranking_is_the_mean_over_pairs(n_strata):
    batch = rows(50, seed=3, n_times=8, n_strata=n_strata)
    h, time, event, stratum = (batch[name].numpy() for name in batch)
    costs = [
        np.log1p(np.exp(h[j] - h[i]))
        for i in np.flatnonzero(event)
        for j in range(50)
        if stratum[i] == stratum[j]
        and (time[j] > time[i] or (time[j] == time[i] and not event[j]))
    ]
    assert len(costs) > 100
    assert ranking_loss(**batch).item() == pytest.approx(np.mean(costs), rel=1e-12)
    one = {k: v for k, v in batch.items() if k != "stratum"}
    agrees = ranking_loss(**one).item() == pytest.approx(np.mean(costs), rel=1e-12)
    assert agrees == (n_strata == 1)


@pytest.mark.parametrize("n_times", [3, 10**6])
@pytest.mark.parametrize("ties", TIES)
def test_the_cox_loss_is_finite_at_a_thousand(ties, n_times):
    batch = rows(256, seed=4, n_times=n_times, n_strata=2, dtype=torch.float32)
    batch["log_hazard"] = 1000 * batch["log_hazard"].sign()
    batch["log_hazard"][:64] *= torch.linspace(0, 1, 64)
    value, gradient = loss_and_gradient(cox_loss, batch, ties=ties)
    assert value == pytest.approx(kernel_loss(batch, ties), rel=1e-6)
    double = {**batch, "log_hazard": batch["log_hazard"].double()}
    _, wanted = loss_and_gradient(cox_loss, double, ties=ties)
    assert wanted.isfinite().all()
    torch.testing.assert_close(gradient.double(), wanted, rtol=1e-3, atol=1e-5)
    assert gradient.abs().max() > 1e-3


def test_everybody_dies_at_once_with_a_likelihood_of_the_events_alone():
    """The risk set is the tied events, so that Efron's last share is 1 / n."""
    n = 5000
    h = 1000 + torch.linspace(-1, 1, n)
    batch = {"log_hazard": h, "time": torch.ones(n), "event": torch.ones(n).bool()}
    value, gradient = loss_and_gradient(cox_loss, batch)
    assert np.isfinite(value)
    assert gradient.isfinite().all()
    assert gradient.sum().item() == pytest.approx(0, abs=1e-4)


def test_the_ranking_loss_is_finite_at_a_thousand():
    h = torch.tensor([-1000.0, 1000.0])
    batch = {"time": torch.tensor([1.0, 2]), "event": torch.tensor([True, False])}
    value, gradient = loss_and_gradient(ranking_loss, {**batch, "log_hazard": h})
    assert value == 2000
    assert gradient.tolist() == [-1, 1]


@pytest.mark.parametrize("loss", [cox_loss, ranking_loss])
def test_a_batch_without_events_costs_nothing_and_stays_in_the_graph(loss):
    batch = rows(20, seed=5, n_times=4)
    batch["event"][:] = False
    value, gradient = loss_and_gradient(loss, batch)
    assert value == 0
    assert (gradient == 0).all()


@pytest.mark.parametrize("loss", [cox_loss, ranking_loss])
def test_half_precision_is_cast_up(loss):
    batch = rows(64, seed=6, n_times=9)
    half = {**batch, "log_hazard": batch["log_hazard"].bfloat16()}
    single = {**batch, "log_hazard": half["log_hazard"].float()}
    assert loss(**half).dtype == torch.float32
    assert loss(**half).item() == loss(**single).item()


@pytest.mark.parametrize("loss", [cox_loss, ranking_loss])
def test_a_column_is_refused_rather_than_broadcast(loss):
    batch = rows(4, seed=7, n_times=4)
    column = {**batch, "log_hazard": batch["log_hazard"][:, None]}
    with pytest.raises(DataError, match=r"`log_hazard` has shape \(4, 1\)"):
        loss(**column)
    with pytest.raises(DataError, match=r"`time` has shape \(3,\) and `log_hazard`"):
        loss(**{**batch, "time": batch["time"][:3]})


def test_an_unknown_treatment_of_ties_is_refused():
    with pytest.raises(DataError, match="`ties` is 'exact'; give \"efron\""):
        cox_loss(**rows(4, seed=8, n_times=4), ties="exact")
