"""What every public verb promises: one kind of result, with one set of answers.

A verb that is not called here fails the first test, so that none is forgotten.
"""

from __future__ import annotations

import dataclasses
import inspect
import io
import re
from collections.abc import Callable
from copy import deepcopy

import numpy as np
import pandas as pd
import pytest
from importances import make_importance
from panels import make_panel
from tables import check_glance, check_table

import fahrstats as fs

SURV = "Surv(time, event) ~ "
ANSWERS = ("tidy", "glance", "summary")

WITHOUT_FIGURE = {
    "best_cut_point": "a figure that marks a cut point would commend it",
    "gray_test": "its curves are those of cumulative_incidence",
    "logrank": "its curves are those of kaplan_meier",
    "pool_lr_test": "one test of two models, a line of text",
    "quantile_groups": "cut points, drawn with Table 1 as boxes",
    "table_one": "a table; figures.distribution draws one of its variables",
}
"""Verbs whose figure is that of another result, with the reason."""


def simulate(seed: int, n: int = 240) -> pd.DataFrame:
    """Make a small cohort with two scores, two causes, groups and missing values."""
    rng = np.random.default_rng(seed)
    age = rng.uniform(40, 80, n).round(1)
    bump, faces = rng.normal(size=(2, n))
    hazard = 0.2 * np.exp(0.04 * (age - 60) + 0.5 * bump + 0.4 * faces)
    death, lost = rng.exponential(1 / hazard), rng.uniform(1, 9, n)
    event = (death <= lost).astype(int)
    risk = -np.expm1(-3 * hazard)
    frame = pd.DataFrame(
        {
            "time": np.minimum(death, lost).round(3) + 0.001,
            "event": event,
            "cause": np.where(event, rng.choice(["cancer", "other"], n), None),
            "age": age,
            "faceage": age + 5 * bump,
            "other_age": age + 4 * faces,
            "facesurvival": faces,
            "sex": rng.choice(["F", "M"], n),
            "site": rng.choice(["A", "B"], n),
            "healthy": rng.random(n) < 0.4,
            "risk": risk,
            "rough_risk": risk.round(1).clip(0.1, 0.9),
            "marker": np.where(rng.random(n) < 0.2, np.nan, faces + bump),
        }
    )
    frame.loc[rng.random(n) < 0.02, "faceage"] = np.nan
    return frame


@pytest.fixture(scope="module")
def cohort() -> pd.DataFrame:
    return simulate(20240607)


@pytest.fixture(scope="module")
def photos() -> pd.DataFrame:
    rng = np.random.default_rng(20240607)
    patient, day = np.repeat(np.arange(40), 2), np.tile([0, 0], 40)
    day[1::2] = rng.integers(100, 1400, 40)
    faceage = 60 + day / 365.25 + rng.normal(size=80)
    repeated = 60 + np.repeat(rng.normal(0, 8, 40), 2) + rng.normal(size=80)
    return pd.DataFrame(
        {"patient": patient, "day": day, "faceage": faceage, "repeated": repeated}
    )


def completed(cohort: pd.DataFrame) -> list[pd.DataFrame]:
    return [cohort.fillna({"marker": fill}) for fill in (-0.2, 0.1, 0.3)]


def parts(cohort: pd.DataFrame) -> dict[str, pd.DataFrame]:
    return {f"{a}{b}": rows for (a, b), rows in cohort.groupby(["site", "sex"])}


MODELS = {"clinical": SURV + "age", "+ face": SURV + "age + faceage"}

CALLS: dict[str, Callable[[pd.DataFrame], object]] = {
    "age_accuracy": lambda d: fs.age_accuracy(
        ["faceage", "other_age"], d, by=["sex", ("sex", "site")], n_boot=40
    ),
    "audit": lambda d: fs.audit(
        SURV + "faceage + age",
        d,
        term="faceage",
        by=["sex", "site"],
        crossings=[["sex", "site"]],
        horizon=3,
    ),
    "best_cut_point": lambda d: fs.best_cut_point(SURV + "faceage", d),
    "by_subgroup": lambda d: fs.by_subgroup(
        SURV + "faceage + age", d, term="faceage", by=["sex", "site"]
    ),
    "calibration": lambda d: fs.calibration(SURV + "risk + rough_risk", d, horizon=3),
    "cause_specific_cox": lambda d: fs.cause_specific_cox(
        SURV + "age", d, cause="cause"
    ),
    "check_published": lambda d: fs.check_published(
        ["HR 1.15 (1.06-1.25), P=0.013", "HR 0.87 (0.75-1.01), P=0.07"]
    ),
    "compare": lambda d: fs.compare(
        MODELS, d, horizons=[2, 4], risk_categories=[0.2, 0.5], n_boot=20
    ),
    "compare_regions": lambda d: fs.compare_regions(
        make_importance(len(d) // 10), n_boot=20, n_swaps=99
    ),
    "concordance": lambda d: fs.concordance(SURV + "faceage + age", d),
    "concordance_between": lambda d: fs.concordance_between(
        SURV + "faceage + age", d, by=["sex", "site"]
    ),
    "concordance_by": lambda d: fs.concordance_by(
        SURV + "faceage + age", d, by=["sex", "site"]
    ),
    "cox": lambda d: fs.cox(SURV + "faceage + age + C(sex)", d),
    "cross_validate": lambda d: fs.cross_validate(
        MODELS, d, horizons=[2, 4], learners=["cox", "elastic_net"], n_folds=3
    ),
    "cumulative_incidence": lambda d: fs.cumulative_incidence(
        SURV + "sex", d, cause="cause"
    ),
    "decision_curve": lambda d: fs.decision_curve(
        SURV + "risk + rough_risk", d, horizon=3, n_boot=20
    ),
    "dose_response": lambda d: fs.dose_response(
        make_panel(1).assign(faceage=lambda p: p["faceage"] + d["age"].mean()),
        subject="subject",
        predicted=["faceage", "other"],
        n_boot=40,
    ),
    "early_mortality": lambda d: fs.early_mortality(
        SURV + "faceage + age", d, horizons=[1, 2], time_unit="years"
    ),
    "fine_gray": lambda d: fs.fine_gray(SURV + "age", d, cause="cause", of="cancer"),
    "follow_up": lambda d: fs.follow_up(SURV + "sex", d),
    "gap": lambda d: fs.gap(d, reference="healthy", sd_by="sex"),
    "gray_test": lambda d: fs.gray_test(SURV + "sex", d, cause="cause"),
    "impute": lambda d: fs.impute(
        SURV + "age + marker", d, seed=1, n_tables=3, n_cycles=2
    ),
    "joint_risk_groups": lambda d: fs.joint_risk_groups(SURV + "age", d),
    "kaplan_meier": lambda d: fs.kaplan_meier(SURV + "sex", d),
    "landmark": lambda d: fs.landmark(SURV + "faceage + C(sex)", d, landmarks=[0, 1]),
    "logrank": lambda d: fs.logrank(SURV + "sex", d),
    "meta": lambda d: fs.meta(SURV + "age", parts(d), term="age"),
    "meta_estimates": lambda d: fs.meta_estimates(
        pd.DataFrame(
            {
                "cohort": ["one", "two", "three"],
                "estimate": [0.2, 0.3, 0.1],
                "std_error": [0.1, 0.1, 0.2],
                "estimand": "log_hr",
                "term": "faceage",
            }
        )
    ),
    "ph_test": lambda d: fs.ph_test(SURV + "faceage + age", d),
    "pool": lambda d: fs.pool(fs.cox, SURV + "age + marker", completed(d)),
    "pool_lr_test": lambda d: fs.pool_lr_test(
        SURV + "age", SURV + "age + marker", completed(d)
    ),
    "pool_results": lambda d: fs.pool_results(
        [fs.cox(SURV + "age + marker", table) for table in completed(d)]
    ),
    "prediction_error": lambda d: fs.prediction_error(
        SURV + "risk + rough_risk", d, horizon=3
    ),
    "quantile_groups": lambda d: fs.quantile_groups(d["faceage"]),
    "regression_calibration": lambda d: fs.regression_calibration(
        SURV + "faceage + age", d, error={"faceage": (2.0, 80)}
    ),
    "rmst": lambda d: fs.rmst(SURV + "sex", d, tau=4),
    "sample_size": lambda d: fs.sample_size(
        n_coefficients=8,
        event_rate=0.1,
        mean_follow_up=2,
        horizon=2,
        nagelkerke_r2=0.15,
    ),
    "sample_size_c_index": lambda d: fs.sample_size_c_index(
        c_index=0.7, event_share=0.3, std_error=[0.01, 0.02]
    ),
    "sample_size_hazard_ratio": lambda d: fs.sample_size_hazard_ratio(
        hr=[1.2, 1.5], event_share=0.3
    ),
    "region_importance": lambda d: fs.region_importance(
        make_importance(len(d) // 10), n_boot=20
    ),
    "score_correlation": lambda d: fs.score_correlation(
        ["faceage", "facesurvival"], d, adjust=["age"], by="sex"
    ),
    "survival_difference": lambda d: fs.survival_difference(
        SURV + "sex", d, times=[1, 3]
    ),
    "table_one": lambda d: fs.table_one(d, ["age", "sex", "faceage"], by="site"),
    "time_dependent_auc": lambda d: fs.time_dependent_auc(
        SURV + "faceage + age", d, horizons=[2, 4]
    ),
}
OF_PHOTOS: dict[str, Callable[[pd.DataFrame], object]] = {
    "agreement": lambda d: fs.agreement(
        d[d["day"] == 0], d[d["day"] > 0], subject="patient", margin=1
    ),
    "face_aging_rate": lambda d: fs.face_aging_rate(
        d, subject="patient", day="day", measurement_sd=1.0
    ),
    "repeatability": lambda d: fs.repeatability(
        d, subject="patient", predicted="repeated"
    ),
}
VERBS = sorted(name for name in fs.__all__ if name.islower())


@pytest.fixture(scope="module")
def result_of(cohort, photos) -> Callable[[str], object]:
    """Return what calls a verb, once."""
    found: dict[str, object] = {}

    def call(name: str) -> object:
        if name not in found:
            found[name] = (
                OF_PHOTOS[name](photos) if name in OF_PHOTOS else CALLS[name](cohort)
            )
        return found[name]

    return call


def test_every_verb_is_called_here():
    assert sorted([*CALLS, *OF_PHOTOS]) == VERBS
    assert WITHOUT_FIGURE.keys() <= set(VERBS)


@pytest.mark.parametrize("name", VERBS)
def test_a_result_is_a_frozen_record_with_answers(name, result_of):
    result = result_of(name)
    assert dataclasses.is_dataclass(result)
    kind = type(result)
    assert kind.__dataclass_params__.frozen
    assert not hasattr(result, "__dict__")
    assert kind.__name__ in fs.__all__
    for answer in ANSWERS:
        assert callable(getattr(result, answer)), answer
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(result, dataclasses.fields(result)[0].name, None)


@pytest.mark.parametrize("name", VERBS)
def test_tables_keep_the_contract_and_are_the_same_twice(name, result_of):
    result = result_of(name)
    first = check_table(result.tidy())
    assert len(first)
    check_glance(result.glance())
    before = first.copy()
    first.loc[:, "note"] = "scribbled"
    pd.testing.assert_frame_equal(result.tidy(), before)


@pytest.mark.parametrize("name", VERBS)
def test_the_summary_is_text_that_ends_without_blanks(name, result_of):
    result = result_of(name)
    text = result.summary()
    assert str(result) == text
    assert text == text.strip()
    lines = text.splitlines()
    assert all(line == line.rstrip() for line in lines)
    for oddity in ("nan", "None", "<NA>", "np.float", "array("):
        assert oddity not in text


@pytest.mark.parametrize("name", sorted(set(VERBS) - WITHOUT_FIGURE.keys()))
def test_the_figure_is_drawn(name, result_of):
    page = io.BytesIO()
    result_of(name).plot().save(page, format="svg", verbose=False)
    assert page.tell() > 1000


@pytest.mark.parametrize("name", sorted(WITHOUT_FIGURE))
def test_a_verb_without_a_figure_has_none(name, result_of):
    assert not hasattr(result_of(name), "plot")


@pytest.mark.parametrize("name", VERBS)
def test_data_stay_as_they_are(name, cohort, photos):
    data = photos if name in OF_PHOTOS else cohort
    call = OF_PHOTOS.get(name) or CALLS[name]
    given = deepcopy(data)
    call(given)
    pd.testing.assert_frame_equal(given, data)


@pytest.mark.parametrize("name", VERBS)
def test_the_docstring_is_complete(name):
    text = inspect.getdoc(getattr(fs, name))
    parts = set(re.findall(r"^(\w+)\n-+$", text, re.MULTILINE))
    assert {"Parameters", "Raises", "Examples"} <= parts
    assert parts & {"References", "Notes"}
    for argument in inspect.signature(getattr(fs, name)).parameters:
        assert re.search(rf"^(.*, )?\*{{0,2}}{argument}(, .*)?$", text, re.MULTILINE)
