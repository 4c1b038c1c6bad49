"""The shipped benchmark: its dates on people made up, its numbers on the portraits."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd
import pytest

import fahrstats as fs
from fahrstats.cohort import store
from fahrstats.datasets.folder import DATA_VARIABLE
from fahrstats.study.benchmark.run import analyse_benchmark
from fahrstats.study.examples import example_file
from fahrstats.study.script import run_script

STUDY = example_file("congress-ages")
_BESIDE_CHECKOUT = Path(__file__).parents[4] / "shared" / "data"
DATA = Path(os.environ.get(DATA_VARIABLE, _BESIDE_CHECKOUT))


@pytest.mark.parametrize(
    ("dates", "age", "is_sure"),
    [
        ([None], None, False),
        (["2009:05:01 12:00:00"], 59.0, True),
        (["2002:11:05 12:00:00"], 52.5, True),  # elected, and not yet sworn in
        (["2002:09:01 12:00:00"], 52.3, False),  # before the election
        (["2015:04:30 12:00:00"], 65.0, False),  # after the day of collection
        (["2009:05:01 12:00:10", "2009:05:01 12:00:50"], 59.0, False),  # one minute
    ],
)
def test_a_date_is_likely_that_of_the_photo_within_the_years_served(
    dates, age, is_sure
):
    table = pd.DataFrame(
        {
            "exif_datetime": pd.Series(dates, dtype=object),
            "birth_date": "1950-05-01",
            "first_congress": 108.0,  # from 3 January 2003
            "last_congress": 115.0,
        }
    )
    first = run_script(STUDY.with_name("prepare.py"), table).iloc[0]
    assert pd.notna(first["sure_age"]) == is_sure
    if age is not None:
        assert first["age"] == pytest.approx(age, abs=0.1)


@pytest.mark.slow
@pytest.mark.skipif(
    not (DATA / "congress225").is_dir(),
    reason="the data folder with congress225 is absent (set FAHRSTATS_DATA)",
)
def test_the_numbers_are_those_of_the_scores(tmp_path):
    for package in ("torch", "dlib"):
        pytest.importorskip(package, reason="needs the extras face and baselines")
    out = analyse_benchmark(STUDY, DATA, tmp_path)
    (file,) = (out / "personal").glob("scores-*.parquet")  # both data sets share it
    scores, _ = store.read(file)
    people = pd.read_csv(DATA / "congress225" / "people.csv")
    taken = pd.to_datetime(people["exif_datetime"], format="%Y:%m:%d %H:%M:%S")
    days = (taken - pd.to_datetime(people["birth_date"])).dt.total_seconds() / 86400
    faces = people.assign(age=days / 365.25).merge(
        scores, left_on="image", right_on="photo", validate="one_to_one"
    )
    found = fs.age_accuracy(["faceage", "benchmark_age"], faces, n_boot=20).tidy()
    table, _ = store.read(out / "tables" / "accuracy.parquet")
    dated = table[table["cohort"] == "Portraits whose file holds a date"]
    keys = ["model", "subgroup", "level", "estimand"]
    both = dated.merge(found[found["subgroup"] == "overall"], on=keys)
    assert set(both["model"]) == {"faceage", "benchmark_age"}
    assert both["estimate_x"].to_numpy() == pytest.approx(
        both["estimate_y"].to_numpy(), rel=1e-9
    )
    assert dated["n"].max() == 256
    few = table[table["n_subjects"].isna()]
    assert len(few) > 0
    assert few["estimate"].isna().all()
