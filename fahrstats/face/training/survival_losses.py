"""What a predicted log hazard costs: Cox partial likelihood and ranking of pairs.

Both take one number per face and stay finite, value and gradient, at log hazards of
1000 either way. Half precision is cast up; float32 and float64 stay what they are.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from fahrstats.errors import DataError


def cox_loss(
    log_hazard: Tensor,
    time: Tensor,
    event: Tensor,
    *,
    stratum: Tensor | None = None,
    ties: Literal["efron", "breslow"] = "efron",
) -> Tensor:
    """Minus the log partial likelihood of a batch, per event.

    Parameters
    ----------
    log_hazard : Tensor, shape (batch,)
        Higher means an earlier event.
    time : Tensor, shape (batch,)
        Follow-up, in any unit; times that tie must be exactly equal.
    event : Tensor of bool, shape (batch,)
        Whether the event was observed at ``time``.
    stratum : Tensor of integers, shape (batch,), optional
        Rows are compared within a stratum only.
    ties : {"efron", "breslow"}
        Approximation for events at the same time.

    Returns
    -------
    Tensor, scalar
        Zero, with a zero gradient, where the batch holds no event. An additive
        constant in ``log_hazard`` does not change it.

    Raises
    ------
    DataError
        If the shapes differ or ``ties`` is unknown.

    References
    ----------
    Efron 1977, JASA 72:557; Breslow 1974, Biometrics 30:89.
    """
    if ties not in ("efron", "breslow"):
        raise DataError(f'`ties` is {ties!r}; give "efron" or "breslow".')
    _check_shapes(log_hazard, time=time, event=event, stratum=stratum)
    event = event.bool()
    log_hazard = _cast_up(log_hazard)
    log_hazard = log_hazard - log_hazard.detach().mean()  # keeps the digits of float32
    if stratum is None:
        stratum = torch.zeros_like(time, dtype=torch.int64)
    log_likelihood = (log_hazard * 0).sum()
    for code in sorted(set(stratum[event].tolist())):
        rows = stratum == code
        log_likelihood = log_likelihood + _log_likelihood(
            log_hazard[rows], time[rows], event[rows], efron=ties == "efron"
        )
    return -log_likelihood / event.sum().clamp(min=1)


def ranking_loss(
    log_hazard: Tensor,
    time: Tensor,
    event: Tensor,
    *,
    stratum: Tensor | None = None,
) -> Tensor:
    """Mean of softplus(h_j - h_i) over pairs in which i had the event before j.

    A pair is comparable as in Harrell's concordance: row j was followed for longer than
    the time of i's event, or was censored at that very time. Time and memory grow with
    events times rows.

    Parameters
    ----------
    log_hazard, time, event, stratum
        As for :func:`cox_loss`.

    Returns
    -------
    Tensor, scalar
        Zero, with a zero gradient, where no pair is comparable.

    Raises
    ------
    DataError
        If the shapes differ.
    """
    _check_shapes(log_hazard, time=time, event=event, stratum=stratum)
    event = event.bool()
    log_hazard = _cast_up(log_hazard)
    earlier = time[event, None]  # (events, 1), against (batch,)
    is_comparable = (time > earlier) | ((time == earlier) & ~event)
    if stratum is not None:
        is_comparable &= stratum == stratum[event, None]
    lead = (log_hazard[event, None] - log_hazard)[is_comparable]  # (pairs,)
    return -functional.logsigmoid(lead).sum() / is_comparable.sum().clamp(min=1)


def _log_likelihood(
    log_hazard: Tensor, time: Tensor, event: Tensor, *, efron: bool
) -> Tensor:
    """Log partial likelihood of one stratum that holds an event."""
    order = time.argsort(descending=True)
    log_hazard, time, event = log_hazard[order], time[order], event[order]
    _, tie_size = torch.unique_consecutive(time, return_counts=True)
    # The risk set of a time holds all of its ties: the sum up to the last of them.
    log_risk = log_hazard.logcumsumexp(0)[tie_size.cumsum(0) - 1]  # (ties,)
    tie = torch.arange(tie_size.numel(), device=time.device)
    tie = tie.repeat_interleave(tie_size)[event]  # (events,)
    log_risk, log_hazard = log_risk[tie], log_hazard[event]
    if not efron:
        return (log_hazard - log_risk).sum()
    n_ties = tie_size.numel()
    log_tied = _logsumexp_by(tie, log_hazard, n_ties)[tie]
    n_events = torch.bincount(tie, minlength=n_ties)
    first = n_events.cumsum(0) - n_events
    number = torch.arange(tie.numel(), device=tie.device) - first[tie]
    share = log_tied - log_risk
    share = share - share.detach().clamp(min=0)  # rounding may not pass the whole
    fraction = number.to(share.dtype) / n_events[tie]
    return (log_hazard - log_risk - torch.log1p(-fraction * share.exp())).sum()


def _logsumexp_by(group: Tensor, values: Tensor, n_groups: int) -> Tensor:
    """Log of the sum of exponentials of each group, 0 for a group without values."""
    zeros = values.new_zeros(n_groups)
    level = zeros.scatter_reduce(0, group, values.detach(), "amax", include_self=False)
    total = zeros.index_add(0, group, (values - level[group]).exp())
    return torch.where(total > 0, total, 1.0).log() + level


def _cast_up(values: Tensor) -> Tensor:
    return values if values.dtype == torch.float64 else values.float()


def _check_shapes(log_hazard: Tensor, **others: Tensor | None) -> None:
    """Refuse what would broadcast, such as (batch, 1) against (batch,)."""
    if log_hazard.ndim != 1:
        raise DataError(
            f"`log_hazard` has shape {tuple(log_hazard.shape)}; it must be (batch,), "
            "one number per face."
        )
    for name, values in others.items():
        if values is not None and values.shape != log_hazard.shape:
            raise DataError(
                f"`{name}` has shape {tuple(values.shape)} and `log_hazard` "
                f"{tuple(log_hazard.shape)}; give one value per face."
            )
