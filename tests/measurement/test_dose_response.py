"""Simulated changes: closed forms, twins, properties, coverage, and refusals."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from drawings import drawn, texts_outside, words
from panels import make_panel
from scipy import stats
from tables import check_glance, check_table

import fahrstats as fs
from fahrstats.errors import DataError

TWIN_RTOL = 1e-12
BOTH = ["faceage", "other"]


def pick(table: pd.DataFrame, **wanted: object) -> pd.Series:
    """Return the one row that has these values."""
    for column, value in wanted.items():
        table = table[table[column] == value]
    (row,) = [row for _, row in table.iterrows()]
    return row


@pytest.fixture(scope="module")
def panel() -> pd.DataFrame:
    return make_panel(20240607)


@pytest.fixture(scope="module")
def found(panel) -> fs.DoseResponse:
    return fs.dose_response(panel, subject="subject", predicted=BOTH, n_boot=400)


def test_every_statistic_is_that_of_the_paired_changes(panel):
    changes = panel.pivot(index="photo", columns=["condition", "severity"])["other"]
    roll = changes["roll"][3] - changes["roll"][0]
    lost = panel.copy()
    gone = (lost["photo"] == "p000.jpg") & (lost["severity"] == 3)
    lost.loc[gone & (lost["condition"] == "roll"), "other"] = np.nan
    table = fs.dose_response(
        lost, subject="subject", predicted="other", n_boot=20
    ).tidy()
    kept = roll.drop("p000.jpg")
    expected = {
        "mean_change": kept.mean(),
        "mean_absolute_change": kept.abs().mean(),
        "sd_change": kept.std(ddof=1),
        "share_moved": (kept.abs() > 5).mean(),
        "share_lost": 1 / 60,
    }
    for estimand, value in expected.items():
        row = pick(table, condition="roll", severity=3, estimand=estimand)
        assert row["estimate"] == pytest.approx(value, rel=TWIN_RTOL)
        assert row["n"] == (60 if estimand == "share_lost" else 59)
        assert row["n_missing"] == 1
        assert row["dose"] == 15


def test_the_standard_error_counts_subjects_and_not_photos(panel, found):
    row = pick(
        found.tidy(),
        model="other",
        condition="jpeg",
        severity=5,
        estimand="mean_change",
    )
    wide = panel[panel["condition"] == "jpeg"].pivot(
        index=["subject", "photo"], columns="severity", values="other"
    )
    by_subject = (wide[5] - wide[0]).groupby("subject").mean()
    clustered = by_subject.sem()
    assert row["std_error"] == pytest.approx(clustered, rel=0.1)  # 400 draws
    assert (row["n"], row["n_subjects"]) == (60, 30)


def test_tables_keep_the_contract(found):
    for table in (
        found.tidy(),
        found.origin(),
        found.passing(),
        found.contrasts(),
        found.equivalence(1.0),
    ):
        check_table(table)
    check_glance(found.glance())
    assert found.summary() == str(found)
    assert "5 at no dose of the panel" in found.summary()


def test_a_limit_is_passed_at_the_dose_that_the_slope_tells():
    exact = make_panel(1, noise=0.0)
    table = fs.dose_response(exact, predicted=BOTH, n_boot=20).passing()
    wanted = {"variable": "mean_absolute_change", "estimand": "passing_dose"}
    roll = pick(table, model="other", condition="roll", value=5, **wanted)
    assert roll["estimate"] == pytest.approx(12.5)  # 2 years a step: severity 2.5
    jpeg = pick(table, model="faceage", condition="jpeg", value=1, **wanted)
    assert jpeg["estimate"] == pytest.approx(80)
    assert jpeg["conf_low"] == jpeg["conf_high"] == pytest.approx(80)
    never = pick(table, model="faceage", condition="roll", value=1, **wanted)
    assert never["estimate"] == np.inf
    assert never["note"] == "not passed within the panel: at most 0 up to severity 5"


def test_where_doses_fall_beyond_the_panel_lies_below_it():
    exact = make_panel(1, noise=0.0)
    table = fs.dose_response(exact, limits=[6.0], n_boot=20).passing()
    row = pick(
        table,
        condition="jpeg",
        estimand="passing_dose",
        variable="mean_absolute_change",
    )
    assert row[["estimate", "conf_low", "conf_high"]].tolist() == [-np.inf] * 3


def test_one_row_of_the_photo_itself_serves_all_conditions(panel, found):
    once = panel[(panel["severity"] > 0) | (panel["condition"] == "roll")].copy()
    itself = once["severity"] == 0
    once.loc[itself, ["condition", "dose"]] = [None, np.nan]
    other = fs.dose_response(once, subject="subject", predicted=BOTH, n_boot=400)
    pd.testing.assert_frame_equal(other.tidy(), found.tidy())
    assert other.start == {}
    below = other.passing().query("estimand == 'passing_dose' and condition == 'roll'")
    first = below[(below["model"] == "other") & (below["value"] == 1)]
    assert first["estimate"].isna().all()  # before a first dose whose start is unknown


def test_order_of_rows_and_names_of_subjects_do_not_matter(panel, found):
    shuffled = panel.sample(frac=1, random_state=3)
    order = shuffled["condition"].map({"roll": 0, "jpeg": 1})
    shuffled = shuffled.iloc[np.argsort(order, kind="stable")]
    table = fs.dose_response(
        shuffled, subject="subject", predicted=BOTH, n_boot=20
    ).tidy()
    columns = ["model", "condition", "severity", "estimand", "n"]
    pd.testing.assert_frame_equal(table[columns], found.tidy()[columns])
    np.testing.assert_allclose(table["estimate"], found.tidy()["estimate"], rtol=1e-9)


def test_models_are_compared_on_the_photos_that_both_scored(panel):
    holes = panel.copy()
    gone = (holes["photo"] < "p010.jpg") & (holes["severity"] == 2)
    holes.loc[gone, "other"] = np.nan
    holes.loc[(holes["photo"] == "p059.jpg"), "faceage"] = np.nan
    found = fs.dose_response(holes, predicted=BOTH, n_boot=20)
    assert (found.n, found.n_dropped) == (59, 1)
    ours, theirs = (
        pick(
            found.tidy(),
            model=model,
            condition="roll",
            severity=2,
            estimand="mean_change",
        )
        for model in BOTH
    )
    assert (ours["n"], theirs["n"]) == (49, 49)
    assert (ours["n_missing"], theirs["n_missing"]) == (0, 10)


def test_the_model_that_moves_more_is_found_and_adjusted(found):
    table = found.contrasts()
    assert table["term"].tolist() == ["faceage - other"] * 2
    roll, jpeg = table.to_dict("records")
    assert roll["estimate"] < -3
    assert roll["p_adjusted"] < 0.001
    assert jpeg["p_adjusted"] >= jpeg["p_value"]
    assert roll["note"] == "mean of severities 1 to 5"
    severe = found.contrasts(severity=5)
    assert severe["severity"].tolist() == [5, 5]
    tidy = found.tidy()
    wanted = {"condition": "roll", "severity": 5, "estimand": "mean_absolute_change"}
    gap = [pick(tidy, model=m, **wanted)["estimate"] for m in BOTH]
    assert severe["estimate"][0] == pytest.approx(gap[0] - gap[1])


def test_equivalence_is_two_one_sided_t_tests(panel):
    found = fs.dose_response(panel, n_boot=2000)
    row = pick(found.equivalence(1.0), condition="roll", severity=1)
    wide = panel[panel["condition"] == "roll"].pivot(
        index="photo", columns="severity", values="faceage"
    )
    change = wide[1] - wide[0]
    p = max(
        stats.ttest_1samp(change, bound, alternative=side).pvalue
        for bound, side in ((-1.0, "greater"), (1.0, "less"))
    )
    low, high = stats.t.interval(0.9, 59, change.mean(), change.sem())
    assert row["p_value"] == pytest.approx(p, rel=0.5)  # tail far out, SE of draws
    assert (row["conf_low"], row["conf_high"]) == pytest.approx((low, high), abs=0.02)
    assert row["p_adjusted"] >= row["p_value"]


def test_a_change_is_shown_to_be_within_beyond_or_neither(found):
    table = found.equivalence(3.3)
    assert set(table["note"]) == {"within", "beyond", "neither"}
    is_shown = table["note"] == "within"
    assert (table["p_adjusted"] < 0.05)[is_shown].all()
    means = found.tidy().query("estimand == 'mean_change'").reset_index(drop=True)
    low, high = means["conf_low"], means["conf_high"]
    assert ((low > 3.3) == (table["note"] == "beyond")).all()  # none falls
    assert ((low > -3.3) & (high < 3.3))[is_shown].all()


def test_a_share_of_none_has_an_interval():
    table = fs.dose_response(make_panel(2, noise=0.0), n_boot=20).tidy()
    row = pick(table, condition="roll", severity=5, estimand="share_moved")
    low, high = stats.binomtest(0, 60).proportion_ci(method="wilson")
    assert (row["conf_low"], row["conf_high"]) == pytest.approx((low, high))


def test_faces_that_are_all_lost_are_an_answer(panel):
    lost = panel.copy()
    gone = (lost["condition"] == "roll") & (lost["severity"] == 5)
    lost.loc[gone, "other"] = np.nan
    found = fs.dose_response(lost, predicted="other", n_boot=40)
    rows = found.tidy().query("condition == 'roll' and severity == 5")
    assert rows["n"].tolist() == [0, 0, 0, 0, 60]
    assert set(rows["note"]) == {"all 60 faces are lost", ""}
    assert pick(rows, estimand="share_lost")["estimate"] == 1
    passing = found.passing().query("condition == 'roll' and value == 5")
    assert np.isfinite(passing["estimate"]).all()  # passed before all are lost
    lost.loc[lost["condition"] == "roll", "other"] = lost["other"].where(
        lost["severity"] == 0
    )
    none = fs.dose_response(lost, predicted="other", n_boot=40).passing()
    assert set(none.query("condition == 'roll'")["note"]) == {"no face was scored"}


def test_the_figure_has_a_panel_for_each_condition(found):
    with drawn(found.plot()) as figure:
        assert {"Roll", "Jpeg", "faceage", "other"} <= set(words(figure))
        assert texts_outside(figure) == []


@pytest.mark.slow
def test_intervals_cover_what_is_true():
    """Simulation: mean change, its mean size, and the dose at which 1 year is passed.

    Changes are severity x (0.5 + 0.5 Z), so that at severity s their mean is s / 2 and
    their mean size s E|0.5 + 0.5 Z|; two photos of a subject share the same Z.
    """
    slope, spread, n_runs = 0.5, 0.5, 500
    folded = stats.foldnorm(slope / spread, scale=spread).mean()
    truth = {
        "mean_change": 3 * slope,
        "mean_absolute_change": 3 * folded,
        "passing_severity": 1 / folded,
    }
    hits = dict.fromkeys(truth, 0)
    for run in range(n_runs):
        z = np.repeat(np.random.default_rng(run).normal(size=40), 2)
        step = slope + spread * z
        rows = [
            pd.DataFrame(
                {
                    "photo": np.arange(80),
                    "subject": np.arange(80) // 2,
                    "condition": "blur",
                    "severity": s,
                    "dose": 2.0 * s,
                    "faceage": 50 + s * step,
                }
            )
            for s in range(4)
        ]
        found = fs.dose_response(
            pd.concat(rows), subject="subject", limits=[1.0], n_boot=300, seed=run
        )
        table = found.tidy().query("severity == 3").set_index("estimand")
        passing = found.passing().query("variable == 'mean_absolute_change'")
        table = pd.concat([table, passing.set_index("estimand")])
        for estimand, value in truth.items():
            row = table.loc[estimand]
            hits[estimand] += row["conf_low"] <= value <= row["conf_high"]
    band = 3 * np.sqrt(0.95 * 0.05 / n_runs)
    for estimand, count in hits.items():
        assert abs(count / n_runs - 0.95) < band, (estimand, count / n_runs)


BAD = {
    "no row of severity 0": lambda d: d[
        (d["severity"] > 0) | (d["photo"] != "p003.jpg")
    ],
    "`severity` is 0 in every row": lambda d: d[d["severity"] == 0],
    "10 of 730 rows repeat": lambda d: pd.concat([d, d.iloc[20:30]]),
    "`data` has no column `dose`": lambda d: d.drop(columns="dose"),
    "`condition` is missing in 600": lambda d: d.assign(condition=None),
    "`photo` is missing in 720": lambda d: d.assign(photo=None),
    "`subject` is missing in 12": lambda d: d.assign(
        subject=d["subject"].mask(d["photo"] == "p003.jpg")
    ),
    "`dose` is missing in 120": lambda d: d.assign(
        dose=d["dose"].mask(d["severity"] == 2)
    ),
    "whole numbers from 0": lambda d: d.assign(severity=d["severity"] - 0.5),
    "`faceage` must hold numbers": lambda d: d.assign(faceage="old"),
    "`faceage` is infinite in 720": lambda d: d.assign(faceage=np.inf),
    "None of the 60 photos has a score": lambda d: d.assign(
        faceage=d["faceage"].mask(d["severity"] == 0)
    ),
    "`faceage` has different values at severity 0 in 60": lambda d: d.assign(
        faceage=np.arange(720.0)
    ),
    "`dose` has different values at severity 1 of `roll`": lambda d: d.assign(
        dose=np.arange(720.0)
    ),
    "`dose` of `roll` must rise": lambda d: d.assign(dose=d["severity"] % 3),
    "photos show 1 subject": lambda d: d.assign(subject="me"),
    "`subject` has different values in the rows of 60": lambda d: d.assign(
        subject=d["condition"]
    ),
}


@pytest.mark.parametrize("message", BAD)
def test_data_that_tell_nothing_are_refused(panel, message):
    with pytest.raises(DataError, match=message):
        fs.dose_response(BAD[message](panel), subject="subject", n_boot=20)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"limits": []}, "`limits` is"),
        ({"limits": [0.0]}, "`limits` is"),
        ({"limits": [1, 1]}, "`limits` is"),
        ({"moved": 0}, "`moved` is 0"),
        ({"n_boot": 10}, "`n_boot` is 10"),
        ({"predicted": []}, "`predicted` names 0 columns"),
        ({"seed": -1}, "`seed` is -1"),
    ],
)
def test_arguments_out_of_range_are_refused(panel, arguments, message):
    with pytest.raises(DataError, match=message):
        fs.dose_response(panel, **arguments)


def test_questions_that_have_no_answer_are_refused(found, panel):
    with pytest.raises(DataError, match="`margin` is 0"):
        found.equivalence(0)
    with pytest.raises(DataError, match="`severity` is `9`; choose one of"):
        found.contrasts(severity=9)
    with pytest.raises(DataError, match="`estimand` is `icc`; choose one of"):
        found.contrasts(estimand="icc")
    with pytest.raises(DataError, match="`faceage` is the only model"):
        fs.dose_response(panel, n_boot=20).contrasts()
    with pytest.raises(DataError, match="`data` is a list"):
        fs.dose_response([])


def test_a_change_of_just_five_years_has_not_moved():
    """60.1 less 65.1 is a little more than 5 in float64."""
    panel = pd.DataFrame(
        {
            "photo": ["a", "a", "b", "b"],
            "condition": "roll",
            "severity": [0, 1, 0, 1],
            "dose": [0.0, 5.0, 0.0, 5.0],
            "faceage": [65.1, 60.1, 30.0, 36.0],
        }
    )
    table = fs.dose_response(panel, n_boot=20).tidy()
    moved = table[table["estimand"] == "share_moved"]
    assert moved["estimate"].tolist() == [0.5]


def test_a_limit_passed_at_one_severity_only_is_told_apart():
    """Sizes 6 and 2 rise to 4 throughout, which 6 alone passes."""
    rows = [
        {"photo": p, "condition": "veil", "severity": s, "dose": s, "faceage": 50.0 + c}
        for p in "abc"
        for s, c in ((0, 0.0), (1, 6.0), (2, 2.0))
    ]
    found = fs.dose_response(pd.DataFrame(rows), limits=[5], n_boot=20).passing()
    assert np.isposinf(found["estimate"]).all()
    told = "not passed by a curve that rises throughout, though 6 at one severity"
    assert (found["note"] == told).all()
