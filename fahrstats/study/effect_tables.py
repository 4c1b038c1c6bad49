"""Result tables about the scores of a study: hazard ratios, ranking, added value."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import pandas as pd

from fahrstats.columns import in_order
from fahrstats.study.checks import StudyCohort
from fahrstats.study.people_tables import group_column, stacked, with_groups
from fahrstats.study.published import PublishedRow
from fahrstats.study.specification import Outcome, Variable
from fahrstats.survival.comparison import compare
from fahrstats.survival.cox_fit import CoxFit
from fahrstats.survival.hazards import cox
from fahrstats.survival.proportionality import ph_test
from fahrstats.survival.ranking import concordance
from fahrstats.survival.subgroups import by_subgroup

_LIMITS = ["estimate", "conf_low", "conf_high"]
_KEPT = [
    *("subgroup", "level", "term", "per", "estimand", *_LIMITS, "n", "n_events", "note")
]
_GROUP_NAMES = {3: "tertiles", 4: "quartiles", 5: "quintiles", 10: "deciles"}


def models_of(cohort: StudyCohort, score: str) -> dict[str, tuple[str, ...]]:
    """Return the terms of the Cox models of one score, by label."""
    study, group = cohort.study, group_column(score)
    in_groups = groups_name(cohort)
    if not study.covariates:
        return {"unadjusted": (score,), f"{in_groups}, unadjusted": (group,)}
    return {
        "unadjusted": (score,),
        "adjusted": study.adjusted(score),
        f"{in_groups}, unadjusted": (group,),
        f"{in_groups}, adjusted": study.adjusted(group),
    }


def hazard_ratios(cohort: StudyCohort) -> pd.DataFrame:
    """Cox models of each score, as a number and in groups, alone and adjusted.

    The covariates, each fitted alone, stand with the model ``unadjusted``.
    """
    study = cohort.study
    data = _with_reference_first(cohort)
    alone = [_ratios(cohort, _fit(cohort, data, [c.name])) for c in study.covariates]
    tables = []
    for score in study.scores:
        for model, terms in models_of(cohort, score.name).items():
            own = _ratios(cohort, _fit(cohort, data, terms))
            fitted = [own, *(alone if model == "unadjusted" else [])]
            tables += [t.assign(biomarker=score.name, model=model) for t in fitted]
    return stacked(tables)


def proportionality(cohort: StudyCohort) -> pd.DataFrame:
    """Test proportional hazards in the adjusted model of each score."""
    study = cohort.study
    model = "adjusted" if study.covariates else "unadjusted"
    return stacked(
        [
            ph_test(
                study.formula(*study.adjusted(score.name)),
                cohort.model_data,
                strata=study.analysis.strata,
                weights=study.analysis.weights,
            )
            .tidy()
            .assign(biomarker=score.name, model=model)
            for score in study.scores
        ]
    )


def ranking(cohort: StudyCohort) -> pd.DataFrame:
    """Concordance of each score and each covariate that is a number, and differences.

    A difference is of a score from what stands after it: other scores, covariates.
    """
    study = cohort.study
    scores = [score.name for score in study.scores]
    numbers = [c.name for c in study.covariates if is_number(cohort, c)]
    found = concordance(
        study.formula(*scores, *numbers),
        cohort.data,
        strata=study.analysis.strata,
        cluster=study.analysis.cluster,
        weights=study.analysis.weights,
        id=study.analysis.id,
    )
    pairs = [(a, b) for a, b in combinations([*scores, *numbers], 2) if a in scores]
    return stacked([found.tidy(), *(found.contrast(a, b) for a, b in pairs)])


def subgroup_audit(cohort: StudyCohort) -> pd.DataFrame:
    """Estimate each score's adjusted hazard ratio in every level of every subgroup."""
    subgroups = [subgroup.name for subgroup in cohort.study.subgroups]
    return stacked(
        [
            _audit(cohort, score, cohort.study.main, subgroups)
            for score in cohort.study.scores
        ]
    )


def comparison_models(cohort: StudyCohort) -> dict[str, str]:
    """Formulas of the models that are compared, by label: what each score adds."""
    study = cohort.study
    scores: dict[str, tuple[str, ...]] = {s.label: (s.name,) for s in study.scores}
    if len(scores) > 1:
        scores[" + ".join(scores)] = tuple(score.name for score in study.scores)
    if not study.covariates:
        return {label: study.formula(*names) for label, names in scores.items()}
    return {
        "Covariates": study.formula(*study.adjusted()),
        **{
            f"Covariates + {label}": study.formula(*study.adjusted(*names))
            for label, names in scores.items()
        },
    }


def added_value(cohort: StudyCohort) -> pd.DataFrame:
    """Models with and without the scores, compared on the same rows."""
    analysis = cohort.study.analysis
    return compare(
        comparison_models(cohort),
        cohort.model_data,
        strata=analysis.strata,
        cluster=analysis.cluster,
        weights=analysis.weights,
        id=analysis.id,
    ).tidy()


def outcomes(cohort: StudyCohort) -> pd.DataFrame:
    """Hazard ratio of each score for every outcome, alone and adjusted."""
    study = cohort.study
    tables = []
    for outcome in study.outcomes:
        for score in study.scores:
            for model, terms in models_of(cohort, score.name).items():
                if score.name not in terms:
                    continue
                fit = _fit(cohort, cohort.model_data, terms, outcome)
                ratios = _ratios(cohort, fit)
                tables.append(
                    ratios[ratios["variable"] == score.name].assign(
                        outcome=outcome.label, biomarker=score.name, model=model
                    )
                )
    return stacked(tables)


def published_beside_ours(cohort: StudyCohort) -> pd.DataFrame:
    """Set published hazard ratios beside ours, and further outcomes beside those."""
    study = cohort.study
    named = list(dict.fromkeys(r.subgroup for r in cohort.published if r.subgroup))
    rows = []
    for outcome in study.outcomes:
        audits = {s.name: _audit(cohort, s, outcome, named) for s in study.scores}
        for row in cohort.published:
            ours = _found(audits[row.term], row)
            if row.outcome == outcome.name:
                ours |= {
                    "published": float(row.hr),
                    "published_low": float(row.low),
                    "published_high": float(row.high),
                    "note": "; ".join(
                        filter(None, [_verdict(row, ours), ours["note"]])
                    ),
                }
            rows.append({"outcome": outcome.label, **ours})
    table = pd.DataFrame(rows)
    return table[in_order(table.columns)]


def groups_name(cohort: StudyCohort) -> str:
    """Return ``quartiles``, or what groups of another kind are called."""
    if any(score.cut_points for score in cohort.study.scores):
        return "groups"
    n_groups = cohort.study.analysis.quantile_groups
    return _GROUP_NAMES.get(n_groups, f"{n_groups} groups")


def is_number(cohort: StudyCohort, variable: Variable) -> bool:
    """Tell whether a variable is an amount and not a factor."""
    return pd.api.types.is_float_dtype(cohort.data[variable.name])


def _fit(
    cohort: StudyCohort,
    data: pd.DataFrame,
    terms: Sequence[str],
    outcome: Outcome | None = None,
) -> CoxFit:
    """Fit one Cox model with the roles that the study gives to columns."""
    analysis = cohort.study.analysis
    return cox(
        cohort.study.formula(*terms, outcome=outcome),
        data,
        strata=analysis.strata,
        cluster=analysis.cluster,
        weights=analysis.weights,
        id=analysis.id,
    )


def _with_reference_first(cohort: StudyCohort) -> pd.DataFrame:
    """Add the quantile groups of every score, the reference group first."""
    data = with_groups(cohort, cohort.model_data)
    reference = cohort.study.analysis.reference
    for score, groups in cohort.groups.items():
        others = [label for label in groups.labels if label != reference]
        column = group_column(score)
        data[column] = data[column].cat.set_categories([reference, *others])
    return data


def _ratios(cohort: StudyCohort, fit: CoxFit) -> pd.DataFrame:
    """Hazard ratios of a fit, each per the step that the study names."""
    fitted = {column.variable for column in fit.columns}
    steps = {v.name: v for v in cohort.study.variables if is_number(cohort, v)}
    sizes = {name: _size(cohort, v) for name, v in steps.items() if name in fitted}
    table = fit.tidy(exponentiate=True, per=sizes)
    per = {name: _step_text(v) for name, v in steps.items()}
    return table.assign(per=table["variable"].map(per).fillna(""))


def _audit(
    cohort: StudyCohort, score: Variable, outcome: Outcome, subgroups: Sequence[str]
) -> pd.DataFrame:
    """Audit one score for one outcome."""
    study = cohort.study
    audit = by_subgroup(
        study.formula(*study.adjusted(score.name), outcome=outcome),
        cohort.model_data,
        term=score.name,
        by=subgroups,
        strata=study.analysis.strata,
        cluster=study.analysis.cluster,
        weights=study.analysis.weights,
    )
    table = audit.tidy(exponentiate=True, per={score.name: _size(cohort, score)})
    return table.assign(biomarker=score.name, per=_step_text(score))


def _size(cohort: StudyCohort, variable: Variable) -> float:
    """Return the step of a hazard ratio in the units of the models."""
    if variable.per != "sd":
        return variable.per
    if variable.within is not None:
        return 1.0
    return cohort.deviations[variable.name]["overall"]


def _step_text(variable: Variable) -> str:
    """Return the step of a hazard ratio as text: a number of units, or its name."""
    if variable.per != "sd":
        return f"{variable.per:g}"
    return f"SD within {variable.within}" if variable.within else "SD"


def _found(audit: pd.DataFrame, row: PublishedRow) -> dict[str, Any]:
    """Return the line of an audit about the people of a published row."""
    wanted = (
        (audit["estimand"] == "hr")
        & (audit["subgroup"] == (row.subgroup or "overall"))
        & (audit["level"] == (row.level or "overall"))
    )
    line = audit.loc[wanted, _KEPT].iloc[0]
    return {str(name): value for name, value in line.items()}


def _verdict(row: PublishedRow, ours: dict[str, Any]) -> str:
    """Say whether our estimate and limits round to the printed ones, and where."""
    agrees = row.is_matched_by([ours[name] for name in _LIMITS])
    verdict = "agrees to every printed decimal" if agrees else "differs from print"
    return f"{verdict} ({row.source})"
