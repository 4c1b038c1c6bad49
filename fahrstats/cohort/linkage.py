"""Joining a table of scores to a clinical table, one row a subject in each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fahrstats.errors import DataError


@dataclass(frozen=True, slots=True, eq=False)
class Linkage:
    """Two tables joined on a subject's id.

    Attributes
    ----------
    table : DataFrame
        All rows of the clinical table, in its order, with the columns of both tables;
        scores are missing where the scores table lacks the id.
    has_scores : ndarray of bool, shape (n,)
        Whether the scores table holds the row's id.
    n_without_clinical : int
        Rows of the scores table that the clinical table lacks; they are left out.
    """

    table: pd.DataFrame
    has_scores: NDArray[np.bool_]
    n_without_clinical: int


def link(
    clinical: pd.DataFrame,
    scores: pd.DataFrame,
    *,
    id: str,
    allow_unmatched: bool = False,
) -> Linkage:
    """Join scores to clinical rows on the column ``id``.

    Parameters
    ----------
    clinical, scores
        One row a subject in each.
    id
        Column that both tables hold. No id is ever printed.
    allow_unmatched
        Accept, and count, the ids that only one table holds.

    Raises
    ------
    DataError
        ``id`` is absent, missing or repeated; the tables share another column; or they
        do not hold the same ids and ``allow_unmatched`` is false.
    """
    _check_ids(clinical, id, "clinical table")
    _check_ids(scores, id, "scores table")
    shared = [name for name in scores.columns if name in clinical.columns]
    shared.remove(id)
    if shared:
        names = ", ".join(f"`{name}`" for name in shared)
        raise DataError(
            f"Both tables hold {names}; keep each column in one table only, or it is "
            "unclear which is meant."
        )
    has_scores = clinical[id].isin(scores[id]).to_numpy()
    n_without_scores = int((~has_scores).sum())
    n_without_clinical = int((~scores[id].isin(clinical[id])).sum())
    if not has_scores.any():
        raise DataError(
            f"No `{id}` of the scores table ({len(scores)} rows, type "
            f"{scores[id].dtype}) is in the clinical table ({len(clinical)} rows, type "
            f"{clinical[id].dtype}); check that both write it the same way."
        )
    if (n_without_scores or n_without_clinical) and not allow_unmatched:
        raise DataError(
            f"`{id}`: {n_without_clinical} of {len(scores)} ids in the scores table "
            f"are not in the clinical table, and {n_without_scores} of "
            f"{len(clinical)} in the clinical table have no scores; correct the ids, "
            "or allow unmatched ids to leave these rows out and count them."
        )
    return Linkage(
        table=clinical.merge(scores, on=id, how="left", validate="one_to_one"),
        has_scores=has_scores,
        n_without_clinical=n_without_clinical,
    )


def _check_ids(table: pd.DataFrame, id: str, name: str) -> None:
    """Refuse ids that cannot join one row to one row."""
    if id not in table.columns:
        raise DataError(f"The {name} has no column `{id}` to join on.")
    n_missing = int(table[id].isna().sum())
    if n_missing:
        raise DataError(
            f"`{id}` is missing in {n_missing} of {len(table)} rows of the {name}; "
            "every row needs one to be joined."
        )
    n_repeated = int(table[id].duplicated().sum())
    if n_repeated:
        raise DataError(
            f"`{id}` is repeated in {n_repeated} of {len(table)} rows of the {name}; "
            "give one row a subject, or the join would multiply rows."
        )
