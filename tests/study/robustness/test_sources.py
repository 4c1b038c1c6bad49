from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_robustness import write_panel

from fahrstats.errors import DataError
from fahrstats.study.robustness.sources import check_robustness, read_sources


def check(path: Path):
    return check_robustness(path, out=path.parent.with_name("out"))


def test_every_part_is_read(shared_robustness):
    found = check(shared_robustness)
    assert found.problems == ()
    panel, pairs, serial = (
        found.sources.panel,
        found.sources.pairs,
        found.sources.serial,
    )
    assert panel.table["condition"].unique().tolist() == ["roll", "jpeg", "lipstick"]
    assert panel.file == "scores of 80 changed photos"
    assert list(pairs) == ["makeup", "sessions"]
    assert pairs["makeup"].groups == ("sex",)
    assert list(pairs["makeup"].table["sex"].cat.categories) == ["Women", "Men"]
    assert len(pairs["sessions"].table) == 200
    assert len(serial.table) == 120
    assert found.notes == (
        "[pairs.makeup]: 60 pairs of 60 subjects, read from a table of photos and "
        "moments.",
        "[pairs.sessions]: 100 pairs of 50 subjects under 2 conditions (`light`, "
        "`pose`), read from a table of photos and moments.",
    )
    assert list(found.sources.parts) == [
        "panel",
        "serial",
        "pairs_makeup",
        "pairs_sessions",
    ]


def test_scores_stay_with_their_photos(shared_robustness, tables):
    table = check(shared_robustness).sources.pairs["sessions"].table
    keys = ["subject", "condition", "moment"]
    both = table.merge(tables["sessions"], on=keys, validate="one_to_one")
    assert len(both) == 200
    np.testing.assert_array_equal(both["faceage_x"], both["faceage_y"])


def test_problems_of_all_parts_are_listed_at_once(write_robustness, tables):
    makeup = tables["makeup"].drop(columns=["other", "sex"])
    sessions = pd.concat([tables["sessions"], tables["sessions"].iloc[:1]])
    path = write_robustness(
        makeup=makeup, sessions=sessions, serial=tables["serial"].drop(columns="taken")
    )
    path.with_name("notes.md").unlink()
    problems = check(path).problems
    expected = [
        "`notes.md` is not beside the study file",
        "[pairs.makeup]: there are no scores `other`, which [models] names.",
        "[pairs.sessions]: 1 subjects have more than one photo before in a condition",
        "[serial]: the table has no column `taken`.",
    ]
    for problem, start in zip(problems, expected, strict=True):
        assert problem.startswith(start), problem
    with pytest.raises(DataError, match=r"study.toml: `notes.md`.*\(4 problems"):
        read_sources(path, out=path.parent.with_name("out"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sex": "X"}, "[groups.sex]: `sex` holds `X` (120 rows) in 120 of 120 rows"),
        ({"moment": "later"}, "[pairs.makeup]: `moment` of `the data frame` says bef"),
        ({"subject": "one"}, "[pairs.makeup]: 1 subjects have more than one photo"),
    ],
)
def test_pairs_pass_the_gate(write_robustness, tables, change, message):
    path = write_robustness(makeup=tables["makeup"].assign(**change))
    (problem,) = check(path).problems
    assert problem.startswith(message)


def test_few_pairs_are_refused(write_robustness, tables):
    few = tables["makeup"][tables["makeup"]["subject"] < "s019"]
    (problem,) = check(write_robustness(makeup=few)).problems
    assert problem.startswith("[pairs.makeup]: 19 people can be compared; fewer th")


def test_pairs_without_both_scores_are_not_counted(write_robustness, tables):
    makeup = tables["makeup"].copy()
    is_lost = (makeup["moment"] == "after") & (makeup["subject"] > "s005")
    makeup.loc[is_lost, "other"] = np.nan
    (problem,) = check(write_robustness(makeup=makeup)).problems
    assert problem.startswith("[pairs.makeup]: 6 people can be compared; fewer than")


def test_few_repeated_photos_are_refused(write_robustness, tables):
    serial = tables["serial"]
    few = serial[serial["who"].isin(serial["who"].unique()[:19])]
    once = serial.drop_duplicates("who")
    for table, n in ((few, 19), (once, 0), (serial.assign(other=np.nan), 0)):
        (problem,) = check(write_robustness(serial=table)).problems
        assert problem.startswith(f"[serial]: {n} people with several photos can be co")


@pytest.mark.parametrize(
    ("table", "change", "message"),
    [
        ("makeup", {"other": "3,5"}, "[pairs.makeup]: `other` must hold numbers, but"),
        ("serial", {"other": "3,5"}, "[serial]: `other` must hold numbers, but its"),
        ("serial", {"taken": "32.1."}, "[serial]: `taken` cannot be read as a date in"),
        ("serial", {"who": np.nan}, "[serial]: `who` is missing in 120 of 120 rows;"),
    ],
)
def test_values_that_cannot_be_read_are_found_by_a_check(
    write_robustness, tables, table, change, message
):
    path = write_robustness(**{table: tables[table].assign(**change)})
    (problem,) = check(path).problems
    assert problem.startswith(message)


def test_few_changed_photos_are_refused(write_robustness):
    path = write_robustness()
    (file,) = path.parent.with_name("out").rglob("panel-*.parquet")
    write_panel(file, n=19)
    (problem,) = check(path).problems
    assert problem.startswith("[panel]: 19 people can be compared; fewer than 20 have")


def test_photos_that_are_not_there_are_a_problem(write_robustness):
    path = write_robustness()
    for file in path.parent.with_name("out").rglob("*.parquet"):
        file.unlink()
    (problem,) = check(path).problems
    assert problem.startswith("[panel]: `faces` is not beside the study file, and")


def test_photos_that_are_not_scored_are_a_note(write_robustness):
    pytest.importorskip("torch", reason="photos need the extra `face`")
    models = 'models = ["mini-age", "other=mini-age"]'
    pairs = f'[pairs.nose]\nphotos = "nose"\n{models}\n\n[serial]'
    path = write_robustness({"[serial]": pairs})
    for file in path.parent.with_name("out").rglob("*.parquet"):
        file.unlink()
    for name in ("faces/a.jpg", "nose/p_pre.jpg", "nose/p_post.jpg"):
        file = path.parent / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"{name} is no picture, since nobody looks")
    found = check(path)
    assert found.problems == ()
    assert found.notes[0].startswith("[panel]: 1 photos are not scored yet; `fahrst")
    assert found.notes[-1].startswith("[pairs.nose]: 2 photos are not scored yet;")
    assert found.sources.panel is None
    whole = path.read_text()
    path.write_text(whole.replace(', "other=mini-age"]', "]"))
    absent = "there are no scores `other`, which [models] names."
    assert check(path).problems == (f"[panel]: {absent}", f"[pairs.nose]: {absent}")
    path.write_text(whole.replace('photos = "nose"', 'photos = "nose"\nby = "sex"'))
    (problem,) = check(path).problems
    assert problem.startswith("[pairs.nose]: `by` names columns of a table of photos,")
    path.write_text(whole)
    limited = path.read_text().replace("[panel]", "[panel]\nlimit = 90")
    path.write_text(limited)
    assert check(path).problems[0] == (
        "[panel]: `limit` is 90, but `faces` holds 1 photos; lower it, or take it out."
    )
