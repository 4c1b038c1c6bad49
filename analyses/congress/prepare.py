"""Follow-up from 1 May 2015 and the age at the photo, for the portraits of Congress.

Every portrait was in the collection by 29 April 2015, so that follow-up from 1 May 2015
holds no time before the photo. Deaths are known up to 1 November 2024, some by their
year only: those have an earliest, a middle and a latest possible day.
"""

from __future__ import annotations

import pandas as pd

LANDMARK = pd.Timestamp(2015, 5, 1)
COLLECTED = pd.Timestamp(2015, 4, 29)
LAST_KNOWN = pd.Timestamp(2024, 11, 1)
ELECTED_BEFORE = pd.Timedelta(days=63)  # the first day of November to 3 January
DAYS_PER_YEAR = 365.25


def prepare(table: pd.DataFrame) -> pd.DataFrame:
    """Add follow-up by three readings of the date of death, and ages in years."""
    earliest, latest = possible_deaths(table)
    was_alive = ~(latest < LANDMARK)
    earliest, latest = earliest.clip(lower=LANDMARK), latest.clip(upper=LAST_KNOWN)
    middle = earliest + (latest - earliest) / 2
    born = pd.to_datetime(table["birth_date"])
    first, last = possible_photos(table)
    is_dated = first == last
    columns = {
        "died": latest.notna().astype(float).where(was_alive),
        "left_out": was_alive.map({True: "", False: "died before 1 May 2015"}),
        "age": years(born, LANDMARK),
        "photo_age": years(born, first).where(is_dated),
        "photo_age_range": years(first, last).where(~is_dated),
    }
    for name, date in (("", middle), ("_earliest", earliest), ("_latest", latest)):
        days = (date.fillna(LAST_KNOWN) - LANDMARK) / pd.Timedelta(days=1)
        columns[f"days{name}"] = days.where(was_alive)
    return table.assign(**columns)


def possible_deaths(table: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """Return the first and last possible day of death, missing for the living."""
    written = table["death_date"].astype("string")
    is_year = table["death_precision"].eq("year")
    first = pd.to_datetime(written.where(~is_year, written.str[:4] + "-01-01"))
    last = pd.to_datetime(written.where(~is_year, written.str[:4] + "-12-31"))
    return first, last


def possible_photos(table: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """Return the first and last possible time of the photo; both are its known time.

    It was taken between the election to the first Congress served, since new members
    sit for their portraits before they take the oath, and the end of the last one or
    the day of collection. A date in the file within these bounds is taken for that of
    the photo if no other file has the same minute; files that share a minute were
    edited together, and then the date only says that the photo is not younger.
    """
    first = began(table["first_congress"]) - ELECTED_BEFORE
    last = began(table["last_congress"] + 1).clip(upper=COLLECTED)
    dated = pd.to_datetime(table["exif_datetime"], format="%Y:%m:%d %H:%M:%S")
    dated = dated.where(dated.between(first, last))
    is_alone = ~dated.dt.floor("min").duplicated(keep=False)
    return dated.where(is_alone, first).fillna(first), dated.fillna(last)


def began(congress: pd.Series) -> pd.Series:
    """Return the 3 January on which the Congress of a number began."""
    return pd.to_datetime((1787 + 2 * congress).astype(int).astype(str) + "-01-03")


def years(since: pd.Series, until: pd.Series | pd.Timestamp) -> pd.Series:
    """Return the time between two dates in years."""
    return (until - since) / pd.Timedelta(days=DAYS_PER_YEAR)
