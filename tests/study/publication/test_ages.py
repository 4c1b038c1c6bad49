from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from fahrstats.display.labels import CROSS
from fahrstats.study.publication.ages import top_coded

LABELS = {
    "age": {"label": "Age", "unit": "years"},
    "sex": {"label": "Sex", "unit": ""},
    "weight": {"label": "Weight", "unit": "kg"},
    "born": {"label": "Year of birth", "unit": "years"},
}


def test_summaries_of_ages_end_at_ninety():
    table = pd.DataFrame(
        {
            "variable": ["age", "age", "weight", "born", "age"],
            "estimand": ["p95", "median", "p95", "median", "sd"],
            "estimate": [93.2, 71.0, 104.0, 1931.0, 95.0],
            "conf_high": [np.nan, 90.4, np.nan, np.nan, np.nan],
        }
    )
    coded = top_coded(table, LABELS)
    assert coded["estimate"].tolist() == [90.0, 71.0, 104.0, 1931.0, 95.0]
    assert coded["conf_high"].iloc[1] == 90.0
    assert table["estimate"].iloc[0] == 93.2


@pytest.mark.parametrize(
    ("subgroup", "level", "stays"),
    [
        ("age", "80-89", True),
        ("age", "90+", True),
        ("age", "90-99", False),
        ("age", "100+", False),
        ("age_band", "over 65", True),
        ("age_band", "over 90", True),
        ("age_band", "over 90 to 95", False),
        ("age_band", "over 95", False),
        ("age_band", "95 or less", True),
        ("age_band", "under 95", True),
        ("age_band", "90 or more", True),
        ("weight_band", "over 95", True),
        (f"sex{CROSS}age", f"Women{CROSS}95-99", False),
        (f"sex{CROSS}age", f"Women{CROSS}85-89", True),
    ],
)
def test_bands_within_ninety_and_over_are_left_out(subgroup, level, stays):
    table = pd.DataFrame({"subgroup": [subgroup], "level": [level], "n": [20]})
    assert len(top_coded(table, LABELS)) == stays


def test_places_beyond_ninety_are_left_out_of_curves_over_age():
    table = pd.DataFrame(
        {
            "variable": ["age", "age", "weight"],
            "value": [89.0, 90.5, 95.0],
            "estimand": "hr",
            "estimate": [1.0, 2.0, 3.0],
        }
    )
    assert top_coded(table, LABELS)["value"].tolist() == [89.0, 95.0]
