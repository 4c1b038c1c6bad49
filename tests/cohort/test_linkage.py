from __future__ import annotations

import pandas as pd
import pytest

from fahrstats.cohort.linkage import link
from fahrstats.errors import DataError

CLINICAL = pd.DataFrame({"id": ["a", "b", "c", "d"], "age": [60, 61, 62, 63]})
SCORES = pd.DataFrame({"id": ["d", "c", "b", "a"], "faceage": [4.0, 3.0, 2.0, 1.0]})


def test_scores_join_their_subjects_in_the_order_of_the_clinical_table():
    linked = link(CLINICAL, SCORES, id="id")
    assert list(linked.table["faceage"]) == [1.0, 2.0, 3.0, 4.0]
    assert linked.has_scores.all()
    assert linked.n_without_clinical == 0


def test_ids_that_only_one_table_holds_are_counted_both_ways():
    stray = pd.DataFrame({"id": ["a", "b", "x"], "faceage": [1.0, 2.0, 3.0]})
    with pytest.raises(
        DataError, match=r"1 of 3 ids in the scores table .* and 2 of 4 in the clinical"
    ):
        link(CLINICAL, stray, id="id")
    linked = link(CLINICAL, stray, id="id", allow_unmatched=True)
    assert list(linked.table["id"]) == ["a", "b", "c", "d"]
    assert list(linked.table["faceage"].isna()) == [False, False, True, True]
    assert list(linked.has_scores) == [True, True, False, False]
    assert linked.n_without_clinical == 1


def test_ids_written_in_two_ways_are_an_error_even_when_unmatched_are_allowed():
    numbers = SCORES.assign(id=[1, 2, 3, 4])
    with pytest.raises(DataError, match="write it the same way"):
        link(CLINICAL, numbers, id="id", allow_unmatched=True)


@pytest.mark.parametrize("which", ["clinical", "scores"])
def test_a_repeated_missing_or_absent_id_is_refused(which):
    tables = {"clinical": CLINICAL, "scores": SCORES}

    def link_with(changed):
        return link(**{**tables, which: changed}, id="id")

    repeated = pd.concat([tables[which], tables[which].head(1)])
    with pytest.raises(DataError, match=f"repeated in 1 of 5 rows of the {which}"):
        link_with(repeated)
    missing = tables[which].assign(id=[None, "b", "c", "d"])
    with pytest.raises(DataError, match=f"missing in 1 of 4 rows of the {which}"):
        link_with(missing)
    with pytest.raises(DataError, match=f"{which} table has no column `id`"):
        link_with(tables[which].drop(columns="id"))


def test_a_column_that_both_tables_hold_is_refused():
    with pytest.raises(DataError, match="Both tables hold `age`"):
        link(CLINICAL, SCORES.assign(age=1), id="id")


def test_the_tables_of_the_caller_stay_as_they_are():
    before = CLINICAL.copy(), SCORES.copy()
    link(CLINICAL, SCORES, id="id")
    pd.testing.assert_frame_equal(CLINICAL, before[0])
    pd.testing.assert_frame_equal(SCORES, before[1])
