from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from tables import check_table

from fahrstats.errors import DataError
from fahrstats.study.benchmark.cohorts import check_benchmark, read_cohorts


def test_photos_are_counted_from_the_table_to_those_judged(shared_benchmark):
    check = check_benchmark(shared_benchmark)
    assert check.problems == ()
    assert check.notes == (
        "[data.clinic]: 287 photos are judged (149 people with a known age); 10 lack a "
        "prediction by some model, 3 an age.",
        "[data.web]: 392 photos are judged (392 people with a known age); 0 lack a "
        "prediction by some model, 0 an age.",
    )
    clinic, web = check.cohorts
    flow = check_table(clinic.flow)
    assert flow["reason"].tolist() == [
        "in the table",
        "age unknown",
        "no prediction by Other model",
    ]
    assert flow["n"].tolist() == [300, 297, 287]
    assert web.flow["reason"].tolist() == ["in the table", "a drawing"]
    assert web.flow["n"].tolist() == [400, 392]
    assert clinic.age == "age"
    assert web.age == ("age_low", "age_high")
    assert (clinic.subject, web.subject) == ("subject", None)
    assert list(clinic.rows["sex"].cat.categories) == ["Women", "Men"]


def test_problems_of_all_data_sets_are_listed_at_once(write_benchmark, tables):
    clinic = tables["clinic"].drop(columns=["other", "who"])
    clinic.loc[0, "sex"] = "X"
    (path := write_benchmark(clinic=clinic)).with_name("web.csv").unlink()
    path.with_name("notes.md").unlink()
    check = check_benchmark(path)
    expected = [
        "`notes.md` is not beside the study file",
        "[data.clinic]: [models]: the table has no column `other`.",
        "[data.clinic]: `subject`: the table has no column `who`.",
        "[data.clinic]: [groups.sex]: `sex` holds `X` (1 row) in 1 of 300 rows, not li",
        "[data.web]: `web.csv` is not beside the study file, and",
    ]
    for problem, start in zip(check.problems, expected, strict=True):
        assert problem.startswith(start)
    assert check.cohorts == ()
    with pytest.raises(
        DataError, match=r"study.toml: `notes.md` .*\(5 problems; `fahr"
    ):
        read_cohorts(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"age": 300.0},
            "[data.clinic]: `age` is outside 0 to 125 years in 300 of 300",
        ),
        ({"faceage": "old"}, "[data.clinic]: `faceage` must hold ages in years, but"),
        (
            {"other": np.nan},
            "[data.clinic]: 0 people of 300 rows have an age and a pre",
        ),
        ({"who": None}, "[data.clinic]: `subject` is missing in 300 of 300 rows"),
        (
            {"site": range(300)},
            "[data.clinic]: [groups.site]: `site` has 300 different numbers, a me",
        ),
    ],
)
def test_ages_and_groups_pass_the_gate_of_age_accuracy(
    write_benchmark, tables, change, message
):
    check = check_benchmark(write_benchmark(clinic=tables["clinic"].assign(**change)))
    assert len(check.problems) == 1
    assert check.problems[0].startswith(message)
    assert [cohort.data.name for cohort in check.cohorts] == ["web"]


def test_rows_that_stand_twice_are_a_note(write_benchmark, tables):
    clinic = tables["clinic"]
    twice = pd.concat([clinic, clinic.iloc[20:23]])
    path = write_benchmark(clinic=twice, web=tables["web"].assign(name=range(400)))
    note, *others = check_benchmark(path).notes
    assert note == (
        "[data.clinic]: 3 rows are the same as an earlier one in every column; a photo "
        "that stands twice counts twice."
    )
    assert not any("the same as" in other for other in others)


def test_a_data_set_of_few_people_is_refused(write_benchmark, tables):
    clinic = tables["clinic"].iloc[13:50]
    (problem,) = check_benchmark(write_benchmark(clinic=clinic)).problems
    assert problem.startswith("[data.clinic]: 19 people are judged; groups of fewer th")


def test_a_file_with_a_problem_reads_no_data(write_benchmark):
    check = check_benchmark(write_benchmark({"seed = 3": "seed = -3"}))
    assert check.problems == ("[analysis]: `seed` is -3; it must be at least 0.",)
    assert (check.study, check.cohorts) == (None, ())


def test_a_script_prepares_the_table_of_its_data_set(write_benchmark):
    path = write_benchmark({'age = "age"': 'age = "years"\nprepare = "months.py"'})
    (problem,) = check_benchmark(path).problems  # told once
    assert problem == "The script `months.py` is not beside the study file."
    path.with_name("months.py").write_text(
        "def prepare(table):\n    return table.assign(years=table['age'] + 1)\n"
    )
    clinic, _ = check_benchmark(path).cohorts
    pd.testing.assert_series_equal(
        clinic.rows["age"], clinic.source.data["age"] + 1, check_names=False
    )


def test_photos_that_are_not_scored_yet_are_a_note(write_benchmark, tables):
    table = tables["clinic"].drop(columns="faceage").assign(picture="a.jpg")
    photos = 'photos = { folder = "faces", id = "picture", models = ["mini-age"] }'
    path = write_benchmark({'age = "age"': f'age = "age"\n{photos}'}, clinic=table)
    pytest.importorskip("torch", reason="photos need the extra `face`")
    faces = path.with_name("faces")
    faces.mkdir()
    (faces / "a.jpg").write_bytes(b"no picture, since nobody looks")
    check = check_benchmark(path, out=path.with_name("out"))
    assert check.problems == ()
    assert check.notes[0].startswith("[data.clinic]: 1 photos are not scored yet;")
    assert [cohort.data.name for cohort in check.cohorts] == ["web"]
