"""Result tables of a saliency study."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from fahrstats.columns import contrast_name, in_order
from fahrstats.measurement.region_comparison import compare_regions
from fahrstats.measurement.region_comparison_result import RegionComparison
from fahrstats.measurement.region_importance import region_importance
from fahrstats.study.photo_scores import STATUS_WORDS
from fahrstats.study.saliency.checked_faces import check_explanations
from fahrstats.study.saliency.photos import Averages, Explained
from fahrstats.study.saliency.specification import Saliency

Makers = dict[str, Callable[[], pd.DataFrame]]


def table_makers(
    study: Saliency,
    explained: Explained,
    averages: Averages,
    *,
    data_dir: Path | None,
    results: Path,
) -> Makers:
    """Return what makes each table of a saliency study, by name and in order."""
    importance = explained.importance
    order = {name: at for at, name in enumerate(study.columns)}
    rows = importance[importance["model"].isin(study.columns)]
    rows = rows.sort_values("model", key=lambda of: of.map(order), kind="stable")
    subject = "subject" if rows["subject"].notna().all() else None
    makers: Makers = {
        "flow": partial(_flow, importance),
        "region_importance": lambda: region_importance(
            rows, subject=subject, n_boot=study.n_boot, seed=study.seed
        ).tidy(),
    }
    if len(study.models) > 1:
        compare = cache(partial(_compare, study, rows, subject))
        makers["region_differences"] = lambda: compare().tidy()
        makers["overlap"] = lambda: compare().overlap()
        makers["region_tests"] = lambda: compare().test()
        if averages.maps:
            makers["map_overlap"] = partial(_map_overlap, study, averages)
    checked = cache(partial(check_explanations, study, data_dir, results))
    makers["sanity"] = lambda: checked().sanity
    makers["curve_areas"] = lambda: checked().areas
    makers["deletion_insertion"] = lambda: checked().curves
    makers["cost"] = lambda: checked().cost
    return makers


def _compare(
    study: Saliency, rows: pd.DataFrame, subject: str | None
) -> RegionComparison:
    """Compare all models on the photos that all of them explain."""
    return compare_regions(
        rows,
        subject=subject,
        n_boot=study.n_boot,
        n_swaps=study.n_swaps,
        seed=study.seed,
    )


def _flow(importance: pd.DataFrame) -> pd.DataFrame:
    """Return one row per reason that took photos out."""
    status = importance.drop_duplicates("photo")["status"]
    counts = [
        (words, int((status == name).sum()))
        for name, words in STATUS_WORDS.items()
        if name != "ok"
    ]
    removed = [("photos", 0), *((why, n) for why, n in counts if n)]
    flow = pd.DataFrame(removed, columns=["reason", "n_removed"])
    flow = flow.assign(
        step=np.arange(len(flow)), column="", n=len(status) - flow["n_removed"].cumsum()
    )
    return flow[in_order(flow.columns)]


def _map_overlap(study: Saliency, averages: Averages) -> pd.DataFrame:
    """Return how much the mean maps of each pair of models agree, place by place."""
    names = [name for name in study.columns if name in averages.maps]
    rows = [
        {
            "term": contrast_name(a, b),
            "estimand": "map_spearman",
            "estimate": float(
                spearmanr(
                    np.abs(averages.maps[a]).ravel(), np.abs(averages.maps[b]).ravel()
                ).statistic
            ),
        }
        for a, b in combinations(names, 2)
    ]
    table = pd.DataFrame(rows)
    return table[in_order(table.columns)]
