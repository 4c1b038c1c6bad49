"""The gate of agreement: which rows make pairs, and which are refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from face_pairs import agreed, made_pairs, overall, under_conditions
from tables import check_glance

from fahrstats.errors import DataError


def test_pairs_without_a_score_are_counted_and_lost_faces_told():
    before, after = made_pairs(4, n=20)
    before.loc[0, "faceage"] = np.nan
    after.loc[[0, 1, 2], "faceage"] = np.nan
    result = agreed((before, after))
    table = overall(result)
    assert table.loc["mean_change", ["n", "n_missing"]].tolist() == [17, 3]
    lost = table.loc["share_lost"]
    assert (lost["estimate"], lost["n"], lost["n_missing"]) == (2 / 19, 19, 1)
    glance = check_glance(result.glance())
    assert glance.iloc[0].to_dict() == {"n": 17, "n_subjects": 17, "n_dropped": 3}


def test_one_first_photo_serves_all_conditions():
    before, _ = made_pairs(5)
    after = under_conditions(before, 6, {"makeup": -2, "surgery": 0})
    shared = agreed((before, after), condition="what").tidy()
    own = pd.concat([before.assign(what=what) for what in ("surgery", "makeup")])
    each = agreed((own, after), condition="what").tidy()
    pd.testing.assert_frame_equal(shared, each)
    assert list(shared["condition"].unique()) == ["makeup", "surgery"]


def test_photos_of_one_subject_three_times_are_refused():
    before, after = made_pairs(16, n=10)
    tripled = pd.concat([after, after.iloc[[0, 0]]])
    with pytest.raises(
        DataError, match=r"`second` has several rows for 1 of 10 .*`who`"
    ):
        agreed((before, tripled))
    with pytest.raises(DataError, match=r"3 for one of them.*`repeatability`"):
        agreed((before, tripled))


def test_unpaired_photos_are_refused():
    before, after = made_pairs(17, n=10)
    message = (
        "2 of 10 rows of `first` have no partner in `second`, and 0 of 8 rows of "
        "`second` none in `first`, by `who`"
    )
    with pytest.raises(DataError, match=message):
        agreed((before, after.iloc[2:]))


def test_wrong_input_is_refused():
    before, after = made_pairs(19, n=10, sex=["F", "M"] * 5)

    def refused(message, first=before, second=after, **options):
        with pytest.raises(DataError, match=message):
            agreed((first, second), **options)

    refused("`moved` is 0", moved=0)
    refused("`by` is the text `sex`", by="sex")
    for by in (3, None, [["sex"]], iter(["sex"])):
        refused("`by` is .*; give a list of columns", by=by)
    refused("`subject` is .*; give the name of one column", subject=["who"])
    refused("`predicted` is .*; give the name of one column", predicted=["faceage"])
    refused("`condition` is 3; give the name of one column", condition=3)
    refused("`by` names `overall`, which stands for everyone", by=["overall"])
    refused("`first` has no column `race`", by=["race"])
    refused("`second` has no column `what`", condition="what")
    refused("`first` is a list; give a pandas data frame", first=[1])
    refused("`cut_points` must ascend", cut_points=[2, 1])
    refused("`cut_points` must be finite numbers", cut_points=[np.nan])
    refused("`cut_points` must be finite numbers", cut_points="abc")
    refused(
        "None of the 10 pairs has both scores `faceage`",
        second=after.assign(faceage=np.nan),
    )
    infinite = after.assign(faceage=after["faceage"].where(after["who"] > 0, np.inf))
    refused("`faceage` of `second` is infinite, .* in 1 of 10 rows", second=infinite)
    huge = after.assign(faceage=1e200)
    refused(r"`second` is infinite, or above 1e\+50 in size, in 10", second=huge)
    texts = after.assign(faceage=after["faceage"].astype(str))
    refused("`faceage` of `second` must hold numbers", second=texts)
    nobody = before.assign(who=before["who"].where(before["who"] > 0))
    refused("`who` of `first` is missing in 1 of 10 rows", first=nobody)
    other = after.assign(sex=["M"] + ["M", "F"] * 4 + ["M"])
    refused("`sex` differs between `first` and `second`", second=other, by=["sex"])
    refused(
        "`what` has the value `overall`",
        second=after.assign(what="overall"),
        condition="what",
    )
    alike = pd.concat([after.assign(what=what) for what in (1, "1")])
    refused("`what` .* 2 values .* written alike", second=alike, condition="what")
    twice = pd.concat([after.assign(what="a"), after.assign(what="a")])
    refused("10 values of `who` and `what`, 2 for", second=twice, condition="what")
    result = agreed((before, after))
    with pytest.raises(DataError, match="There is nothing to test: give `margin`"):
        result.tests()
    with pytest.raises(DataError, match="`conf_level` is 95"):
        result.tidy(conf_level=95)


@pytest.mark.parametrize("dtype", ["category", "string", object])
def test_groups_are_compared_as_values_whatever_their_type(dtype):
    """Categories need not be the same, and a group missing on one side is another."""
    before, after = made_pairs(23, n=10, sex=["F", "M"] * 5)
    before["sex"] = before["sex"].astype(dtype)
    same = after.assign(sex=pd.Categorical(["F", "M"] * 5, ["X", "M", "F"]))
    assert agreed((before, same), by=["sex"]).n == 10
    other = after.assign(sex=pd.Series([None] + ["M", "F"] * 4 + ["M"], dtype=dtype))
    with pytest.raises(DataError, match=r"`sex` differs between .* in 1 of 10"):
        agreed((before, other), by=["sex"])


def test_numbers_as_conditions_are_written_as_whole():
    before, _ = made_pairs(24, n=10)
    after = under_conditions(before, 25, {1.0: 0, 2.5: 1})
    found = agreed((before, after), condition="what")
    assert found.pairs.conditions == ("1", "2.5")


def test_tables_given_are_not_modified():
    before, after = made_pairs(20, sex=["F", "M"] * 30)
    copies = before.copy(), after.copy()
    agreed((before, after), by=["sex"], margin=1).tests()
    pd.testing.assert_frame_equal(before, copies[0])
    pd.testing.assert_frame_equal(after, copies[1])
