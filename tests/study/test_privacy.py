"""No folder of a machine is told with the text of a study file."""

from __future__ import annotations

import pytest

from fahrstats.study.privacy import without_folders


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('table = "/srv/user/data/cohort.csv"', 'table = "cohort.csv"'),
        ("published = '/srv/user/print.csv'", "published = 'print.csv'"),
        ('"/srv/A User (new)/My, Data/c.csv"', '"c.csv"'),
        ("'/srv/a_user/c.csv'", "'c.csv'"),
        ('"/srv/O\'Brien/c.csv"', '"c.csv"'),
        (r'"\u002Fhome\u002Fjane\U0000002Fc.csv"', '"c.csv"'),
        (r'"C:\\Users\\A User\\c.csv"', '"c.csv"'),
        (r"'C:\Users\Jane\c.csv'", "'c.csv'"),
        (r"'\\server\share\jane\c.csv'", "'c.csv'"),
        ("'D:/user/c.parquet'", "'c.parquet'"),
        ("'~/user/c.csv'", "'c.csv'"),
        ("# copied from /srv/user/c.csv.", "# copied from c.csv."),
        ("# see /srv/A User/My Data/c.csv and 0/1", "# see c.csv and 0/1"),
        ("# in /srv/user/project/", "# in …"),
        ("# in /srv/jane", "# in …"),
        ("#/srv/user/c.csv", "#c.csv"),
        ("# (/srv/user/c.csv, /srv/user/d.csv)", "# (c.csv, d.csv)"),
        ("# ~jane/c.csv, jane:/srv/user/d.csv", "# c.csv, jane:d.csv"),
        ("# file:///srv/user/c.csv", "# c.csv"),
        (r"# C:\Users\Jane\c.csv on my machine", "# c.csv on my machine"),
        ('files = ["/a/b/c.csv", "/a/b/d.csv"]', 'files = ["c.csv", "d.csv"]'),
    ],
)
def test_an_absolute_path_is_cut_to_the_name_of_its_file(text, expected):
    assert without_folders(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        'table = "nhanes4/nhanes4.parquet"',
        "table = '../data/cohort.csv'",
        "table = './cohort.csv'",
        'unit = "mL/min/1.73 m²"',
        'unit = "/min"',
        "# coded 0/1, and/or missing; 5 / 3 / 2",
        'source = "https://wwwn.cdc.gov/nchs/nhanes/default.aspx"',
        "# doi: https://doi.org/10.1016/j.mayocp.2012.03.009 (2012/06)",
        'table = "sksurv:flchain"',
        'label = "It\'s a label: \\"quoted\\" \\u0022"',
        "levels = { 1 = 'Men', 2 = 'Women' }  # don't / won't",
    ],
)
def test_what_is_no_absolute_path_stays(text):
    assert without_folders(text) == text
