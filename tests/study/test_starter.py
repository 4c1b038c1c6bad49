from __future__ import annotations

import tomllib

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fahrstats.errors import DataError
from fahrstats.study.checks import check_study
from fahrstats.study.guesses import guess_columns
from fahrstats.study.starter import starter_text, write_starter
from fahrstats.study.study_file import parse_study


@pytest.fixture
def folder(tmp_path, people, monkeypatch):
    people.to_csv(tmp_path / "cohort.csv", index=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_starter_file_of_a_usual_table_passes_its_check(folder):
    guess = write_starter("cohort.csv", folder / "study.toml")
    assert guess.scores == ("faceage",)
    text = (folder / "study.toml").read_text()
    assert len(text.splitlines()) <= 31
    assert text.count("#") > 5
    assert 'levels = { 1 = "sex 1", 2 = "sex 2" }' in text
    assert 'unit = "days"  # days, months or years; the largest is 1500' in text
    check = check_study(folder / "study.toml")
    assert check.problems == ()
    assert check.cohort.study.analysis.id == "patient"


def test_names_that_no_formula_can_hold_are_replaced(folder, people):
    odd = people.rename(
        columns={"faceage": "face age", "age": "chronologic age", "sex": "event flag"}
    ).rename(columns={"dead": "x", "event flag": "sex", "days": "survival time"})
    odd.rename(columns={"x": "event flag"}).to_csv("odd.csv", index=False)
    write_starter("odd.csv", folder / "study.toml")
    text = (folder / "study.toml").read_text()
    assert 'face_age = { column = "face age", label = "face age"' in text
    assert check_study(folder / "study.toml").problems == ()


def test_codes_of_an_event_are_spelled_out(folder, people):
    people.assign(dead=people["dead"] + 1).to_csv("coded.csv", index=False)
    write_starter("coded.csv", folder / "study.toml")
    text = (folder / "study.toml").read_text()
    assert 'event = { column = "dead", event = ["2"], censored = ["1"] }' in text
    assert check_study(folder / "study.toml").problems == ()
    people.assign(dead=people.index % 3).to_csv("three.csv", index=False)
    write_starter("three.csv", folder / "three.toml")
    assert "a competing risk?" in (folder / "three.toml").read_text()


def test_what_is_not_found_is_asked_for(folder):
    pd.DataFrame({"a": ["x", "y"], "b": ["u", "v"]}).to_csv("bare.csv", index=False)
    write_starter("bare.csv", folder / "study.toml")
    study, problems = parse_study(folder / "study.toml")
    assert study is None
    assert any("[scores] names no score" in problem for problem in problems)


def test_the_table_is_named_from_where_the_study_file_lies(folder):
    (folder / "studies").mkdir()
    write_starter("cohort.csv", folder / "studies" / "one.toml")
    assert 'table = "../cohort.csv"' in (folder / "studies" / "one.toml").read_text()
    assert check_study(folder / "studies" / "one.toml").problems == ()


def test_a_data_set_of_a_package_can_be_the_table(folder):
    guess = write_starter("sksurv:flchain", folder / "study.toml")
    assert (guess.time, guess.event, guess.age) == ("futime", "death", "age")
    assert "chapter" in guess.unused
    assert check_study(folder / "study.toml").problems == ()


def test_an_existing_file_is_never_overwritten(folder):
    (folder / "study.toml").write_text("mine")
    with pytest.raises(DataError, match=r"study\.toml` exists; remove it"):
        write_starter("cohort.csv", folder / "study.toml")
    assert (folder / "study.toml").read_text() == "mine"


SECTIONS = {
    *("title", "table", "outcome", "scores", "covariates", "subgroups", "analysis"),
}
KNOWN_NAMES = (
    "time",
    "dead",
    "face age",
    "Face-Age",
    "age",
    "sex",
    "Sex",
    "ECOG",
    "id",
)
NAMES = st.one_of(
    st.text(),
    st.sampled_from(KNOWN_NAMES),
    st.builds(
        "{}{}{}".format,
        st.sampled_from(KNOWN_NAMES),
        st.sampled_from([" ", "-", "\n[evil]\n", '"', "'", "\\", "\x7f", "\x85", "é"]),
        st.sampled_from(["", "x", "score", "= 1", "]", "}"]),
    ),
)
VALUES = st.sampled_from(
    [
        np.linspace(40, 90, 20),
        np.resize([0, 1], 20),
        np.resize([0, 1, 2, 3], 20),
        np.resize(['a"b', "c\n[evil]", "d\\"], 20),
        np.zeros(20, dtype=np.int64),
    ]
)


@given(st.dictionaries(NAMES, VALUES, min_size=1, max_size=12))
def test_any_names_make_a_file_of_the_expected_sections(columns):
    data = pd.DataFrame(columns)
    guess = guess_columns(data)
    parsed = tomllib.loads(starter_text(data, "table\n[evil].csv", guess))
    assert set(parsed) == SECTIONS
    for section, held in (("scores", guess.scores), ("covariates", guess.covariates)):
        sources = [v.get("column", name) for name, v in parsed[section].items()]
        assert sources == list(held)
    assert not set(parsed["scores"]) & set(parsed["covariates"])
    assert set(parsed["subgroups"]) <= set(parsed["covariates"])
    assert all(name.isidentifier() and name.isascii() for name in parsed["scores"])


def test_names_that_differ_only_in_signs_stay_apart(folder, people):
    people["face age"], people["face-age"] = people["faceage"], people["faceage"] ** 2
    people["größe_score"] = np.sqrt(people["faceage"])
    people.to_csv("alike.csv", index=False)
    write_starter("alike.csv", folder / "study.toml")
    check = check_study(folder / "study.toml")
    assert check.problems == ()
    names = [score.name for score in check.cohort.study.scores]
    assert names == ["faceage", "face_age", "face_age_2", "groe_score"]


def test_quotes_in_a_name_and_in_levels_are_kept(folder, people):
    quoted = people.rename(columns={"sex": '"sex"', "dead": "event flag"})
    quoted["event flag"] = quoted["event flag"].map({0: 'the "living"', 1: "dead"})
    quoted.to_csv("quoted.csv", index=False)
    write_starter("quoted.csv", folder / "study.toml")
    check = check_study(folder / "study.toml")
    assert check.problems == ()
    (sex,) = (c for c in check.cohort.study.covariates if c.name == "sex")
    assert sex.levels == (("1", '"sex" 1'), ("2", '"sex" 2'))


def test_an_unused_name_cannot_open_a_section(folder, people):
    people.assign(**{"x\n[evil]": "a"}).to_csv("evil.csv", index=False)
    write_starter("evil.csv", folder / "study.toml")
    text = (folder / "study.toml").read_text()
    assert text.endswith('# Not used: "x\\U0000000A[evil]"\n')
    assert check_study(folder / "study.toml").problems == ()


def test_a_missing_age_and_a_guessed_score_are_said_in_the_file(folder, people):
    people.drop(columns="age").to_csv("young.csv", index=False)
    guess = write_starter("young.csv", folder / "young.toml")
    assert f"# CAREFUL: {guess.notes[0]}" in (folder / "young.toml").read_text()
    people.rename(columns={"faceage": "marker"}).to_csv("marker.csv", index=False)
    guess = write_starter("marker.csv", folder / "marker.toml")
    assert f"# CAREFUL: {guess.notes[0]}" in (folder / "marker.toml").read_text()
    assert check_study(folder / "marker.toml").problems == ()


def test_codes_of_an_institution_are_no_score(folder):
    guess = write_starter("lifelines:lung", folder / "study.toml")
    assert guess.scores == ("meal.cal",)
    assert "inst" in guess.unused
    assert check_study(folder / "study.toml").problems == ()


def test_a_few_whole_numbers_are_said_to_enter_as_an_amount(folder, people):
    people.assign(ecog=people.index % 5, smoker=people.index % 2).to_csv("ps.csv")
    write_starter("ps.csv", folder / "study.toml")
    lines = (folder / "study.toml").read_text().splitlines()
    (ecog,) = (line for line in lines if line.startswith("ecog"))
    assert ecog == (
        'ecog = { label = "ecog" }  # 0 to 4 enters as an amount; '
        "categorical = true compares its levels"
    )
    (smoker,) = (line for line in lines if line.startswith("smoker"))
    assert "#" not in smoker


@pytest.mark.parametrize("value", [0, 1])
def test_an_event_that_never_varies_is_said(folder, people, value):
    people.assign(dead=value).to_csv("same.csv", index=False)
    assert write_starter("same.csv", folder / "study.toml").event == "dead"
    text = (folder / "study.toml").read_text()
    assert f'event = "dead"  # 1 or true is an event; EVERY value is {value}' in text


def test_units_that_are_not_known_are_left_out(folder, people):
    people.assign(facesurvival=people["faceage"] / 100, bmi=people["faceage"]).to_csv(
        "units.csv", index=False
    )
    write_starter("units.csv", folder / "study.toml")
    assert 'unit = ""' not in (folder / "study.toml").read_text()


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("missing.csv", r"^There is no file `missing\.csv`"),
        ("folder.csv", r"^`folder\.csv` is a folder; name a CSV or Parquet file\.$"),
        ("", r"^The table has no name; give a CSV or Parquet file\.$"),
        ("  ", r"^The table has no name"),
    ],
)
def test_a_table_that_is_not_there_is_named(folder, table, message):
    (folder / "folder.csv").mkdir()
    with pytest.raises(DataError, match=message):
        write_starter(table, folder / "study.toml")
    with pytest.raises(DataError, match=message):
        write_starter(table, folder / "study.toml", folder)


def test_a_table_in_the_data_folder_is_found(folder):
    (folder / "data").mkdir()
    (folder / "cohort.csv").rename(folder / "data" / "cohort.csv")
    write_starter("cohort.csv", folder / "study.toml", folder / "data")
    assert 'table = "cohort.csv"' in (folder / "study.toml").read_text()
