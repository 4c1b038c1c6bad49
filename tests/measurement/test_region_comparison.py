"""Models compared by region: by hand, false alarms, power, properties, refusals."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from drawings import drawn, texts_outside, words
from importances import REGIONS, importance_table, make_importance
from scipy.spatial.distance import jensenshannon
from scipy.stats import spearmanr
from tables import check_glance, check_table

import fahrstats as fs
from fahrstats.errors import DataError

EYES, MOUTH = REGIONS.index("eyes"), REGIONS.index("mouth")


def looking_at(region: int, model: str, n: int = 40, seed: int = 1) -> pd.DataFrame:
    """Return importance of a model that looks at one region."""
    rng = np.random.default_rng([seed, region])
    changes = rng.normal(0, 0.02, (n, 11))
    changes[:, region] += rng.normal(4, 1, n)
    return importance_table(changes, model)


def shares_of(data: pd.DataFrame, model: str) -> np.ndarray:
    """Shares of every photo, by a pivot."""
    one = data[data["model"] == model].pivot(
        index="photo", columns="region", values="importance"
    )[list(REGIONS)]
    return (one.abs().div(one.abs().sum(axis=1), axis=0)).to_numpy()


def test_differences_and_overlaps_are_those_of_the_libraries():
    data = make_importance(30, spread={"faceage": 20, "other": 9})
    found = fs.compare_regions(data, n_boot=20, n_swaps=99)
    one, two = shares_of(data, "faceage"), shares_of(data, "other")
    table = found.tidy()
    assert table["region"].tolist() == list(REGIONS)
    np.testing.assert_allclose(table["estimate"], (one - two).mean(axis=0), 1e-10)
    means = one.mean(axis=0), two.mean(axis=0)
    by_face = [spearmanr(a, b).statistic for a, b in zip(one, two, strict=True)]
    expected = [
        np.minimum(*means).sum(),
        jensenshannon(*means, base=2) ** 2,
        spearmanr(*means).statistic,
        np.mean(by_face),
    ]
    in_the_data = found.overlaps[0, 0]
    np.testing.assert_allclose(in_the_data, expected, 1e-9)


def test_overlaps_are_corrected_for_chance():
    """Shares with the same means: 1 and 0 but for what a small sample adds."""
    data = make_importance(20, spread={"faceage": 20, "other": 20})
    found = fs.compare_regions(data, n_boot=400, n_swaps=99)
    raw = found.overlaps[0, 0]
    overlap = found.overlap().set_index("estimand")
    assert raw[0] < overlap.loc["common_importance", "estimate"] <= 1
    assert 0 <= overlap.loc["js_divergence", "estimate"] < raw[1]
    assert overlap.loc["js_divergence", "conf_low"] == 0
    assert overlap.loc["spearman", "estimate"] == raw[2]
    assert np.isnan(overlap.loc["spearman", "conf_low"])


def test_models_of_different_regions_are_told_apart():
    data = pd.concat([looking_at(MOUTH, "one"), looking_at(EYES, "two")])
    found = fs.compare_regions(data, n_boot=200)
    assert found.test()["p_value"].item() == 1e-4  # none of 9,999 swaps
    table = found.tidy().set_index("region")
    assert table.loc["mouth", "joint_low"] > 0.85
    assert table.loc["eyes", "joint_high"] < -0.85
    assert (table.drop(["mouth", "eyes"])["p_adjusted"] > 0.05).all()
    overlap = found.overlap().set_index("estimand")
    assert overlap.loc["common_importance", "conf_high"] < 0.1
    assert overlap.loc["js_divergence", "conf_low"] > 0.8
    assert "% of importance in common; same regions: P<0.001;" in str(found)


def test_a_model_and_itself_are_the_same():
    data = looking_at(MOUTH, "one")
    both = pd.concat([data, data.assign(model="again")])
    found = fs.compare_regions(both, n_boot=20, n_swaps=99)
    assert found.test()["p_value"].item() == 1
    table = found.tidy()
    np.testing.assert_allclose(table["estimate"], 0, atol=1e-15)
    assert table["p_adjusted"].eq(1).all()
    assert table[["joint_low", "joint_high"]].eq(0).all(axis=None)
    overlap = found.overlap().set_index("estimand")["estimate"]
    assert overlap.tolist() == pytest.approx([1, 0, 1, 1], abs=1e-12)


def test_limits_exclude_zero_exactly_where_the_adjusted_p_value_is_small():
    data = pd.concat(
        [make_importance(30, seed=seed, spread={"a": 30, "b": 30}) for seed in (1,)]
    )
    moved = (data["model"] == "b") & (data["region"] == "chin")
    data.loc[moved, "importance"] *= 2.2
    found = fs.compare_regions(data, n_boot=20, n_swaps=999)
    for conf_level in (0.5, 0.8, 0.9, 0.95, 0.99):
        table = found.tidy(conf_level=conf_level)
        excluded = (table["joint_low"] > 0) | (table["joint_high"] < 0)
        is_small = table["p_adjusted"] <= 1 - conf_level + 1e-12
        assert excluded.equals(is_small)
    assert (table["joint_high"] - table["joint_low"] > 0).all()


def test_swapping_the_models_swaps_the_signs():
    data = make_importance(30)
    first = fs.compare_regions(data, n_boot=20, n_swaps=99)
    turned = data.sort_values("model", ascending=False, kind="stable")
    again = fs.compare_regions(turned, n_boot=20, n_swaps=99)
    assert again.models == first.models[::-1]
    np.testing.assert_allclose(
        again.tidy()["estimate"], -first.tidy()["estimate"], 1e-12
    )
    assert again.p_value == pytest.approx(first.p_value)


def test_three_models_make_three_pairs_on_the_photos_of_all():
    data = pd.concat(
        [make_importance(20, spread={"a": 30, "b": 30}), looking_at(MOUTH, "c", 20)]
    )
    lost = (data["model"] == "c") & (data["photo"] == "p0000.jpg")
    data.loc[lost, "importance"] = np.nan
    found = fs.compare_regions(data, n_boot=20, n_swaps=199)
    assert found.test()["term"].tolist() == ["a - b", "a - c", "b - c"]
    assert found.glance().to_dict("records") == [
        {"n": 19, "n_subjects": 19, "n_dropped": 1}
    ]
    told = found.test().set_index("term")["p_value"]
    assert told["a - b"] > 0.05
    assert told["a - c"] == told["b - c"] == 0.005


def test_tables_keep_the_contract_and_figures_show_every_pair():
    found = fs.compare_regions(make_importance(30), n_boot=50, n_swaps=99)
    for table in (found.tidy(), found.overlap(), found.test()):
        check_table(table)
    check_glance(found.glance())
    with drawn(found.plot()) as figure:
        assert "faceage minus other" in words(figure)
        assert texts_outside(figure) == []


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (
            lambda d: d[d["model"] == "faceage"],
            "`faceage` is the only model; a comparison needs two",
        ),
        (
            lambda d: d.assign(
                importance=d["importance"].mask(
                    (d["model"] == "faceage") == (d["photo"] < "p0010.jpg")
                )
            ),
            "0 of 20 subjects have shares of importance by every model",
        ),
        (
            lambda d: d[(d["model"] == "faceage") | (d["photo"] < "p0010.jpg")],
            "10 of 20 photos have no row of model `other`",
        ),
    ],
)
def test_bad_data_are_refused(spoil, message):
    with pytest.raises(DataError, match=message):
        fs.compare_regions(spoil(make_importance(20)), n_boot=20)


def test_bad_arguments_are_refused():
    data = make_importance(20)
    with pytest.raises(DataError, match="`n_swaps` is 0; give a whole number"):
        fs.compare_regions(data, n_boot=20, n_swaps=0)
    with pytest.raises(DataError, match="`conf_level` is 95"):
        fs.compare_regions(data, n_boot=20, n_swaps=99).tidy(conf_level=95)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("n", "several", "spread"),
    [
        (20, True, {"a": 30, "b": 30}),
        (50, False, {"a": 100, "b": 25}),
    ],
)
def test_models_of_the_same_regions_are_not_called_different(n, several, spread):
    """Simulation: 300 pairs of models, of equal and of unequal spread.

    The band is that of 5% in 300 data sets, three standard errors wide.
    """
    alarms = []
    for seed in range(300):
        data = make_importance(n, seed=seed, several=several, spread=spread)
        found = fs.compare_regions(data, subject="subject", n_boot=20, n_swaps=399)
        largest = found.tidy()["p_adjusted"].min()
        alarms.append((found.p_value[0] <= 0.05, largest <= 0.05))
    rates = np.mean(alarms, axis=0)
    assert (np.abs(rates - 0.05) < 3 * np.sqrt(0.05 * 0.95 / 300)).all()
