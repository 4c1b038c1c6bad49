"""Cox models of each cause against R, and in what they say and refuse."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from competing import digest_of, load_competing
from drawings import drawn, texts_outside, words
from references import reference_cases
from tables import check_glance, check_table

import fahrstats as fs
from fahrstats.errors import DataError

R_RTOL = 1e-8  # coxph iterates to eps = 1e-12

CASES = [case for case in reference_cases("competing") if case.kind == "cox"]
FORMULA = "Surv(time, event) ~ age + C(sex)"


@pytest.fixture
def mgus2():
    frame = load_competing()["mgus2"]
    return frame.assign(cause=frame["code"].map({1: "malignancy", 2: "death"}))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_models_match_r(case):
    assert case.digest == digest_of(case.data)
    data = load_competing()[case.data]
    table = fs.cause_specific_cox(case.formula, data, cause="cause").tidy()
    np.testing.assert_allclose(table["estimate"], np.ravel(case.coef), rtol=R_RTOL)
    np.testing.assert_allclose(
        table["std_error"], np.ravel(case.std_error), rtol=R_RTOL
    )


def test_a_model_is_the_one_with_the_others_censored(mgus2):
    fits = fs.cause_specific_cox(FORMULA, mgus2, cause="cause", strata="decade")
    data = mgus2.assign(event=(mgus2["cause"] == "death") * 1)
    alone = fs.cox(FORMULA, data, strata="decade")
    death = fits.fits["death"]
    np.testing.assert_array_equal(death.log_hr, alone.log_hr)
    assert death.c_index == alone.c_index


def test_likelihoods_of_the_causes_add_up_to_that_of_any_event_without_effects():
    """With no ties, log 1/n at risk summed over events of each cause."""
    data = load_competing()["mgus2"]
    formula = "Surv(untied, event) ~ age"
    fits = fs.cause_specific_cox(formula, data, cause="cause")
    total = sum(fit.log_likelihood_null for fit in fits.fits.values())
    any_event = fs.cox(formula, data).log_likelihood_null
    assert total == pytest.approx(any_event, rel=1e-12)


def test_every_table_keeps_the_contract(mgus2):
    fits = fs.cause_specific_cox(FORMULA, mgus2, cause="cause")
    assert fits.causes == ("death", "malignancy")
    table = check_table(fits.tidy(exponentiate=True, per={"age": 10}))
    assert table["cause"].tolist() == ["death"] * 2 + ["malignancy"] * 2
    assert check_table(fits.by_cause())["n_events"].tolist() == [860, 115]
    glance = check_glance(fits.glance())
    assert glance.loc[0, ["n", "n_events", "n_dropped"]].tolist() == [1384, 975, 0]


def test_one_cause_can_be_asked_for(mgus2):
    fits = fs.cause_specific_cox(FORMULA, mgus2, cause="cause", of="malignancy")
    assert fits.causes == ("malignancy",)
    assert fits.glance().loc[0, "n_events"] == 115


def test_delayed_entry_and_weights_reach_the_models(mgus2):
    formula = "Surv(entry, time, event) ~ age"
    fits = fs.cause_specific_cox(formula, mgus2, cause="cause", weights="weight")
    data = mgus2.assign(event=(mgus2["cause"] == "malignancy") * 1)
    alone = fs.cox(formula, data, weights="weight")
    np.testing.assert_array_equal(fits.fits["malignancy"].cov, alone.cov)


def test_a_method_that_takes_data_again_wants_events_of_the_cause(mgus2):
    fits = fs.cause_specific_cox(FORMULA, mgus2, cause="cause")
    with pytest.raises(DataError, match="not those of the fit"):
        fits.fits["death"].residuals(mgus2, "martingale")
    data = mgus2.assign(event=(mgus2["cause"] == "death") * 1)
    assert len(fits.fits["death"].residuals(data, "martingale")) == 1384


def test_the_summary_describes_every_cause(mgus2):
    text = str(fs.cause_specific_cox(FORMULA, mgus2, cause="cause"))
    assert "Cause-specific Cox models of 2 causes in `cause`" in text
    assert "\n\ndeath\nCox model: " in text
    assert "1,384 rows, 115 events" in text


def test_an_unknown_cause_or_ties_are_refused(mgus2):
    with pytest.raises(DataError, match="`of` is `stroke`, but the causes"):
        fs.cause_specific_cox(FORMULA, mgus2, cause="cause", of="stroke")
    with pytest.raises(DataError, match="`ties` is 'random'; choose one of"):
        fs.cause_specific_cox(FORMULA, mgus2, cause="cause", ties="random")


def test_data_are_not_modified(mgus2):
    before = mgus2.copy()
    fs.cause_specific_cox(FORMULA, mgus2, cause="cause")
    pd.testing.assert_frame_equal(mgus2, before)


@pytest.mark.parametrize(
    ("of", "heads"),
    [(None, ["age (per 10 units)", "P"]), ("death", ["age (per 10 units)", "P"])],
)
def test_the_figure_names_steps_causes_and_p(mgus2, of, heads):
    fits = fs.cause_specific_cox(FORMULA, mgus2, cause="cause", of=of)
    with drawn(fits.plot(per={"age": 10})) as figure:
        shown = words(figure)
        assert texts_outside(figure) == []
    assert set(heads) <= set(shown)
    title = "Cause-specific hazard ratio (95% CI)" + (f", {of}" if of else "")
    assert title in shown
