from __future__ import annotations

import pytest
from made_benchmark import CORRECTED

from fahrstats.measurement.accuracy import DECADES
from fahrstats.study.benchmark.study_file import parse_benchmark


def test_a_benchmark_is_read_whole(shared_benchmark):
    study, problems = parse_benchmark(shared_benchmark)
    assert problems == []
    assert study.models == (("faceage", "FaceAge"), ("other", "Other model"))
    assert study.columns == ("faceage", "other")
    assert [group.name for group in study.groups] == ["sex", "site"]
    assert study.groups[0].levels == (("F", "Women"), ("M", "Men"))
    assert (study.age_bands, study.n_boot, study.seed) == (DECADES, 60, 3)
    assert study.card == {"details": "Made up."}
    clinic, web = study.data
    assert (clinic.label, clinic.age, clinic.subject) == ("Clinic", ("age",), "who")
    assert clinic.groupings == ["sex", "site", ("sex", "site")]
    assert (web.age, web.by) == (("from", "below"), (("sex",),))
    assert web.table.left_out == "why"


def test_a_corrected_age_names_the_raw_one(write_benchmark):
    study, problems = parse_benchmark(write_benchmark(CORRECTED))
    assert problems == []
    assert study.columns == ("faceage", "other", "fair")
    assert study.corrected == {"fair": "faceage"}
    assert study.raw_columns == ("faceage", "other")


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        ('fair = "fair"', "[corrected]: `fair` is corrected from itself; give the c"),
        (
            'fiar = "faceage"',
            "[corrected]: `fiar` is not in [models], where both columns of a pair must "
            "be. Did you mean `fair`?",
        ),
        (
            'fair = "face_age"',
            "[corrected]: `face_age` is not in [models], where both columns of a pair "
            "must be. Did you mean `faceage`?",
        ),
        (
            'fair = "faceage", other = "fair"',
            "[corrected]: `other` is corrected from `fair`, which is corrected itself; "
            "give the column of the raw prediction.",
        ),
        (
            'fair = "other", other = "faceage", faceage = "fair"',
            "[corrected]: `faceage` is corrected from `fair`, which is corrected itse",
        ),
        ("fair = 3", "[corrected]: `fair` must be text in quotes, not 3."),
        ('fair = ""', "[corrected]: `fair` is empty."),
    ],
)
def test_a_corrected_age_stands_beside_the_raw_one(write_benchmark, pairs, message):
    path = write_benchmark(CORRECTED)
    path.write_text(path.read_text().replace('fair = "faceage" }', f"{pairs} }}"))
    study, problems = parse_benchmark(path)
    assert study is None
    assert any(problem.startswith(message) for problem in problems), problems


def test_what_is_corrected_is_a_table(write_benchmark):
    path = write_benchmark({"[groups]": 'corrected = ["other"]\n[groups]'})
    assert parse_benchmark(path) == (
        None,
        ["`corrected` must be a section of its own."],
    )


def test_models_that_are_all_corrected_are_told(write_benchmark):
    path = write_benchmark(
        {
            '{ faceage = "FaceAge", other = "Other model" }': '{ fair = "Corrected" }\n'
            'corrected = { fair = "faceage" }'
        }
    )
    _, (problem,) = parse_benchmark(path)
    assert problem.startswith("[corrected]: `faceage` is not in [models], where both")


def test_a_data_set_like_another_has_its_keys_but_for_its_own(write_benchmark):
    path = write_benchmark(
        {
            '[data.web]\nlabel = "Photos of the web"\n'
            'table = { file = "web.csv", left_out = "why" }\n'
            'age = ["from", "below"]\nby = "sex"': '[data.web]\nlike = "clinic"\n'
            'label = "Again"\nage = "other_age"'
        }
    )
    study, problems = parse_benchmark(path)
    assert problems == []
    clinic, again = study.data
    assert again.table == clinic.table
    assert again.by == clinic.by
    assert (again.label, again.age) == ("Again", ("other_age",))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({'faceage = "FaceAge"': "faceage = 3"}, "[models]: `faceage` must be text in"),
        (
            {'{ faceage = "FaceAge", other = "Other model" }': "{}"},
            "[models] names no m",
        ),
        (
            {'other = "': 'b="b", c="c", d="d", e="e", f="f", other = "'},
            "[models] names 7 models; figures tell 6 apart, so that more need another",
        ),
        ({"faceage =": "age ="}, "[models]: `age` is taken; give the column another n"),
        ({"site = {": "overall = {"}, "[groups.overall]: `overall` is taken; give th"),
        ({"site = {": "other = {"}, "[groups.other]: `other` is taken; give the colum"),
        ({'"Other model"': '"FaceAge"'}, "`FaceAge` is the label of several models or"),
        ({'"Clinic"': '"FaceAge"'}, "`FaceAge` is the label of several models or data"),
        ({'table = "clinic.csv"': ""}, "[data.clinic]: `table` is missing."),
        ({'age = "age"': ""}, "[data.clinic]: `age` must name the column of true age"),
        ({'age = "age"': 'age = ["a", "b", "c"]'}, "[data.clinic]: `age` must name th"),
        ({'by = "sex"': "by = 3"}, "[data.web]: `by` must list names of [groups], or"),
        ({'["sex", "site"]]': '["sex"]]'}, "[data.clinic]: `by` must list names of ["),
        (
            {'by = "sex"': 'by = "sx"'},
            "[data.web]: `by` names `sx`; [groups] holds `sex`, `site`. Did you mean",
        ),
        ({"[data.web]": '[data."a b"]'}, "[data.a b]: A data set is named by letters,"),
        (
            {"[data.web]": '[data.web]\nlike = "clinik"'},
            "[data.web]: `like` is `clinik`, which is no data set with keys of its ow",
        ),
        (
            {
                "[data.web]": '[data.web]\nphotos = { folder = "x", id = "y", models = '
                '["mini-age"], survival = { checkpoint = "mini-age" } }'
            },
            "[data.web]: `photos` learns no survival here; take out `survival`.",
        ),
        ({"n_boot = 60": "n_boot = 5"}, "[analysis]: `n_boot` is 5; it must be at lea"),
        ({"seed = 3": "seed = 3\nage_bands = [9, 1]"}, "[analysis]: `age_bands` must "),
        ({'details = "M': 'detail = "M'}, "[card]: `detail` is not known; did you mea"),
        ({'"Made up."': '"# Made up"'}, "[card]: Line 1 of `details` holds a heading;"),
        (
            {'title = "Two': 'titel = "Two'},
            "`titel` is not known; did you mean `title`",
        ),
    ],
)
def test_every_problem_of_the_file_is_told(write_benchmark, changes, message):
    study, problems = parse_benchmark(write_benchmark(changes))
    assert study is None
    assert any(problem.startswith(message) for problem in problems), problems


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff", "The file is not UTF-8 text; save it"),
        (b"a =", "The file is not TOML:"),
    ],
)
def test_what_is_no_text_or_no_toml_is_told(tmp_path, content, message):
    path = tmp_path / "x.toml"
    path.write_bytes(content)
    study, (problem,) = parse_benchmark(path)
    assert study is None
    assert problem.startswith(message)


def test_a_file_without_data_is_told(tmp_path):
    path = tmp_path / "x.toml"
    path.write_text('kind = "age-benchmark"\nmodels.a = "A"\n[data]\n')
    assert parse_benchmark(path)[1] == [
        "[data] names no data set; add a section such as [data.validation]."
    ]
