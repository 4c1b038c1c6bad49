from __future__ import annotations

from decimal import Decimal

import pytest

from fahrstats.study.published import PublishedRow


@pytest.mark.parametrize(
    ("estimates", "is_matched"),
    [
        ((1.4673, 1.4211, 1.51497), True),
        ((1.4673, 1.4211, 1.51503), False),
        ((1.4649, 1.4211, 1.51), False),
        ((float("inf"), 1.42, 1.51), False),
        ((float("nan"), float("nan"), float("nan")), False),
    ],
)
def test_a_match_is_in_every_printed_decimal(estimates, is_matched):
    printed = (Decimal("1.47"), Decimal("1.42"), Decimal("1.51"))
    row = PublishedRow("", "", "", "phenoage", *printed, "Table 1")
    assert row.is_matched_by(estimates) is is_matched
