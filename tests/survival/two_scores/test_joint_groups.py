"""Two scores together, against R, by hand, and in what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from drawings import drawn, texts_outside, words
from references import reference_cases
from simulated import simulate
from tables import check_glance, check_table

import fahrstats as fs
from fahrstats.errors import DataError, FormulaError

R_RTOL = 1e-8  # R iterates to 1e-14 and writes 17 digits

CASES = reference_cases("joint_groups")


@pytest.fixture(scope="module")
def cohort():
    """Two scores with a common part; both matter."""
    rng = np.random.default_rng(7)
    data = simulate(20240607, 400)
    noise = rng.normal(size=400)
    return data.assign(face=data["x"], risk=0.6 * data["x"] + noise)


@pytest.fixture(scope="module")
def joint(cohort):
    return fs.joint_risk_groups(
        "Surv(time, event) ~ z", cohort, scores=("face", "risk")
    )


def rows(table, estimand, model="groups of both"):
    return table[(table["estimand"] == estimand) & (table["model"] == model)]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_joint_groups_match_r(case, cohorts):
    ours = fs.joint_risk_groups(
        case.formula,
        cohorts[case.data],
        scores=case.scores,
        n_groups=case.g,
        ties=case.ties,
        min_events=1,
    )
    assert (ours.n, ours.n_events) == (case.n, case.n_events)
    table = check_table(ours.tidy())
    cells = rows(table, "log_hr")
    assert list(cells["n"]) == case.cell_n
    assert list(cells["n_events"]) == case.cell_events
    np.testing.assert_allclose(cells["estimate"][1:], case.log_hr, rtol=R_RTOL)
    np.testing.assert_allclose(cells["std_error"][1:], case.std_error, rtol=R_RTOL)
    for estimand in ("reri", "log_hr_ratio"):
        (row,) = rows(table, estimand).to_dict("records")
        # A difference of ratios: its error is theirs.
        close = pytest.approx(getattr(case, estimand), rel=R_RTOL, abs=R_RTOL)
        assert row["estimate"] == close
        std_error = getattr(case, f"{estimand}_std_error")
        assert row["std_error"] == pytest.approx(std_error, rel=R_RTOL)
    (test,) = rows(table, "interaction_chi2").to_dict("records")
    # A difference of log-likelihoods near 1e4, of which R keeps 12 digits.
    close = pytest.approx(case.groups_chi2, rel=R_RTOL, abs=1e-8)
    assert test["statistic"] == close
    assert test["df"] == (case.g - 1) ** 2


@pytest.mark.parametrize("case", CASES, ids=str)
def test_scores_alone_and_given_the_other_match_r(case, cohorts):
    table = fs.joint_risk_groups(
        case.formula,
        cohorts[case.data],
        scores=case.scores,
        n_groups=case.g,
        ties=case.ties,
    ).tidy()
    first, second = case.scores
    models = {first: case.alone[:1], second: case.alone[1:]}
    models[f"{first} + {second}"] = case.together
    for model, effects in models.items():
        found = table[table["model"] == model]
        for step in ("1", "SD"):
            size = [1.0, 1.0] if step == "1" else case.spread
            sizes = [size[case.scores.index(t)] for t in found["term"][::2]]
            part = found[found["per"] == step]
            for name in ("estimate", "std_error"):
                expected = [
                    effect[name] * s for effect, s in zip(effects, sizes, strict=True)
                ]
                np.testing.assert_allclose(part[name], expected, rtol=R_RTOL)
    (test,) = rows(table, "interaction_chi2", f"{first} * {second}").to_dict("records")
    close = pytest.approx(case.product_chi2, rel=R_RTOL, abs=1e-8)
    assert test["statistic"] == close


def test_one_sd_can_be_that_of_another_analysis(joint):
    own, other = (
        t[t["per"] == "SD"] for t in (joint.tidy(), joint.tidy(sd={"face": 3.0}))
    )
    ratio = (other["estimate"] / own["estimate"]).to_numpy()
    size = 3.0 / joint.spread[joint.scores.index("face")]
    expected = [size if "face" in term else 1.0 for term in own["term"]]
    np.testing.assert_allclose(ratio, expected, rtol=1e-12)
    np.testing.assert_allclose(other["p_value"], own["p_value"], rtol=1e-9)


def test_two_by_two_groups_without_covariates_multiply_by_their_ratio(cohort):
    """HR(both) = HR(first) HR(second) times the ratio, and RERI follows from them."""
    table = fs.joint_risk_groups(
        "Surv(time, event) ~ 1", cohort, scores=("face", "risk")
    ).tidy(exponentiate=True)
    reference, second, first, both = rows(table, "hr")["estimate"]
    assert reference == 1
    ratio = rows(table, "hr_ratio")["estimate"].item()
    assert both == pytest.approx(first * second * ratio, rel=1e-12)
    reri = rows(table, "reri")["estimate"].item()
    assert reri == pytest.approx(both - first - second + 1, rel=1e-12)


def test_swapping_the_scores_transposes_the_groups(cohort, joint):
    swapped = fs.joint_risk_groups(
        "Surv(time, event) ~ z", cohort, scores=("risk", "face")
    )
    there = rows(joint.tidy(), "log_hr").set_index(["first_group", "second_group"])
    back = rows(swapped.tidy(), "log_hr").set_index(["second_group", "first_group"])
    np.testing.assert_allclose(
        back.loc[there.index, "estimate"], there["estimate"], rtol=1e-9
    )


def test_results_keep_the_contract(joint):
    check_table(joint.tidy())
    ratios = check_table(joint.tidy(exponentiate=True, conf_level=0.9))
    assert set(ratios["estimand"]) == {"hr", "hr_ratio", "reri", "interaction_chi2"}
    assert ratios.loc[ratios["estimand"] == "reri", "std_error"].notna().all()
    assert check_glance(joint.glance()).loc[0, "n"] == 400


def test_curves_are_those_of_the_joint_groups(cohort, joint):
    names = [f"face {a}, risk {b}" for a in ("low", "high") for b in ("low", "high")]
    assert joint.curves.groups == tuple(names)
    is_high = {name: cohort[name] > cohort[name].median() for name in ("face", "risk")}
    alone = fs.kaplan_meier(
        "Surv(time, event) ~ 1", cohort[is_high["face"] & is_high["risk"]]
    )
    ours = joint.curves.at([30]).iloc[-1]
    assert ours["estimate"] == alone.at([30])["estimate"].item()


def test_cut_points_travel_to_another_cohort(cohort, joint):
    other = cohort.assign(face=cohort["face"] + 0.5, risk=cohort["risk"] * 0.8)
    carried = fs.joint_risk_groups(
        "Surv(time, event) ~ z",
        other,
        scores=("face", "risk"),
        cut_points=joint.cut_points,
    )
    for name, cuts in carried.cut_points.items():
        np.testing.assert_array_equal(
            cuts.cut_points, joint.cut_points[name].cut_points
        )
        assert cuts.sizes.sum() == 400
    given = fs.joint_risk_groups(
        "Surv(time, event) ~ z",
        other,
        scores=("face", "risk"),
        cut_points={k: list(v.cut_points) for k, v in joint.cut_points.items()},
    )
    pd.testing.assert_frame_equal(carried.tidy(), given.tidy())
    assert "given cut points" in str(given)


def test_a_value_equal_to_a_cut_point_is_low(cohort):
    coarse = cohort.assign(face=np.arange(400) % 5)
    table = fs.joint_risk_groups(
        "Surv(time, event) ~ 1",
        coarse,
        scores=("face", "risk"),
        cut_points={"face": [2], "risk": [0]},
    ).tidy()
    is_low = rows(table, "log_hr")["first_group"] == "low"
    assert rows(table, "log_hr").loc[is_low, "n"].sum() == 240


def test_empty_and_small_groups_keep_their_rows(cohort):
    """Nobody is low in `face` and high in `risk`; few are high and low."""
    nested = cohort.assign(risk=cohort["face"].clip(upper=0.8))
    nested.loc[nested.index[:6], ["face", "risk"]] = [2.0, -2.0]
    table = fs.joint_risk_groups(
        "Surv(time, event) ~ z",
        nested,
        scores=("face", "risk"),
        cut_points={"face": [0], "risk": [0]},
    ).tidy(exponentiate=True)
    cells = rows(check_table(table), "hr").set_index("group")
    empty = cells.loc["face low, risk high"]
    assert (empty["n"], empty["n_events"], empty["note"]) == (0, 0, "no rows")
    small = cells.loc["face high, risk low"]
    assert small["n"] == 6
    assert small["note"].startswith("too few events (")
    assert np.isnan([empty["estimate"], small["estimate"]]).all()
    assert cells.loc["face high, risk high", "estimate"] > 1
    assert np.isnan(rows(table, "reri")["estimate"].item())
    assert rows(table, "reri")["note"].item() == "a corner group has no hazard ratio"
    assert rows(table, "interaction_chi2")["note"].item() == (
        "the larger model adds nothing"
    )


def test_a_group_without_events_leaves_the_test_of_the_others(cohort):
    """Its hazard ratio is 0 at the limit of the likelihood, which the test needs."""
    high = cohort["face"] > cohort["face"].median()
    spared = high & (cohort["risk"] <= cohort["risk"].median())
    data = cohort.assign(event=cohort["event"] & ~spared)
    table = fs.joint_risk_groups(
        "Surv(time, event) ~ z", data, scores=("face", "risk")
    ).tidy()
    cells = rows(check_table(table), "log_hr").set_index("group")
    lost = cells.loc["face high, risk low"]
    assert (lost["n_events"], lost["note"]) == (0, "too few events (0 < 10)")
    assert np.isnan(lost["estimate"])
    assert np.isfinite(cells.loc["face high, risk high", "std_error"])
    assert np.isfinite(rows(table, "interaction_chi2")["p_value"].item())


def test_a_reference_with_few_events_is_named(cohort):
    table = fs.joint_risk_groups(
        "Surv(time, event) ~ 1", cohort, scores=("face", "risk"), min_events=400
    ).tidy()
    note = rows(table, "log_hr")["note"].iloc[0]
    assert note.startswith("reference, with few events (")


def test_robust_tests_with_clusters_agree_with_the_model_test(cohort):
    """Clusters of one row: the robust Wald test is near the likelihood ratio."""
    data = cohort.assign(row=np.arange(400))
    for n_groups in (2, 3):
        plain, robust = (
            fs.joint_risk_groups(
                "Surv(time, event) ~ z",
                data,
                scores=("face", "risk"),
                n_groups=n_groups,
                cluster=cluster,
            ).tidy()
            for cluster in (None, "row")
        )
        for model in ("groups of both", "face * risk"):
            ours = rows(robust, "interaction_chi2", model).iloc[0]
            assert ours["note"] == "robust Wald test"
            assert ours["df"] == rows(plain, "interaction_chi2", model)["df"].item()
            near = rows(plain, "interaction_chi2", model)["p_value"].item()
            assert ours["p_value"] == pytest.approx(near, abs=0.2)


def test_the_robust_test_of_two_by_two_is_the_square_of_its_ratio(cohort):
    data = cohort.assign(site_code=np.arange(400) // 4)
    table = fs.joint_risk_groups(
        "Surv(time, event) ~ z", data, scores=("face", "risk"), cluster="site_code"
    ).tidy()
    ratio = rows(table, "log_hr_ratio")["statistic"].item()
    chi2 = rows(table, "interaction_chi2")["statistic"].item()
    assert chi2 == pytest.approx(ratio**2, rel=1e-10)


def test_rows_left_out_are_counted_once_for_all_models(cohort):
    data = cohort.copy()
    data.loc[:9, "face"] = np.nan
    data.loc[5:14, "risk"] = np.nan
    ours = fs.joint_risk_groups("Surv(time, event) ~ z", data, scores=("face", "risk"))
    assert (ours.n, ours.n_dropped) == (385, 15)
    assert check_glance(ours.glance()).loc[0, "n_dropped"] == 15
    assert "15 rows left out (missing in `face`: 10; missing in `risk`: 10)" in str(
        ours
    )


def test_delayed_entry_and_strata_are_allowed(cohort):
    ours = fs.joint_risk_groups(
        "Surv(entry, time, event) ~ 1", cohort, scores=("face", "risk"), strata="site"
    )
    assert ours.joint.n_strata == 3


def test_the_summary_tells_cut_points_groups_and_tests(joint):
    text = str(joint)
    assert "face cut at " in text
    assert "(the rows of this analysis, n = 400)" in text
    assert "face low, risk low: " in text
    assert "1.00  (reference)" in text
    assert "RERI " in text
    assert "face + risk: risk per SD " in text


def test_names_that_are_no_identifiers_and_the_data_survive(cohort):
    data = cohort.rename(columns={"face": "face age"})
    before = data.copy()
    ours = fs.joint_risk_groups(
        "Surv(time, event) ~ z", data, scores=("face age", "risk")
    )
    assert set(ours.tidy()["model"]) >= {"face age", "face age + risk"}
    pd.testing.assert_frame_equal(data, before)


def test_tiles_and_curves_fit_their_page(cohort, joint):
    with drawn(joint.plot()) as figure:
        assert texts_outside(figure) == []
        assert any(text.startswith("1 (reference)\n") for text in words(figure))
    with drawn(joint.plot_curves()) as figure:
        assert texts_outside(figure) == []
        assert "At risk" in words(figure)
    quarters = fs.joint_risk_groups(
        "Surv(time, event) ~ 1", cohort, scores=("face", "risk"), n_groups=3
    )
    with drawn(quarters.plot_curves()) as figure:
        assert "face: Q3" in words(figure)
        assert texts_outside(figure) == []


@pytest.mark.parametrize(
    ("change", "options", "error", "message"),
    [
        ({}, {"scores": ("face", "face")}, DataError, "name two different columns"),
        ({}, {"scores": "face"}, DataError, "`scores` is 'face'; name two"),
        ({}, {"scores": ("face", "nil")}, DataError, "`data` has no column `nil`"),
        (
            {},
            {"scores": ("face", "z")},
            FormulaError,
            "`z` is one of `scores`",
        ),
        ({}, {"n_groups": 1}, DataError, "`n_groups` is 1; give 2 to 5 groups"),
        ({}, {"ties": "exactly"}, DataError, "`ties` is 'exactly'"),
        ({"risk": "a"}, {}, DataError, "`risk` must hold numbers to be cut"),
        ({"risk": 3.0}, {}, DataError, "`risk` is 3 in all 400 complete rows"),
        ({"risk": np.inf}, {}, DataError, "`risk` is infinite in 400 of 400 rows"),
        (
            {},
            {"cut_points": {"face": [0]}},
            DataError,
            "for `face`, not for `risk`",
        ),
        (
            {},
            {"cut_points": {"face": [1, 0], "risk": [0]}},
            DataError,
            "`face` cannot be cut. `cut_points` must be finite and ascend",
        ),
    ],
)
def test_bad_requests_are_refused(cohort, change, options, error, message):
    options = {"scores": ("face", "risk")} | options
    with pytest.raises(error, match=message):
        fs.joint_risk_groups(
            "Surv(time, event) ~ z", cohort.assign(**change), **options
        )


def test_two_copies_of_one_score_are_refused(cohort):
    copy = cohort.assign(risk=12 - 365.25 * cohort["face"])
    with pytest.raises(DataError, match="are the same score up to its unit"):
        fs.joint_risk_groups("Surv(time, event) ~ z", copy, scores=("face", "risk"))


def test_a_score_with_one_common_value_names_itself(cohort):
    lumped = cohort.assign(risk=cohort["risk"].clip(lower=1.5))
    with pytest.raises(DataError, match=r"`risk` cannot be cut\. Only 2 of 4 groups"):
        fs.joint_risk_groups(
            "Surv(time, event) ~ z", lumped, scores=("face", "risk"), n_groups=4
        )


def test_a_reference_group_without_events_is_refused(cohort):
    is_low = (cohort["face"] <= -1) & (cohort["risk"] <= 0)
    data = cohort.assign(event=cohort["event"] & ~is_low)
    message = rf"`face low, risk low`, has no event among its {is_low.sum()} rows"
    with pytest.raises(DataError, match=message):
        fs.joint_risk_groups(
            "Surv(time, event) ~ z",
            data,
            scores=("face", "risk"),
            cut_points={"face": [-1], "risk": [0]},
        )


@pytest.mark.parametrize("n_groups", [2.5, "2", None])
def test_groups_are_counted_in_whole_numbers(lung, n_groups):
    with pytest.raises(DataError, match=r"`n_groups` is .*; give 2 to 5 groups"):
        fs.joint_risk_groups(
            "Surv(time, event) ~ sex",
            lung,
            scores=["age", "wt_loss"],
            n_groups=n_groups,
        )
