"""Rows and sentences that the report of a prognostic biomarker chooses.

Every function takes the results of the study; none computes anything.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Final

import pandas as pd

from fahrstats.display.accuracy_tables import horizons_of
from fahrstats.display.journal_styles import NO_INTERACTION_P
from fahrstats.display.labels import in_sentence, listed
from fahrstats.report.study_results import StudyResults

BASE: Final = "Covariates"
"""Label of the model without any score."""

_CORRECTED: Final = "optimism-corrected"
_ROLES: Final = {
    "entry": "People are at risk from their entry (`{}`) on.",
    "strata": "Each level of `{}` has a baseline hazard of its own.",
    "weights": "Case weights (`{}`) count in Cox models, survival curves, mean times, "
    "cumulative incidence and C-indices. They do not in descriptions, the log-rank and "
    "Gray's tests, subdistribution and logistic models, groups of two scores, imputed "
    "tables, and the choice of a cut point.",
    "cluster": "Standard errors are the grouped sandwich [@lin1989] by `{}`.",
    "id": "Several rows are of one person (`{}`).",
}
_OTHER_CAUSES: Final = (
    "Events of other causes end follow-up here. Survival curves are therefore those of "
    "a world without other causes, in which risks are higher than the share of people "
    "who have the event; cumulative incidence is that share."
)


def main_model(study: StudyResults) -> str:
    """Return the model of a score that the report is about."""
    return "adjusted" if study.manifest["covariates"] else "unadjusted"


def horizons(study: StudyResults) -> list[float]:
    """Return the times at which models are judged, the main one last."""
    return horizons_of(study.rows("comparison")) if study.has("comparison") else []


def main_horizon(study: StudyResults) -> float | None:
    """Return the time at which models are judged first of all, if there is one."""
    judged = horizons(study)
    return judged[-1] if judged else None


def people(study: StudyResults) -> str:
    """Say who was followed, and in whom scores are compared if not in all."""
    followed = study.rows("follow_up")
    text: str = study.sentences.follow_up(followed)
    if not study.has("comparison"):
        return text
    sizes = study.rows("comparison")[["n", "n_events"]].iloc[0]
    n_followed = followed["n"].fillna(0).iloc[0]  # missing where it is not published
    if pd.isna(sizes["n"]) or sizes["n"] == n_followed:
        return text
    n, n_events = (study.count(size) for size in sizes)
    return (
        f"{text} Scores and models are compared in the {n} of them ({n_events} events) "
        "in whom every score is known."
    )


def methods(study: StudyResults) -> str:
    """Say in short how the scores were analysed."""
    manifest = study.manifest
    scores = listed([study.in_sentence(score) for score in study.biomarkers])
    covariates = [study.in_sentence(name) for name in manifest["covariates"]]
    adjusted = f" and adjusted for {listed(covariates)}" if covariates else ""
    found = [
        f"Cox models of the hazard of {in_sentence(manifest['outcome_label'])} with "
        f"{scores} as a number, alone{adjusted}."
    ]
    if study.has("comparison"):
        horizon = main_horizon(study)
        when = f", and their predictions at {study.amount(horizon)}," if horizon else ""
        found.append(
            f"Models with and without a score{when} were compared on the same people."
        )
    n_boot = manifest.get("choices", {}).get("n_boot")
    if n_boot:
        samples = study.count(n_boot)
        found.append(f"Optimism was taken off by {samples} bootstrap samples.")
    return " ".join(found)


def limits(study: StudyResults) -> list[str]:
    """Say what no analysis of these data can show, and what was left out of them."""
    found = [
        "Nobody was given a score by lot: an association is no effect, and what nobody "
        "measured may explain it."
    ]
    if study.has("flow"):
        n = study.rows("flow")["n"]
        if n.iloc[0] > n.iloc[-1]:
            found.append(
                "Rows were left out, as the flow of participants shows; where these "
                "people differ from the others, so may the findings."
            )
    if has_other_causes(study):
        found.append(
            "Survival curves, predicted risks, calibration and net benefit are those "
            "of a world without other causes, and tell higher risks than people have."
        )
    if not study.has("cohorts"):
        found.append(
            "The findings are of one set of data; no other has confirmed them."
        )
    return found


def competing_note(study: StudyResults) -> str:
    """Say what survival means where events of other causes end follow-up."""
    return f"{_OTHER_CAUSES} See @fig-incidence." if has_other_causes(study) else ""


def roles_of_columns(study: StudyResults) -> str:
    """Say what strata, weights, clusters and delayed entry do in the models."""
    choices = study.manifest.get("choices", {})
    roles = dict(choices.get("roles", {}))
    if not choices.get("has_repeats", True):
        roles.pop("id", None)
    texts = [text.format(roles[role]) for role, text in _ROLES.items() if role in roles]
    return f"**Roles of columns.** {' '.join(texts)}" if texts else ""


def tests_of_subgroups(study: StudyResults) -> str:
    """Say how many tests of interaction there are, and what they hold equal."""
    if not study.has("subgroups"):
        return ""
    if not study.style.interaction_p:
        return NO_INTERACTION_P
    table = study.rows("subgroups")
    is_test = (table["estimand"] == "interaction_chi2") & table["p_value"].notna()
    n_tests = study.count(int(is_test.sum()))
    p = study.style.p_symbol
    return (
        f"There is one interaction test for each score and subgroup, {n_tests} in all, "
        f"and {p} values are not corrected for this number: among many tests some have "
        f"a small {p} value by chance alone. A test holds the effects of the "
        "covariates equal in all levels, which the fits within levels do not, so that "
        "the two can differ."
    )


def main_findings(study: StudyResults, biomarker: str) -> str:
    """Say association, ranking alone and added value of one score."""
    found = [
        study.sentences.association(
            study.rows("cox", biomarker=biomarker, model=main_model(study)),
            biomarker,
            outcome=study.manifest["outcome_label"],
            adjusted_for=study.manifest["covariates"],
        ),
        known_in(study, biomarker),
        in_groups(study, biomarker),
        study.sentences.concordance(study.rows("concordance"), biomarker),
        added_by(study, biomarker, study.sentences.added_value),
        one_deviation(study, biomarker),
    ]
    return " ".join(filter(None, found))


def known_in(study: StudyResults, biomarker: str) -> str:
    """Say in how many people a score is known, where that is not in all."""
    own = study.rows("cox", biomarker=biomarker, model=main_model(study))
    n, n_events = (own[size].max() for size in ("n", "n_events"))
    if pd.isna(n) or n == study.rows("follow_up")["n"].fillna(n).iloc[0]:
        return ""
    return (
        f"This score is known in {study.count(n)} people with "
        f"{study.count(n_events)} events."
    )


def in_groups(study: StudyResults, biomarker: str) -> str:
    """Say how many of the outer groups of a score had the event, or were without it.

    Where other causes censor, survival would tell of a world without them, so that
    cumulative incidence is told.
    """
    if has_other_causes(study):
        cause = study.manifest["choices"]["cause_of_interest"]
        table = study.found("incidence_at", biomarker=biomarker, cause=cause)
    else:
        table = study.found("survival_at", biomarker=biomarker)
    return study.sentences.groups_at(table) if table is not None and len(table) else ""


def has_other_causes(study: StudyResults) -> bool:
    """Whether events of other causes end the follow-up for the main outcome."""
    any_cause = study.manifest.get("choices", {}).get("any_cause")
    return (
        study.has("incidence_at")
        and any_cause is not None
        and any_cause != study.manifest["outcome_label"]
    )


def added_by(
    study: StudyResults,
    biomarker: str,
    sentence: Callable[..., str],
    **options: object,
) -> str:
    """Say what a score adds to the covariates; empty without them."""
    if not study.has("comparison") or not study.manifest["covariates"]:
        return ""
    larger = f"{BASE} + {study.label(biomarker)}"
    return sentence(study.rows("comparison"), smaller=BASE, larger=larger, **options)


def added_accuracy(study: StudyResults, biomarker: str) -> str:
    """Say what a score adds at the main time; in ranking alone without one."""
    horizon = main_horizon(study)
    if horizon is None:
        return added_by(study, biomarker, study.sentences.added_value)
    return added_by(study, biomarker, study.sentences.added_accuracy, horizon=horizon)


def one_deviation(study: StudyResults, biomarker: str) -> str:
    """Say the size of one standard deviation, where hazard ratios are per SD."""
    spread = study.manifest.get("deviations", {}).get(biomarker, {})
    sizes = [
        f"{study.number(size)} {study.unit(biomarker)}".strip()
        + ("" if level == "overall" else f" ({level})")
        for level, size in spread.items()
    ]
    name = study.in_sentence(biomarker)
    if not sizes:
        return ""
    return (
        f"One SD of {name} is {', '.join(sizes)}, in all tables, over everyone in the "
        "study with a value."
    )


def together(study: StudyResults) -> list[str]:
    """Say what two scores tell given each other."""
    if not study.has("joint_groups"):
        return []
    kept = study.estimated("joint_groups")
    if kept.empty:
        return []
    known = study.manifest.get("deviations", {})
    sizes = kept[(kept["estimand"] == "marker_sd") & ~kept["term"].isin(known)]
    texts = [
        f"{study.number(size)} {study.unit(score)}".strip()
        + f" of {study.in_sentence(score)}"
        for score, size in zip(sizes["term"], sizes["estimate"], strict=True)
    ]
    told = study.sentences.given_each_other(kept)
    return [f"{told} One SD is {listed(texts)}." if texts else told]


def own(biomarker: str, table: pd.DataFrame) -> pd.DataFrame:
    """Return rows about the score itself, without the covariates of its model."""
    return table[table["variable"] == biomarker]


def at(horizon: float | None, table: pd.DataFrame | None) -> pd.DataFrame | None:
    """Return the rows of a table at one time; None of a table that is not there."""
    return None if table is None else table[table["time"] == horizon]


def while_followed(
    study: StudyResults, name: str, biomarker: str
) -> pd.DataFrame | None:
    """Return numbers at risk at the times at which some group has any.

    None where the study has no such table, or nothing of it may be published.
    """
    if not study.has(name):
        return None
    table = study.rows(name, biomarker=biomarker)
    told = table[table.groupby("time")["n_at_risk"].transform("max").fillna(0) > 0]
    return told if len(told) else None


def at_risk_withheld(study: StudyResults, name: str, biomarker: str) -> str:
    """Say of a score that no number at risk may be published; nothing otherwise."""
    if while_followed(study, name, biomarker) is not None:
        return ""
    return f"{study.label(biomarker)}. Numbers at risk are too small to be published."


def gains(
    study: StudyResults, table: pd.DataFrame, estimands: Collection[str]
) -> pd.DataFrame:
    """Return differences of each model from the first, named by the model."""
    ending = f" - {table['model'].iloc[0]}"
    is_wanted = table["estimand"].isin(estimands) & table["term"].str.endswith(ending)
    horizon = main_horizon(study)
    if horizon is not None:
        is_wanted &= table["time"].isna() | (table["time"] == horizon)
    chosen = _best_validated(table[is_wanted])
    chosen = chosen.assign(term=chosen["term"].str.removesuffix(ending))
    return chosen.drop(columns="time", errors="ignore")


def decided(study: StudyResults, table: pd.DataFrame) -> pd.DataFrame:
    """Return net benefit at the main time, without bands, to the highest tenth.

    Each model is as well validated as it can be; beyond the mean predicted risk of the
    highest tenth hardly anybody is left to decide about.
    """
    horizon = main_horizon(study)
    table = table[table["time"] == horizon]
    is_model = ~table["term"].str.startswith("treat ")
    shown = pd.concat([_best_validated(table[is_model]), table[~is_model]])
    if study.has("calibration_groups"):
        highest = study.rows("calibration_groups", time=horizon)["predicted"].max()
        shown = shown[shown["threshold"] <= highest]
    return shown.assign(conf_low=float("nan"), conf_high=float("nan"))


def _best_validated(table: pd.DataFrame) -> pd.DataFrame:
    """Return rows corrected for optimism where there are any, else apparent ones."""
    if "validation" not in table:
        return table
    corrected = table[table["validation"] == _CORRECTED]
    return corrected if len(corrected) else table[table["validation"] == "apparent"]
