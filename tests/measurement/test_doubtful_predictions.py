"""Corrected ages are refused their accuracy, and predictions cut off are flagged."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from tables import check_table

import fahrstats as fs
from fahrstats.errors import DataError

REASON = (
    "not estimated: `corrected` was corrected given true age, which makes errors "
    "small; see `raw`"
)


@pytest.fixture
def photos() -> pd.DataFrame:
    rng = np.random.default_rng(20240607)
    age = rng.uniform(5, 95, 400)
    raw = 20 + 0.6 * age + rng.normal(0, 6, 400)
    return pd.DataFrame({"age": age, "raw": raw, "corrected": raw - (20 - 0.4 * age)})


def test_a_corrected_age_has_a_mean_error_only(photos):
    result = fs.age_accuracy(
        ["raw", "corrected"], photos, corrected={"corrected": "raw"}, n_boot=40
    )
    table = check_table(result.tidy())
    rows = table[(table["model"] == "corrected") & (table["n"] > 0)]
    known = rows[rows["estimate"].notna()]
    assert set(known["estimand"]) == {"mean_error", "median_error"}
    refused = rows[rows["estimate"].isna()]
    assert refused["note"].eq(REASON).all()
    assert refused["conf_low"].isna().all()
    raw = table[(table["model"] == "raw") & (table["subgroup"] == "overall")]
    assert raw["estimate"].notna().all()
    assert np.isnan(result.contrasts()["estimate"].item())
    assert f"mae not estimated; {REASON}" in str(result)


def test_a_difference_from_a_corrected_age_says_only_why_there_is_none(photos):
    """Other notes of the raw one, here on empty cells, are of no difference."""
    result = fs.age_accuracy(
        ["raw", "corrected"],
        photos[photos["age"] > 20],
        corrected={"corrected": "raw"},
        n_boot=20,
    )
    is_raw = (result.table["model"] == "raw") & (
        result.table["estimand"] == "macro_mae"
    )
    assert result.table.loc[is_raw, "note"].item().startswith("mean over")
    assert result.contrasts(estimand="macro_mae")["note"].item() == REASON


@pytest.mark.parametrize(
    "corrected",
    [{"corrected": "nil"}, {"nil": "raw"}, {"raw": "raw"}, {"corrected": "other"}],
)
def test_a_corrected_age_needs_its_raw_one_beside_it(photos, corrected):
    with pytest.raises(DataError, match="both must be in `predicted`, two columns"):
        fs.age_accuracy(["raw", "corrected"], photos, corrected=corrected)


def test_a_list_of_corrected_ages_is_refused(photos):
    with pytest.raises(DataError, match=r"`corrected` is \['corrected'\]; give a map"):
        fs.age_accuracy(["raw", "corrected"], photos, corrected=["corrected"])


def test_predictions_cut_off_at_the_top_are_flagged(photos):
    data = photos.assign(cut=photos["raw"].clip(upper=65), whole=photos["raw"].round())
    table = check_table(fs.age_accuracy(["cut", "raw", "whole"], data).tidy())
    n_at_top = int((data["cut"] == 65).sum())
    said = f"{n_at_top} predictions equal the largest, 65: top-coded?"
    is_flagged = table["note"].str.contains("top-coded")
    assert set(table.loc[is_flagged, "model"]) == {"cut"}
    assert table.loc[is_flagged, "note"].str.contains(said, regex=False).all()
    assert set(table.loc[is_flagged, "subgroup"]) == {"overall"}
