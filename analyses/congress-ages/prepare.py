"""The age at the photo, for the portraits of Congress whose file holds a date."""

from __future__ import annotations

import pandas as pd

COLLECTED = pd.Timestamp(2015, 4, 29)
ELECTED_BEFORE = pd.Timedelta(days=63)  # the first day of November to 3 January
DAYS_PER_YEAR = 365.25


def prepare(table: pd.DataFrame) -> pd.DataFrame:
    """Add the age at the date in the file, and at those that are likely the photo's.

    A date is likely the photo's if it lies between the election to the first Congress
    served and the end of the last one, and no other file holds the same minute: files
    that share a minute were edited together.
    """
    dated = pd.to_datetime(table["exif_datetime"], format="%Y:%m:%d %H:%M:%S")
    age = (dated - pd.to_datetime(table["birth_date"])) / pd.Timedelta(
        days=DAYS_PER_YEAR
    )
    first = began(table["first_congress"]) - ELECTED_BEFORE
    last = began(table["last_congress"] + 1).clip(upper=COLLECTED)
    is_within = dated.between(first, last)
    minute = dated.where(is_within).dt.floor("min")
    is_alone = minute.notna() & ~minute.duplicated(keep=False)
    return table.assign(age=age, sure_age=age.where(is_alone))


def began(congress: pd.Series) -> pd.Series:
    """Return the 3 January on which the Congress of a number began."""
    return pd.to_datetime((1787 + 2 * congress).astype(int).astype(str) + "-01-03")
