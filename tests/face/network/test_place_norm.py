from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="needs fahrstats[face]")

import torch
from joint_norms import Step, take_steps, take_steps_together
from torch import nn

from fahrstats.errors import DataError
from fahrstats.face.network.place_norm import PlaceNorm

ATOL = 1e-5  # another order of float32 additions


def test_all_places_seen_is_batch_norm():
    """Against torch: outputs, gradients and running means, in training and in use."""
    own, theirs = norm(), nn.BatchNorm2d(8)
    theirs.load_state_dict(
        named_as_torch(own) | {"num_batches_tracked": torch.zeros(())}
    )
    for seed in range(3):
        x, slope = features(4, seed=seed), features(4, seed=9)
        for made in (own, theirs):
            made.zero_grad()
        one, two = x.clone().requires_grad_(), x.clone().requires_grad_()
        found, expected = own(one), theirs(two)
        found.backward(slope)
        expected.backward(slope)
        assert torch.equal(found, expected)
        assert torch.equal(one.grad, two.grad)
        assert torch.equal(own.weight.grad, theirs.weight.grad)
        assert torch.equal(own.bias.grad, theirs.bias.grad)
    for name, value in named_as_torch(own).items():
        assert torch.equal(value, theirs.state_dict()[name])
    assert torch.equal(own.eval()(x), theirs.eval()(x))
    everywhere = torch.ones(4, 1, 3, 3, dtype=torch.bool)
    torch.testing.assert_close(own(x, everywhere), own(x), rtol=0, atol=ATOL)
    torch.testing.assert_close(
        own.train()(x, everywhere), theirs.train()(x), rtol=0, atol=ATOL
    )


def test_places_that_are_seen_written_out():
    """Sums over the seen places, one by one; the others are as if they were absent."""
    made, x, seen = norm(), features(3), some_seen(3)
    before = {name: value.clone() for name, value in made.state_dict().items()}
    found = made(x, seen)
    at = [
        (i, row, column)
        for i in range(3)
        for row in range(6)
        for column in range(6)
        if seen[i, 0, row // 2, column // 2]
    ]
    values = torch.stack([x[i, :, row, column] for i, row, column in at]).double()
    n = len(at)
    assert 0 < n < 108
    mean = values.sum(dim=0) / n
    squares = (values - mean).square().sum(dim=0)
    expected = torch.zeros(3, 8, 6, 6)
    for (i, row, column), value in zip(at, values, strict=True):
        scaled = (value - mean) / (squares / n + 1e-5).sqrt()
        expected[i, :, row, column] = made.weight * scaled.float() + made.bias
    torch.testing.assert_close(found, expected, rtol=0, atol=ATOL)
    running = {
        "mean": 0.9 * before["mean"] + 0.1 * mean,
        "variance": 0.9 * before["variance"] + 0.1 * squares / (n - 1),
    }
    for name, value in running.items():
        torch.testing.assert_close(
            made.get_buffer(name), value.float(), rtol=0, atol=ATOL
        )


def test_hidden_places_do_not_matter_and_are_given_no_gradient():
    seen = some_seen(3)
    hidden = ~seen.repeat_interleave(2, 2).repeat_interleave(2, 3)
    results = []
    for other in (0.0, torch.nan):
        made = norm()
        x = features(3).masked_fill(hidden, other).requires_grad_()
        found = made(x, seen)
        found.square().sum().backward()
        assert (x.grad.masked_select(hidden) == 0).all()
        results.append((found, x.grad, made.weight.grad, made.mean, made.variance))
    for one, two in zip(*results, strict=True):
        assert torch.equal(one, two)


def test_in_use_every_face_is_normalised_alone():
    made, x, seen = norm().eval(), features(4), some_seen(4)
    before = {name: value.clone() for name, value in made.state_dict().items()}
    assert torch.equal(made(x)[2:3], made(x[2:3]))
    assert torch.equal(made(x, seen)[2:3], made(x[2:3], seen[2:3]))
    for name, value in made.state_dict().items():
        assert torch.equal(value, before[name])


@pytest.mark.parametrize("seen", [None, torch.ones(2, 1, 3, 3, dtype=torch.bool)])
@pytest.mark.parametrize("mode", ["train", "eval"])
def test_short_numbers_stay_short_and_are_normalised_in_float32(seen, mode):
    made, x = norm().train(mode == "train"), features(2).bfloat16()
    exact = made(x.float(), seen)
    short = made(x, seen)
    assert short.dtype == torch.bfloat16
    assert made.mean.dtype == torch.float32
    torch.testing.assert_close(short, exact.bfloat16(), rtol=2**-7, atol=0)


def test_a_variance_of_one_place_is_refused():
    made, one = norm(), torch.ones(1, 8, 1, 1)
    with pytest.raises(DataError, match="two places or more to learn from, but this b"):
        made(one)
    nothing = torch.zeros(1, 1, 3, 3, dtype=torch.bool)
    with pytest.raises(DataError, match="has 0 in a feature map: raise `batch_size`"):
        made(features(1), nothing)
    assert made.mean.isfinite().all()
    assert made.eval()(one).isfinite().all()


# --- two processes --------------------------------------------------------------------

PLAIN = Step(n=5)
STEPS = {
    "uneven parts": [PLAIN, PLAIN],
    "different places seen": [Step(n=5, seen=True), Step(n=4, seen=True)],
    "a process without a face": [PLAIN, Step(n=1)],
    "in chunks": [Step(n=6, chunks=2)],
    "far from zero": [Step(n=4, shift=300.0)],
}


@pytest.fixture(scope="module")
def together(tmp_path_factory):
    """Return what each of two processes has after each list of steps."""
    courses = STEPS | {"one place": [Step(n=1, side=4)]}
    folder = tmp_path_factory.mktemp("joint")
    told = take_steps_together(list(courses.values()), folder)
    return dict(zip(courses, told, strict=True))


@pytest.mark.parametrize("case", STEPS)
def test_two_processes_learn_what_one_learns(together, case):
    """Gradients and running means; DDP sums the former and broadcasts the latter."""
    alone = take_steps(STEPS[case])
    first, second = together[case]
    assert first.keys() == second.keys() == alone.keys()
    for name, expected in alone.items():
        assert torch.equal(first[name], second[name]), name
        scale = expected.abs().max().item()
        torch.testing.assert_close(
            first[name], expected, rtol=0, atol=ATOL * max(1.0, scale), msg=name
        )


def test_a_variance_of_one_place_is_refused_in_every_process(together):
    for said in together["one place"]:
        assert "this batch has 1 in a feature map" in said


def norm() -> PlaceNorm:
    """Return a norm of eight channels, whose numbers all differ."""
    made = PlaceNorm(8)
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for value in made.state_dict().values():
            value += 0.3 * torch.rand(value.shape, generator=generator)
    return made


def named_as_torch(made: PlaceNorm) -> dict[str, torch.Tensor]:
    names = {"mean": "running_mean", "variance": "running_var"}
    return {names.get(name, name): value for name, value in made.state_dict().items()}


def features(n: int, *, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(n, 8, 6, 6, generator=generator) + torch.arange(8).view(8, 1, 1)
    return x.contiguous(memory_format=torch.channels_last)


def some_seen(n: int) -> torch.Tensor:
    return torch.rand(n, 1, 3, 3, generator=torch.Generator().manual_seed(1)) < 0.4
