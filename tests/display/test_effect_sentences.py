# ruff: noqa: RUF001  (dashes and minus signs are what is tested)
from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from fahrstats.display import sentences
from fahrstats.errors import DataError

DEATH = "Death from any cause"


def effect(estimate, low, high, p_value=0.01, per="SD"):
    values = {"estimate": estimate, "conf_low": low, "conf_high": high}
    return pd.DataFrame([{"term": "flc", "per": per, "p_value": p_value, **values}])


def test_follow_up_gives_people_time_and_events(tables, cohort):
    text = sentences.follow_up(tables["follow_up"])
    n, n_events = len(cohort), cohort["event"].sum()
    assert text == (
        f"{n} people were followed for a median of 6.4 years; {n_events} of them had "
        "the event."
    )


def test_a_median_that_was_not_reached_is_left_out(tables, cohort):
    table = tables["follow_up"].assign(estimate=np.nan)
    n, n_events = len(cohort), cohort["event"].sum()
    assert (
        sentences.follow_up(table) == f"Among {n} people there were {n_events} events."
    )


def test_follow_up_of_several_groups_is_no_sentence(tables):
    table = tables["follow_up"].assign(group=[*"aaabbb"])
    with pytest.raises(DataError, match="`group` has 2 values \\(a, b\\)"):
        sentences.follow_up(table)


def test_an_association_is_told_with_direction_step_and_covariates(labels):
    text = sentences.association(
        effect(1.254, 1.227, 1.282, 1e-80),
        "flc",
        outcome=DEATH,
        adjusted_for=["age", "sex", "creatinine"],
        labels=labels,
    )
    assert text == (
        "A higher free light chain went with a higher hazard of death from any cause, "
        "with age, sex and creatinine held equal: hazard ratio 1.25 (95% CI 1.23–1.28) "
        "per SD, P<0.001."
    )
    lower = sentences.association(effect(0.8, 0.7, 0.9), "flc", outcome=DEATH)
    assert "went with a lower hazard of death from any cause: hazard" in lower


@pytest.mark.parametrize("limits", [(0.98, 1.04), (1.0, 1.2), (0.9, 1.0)])
def test_an_interval_that_holds_one_is_reported_as_a_null(limits, labels):
    text = sentences.association(
        effect(1.01, *limits, p_value=0.551), "flc", outcome=DEATH, labels=labels
    )
    assert text.startswith(
        "Free light chain showed no clear association with the hazard"
    )
    assert "P=0.55" in text
    assert text.endswith("compatible with every value in this interval.")


@pytest.mark.parametrize(
    ("estimate", "shown"), [(np.inf, "infinite"), (0.0, "0 (infinite effect)")]
)
def test_an_infinite_estimate_is_no_null_and_has_its_firth_estimate(estimate, shown):
    rows = [effect(estimate, np.nan, np.nan, 1e-9), effect(14.2, 2.2, 90.0)]
    text = sentences.association(pd.concat(rows), "flc", outcome=DEATH)
    assert "no clear association" not in text
    assert f"hazard ratio {shown} per SD, P<0.001." in text
    assert text.endswith("Firth's penalised estimate is 14.20 (95% CI 2.20–90.00).")


def test_a_missing_estimate_is_said():
    none = effect(np.nan, np.nan, np.nan)
    text = "The association of flc with the hazard of death from any cause has no "
    assert sentences.association(none, "flc", outcome=DEATH) == f"{text}estimate."


def test_a_score_that_repeats_a_covariate_has_no_estimate_of_its_own(labels):
    alias = effect(np.nan, np.nan, np.nan).assign(note="aliased: `flc` = 1 x `age`")
    text = sentences.association(alias, "flc", outcome=DEATH, labels=labels)
    assert text.endswith(
        "has no estimate of its own: it repeats other variables of the model (Free "
        "light chain = Age)."
    )


def test_covariates_whose_estimates_are_not_published_are_held_equal(labels):
    table = pd.concat([effect(1.3, 1.05, 1.6), effect(np.nan, np.nan, np.nan)])
    table = table.assign(
        variable=["flc", "sex"],
        term=["flc", "sex[T.M]"],
        note=["", "too few people or events"],
    )
    given = {"outcome": DEATH, "adjusted_for": ["sex"], "labels": labels}
    text = sentences.association(table, "flc", **given)
    assert "with sex held equal:" in text
    assert "left out" not in text


def test_covariates_that_were_left_out_are_not_held_equal(labels):
    rows = [
        ("flc", "flc", 1.3, ""),
        ("age", "age", np.nan, "aliased: `age` = 2 x `flc`"),
        ("sex", "sex[T.M]", np.nan, "aliased: `sex[T.M]` is 0 in every row"),
        ("creatinine", "creatinine", 1.1, ""),
    ]
    table = pd.DataFrame(rows, columns=["variable", "term", "estimate", "note"])
    table = table.assign(conf_low=1.05, conf_high=1.6, p_value=0.01, per="")
    text = sentences.association(
        table,
        "flc",
        outcome=DEATH,
        adjusted_for=["age", "sex", "creatinine"],
        labels=labels,
    )
    assert "with creatinine held equal:" in text
    assert text.endswith(
        "Not held equal, but left out of the model: age, because it repeats other "
        "variables of the model; sex, because it is the same for everyone compared."
    )


def test_a_score_that_the_table_lacks_is_named():
    with pytest.raises(DataError, match=r"`term` has no `age`"):
        sentences.association(effect(1, 1, 1), "age", outcome=DEATH)


def test_every_interaction_test_is_listed(tables, labels):
    text = sentences.interactions(tables["subgroups"], labels=labels)
    assert text == (
        "Tests of equal hazard ratios across levels: sex P=0.43 and age band P=0.031."
    )
    table = tables["subgroups"]
    untested = table.assign(p_value=table["p_value"].mask(table["subgroup"] == "sex"))
    assert sentences.interactions(untested, labels=labels) == (
        "Tests of equal hazard ratios across levels: age band P=0.031. Equality across "
        "levels was not tested: sex."
    )
    none = sentences.interactions(table[table["estimand"] == "hr"])
    assert none == "No subgroup had an interaction test."


def test_proportionality_is_told_for_the_score_and_for_all(tables, labels):
    text = sentences.proportionality(tables["ph_test"], "flc", labels=labels)
    assert text == (
        "Proportional hazards: P=0.25 for free light chain, P=0.133 for all terms "
        "together."
    )


def test_the_log_rank_test_is_given_with_its_degrees_of_freedom(tables):
    table = tables["logrank"].assign(statistic=38.214, p_value=2e-8)
    assert sentences.logrank(table, groups="quartiles") == (
        "Log-rank test between quartiles: chi-squared 38.21 on 3 df, P<0.001."
    )


def test_agreement_with_print_is_counted_over_what_is_printed(tables):
    table = tables["published"]
    unprinted = table.assign(published=np.nan)
    text = sentences.agreement_with_print(pd.concat([table, unprinted]))
    assert text == (
        "1 of 2 published hazard ratios agrees with ours, limits included, to two "
        "decimals."
    )


def test_an_absent_column_is_named():
    with pytest.raises(DataError, match=r"no column `conf_low`, `conf_high`"):
        sentences.association(
            effect(1, 1, 1)[["term", "estimate"]], "flc", outcome="death"
        )


@pytest.mark.parametrize(
    ("withheld", "reached", "not_reached"),
    [
        (
            ["n_events"],
            "{n} people were followed for a median of 6.4 years; how many of them had "
            "the event is withheld.",
            "How many events there were among {n} people is withheld.",
        ),
        (
            ["n"],
            "The people were followed for a median of 6.4 years; {n_events} of them "
            "had the event.",
            "There were {n_events} events.",
        ),
        (
            ["n", "n_events"],
            "The people were followed for a median of 6.4 years; how many of them had "
            "the event is withheld.",
            "How many events there were is withheld.",
        ),
    ],
)
@pytest.mark.parametrize("missing", [np.nan, pd.NA])
def test_withheld_counts_are_said_to_be(
    tables, cohort, missing, withheld, reached, not_reached
):
    counts = {"n": len(cohort), "n_events": cohort["event"].sum()}
    table = tables["follow_up"].assign(**dict.fromkeys(withheld, missing))
    assert sentences.follow_up(table) == reached.format(**counts)
    unreached = table.assign(estimate=np.nan)
    assert sentences.follow_up(unreached) == not_reached.format(**counts)
