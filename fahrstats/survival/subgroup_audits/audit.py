"""Does a marker, and the model that it is part of, work equally well in every group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fahrstats.cohort.design import Design, build_design
from fahrstats.cohort.encoding import DesignColumn
from fahrstats.cohort.roles import Roles
from fahrstats.errors import DataError
from fahrstats.survival.predictions.horizons import as_horizon
from fahrstats.survival.rankings.scored_rows import ScoredRows
from fahrstats.survival.subgroup_audits.audit_result import Audit
from fahrstats.survival.subgroup_audits.audited_levels import (
    Factor,
    audited_factors,
    everyone,
)
from fahrstats.survival.subgroup_audits.audited_measures import MODEL
from fahrstats.survival.subgroup_audits.audited_part import audit_part
from fahrstats.survival.subgroup_audits.between_groups import rank_between
from fahrstats.survival.subgroup_audits.between_groups_result import (
    ConcordanceBetween,
)
from fahrstats.survival.subgroup_audits.floors import (
    FLOOR_EVENTS,
    FLOOR_PEOPLE,
    Floors,
)
from fahrstats.survival.subgroup_audits.judged_rows import JudgedRows, judge_rows
from fahrstats.survival.subgroup_audits.level_fits import (
    LevelFit,
    fit_everyone,
    model_of,
    read_estimate,
)

BoolArray = NDArray[np.bool_]


def audit(
    formula: str,
    data: pd.DataFrame,
    *,
    term: str,
    by: Sequence[str],
    horizon: float,
    crossings: Sequence[Sequence[str]] = (),
    risk: str | None = None,
    strata: str | None = None,
    cluster: str | None = None,
    id: str | None = None,
    floor_events: int = FLOOR_EVENTS,
    floor_people: int = FLOOR_PEOPLE,
) -> Audit:
    """Audit a marker, and the model it is part of, in every group.

    For everyone, for each level of each factor and for each crossing: how many people,
    events, censored and missing; the marker's adjusted hazard ratio, from the model
    fitted again within the level; the concordance of the marker and of the model's
    predictions; at the horizon, observed over expected events, calibration intercept
    and slope, Brier score and index of prediction accuracy; mean and spread of the
    marker. Equality of levels is tested once per factor and measure, with p values
    adjusted for the number of tests; the two levels that differ most are given with
    joint limits; people of different levels are ranked against each other; and small
    levels can be drawn to the others.

    Rows with a missing value in any column that the model uses are left out, and
    counted by level. Rows whose group is missing or declined form a level of their own.
    A level below a floor keeps its rows, which say "too few"; its counts are told in
    bands, and it takes no part in tests. Groups are columns of the data; nothing is
    inferred. ``data`` is never modified.

    Parameters
    ----------
    formula
        Outcome, marker and covariates: ``"Surv(time, event) ~ faceage + age + sex"``.
    data
        One row per subject.
    term
        The marker: a numeric column, or its transform, on the right-hand side.
    by
        Columns to audit by. Levels keep the order of a categorical column, and are
        sorted otherwise.
    horizon
        Time at which predicted risks are judged, in the units of the follow-up time.
    crossings
        Lists of columns whose levels are crossed, such as ``[["sex", "race"]]``, each
        once; only combinations that some row has are levels.
    risk
        Column of predicted risks of the event by the horizon, to audit a model that was
        made elsewhere. Without it the model of ``formula``, fitted to everyone,
        predicts.
    strata, cluster, id
        As in :func:`fahrstats.cox`. Pairs are ranked within strata.
    floor_events, floor_people
        Events and people below which a level is not estimated; measures at the horizon
        need as many events by then.

    Raises
    ------
    FormulaError
        The formula cannot be read, or the outcome has delayed entry.
    DataError
        A column of ``by`` or of a crossing is absent or holds a measurement rather than
        levels, ``term`` is not one column of the design or is called ``model``, as its
        predictions are in tables, the horizon is not among the times of follow-up, a
        predicted risk is no probability, a floor is no whole number, or the data cannot
        support the fit of everyone.
    ConvergenceError
        The fit of everyone ended without a maximum.

    Notes
    -----
    Predictions of the model of ``formula`` are judged on the rows that they were made
    from. Over everyone it is therefore calibrated by construction: unless censoring
    depends on the covariates, observed over expected is near 1, the intercept near 0
    and the slope near 1, whatever the model is worth. What can be seen is how levels
    differ, and they differ less the more of what defines them is in the model. Give
    ``risk`` for the calibration of a published model.

    The calibration intercept is the shift of the log cumulative hazard, log(-log(1 -
    p)), that makes the mean predicted risk the one observed: above 0 where events are
    more than predicted. The slope is that of a Cox model of log(-log(1 - p)) with
    events up to the horizon, as in :func:`fahrstats.calibration`.

    Within a level, censored rows are allowed for by the Kaplan-Meier estimates of that
    level. Groups are often followed for different lengths, and weights from everyone
    would then be wrong in each; where they are not, little precision is lost.

    All numbers of a level are those of :func:`fahrstats.cox`,
    :func:`fahrstats.concordance`, :func:`fahrstats.calibration` and
    :func:`fahrstats.prediction_error` on its rows. Intervals come from influence
    functions and take predictions as given. Where levels are compared, what they share
    counts too: clusters that span them, and the fit to everyone, which moves the
    predictions in all levels together. A factor that is in the model is calibrated by
    the fit, so that differences between its levels are much smaller than their
    intervals suggest, and tests allow for that; where next to no variance is left,
    there is no test, and the note says so. More than 20 levels, up to 100, are
    compared by Sidak's bound.

    References
    ----------
    Wang et al. (2007), New England Journal of Medicine 357:2189-2194, for subgroups.
    McLernon et al. (2023), Annals of Internal Medicine 176:105-114, for calibration at
    a horizon. Cochran (1954), Biometrics 10:101-129; Higgins and Thompson (2002),
    Statistics in Medicine 21:1539-1558; Holm (1979), Scandinavian Journal of Statistics
    6:65-70; Benjamini and Hochberg (1995), JRSS B 57:289-300.

    Examples
    --------
    >>> found = fs.audit("Surv(time, event) ~ faceage + age", cohort, term="faceage",
    ...                  by=["sex", "race"], crossings=[["sex", "race"]], horizon=5)
    >>> found.tidy(exponentiate=True, per={"faceage": 10})
    >>> found.tests()
    """
    floors = Floors(floor_events, floor_people)
    at = as_horizon(horizon)
    design = build_design(
        formula,
        data,
        **Roles(strata, cluster, None, id).named(),
        also_complete=[] if risk is None else [risk],
    )
    factors = audited_factors(data, by, crossings, design.formula)
    _refuse_name(term)
    model = model_of(formula, term, "efron", design, data)
    maximum, overall = fit_everyone(design, "efron")
    rows = judge_rows(design, maximum, term, model.kept, horizon=at, risk=risk)
    fit = LevelFit(
        read_estimate(design, maximum, term, "overall", "overall"), design, maximum
    )
    is_missing = data[[*design.encoder.needed, *([risk] if risk else [])]].isna()
    parts = [
        audit_part(model, rows, factor, floors, is_missing.any(axis=1).to_numpy(), fit)
        for factor in (everyone(data), *factors)
    ]
    return Audit(
        formula=formula,
        term=term,
        horizon=at,
        risk=risk,
        overall=overall,
        everyone=parts[0],
        parts=tuple(parts[1:]),
        ranked=_rank(rows, factors, floors),
    )


def _refuse_name(term: str) -> None:
    """Raise where the marker is called as the predictions of the model are."""
    if term == MODEL:
        raise DataError(
            f"`term` is `{MODEL}`, which stands for the predictions of the model in "
            "tables; rename the column."
        )


def _rank(
    rows: JudgedRows, factors: Sequence[Factor], floors: Floors
) -> ConcordanceBetween:
    """Rank levels against each other, by the marker and by the model."""
    design = rows.design
    scored = ScoredRows(_as_scores(rows), design.cluster, "n/G2", rows.horizon)
    parts = []
    for factor in factors:
        levels = factor.levels.iloc[design.rows]
        parts += rank_between(scored, factor.subgroup, levels, floors, rows.people)
    return ConcordanceBetween(
        formula=design.formula.text,
        time_weight=scored.time_weight,
        tau=scored.tau,
        parts=tuple(parts),
        n=design.n,
        n_events=int(scored.counts_event.sum()),
        n_dropped=design.n_dropped,
    )


def _as_scores(rows: JudgedRows) -> Design:
    """Return the design whose columns are what the marker and the model rank by."""
    columns = (DesignColumn(rows.term, rows.term), DesignColumn(MODEL, MODEL))
    encoder = replace(
        rows.design.encoder, columns=columns, is_varying=np.ones(2, np.bool_)
    )
    return replace(rows.design, encoder=encoder, X=rows.scores)
