from __future__ import annotations

import pandas as pd
import pytest

from fahrstats.errors import DataError
from fahrstats.study.checks import check_study
from fahrstats.study.starter import write_starter
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
    assert len(text.splitlines()) <= 30
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
