"""Error by band of age: places, breaks of the line, numbers below."""

import matplotlib as mpl
import numpy as np
import pandas as pd

from fahrstats.display.age_errors import errors_by_age


def by_band(estimates, n):
    return pd.DataFrame(
        {
            "model": "faceage",
            "subgroup": "age",
            "level": ["30-39", "40-49", "50-59", "60-69"],
            "estimand": "mae",
            "estimate": estimates,
            "conf_low": np.array(estimates) - 1,
            "conf_high": np.array(estimates) + 1,
            "n": pd.array(n, dtype="Int64"),
        }
    )


def test_a_band_of_which_nothing_is_told_keeps_its_place_and_breaks_the_line():
    figure = errors_by_age(by_band([5.0, 6.0, np.nan, 8.0], [40, 30, pd.NA, 20]))
    assert figure.data["at"].tolist() == [0, 1, 2, 3]
    with mpl.rc_context({"backend": "agg"}):
        axes = figure.draw().axes[0]
    below = [text.get_text() for text in axes.get_xticklabels()]
    assert below == ["30-39\n40", "40-49\n30", "50-59\n\N{EN DASH}", "60-69\n20"]
    paths = [path for drawn in axes.collections for path in drawn.get_paths()]
    assert max(np.ptp(path.vertices[:, 0]) for path in paths) == 1  # to the next band


def test_a_band_without_photos_is_not_drawn():
    figure = errors_by_age(by_band([5.0, 6.0, np.nan, 8.0], [40, 30, 0, 20]))
    assert figure.data["level"].tolist() == ["30-39", "40-49", "60-69"]
