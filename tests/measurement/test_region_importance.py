"""Importance of regions: by hand, properties, coverage, and refusals."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from drawings import drawn, texts_outside, words
from importances import EVEN, REGIONS, importance_table, make_importance
from tables import check_glance, check_table

import fahrstats as fs
from fahrstats.errors import DataError

MOUTH = REGIONS.index("mouth")


def wide(table: pd.DataFrame, estimand: str, model: str = "faceage") -> pd.Series:
    """Return the estimates of one statistic by region."""
    is_it = (table["estimand"] == estimand) & (table["model"] == model)
    return table[is_it].set_index("region")["estimate"]


def simple() -> pd.DataFrame:
    """Three photos of two people in two regions; the last one leaves no region out."""
    changes = [("p1", 3.0, -1.0), ("p2", 1.0, 1.0), ("p3", -2.0, 0.0)]
    subject = {"p1": "A", "p2": "A", "p3": "B"}
    rows = [
        (photo, subject[photo], "net", region, change)
        for photo, *both in changes
        for region, change in zip(("eyes", "nose"), both, strict=True)
    ]
    names = ["photo", "subject", "model", "region", "importance"]
    return pd.DataFrame(rows, columns=names)


def test_every_statistic_by_hand_and_everyone_counts_once():
    data = simple().assign(area=lambda d: d["region"].map({"eyes": 1.0, "nose": 3.0}))
    table = fs.region_importance(data, subject="subject", n_boot=20).tidy()
    eyes = (0.75 + 0.5) / 2  # of A, in the mean photo
    assert wide(table, "importance_share", "net").tolist() == [
        (eyes + 1) / 2,
        (1 - eyes) / 2,
    ]
    assert wide(table, "mean_change", "net").tolist() == [0.0, 0.0]
    assert wide(table, "mean_absolute_change", "net").tolist() == [2.0, 0.5]
    per_area = wide(table, "importance_per_area", "net")
    assert per_area["eyes"] == (eyes + 1) / 2 / 0.25
    assert table["n"].eq(3).all()
    assert table["n_subjects"].eq(2).all()
    by_photo = fs.region_importance(data, n_boot=20).tidy()
    assert wide(by_photo, "importance_share", "net")["eyes"] == (0.75 + 0.5 + 1) / 3


def test_a_model_that_looks_at_the_mouth_is_found_to_do_so():
    rng = np.random.default_rng(1)
    changes = rng.normal(0, 0.02, (60, 11))
    changes[:, MOUTH] += rng.normal(4, 1, 60)
    found = fs.region_importance(importance_table(changes, "net"), n_boot=200)
    table = found.tidy()
    mouth = table[
        (table["region"] == "mouth") & (table["estimand"] == "importance_share")
    ]
    assert mouth["conf_low"].item() > 0.9
    assert wide(table, "mean_change", "net")["mouth"] == pytest.approx(4, abs=0.5)
    assert "net: mouth 9" in str(found)


def test_shares_add_up_to_one_and_know_no_unit_and_no_sign():
    data = make_importance(30)
    table = fs.region_importance(data, n_boot=20).tidy()
    assert wide(table, "importance_share").sum() == pytest.approx(1, rel=1e-12)
    other = data.assign(importance=-100 * data["importance"])
    again = fs.region_importance(other, n_boot=20).tidy()
    np.testing.assert_allclose(
        wide(again, "importance_share"), wide(table, "importance_share"), 1e-12
    )
    np.testing.assert_allclose(
        wide(again, "mean_change"), -100 * wide(table, "mean_change"), 1e-12
    )


def test_the_order_of_rows_changes_no_estimate():
    data = make_importance(30, several=True)
    first = fs.region_importance(data, subject="subject", n_boot=20).tidy()
    mixed = data.sample(frac=1, random_state=1)
    again = fs.region_importance(mixed, subject="subject", n_boot=20).tidy()
    keys = ["model", "region", "estimand"]
    both = first.merge(again, on=keys)
    np.testing.assert_allclose(both["estimate_x"], both["estimate_y"], 1e-12)


def test_a_face_without_any_importance_has_no_share_and_is_counted():
    changes = np.random.default_rng(2).normal(size=(12, 11))
    changes[0] = 0
    table = fs.region_importance(importance_table(changes, "net"), n_boot=20).tidy()
    is_share = table["estimand"] == "importance_share"
    of_shares, of_changes = table[is_share], table[~is_share]
    assert of_shares["n"].eq(11).all()
    assert of_shares["n_missing"].eq(1).all()
    assert of_shares["note"].eq("1 face has no region of any importance").all()
    assert of_changes["n"].eq(12).all()
    assert of_changes["note"].eq("").all()
    expected = np.abs(changes[1:]) / np.abs(changes[1:]).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(of_shares["estimate"], expected.mean(axis=0), 1e-12)


def test_a_photo_without_a_score_is_counted_as_missing():
    changes = np.random.default_rng(2).normal(size=(12, 11))
    changes[3] = np.nan
    table = fs.region_importance(importance_table(changes, "net"), n_boot=20).tidy()
    assert table["n"].eq(11).all()
    assert table["n_missing"].eq(1).all()
    assert table["note"].eq("").all()


def test_tables_keep_the_contract_and_figures_show_every_region():
    found = fs.region_importance(make_importance(30), n_boot=50, seed=2)
    check_table(found.tidy())
    check_glance(found.glance())
    assert found.summary() == str(found)
    with drawn(found.plot()) as figure:
        assert {"Mouth", "Around the eyes", "Jaw and neck"} <= set(words(figure))
        assert texts_outside(figure) == []


def test_the_seed_alone_decides_the_draws():
    data = make_importance(30)
    first, again, other = (
        fs.region_importance(data, n_boot=50, seed=seed).tidy() for seed in (1, 1, 2)
    )
    pd.testing.assert_frame_equal(first, again)
    assert not first["conf_low"].equals(other["conf_low"])


def drop(data: pd.DataFrame, **wanted: object) -> pd.DataFrame:
    """Leave out the rows that hold these values."""
    is_it = pd.Series(True, data.index)
    for column, value in wanted.items():
        is_it &= data[column] == value
    return data[~is_it]


def put(data: pd.DataFrame, rows: slice, column: str, value: object) -> pd.DataFrame:
    """Change some rows."""
    changed = data.copy()
    if isinstance(value, str):
        changed[column] = changed[column].astype(object)
    changed.loc[changed.index[rows], column] = value
    return changed


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda d: d.to_numpy(), "`data` is a ndarray; give a pandas data frame"),
        (lambda d: d.iloc[:0], "`data` has no rows"),
        (lambda d: d.drop(columns="region"), "`data` has no column `region`"),
        (
            lambda d: d.assign(importance="much"),
            "`importance` must hold numbers, but its type is",
        ),
        (
            lambda d: put(d, slice(0, 2), "importance", np.inf),
            "`importance` is infinite in 2 of 440 rows",
        ),
        (
            lambda d: put(d, slice(0, 3), "importance", np.nan),
            r"`importance` is missing in 3 rows of 1 faces that have it for other "
            r"regions \(such as `p0000.jpg` by model `faceage`\)",
        ),
        (
            lambda d: d.assign(importance=d["importance"].mask(d["model"] == "other")),
            "`importance` is missing in all 20 photos of model `other`",
        ),
        (
            lambda d: put(d, slice(0, 2), "region", np.nan),
            "`region` is missing in 2 of 440 rows",
        ),
        (
            lambda d: pd.concat([d, d.iloc[:4]]),
            "4 of 444 rows repeat a photo, model and region",
        ),
        (
            lambda d: drop(d, photo="p0003.jpg", model="other"),
            r"1 of 20 photos have no row of model `other` \(such as `p0003.jpg`\); "
            "models are judged on the same photos",
        ),
        (
            lambda d: drop(d, region="chin", model="other"),
            r"Region `chin` is absent for 20 of 40 faces \(such as `p0000.jpg` by "
            r"model `other`\)",
        ),
        (
            lambda d: put(d, slice(0, 1), "region", "tail"),
            r"Region `tail` is absent for 39 of 40 faces|Region `forehead` is absent",
        ),
        (
            lambda d: d.assign(subject="s1"),
            "The photos show 1 subject",
        ),
        (
            lambda d: put(d, slice(0, 1), "subject", "s9999"),
            "`subject` has different values in the rows of 1 photos",
        ),
        (
            lambda d: put(d, slice(0, 5), "subject", np.nan),
            "`subject` is missing in 5 of 440 rows",
        ),
        (
            lambda d: d.assign(importance=0.0),
            "0 subjects have `importance_share` by model `faceage`; it needs two",
        ),
        (
            lambda d: d.assign(area=d["region"].eq("mouth") * 1.0),
            "`area` must be one size above 0 for each region, but it is not for "
            "`forehead`, `periorbital`, `eyes` and others",
        ),
    ],
)
def test_bad_data_are_refused(spoil, message):
    with pytest.raises(DataError, match=message):
        fs.region_importance(spoil(make_importance(20)), subject="subject", n_boot=20)


def test_too_few_draws_are_refused():
    with pytest.raises(DataError, match="`n_boot` is 5; give a whole number of at"):
        fs.region_importance(make_importance(20), n_boot=5)
    with pytest.raises(DataError, match="`seed` is -1"):
        fs.region_importance(make_importance(20), n_boot=20, seed=-1)


@pytest.mark.slow
@pytest.mark.parametrize(("n", "several"), [(20, False), (60, True)])
def test_intervals_of_shares_cover(n, several):
    """Simulation: 300 data sets of 11 regions, coverage within 93 to 97%."""
    covered = []
    for seed in range(300):
        data = make_importance(n, seed=seed, several=several, spread={"net": 30})
        table = fs.region_importance(data, subject="subject", n_boot=200).tidy()
        share = table[table["estimand"] == "importance_share"]
        covered.append((share["conf_low"] <= EVEN) & (share["conf_high"] >= EVEN))
    assert 0.93 <= np.mean(covered) <= 0.97
