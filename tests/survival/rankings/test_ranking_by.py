"""Concordance by subgroup against each level alone, and its tests by hand."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2
from tables import check_glance, check_table

import fahrstats as fs
from fahrstats.errors import DataError

FORMULA = "Surv(time, event) ~ age + ph_ecog"
ROUNDING = 1e-12  # the same sums in another order


@pytest.fixture
def data(lung) -> pd.DataFrame:
    sex = lung["sex"].map({1: "men", 2: "women"})
    karno = pd.cut(lung["ph_karno"], [0, 65, 85, 100], labels=["low", "mid", "high"])
    return lung.assign(sex=sex, karno=karno)


def rows_of(table, **wanted):
    mask = np.logical_and.reduce([table[k] == v for k, v in wanted.items()])
    return table[mask].reset_index(drop=True)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"time_weight": "n/G2", "tau": 500},
        {"strata": "ph_ecog", "weights": "weight"},
        {"cluster": "inst"},
    ],
    ids=str,
)
def test_a_level_is_its_rows_alone(data, options):
    result = fs.concordance_by(FORMULA, data, by=["sex"], **options)
    table = check_table(result.tidy())
    for level in ("men", "women"):
        kept = data[data["sex"] == level]
        alone = fs.concordance(FORMULA, kept, **options)
        rows = rows_of(table, subgroup="sex", level=level)
        wanted = pd.concat([alone.tidy(), alone.contrast("age", "ph_ecog")])
        for column in wanted.columns.drop(["term", "estimand", "note"]):
            if column != "time_weight":
                np.testing.assert_allclose(
                    rows[column], wanted[column], rtol=1e-9, atol=1e-13
                )
        assert rows["term"].tolist() == ["age", "ph_ecog", "age - ph_ecog"]


def test_everyone_stands_first(data):
    result = fs.concordance_by(FORMULA, data, by=["sex"])
    everyone = rows_of(result.tidy(), subgroup="overall")
    plain = fs.concordance(FORMULA, data)
    assert everyone["estimate"].tolist() == [
        *plain.c_index,
        plain.c_index[0] - plain.c_index[1],
    ]
    pd.testing.assert_frame_equal(
        check_glance(result.glance()), check_glance(plain.glance())
    )


def test_the_test_of_two_levels_is_the_square_of_their_z(data):
    result = fs.concordance_by(FORMULA, data, by=["sex"])
    differences = check_table(result.differences("sex"))
    tests = rows_of(result.tidy(), estimand="heterogeneity_chi2")
    np.testing.assert_allclose(tests["statistic"], differences["statistic"] ** 2)
    np.testing.assert_allclose(tests["p_value"], differences["p_value"], rtol=1e-9)
    assert tests["df"].tolist() == [1, 1, 1]
    assert differences["level"].tolist() == ["men - women"] * 3


def test_the_test_of_independent_levels_is_cochrans(data):
    """Squared distances from the mean weighed by precision."""
    table = fs.concordance_by(FORMULA, data, by=["karno"], min_events=1).tidy()
    for term in ("age", "ph_ecog", "age - ph_ecog"):
        rows = rows_of(table, subgroup="karno", term=term)
        levels = rows[rows["level"].isin(["low", "mid", "high"])]
        weight = 1 / levels["std_error"] ** 2
        mean = (weight * levels["estimate"]).sum() / weight.sum()
        cochran = (weight * (levels["estimate"] - mean) ** 2).sum()
        test = rows_of(rows, estimand="heterogeneity_chi2").iloc[0]
        assert test["statistic"] == pytest.approx(cochran, rel=1e-9)
        assert test["p_value"] == pytest.approx(chi2.sf(cochran, 2), rel=1e-9)
        assert test["note"] == "without missing"


def test_variances_of_independent_levels_add(data):
    result = fs.concordance_by(FORMULA, data, by=["sex"])
    table = result.tidy()
    difference = result.differences("sex")
    for row in difference.itertuples():
        levels = rows_of(table, subgroup="sex", term=row.term).iloc[:2]
        total = np.hypot(*levels["std_error"])
        assert row.std_error == pytest.approx(total, rel=ROUNDING)


def test_clusters_that_span_levels_are_paired(data):
    """Everybody twice, once in each arm, with the same score: no difference at all."""
    complete = data.dropna(subset=["age", "ph_ecog"]).reset_index(drop=True)
    twice = pd.concat(
        [complete.assign(who=complete.index, arm=arm) for arm in ("a", "b")]
    )
    paired = fs.concordance_by(FORMULA, twice, by=["arm"], cluster="who")
    row = check_table(paired.differences("arm")).iloc[0]
    assert (row["estimate"], row["note"]) == (0, "no variation to test")
    assert row["std_error"] == pytest.approx(0, abs=1e-9)
    tests = rows_of(paired.tidy(), estimand="heterogeneity_chi2")
    assert np.isnan(tests["p_value"]).all()
    assert set(tests["note"]) == {"no variation to test in any level"}
    apart = fs.concordance_by(FORMULA, twice, by=["arm"]).differences("arm")
    assert (apart["std_error"] > 0.01).all()


def test_clusters_within_levels_change_nothing_between_them(data):
    complete = data.dropna(subset=["age", "ph_ecog"])
    site = complete["sex"] + (complete["inst"] % 9).astype(str)
    result = fs.concordance_by(
        FORMULA, complete.assign(site=site), by=["sex"], cluster="site"
    )
    cov = result.subgroups[0].cov
    np.testing.assert_allclose(cov[:2, 2:], 0, atol=1e-20)


def test_levels_below_the_floor_keep_their_row(data):
    table = check_table(fs.concordance_by(FORMULA, data, by=["karno"]).tidy())
    rows = rows_of(table, subgroup="karno", level="missing")
    assert rows["n"].tolist() == [1, 1, 1]
    assert np.isnan(rows["estimate"]).all()
    assert set(rows["note"]) == {"too few events (1 < 10)"}
    levels = table.loc[table["subgroup"] == "karno", "level"]
    assert list(dict.fromkeys(levels)) == ["low", "mid", "high", "missing", ""]


def test_one_level_that_can_be_estimated_has_no_test(data):
    result = fs.concordance_by(FORMULA, data, by=["sex"], min_events=100)
    tests = rows_of(check_table(result.tidy()), estimand="heterogeneity_chi2")
    assert np.isnan(tests["p_value"]).all()
    assert set(tests["note"]) == {"fewer than two levels can be estimated"}
    message = "`sex` has 1 of 2 levels with an estimate; a difference needs two"
    with pytest.raises(DataError, match=message):
        result.differences("sex")


def test_a_level_of_one_cluster_is_not_estimated(data):
    one_site = data.assign(site=np.where(data["sex"] == "men", 0, data["inst"]))
    result = fs.concordance_by(FORMULA, one_site, by=["sex"], cluster="site")
    rows = rows_of(result.tidy(), level="men")
    assert set(rows["note"]) == {"all rows are one cluster"}


def test_a_level_without_comparable_pairs_is_not_estimated():
    """In level b rows follow one another; nobody is at risk at another's event."""
    data = pd.DataFrame(
        {
            "start": [0.0, 0, 0, 0, 0, 1, 2, 3],
            "stop": [1.0, 2, 3, 4, 1, 2, 3, 4],
            "event": 1,
            "x": [4.0, 1, 3, 2, 1, 2, 3, 4],
            "arm": list("aaaabbbb"),
        }
    )
    formula = "Surv(start, stop, event) ~ x"
    table = fs.concordance_by(formula, data, by=["arm"], min_events=1).tidy()
    row = rows_of(table, level="b").iloc[0]
    assert (row["note"], row["n"]) == ("no two rows are comparable", 4)
    assert np.isnan(row[["estimate", "std_error"]].astype(float)).all()


def test_a_reversed_score_has_a_note_in_its_level(data):
    turned = data.assign(turned=data["age"] * data["sex"].map({"men": 1, "women": -1}))
    table = fs.concordance_by("Surv(time, event) ~ turned", turned, by=["sex"]).tidy()
    row = rows_of(table, level="women").iloc[0]
    assert row["note"] == "below 0.5: higher scores go with later events"
    assert row["estimate"] < 0.5


def test_identical_scores_differ_by_zero_everywhere(data):
    twins = data.assign(twin=2 * data["age"])
    formula = "Surv(time, event) ~ age + twin"
    table = fs.concordance_by(formula, twins, by=["sex"]).tidy()
    rows = rows_of(table, term="age - twin")
    assert (rows["estimate"].dropna() == 0).all()
    assert np.isnan(rows["p_value"]).all()
    assert rows["note"].iloc[-1] == "no variation to test in any level"


def test_differences_of_three_levels_are_adjusted_within_a_score(data):
    result = fs.concordance_by(FORMULA, data, by=["karno"], min_events=1)
    table = check_table(result.differences("karno"))
    assert table["level"].tolist() == ["low - mid", "low - high", "mid - high"] * 3
    assert (table["p_adjusted"] > table["p_value"]).all()
    against = check_table(result.differences("karno", reference="mid"))
    assert against["level"].tolist() == ["low - mid", "high - mid"] * 3


def test_unknown_names_are_refused(data):
    result = fs.concordance_by(FORMULA, data, by=["sex"])
    with pytest.raises(DataError, match="`subgroup` is `race`; choose one of `sex`"):
        result.differences("race")
    message = "`reference` is `boys`; the levels of `sex` with an estimate are `men`"
    with pytest.raises(DataError, match=message):
        result.differences("sex", reference="boys")
    message = "`term` is `bmi`; choose one of `age`, `ph_ecog`, `age - ph_ecog`"
    with pytest.raises(DataError, match=message):
        result.plot(term="bmi")
    with pytest.raises(DataError, match="`data` has no column `race`"):
        fs.concordance_by(FORMULA, data, by=["race"])
    with pytest.raises(DataError, match="`by` is the text `sex`; give a list"):
        fs.concordance_by(FORMULA, data, by="sex")
    with pytest.raises(DataError, match="`by` names `event`, a part of the outcome"):
        fs.concordance_by(FORMULA, data, by=["event"])
    with pytest.raises(DataError, match="`min_events` is None; give a number from 0"):
        fs.concordance_by(FORMULA, data, by=["sex"], min_events=None)


def test_the_summary_and_the_figure_show_every_level(data, tmp_path):
    result = fs.concordance_by(FORMULA, data, by=["sex", "karno"])
    text = str(result)
    assert text == result.summary()
    for part in (
        "everyone: 0.5511",
        "sex men: 0.5558",
        "karno missing: too few events (1 < 10) (1 rows, 1 events)",
        "sex: equal in all levels: chi-squared 0.45 on 1 df, P=0.50",
    ):
        assert part in text
    with mpl.rc_context({"backend": "agg"}):
        result.plot(term="age - ph_ecog").save(
            tmp_path / "c.png", verbose=False, dpi=50
        )
    assert (tmp_path / "c.png").stat().st_size > 0


def test_data_are_not_modified(data):
    before = data.copy()
    fs.concordance_by(FORMULA, data, by=["sex"], weights="weight")
    pd.testing.assert_frame_equal(data, before)
