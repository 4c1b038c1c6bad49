"""Nested variances: dense twins of the likelihood and its derivatives, and its top."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.stats import multivariate_normal

from fahrstats.kernels.nested_variances import (
    NestedMeans,
    climb_nested,
    nested_deviance,
    score_and_information,
)

TWIN_RTOL = 1e-9  # of determinants and inverses of matrices of 40 rows
ALL = np.eye(3)


def draw(seed: int, n_subjects: int = 8):
    """Photos as (subject, day, value) with 1 to 3 days of 1 to 3 photos."""
    rng = np.random.default_rng(seed)
    subject, day, value = [], [], []
    for i in range(n_subjects):
        of_subject = rng.normal(60, 4)
        for j in range(rng.integers(1, 4)):
            of_day = of_subject + rng.normal(0, 2)
            for _ in range(rng.integers(1, 4)):
                subject.append(i)
                day.append(3 * i + j)
                value.append(of_day + rng.normal())
    return np.array(subject), np.array(day), np.array(value)


def nested(subject, day, value) -> NestedMeans:
    days, code, n = np.unique(day, return_inverse=True, return_counts=True)
    mean = np.bincount(code, value) / n
    of_day = np.array([subject[day == one][0] for one in days])
    first = np.flatnonzero(np.diff(of_day, prepend=-1))
    return NestedMeans(
        n.astype(float), mean, first, float(((value - mean[code]) ** 2).sum())
    )


def projection(subject, day, theta):
    """Covariances of the components and the projected inverse, by definition."""
    parts = [
        (subject[:, None] == subject).astype(float),
        (day[:, None] == day).astype(float),
        np.eye(subject.size),
    ]
    V = sum(t * part for t, part in zip(theta, parts, strict=True))
    inverse = np.linalg.inv(V)
    ones = inverse.sum(axis=1)
    return parts, V, inverse - np.outer(ones, ones) / ones.sum()


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("theta", [(9, 4, 1), (0, 2, 0.5), (3, 0, 2)])
def test_the_deviance_is_the_density_of_all_contrasts(seed, theta):
    """With the constants of lme4: the determinant of X'X is taken out."""
    subject, day, value = draw(seed)
    _, V, _ = projection(subject, day, theta)
    n = value.size
    contrasts = np.linalg.svd(np.ones((1, n)))[2][1:]
    density = multivariate_normal(np.zeros(n - 1), contrasts @ V @ contrasts.T)
    deviance, mean = nested_deviance(
        nested(subject, day, value), np.array(theta, float)
    )
    expected = -2 * density.logpdf(contrasts @ value) + np.log(n)
    assert deviance == pytest.approx(expected, rel=TWIN_RTOL)
    weights = np.linalg.solve(V, np.ones(n))
    assert mean == pytest.approx(weights @ value / weights.sum(), rel=TWIN_RTOL)


@pytest.mark.parametrize("seed", range(4))
def test_derivatives_are_those_of_dense_matrices(seed):
    subject, day, value = draw(seed)
    theta = np.array([5.0, 1.5, 0.8])
    means = nested(subject, day, value)
    mean = nested_deviance(means, theta)[1]
    parts, _, P = projection(subject, day, theta)
    Py = P @ value
    score = [(Py @ part @ Py - np.trace(P @ part)) / 2 for part in parts]
    traces = np.array([[np.trace(P @ a @ P @ b) / 2 for a in parts] for b in parts])
    squares = np.array([[Py @ a @ P @ b @ Py for a in parts] for b in parts])
    ours = score_and_information(means, theta, mean)
    assert_allclose(ours[0], score, rtol=TWIN_RTOL)
    assert_allclose(ours[1], traces, rtol=TWIN_RTOL)
    assert_allclose(ours[2], squares - traces, rtol=TWIN_RTOL)


@pytest.mark.parametrize("seed", range(20))
def test_no_point_of_a_grid_has_more_likelihood(seed):
    means = nested(*draw(seed, n_subjects=5))
    peak = climb_nested(means, np.ones(3), np.zeros(3), ALL)
    assert peak.has_converged
    axis = np.append(0, np.exp(np.linspace(-4, 5, 12)))
    lowest = min(
        nested_deviance(means, np.array([b, d, e]))[0]
        for b in axis
        for d in axis
        for e in axis[1:]
    )
    assert peak.deviance <= lowest + 1e-9


def test_balanced_photos_have_a_closed_form():
    """Mean squares of the analysis of variance, 6 subjects, 3 days, 2 photos."""
    rng = np.random.default_rng(3)
    y = (
        rng.normal(0, 5, (6, 1, 1))
        + rng.normal(0, 3, (6, 3, 1))
        + rng.normal(size=(6, 3, 2))
    )
    of_day = y.mean(axis=2)
    error = y.var(axis=2, ddof=1).mean()
    days = of_day.var(axis=1, ddof=1).mean() - error / 2
    between = of_day.mean(axis=1).var(ddof=1) - of_day.var(axis=1, ddof=1).mean() / 3
    subject = np.repeat(np.arange(6), 6)
    means = nested(subject, np.repeat(np.arange(18), 2), y.ravel())
    peak = climb_nested(means, np.ones(3), np.zeros(3), ALL)
    assert_allclose(peak.theta, [between, days, error], rtol=1e-8)
    assert peak.mean == pytest.approx(y.mean(), rel=1e-12)


def test_a_variance_at_its_bound_is_exactly_zero():
    """Days that are alike: the error pools all that varies within subjects."""
    y = np.array([[[1.0, 3], [1, 3]], [[5, 7], [5, 7]], [[9, 12], [9, 12]]])
    means = nested(np.repeat(np.arange(3), 4), np.repeat(np.arange(6), 2), y.ravel())
    peak = climb_nested(means, np.ones(3), np.zeros(3), ALL)
    within = y.reshape(3, 4)
    error = within.var(axis=1, ddof=1).mean()
    assert peak.has_converged
    assert peak.theta[1] == 0
    assert peak.theta[2] == pytest.approx(error, rel=1e-10)
    assert peak.theta[0] == pytest.approx(
        within.mean(axis=1).var(ddof=1) - error / 4, rel=1e-10
    )


def test_a_profile_keeps_what_is_fixed():
    means = nested(*draw(1))
    free = climb_nested(means, np.ones(3), np.zeros(3), ALL)
    base, paths = np.array([7.0, 0, 0]), ALL[:, 1:]
    fixed = climb_nested(means, np.ones(2), base, paths)
    assert fixed.has_converged
    assert fixed.theta[0] == 7
    assert fixed.deviance > free.deviance
    score, _, _ = score_and_information(means, fixed.theta, fixed.mean)
    assert np.abs(score[1:]).max() < 1e-7


def test_without_error_there_is_no_likelihood():
    means = nested(*draw(1))
    assert nested_deviance(means, np.array([1.0, 1, 0]))[0] == np.inf
