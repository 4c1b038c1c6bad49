# ruff: noqa: RUF001  (dashes are what is tested)
from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from drawings import drawn, overlapping, texts_outside, words
from matplotlib.collections import PathCollection
from plotnine import ggplot, labs

from fahrstats.display.group_contrasts import group_contrasts
from fahrstats.errors import DataError

LONG = {
    "old": "People above the median of the derivation cohort, costing $5",
    "young": "People at or below the median of the derivation cohort",
}


def table(level, difference, *, times=(5.0,), scale=1.0):
    rows = [
        {"group": group, "reference": "", "estimand": level, "estimate": value}
        for group, value in (("old", 0.42), ("young", 0.61))
    ]
    rows.append(
        {"group": "young", "reference": "old", "estimand": difference, "estimate": 0.19}
    )
    one = pd.DataFrame(rows).assign(note="")
    one["estimate"] *= scale
    one["conf_low"] = one["estimate"] - 0.1 * scale
    one["conf_high"] = one["estimate"] + 0.1 * scale
    return pd.concat([one.assign(time=time) for time in times], ignore_index=True)


@pytest.fixture(scope="module")
def at_times():
    found = table("survival", "delta_survival", times=(1.0, 5.0))
    silent = found.index[(found["time"] == 5) & (found["reference"] == "old")]
    found.loc[silent, ["conf_low", "conf_high"]] = np.nan
    found.loc[silent, "note"] = "`young`: no event by then"
    return found


@pytest.fixture(scope="module")
def drawing(at_times):
    plot = group_contrasts(
        at_times, labels=LONG, time_unit="years", title="Survival at $t$"
    )
    with drawn(plot) as figure:
        yield figure


def dots(axes):
    offsets = [m.get_offsets().data[:, 0] for m in axes.findobj(PathCollection)]
    return np.concatenate(offsets).tolist()


def test_times_are_rows_and_groups_stand_beside_differences(drawing):
    assert len(drawing.axes) == 4
    assert [sorted(dots(axes)) for axes in drawing.axes] == [
        *([0.42, 0.61], [0.19]),
        *([0.42, 0.61], [0.19]),
    ]
    shown = {" ".join(text.split()) for text in words(drawing)}
    assert {"Survival (95% CI)", "At 1 year", "At 5 years"} <= shown
    assert {"0.420 (0.320–0.520)", "0.190 (0.090–0.290)", "Reference"} <= shown
    assert any(text.startswith("Difference from People above") for text in shown)


def test_a_row_without_an_interval_says_why(drawing):
    shown = [" ".join(text.split()) for text in words(drawing)]
    name = LONG["young"]
    assert f"0.190; {name}: no event by then" in shown


def test_nothing_is_cut_off_or_printed_over(drawing):
    assert texts_outside(drawing) == []
    assert overlapping(drawing) == []


def test_negative_numbers_have_a_minus_sign(draw):
    turned = table("survival", "delta_survival")
    is_difference = turned["reference"] == "old"
    turned.loc[is_difference, ["estimate", "conf_low", "conf_high"]] = -0.19, -0.3, -0.1
    shown = words(draw(group_contrasts(turned)))
    assert "−0.190 (−0.300 to −0.100)" in shown
    assert not any(text.startswith("-") for text in shown)


@pytest.mark.parametrize(
    ("tau", "text"), [(5.0, "0.420 (0.320–0.520)"), (500.0, "42.0 (32.0–52.0)")]
)
def test_means_have_decimals_that_suit_their_size(draw, tau, text):
    means = table("rmst", "delta_rmst", times=(tau,), scale=tau if tau > 100 else 1)
    if tau > 100:
        means[["estimate", "conf_low", "conf_high"]] /= 5
    shown = words(draw(group_contrasts(means)))
    assert text in shown
    assert f"Mean time until {tau:g} (95% CI)" in shown


def test_ratios_are_not_drawn(draw):
    means = table("rmst", "delta_rmst")
    ratio = means.iloc[[2]].assign(estimand="rmst_ratio", estimate=1.4)
    figure = draw(group_contrasts(pd.concat([means, ratio], ignore_index=True)))
    assert len(figure.axes) == 2


def test_one_group_has_one_panel(draw):
    figure = draw(group_contrasts(table("rmst", "delta_rmst").head(1)))
    assert len(figure.axes) == 1


def test_a_missing_estimate_has_no_dot_but_a_note(draw):
    found = table("survival", "delta_survival")
    found.loc[1, ["estimate", "conf_low", "conf_high"]] = np.nan
    found.loc[1, "note"] = "follow-up ends at 4"
    figure = draw(group_contrasts(found))
    assert dots(figure.axes[0]) == [0.42]
    assert "follow-up ends at 4" in words(figure)


def test_layers_can_be_added(at_times):
    assert isinstance(group_contrasts(at_times) + labs(title="Mine"), ggplot)


def test_tables_without_groups_of_their_own_are_refused(at_times):
    with pytest.raises(DataError, match="`estimand` has no `survival` or `rmst`"):
        group_contrasts(at_times[at_times["reference"] == "old"])
    with pytest.raises(DataError, match="no column `reference`; a figure of groups"):
        group_contrasts(at_times.drop(columns="reference"))
    with pytest.raises(DataError, match="no rows; a figure of groups needs"):
        group_contrasts(at_times.head(0))


def test_very_long_names_have_rows_that_hold_them(at_times, draw):
    names = {"young": "score of a face " * 8 + "below", "old": "costs $5 or $6 " * 8}
    figure = draw(group_contrasts(at_times, labels=names))
    assert texts_outside(figure) == []
    assert overlapping(figure) == []


def test_a_group_with_dollars_is_named_in_notes(draw):
    found = table("survival", "delta_survival").replace("young", "$5 or $6")
    found.loc[2, ["conf_low", "conf_high"]] = np.nan
    found.loc[2, "note"] = "`$5 or $6`: no event by then"
    shown = " ".join(words(draw(group_contrasts(found)))).replace("\n", " ")
    assert r"; \$5 or \$6: no event by then" in shown
