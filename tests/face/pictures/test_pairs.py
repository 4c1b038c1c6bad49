"""Pairs of photos: every layout, and what is refused. No picture is decoded."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from fahrstats.errors import DataError
from fahrstats.face.pictures.manifests import manifest_of
from fahrstats.face.pictures.pairs import open_pairs


@pytest.fixture
def write(tmp_path):
    """Write files by name, each with bytes of its own unless they are given."""

    def make(*names: str, **contents: str) -> Path:
        folder = tmp_path / "photos"
        for name in names:
            file = folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(contents.get(name.replace("/", "_").split(".")[0], name))
        return folder

    return make


def rows(pairs) -> list[tuple[str, ...]]:
    return list(pairs.table.itertuples(index=False, name=None))


@pytest.mark.parametrize(
    ("names", "layout", "expected"),
    [
        (
            ["before/p01.jpg", "before/p02.jpg", "after/p01.png", "after/p02.jpg"],
            "files in folders before and after",
            [
                ("p01", "", "before/p01.jpg", "after/p01.png"),
                ("p02", "", "before/p02.jpg", "after/p02.jpg"),
            ],
        ),
        (
            [
                "makeup/Pre/7.jpg",
                "makeup/Post/7.jpg",
                "Pre/pose/7.jpg",
                "Post/pose/7.jpg",
            ],
            "files in folders before and after",
            [
                ("7", "makeup", "makeup/Pre/7.jpg", "makeup/Post/7.jpg"),
                ("7", "pose", "Pre/pose/7.jpg", "Post/pose/7.jpg"),
            ],
        ),
        (
            ["p1/before.jpg", "p1/after.jpg", "x/p2/before.jpg", "x/p2/after.jpg"],
            "files before and after in a folder for each subject",
            [
                ("p1", "", "p1/before.jpg", "p1/after.jpg"),
                ("p2", "x", "x/p2/before.jpg", "x/p2/after.jpg"),
            ],
        ),
        (
            ["p01_before.jpg", "p01_after.jpg"],
            "names that end in before and after",
            [("p01", "", "p01_before.jpg", "p01_after.jpg")],
        ),
        (
            ["nose/p-1_1.jpg", "nose/p-1_2.jpg"],
            "names that end in before and after",
            [("p-1", "nose", "nose/p-1_1.jpg", "nose/p-1_2.jpg")],
        ),
        (
            ["Ann A.jpg", "Ann B.jpg"],
            "names that end in before and after",
            [("Ann", "", "Ann A.jpg", "Ann B.jpg")],
        ),
    ],
)
def test_a_folder_is_read_in_every_layout(write, names, layout, expected):
    pairs = open_pairs(write(*names))
    assert pairs.layout == layout
    assert rows(pairs) == expected
    assert pairs.unpaired == ()


def test_a_wide_table_has_a_row_for_each_pair(tmp_path):
    file = tmp_path / "pairs.csv"
    file.write_text(
        "before,after,subject,condition\n"
        "a.jpg,b.jpg,007,nose\na.jpg,c.jpg,007,pose\nd.jpg,e.jpg,008,nose\n"
    )
    pairs = open_pairs(file)
    assert rows(pairs) == [
        ("007", "nose", "a.jpg", "b.jpg"),
        ("008", "nose", "d.jpg", "e.jpg"),
        ("007", "pose", "a.jpg", "c.jpg"),
    ]
    assert pairs.root == tmp_path
    manifest = pairs.manifest.set_index("photo")
    assert list(manifest.index) == ["a.jpg", "d.jpg", "b.jpg", "e.jpg", "c.jpg"]
    assert manifest.loc["a.jpg"].tolist() == ["007", "before", ""]
    assert manifest.loc["c.jpg"].tolist() == ["007", "after", "pose"]
    source = manifest_of(pairs.manifest, pairs.root)
    assert len(source) == 5


def test_without_subjects_every_row_is_its_own():
    table = pd.DataFrame({"before": ["a", "c"], "after": ["b", "d"]})
    assert open_pairs(table).table["subject"].tolist() == ["pair 1", "pair 2"]


@pytest.mark.parametrize(
    "words",
    [
        ("before", "after"),
        ("Pre", "post"),
        ("baseline", "follow-up"),
        (0, 1),
        (1.0, 2.0),
        ("a", "b"),
        (False, True),
    ],
)
def test_a_long_table_says_moments_in_many_words(words):
    table = pd.DataFrame(
        {"photo": ["x.jpg", "y.jpg"], "subject": [1, 1], "moment": list(words)}
    )
    assert rows(open_pairs(table)) == [("1", "", "x.jpg", "y.jpg")]


def test_a_photo_before_without_a_condition_serves_all_of_its_subject():
    table = pd.DataFrame(
        {
            "photo": ["x.jpg", "y.jpg", "z.jpg"],
            "subject": ["s"] * 3,
            "moment": ["before", "after", "after"],
            "condition": [None, "light", "pose"],
        }
    )
    assert rows(open_pairs(table)) == [
        ("s", "light", "x.jpg", "y.jpg"),
        ("s", "pose", "x.jpg", "z.jpg"),
    ]


def test_a_folder_on_the_way_to_photos_after_shares_those_before(write):
    names = ["before/1.jpg", "after/1.jpg", "after/pose/1.jpg", "after/pose/2.jpg"]
    pairs = open_pairs(write(*names))
    assert rows(pairs) == [
        ("1", "", "before/1.jpg", "after/1.jpg"),
        ("1", "pose", "before/1.jpg", "after/pose/1.jpg"),
    ]
    assert pairs.unpaired == ("after/pose/2.jpg",)


def test_photos_without_a_partner_are_named_and_counted(write):
    names = ["before/1.jpg", "after/1.jpg", "before/2.jpg", "after/3.jpg"]
    pairs = open_pairs(write(*names))
    assert set(pairs.unpaired) == {"before/2.jpg", "after/3.jpg"}
    assert pairs.note() == (
        "1 pairs of 1 subjects, read from files in folders before and after; 2 photos "
        "have no partner and are in no pair: `after/3.jpg`, `before/2.jpg`."
    )
    assert len(pairs.manifest) == 2


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["x.jpg", "y.jpg"], "is unclear: understood 2 as none of these, such as `x.j"),
        (
            ["p_1.jpg", "p_2.jpg", "p_3.jpg"],
            "understood 2 as names that end in before and after; 1 as none of these",
        ),
        (
            ["before/1.jpg", "after/1.jpg", "2_before.jpg", "2_after.jpg"],
            "understood 2 as names that end .* 2 as files in folders|"
            "understood 2 as files in folders before and after; 2 as names that end",
        ),
        (
            ["p_pre.jpg", "p_1.jpg"],
            "before and after by (`1` .1., `pre`|`pre` .1., `1`)",
        ),
        (
            ["before/1.jpg", "before/2.jpg"],
            "says before and after by `before` .2.; w",
        ),
        (
            ["before/1.jpg", "after/2.jpg"],
            "None of the 2 photos has a partner: 1 are",
        ),
        (
            ["before/1.jpg", "before/1.png", "after/1.jpg"],
            "1 subjects have more than one photo before in a condition, such as `b",
        ),
        (
            ["a/before/1.jpg", "a/after/1.jpg", "b/after/1.jpg"],
            "`b` has 1 photos after and none before; a condition needs both",
        ),
    ],
)
def test_folders_that_are_unclear_are_refused(write, names, message):
    folder = write(*names)
    with pytest.raises(DataError, match=message):
        open_pairs(folder)


def test_the_same_file_twice_is_no_pair(write):
    names = ["before/1.jpg", "after/1.jpg", "before/2.jpg", "after/2.jpg"]
    folder = write(*names, before_1="same", after_1="same")
    with pytest.raises(
        DataError, match="1 of 2 pairs hold the same file before and after, such as `af"
    ):
        open_pairs(folder)
    table = pd.DataFrame({"before": ["a"], "after": ["a"]})
    with pytest.raises(DataError, match="1 of 1 pairs hold the same file"):
        open_pairs(table)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"photo": ["a"], "subject": ["s"]}, "has the columns `photo`, `subject`, whi"),
        (
            {"photo": ["a", None], "subject": ["s", "s"], "moment": [0, 1]},
            "`photo` is empty in 1 of 2 rows",
        ),
        (
            {"photo": ["a", "b"], "subject": ["s", "s"], "moment": ["pre", None]},
            "`moment` is empty in 1 of 2 rows",
        ),
        (
            {"photo": ["a", "b"], "subject": [None, "s"], "moment": ["pre", "post"]},
            "`subject` is empty for 1 of 2 photos",
        ),
        (
            {"photo": ["a", "b"], "subject": ["s", "s"], "moment": ["pre", "later"]},
            "`moment` of `the data frame` says before and after by `pre` .1., `later`",
        ),
    ],
)
def test_tables_that_are_unclear_are_refused(columns, message):
    with pytest.raises(DataError, match=message):
        open_pairs(pd.DataFrame(columns))


@pytest.mark.parametrize(
    "columns",
    [
        {"before": ["a", "a"], "after": ["b", "c"]},
        {"before": ["a", "b"], "after": ["b", "c"]},
        {"before": ["a", "a"], "after": ["b", "b"]},
        {"photo": list("aabc"), "subject": [1, 2, 1, 2], "moment": [0, 0, 1, 1]},
    ],
)
def test_three_photos_of_one_face_are_not_two_subjects(columns):
    with pytest.raises(
        DataError, match=r"\d of \d photos stand for several subjects, such as `[ab]`"
    ):
        open_pairs(pd.DataFrame(columns))


def test_names_that_say_before_and_number_photos_are_unclear(write):
    """The second photo before is not what came after the first."""
    folder = write(*(f"x_{word}_{at}.jpg" for word in ("pre", "post") for at in (1, 2)))
    with pytest.raises(DataError, match="understood 4 as none of these"):
        open_pairs(folder)


def test_umlauts_are_the_same_however_they_are_encoded(write):
    names = ["M\u00fcller_pre.jpg", "Mu\u0308ller_post.jpg"]
    assert rows(open_pairs(write(*names))) == [("M\u00fcller", "", *names)]
    subjects = ["M\u00fcller", "Mu\u0308ller"]
    table = pd.DataFrame(
        {"photo": ["a", "b"], "subject": subjects, "moment": ["pre", "post"]}
    )
    assert rows(open_pairs(table)) == [("M\u00fcller", "", "a", "b")]


def test_the_note_says_whom_and_what_pairs_are_of(write):
    """A folder for each person is not taken for a condition unnoticed."""
    names = [f"p{at}/{word}/front.jpg" for at in (1, 2) for word in ("pre", "post")]
    assert open_pairs(write(*names)).note() == (
        "2 pairs of 1 subjects under 2 conditions (`p1`, `p2`), read from files in "
        "folders before and after."
    )


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"before": [], "after": []}, "`the data frame` has no rows"),
        (
            {"photo": ["a", "b"], "subject": [1, 1], "moment": [float("inf"), 1.0]},
            "says before and after by `inf` .1., `1` .1.",
        ),
    ],
)
def test_values_that_are_no_moments_are_refused(table, message):
    with pytest.raises(DataError, match=message):
        open_pairs(pd.DataFrame(table))


def test_a_column_that_stands_twice_is_refused():
    table = pd.DataFrame([["a", "b", "c"]], columns=["before", "after", "after"])
    with pytest.raises(DataError, match="has several columns `after`"):
        open_pairs(table)


def test_what_is_not_there_is_told_as_that(tmp_path):
    with pytest.raises(DataError, match=r"There is no folder or table `.*nowhere`"):
        open_pairs(tmp_path / "nowhere")


def test_a_root_goes_with_a_table_only(write):
    folder = write("p_1.jpg", "p_2.jpg")
    with pytest.raises(DataError, match="`root` goes with a table of paths"):
        open_pairs(folder, root=folder)
    (folder / "none").mkdir()
    with pytest.raises(DataError, match="holds no photo"):
        open_pairs(folder / "none")
