from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fahrstats.errors import DataError
from fahrstats.study.publication.counts import BASE, Rounding

secrets = st.text(max_size=8)
bases = st.integers(2, 12)


@given(secret=secrets, base=bases, count=st.integers(0, 10**6))
def test_a_count_becomes_a_multiple_of_the_base_beside_it_or_a_dash(
    secret, base, count
):
    printed = Rounding(secret, base).printed(count)
    if 0 < count < 2 * base:
        assert np.isnan(printed)
    else:
        assert printed % base == 0
        assert abs(printed - count) < base


@given(secret=secrets, base=bases, counts=st.lists(st.integers(0, 500), min_size=2))
def test_a_larger_count_is_never_printed_as_a_smaller_one(secret, base, counts):
    rounding = Rounding(secret, base)
    printed = [rounding.printed(count) for count in sorted(counts)]
    shown = [number for number in printed if not np.isnan(number)]
    assert shown == sorted(shown)


@pytest.mark.parametrize("count", [11, 12, 13, 14, 1003])
def test_rounding_is_right_on_average(count):
    """The mean over 4000 secrets, within four standard errors of at most 2.5."""
    printed = [Rounding(str(secret)).printed(count) for secret in range(4000)]
    assert set(printed) == {BASE * (count // BASE), BASE * (count // BASE + 1)}
    assert np.mean(printed) == pytest.approx(count, abs=4 * 2.5 / np.sqrt(4000))


def test_what_is_withheld_and_what_is_missing_are_missing():
    rounding = Rounding("secret", withheld=frozenset({40}), prints_zero=False)
    shown = rounding.column(pd.Series([0, 3, 40, 60, None], dtype="Int64"))
    assert shown.isna().tolist() == [True, True, True, False, True]
    assert Rounding("secret").printed(0) == 0
    assert shown.dtype == np.float64


def test_a_base_that_rounds_nothing_is_refused():
    with pytest.raises(DataError, match="multiples of 1; give 2 or more"):
        Rounding("secret", base=1)
