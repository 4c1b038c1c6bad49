from __future__ import annotations

import pytest
from made_saliency import write_explained

from fahrstats.study.saliency.sources import check_saliency
from fahrstats.study.saliency.study_file import parse_saliency


def write_photos(folder):
    """Draw photos, which models look at; only here are they needed."""
    pytest.importorskip("torch", reason="photos need the extra `face`")
    from portraits import draw_portraits

    draw_portraits(folder, 25)


def explained(path, **sizes):
    """Check a study whose photos are explained."""
    out = path.parent.with_name("out")
    study, _ = parse_saliency(path)
    write_explained(study, out, **sizes)
    return check_saliency(path, None, out)


def test_explained_photos_are_counted(write_saliency):
    check = explained(write_saliency())
    assert check.problems == ()
    assert check.notes == ("40 photos are explained.",)


def test_few_people_are_a_problem(write_saliency):
    check = explained(write_saliency(), n=22)
    assert check.problems == (
        "19 people are explained; of fewer than 20 nothing is reported, since it would "
        "tell of single people.",
    )


def test_a_score_that_the_photos_lack_is_a_problem(write_saliency):
    path = write_saliency()
    out = path.parent.with_name("out")
    study, _ = parse_saliency(path)
    write_explained(study, out)
    path.write_text(path.read_text().replace("other = ", "third = "))
    check = check_saliency(path, None, out)
    assert check.problems == (
        "[models] names `third`, but the photos have no such score.",
    )


def test_photos_that_wait_are_announced(write_saliency):
    path = write_saliency({'["made", "other=made"]': '["mini-age", "other=mini-age"]'})
    write_photos(path.parent / "photos")
    check = check_saliency(path, None, path.parent.with_name("out"))
    assert check.problems == ()
    assert check.notes[0].startswith("25 photos are not explained yet; `fahrstats run`")


@pytest.mark.parametrize(
    ("other", "problem"),
    [
        (None, "`survival_of` is `other.toml`, and there is no such file."),
        ('kind = "age-bench"', "`survival_of`: other.toml: "),
        (
            'table = "x.csv"\n[outcome]\ntime = "t"\nevent = "e"\nunit = "days"\n'
            "[scores.faceage]\n[analysis]\nhorizons = [1]\n",
            "`survival_of` is `other.toml`, which learns no FaceSurvival",
        ),
    ],
)
def test_another_study_must_learn_a_survival(write_saliency, other, problem):
    path = write_saliency(
        {
            '["made", "other=made"]': '["mini-age", "other=mini-age"]',
            "notes =": 'survival_of = "other.toml"\nnotes =',
        }
    )
    write_photos(path.parent / "photos")
    if other is not None:
        (path.parent / "other.toml").write_text(other)
    check = check_saliency(path, None, path.parent.with_name("out"))
    assert check.problems[0].startswith(problem), check.problems


def test_all_problems_are_told_at_once(write_saliency):
    path = write_saliency({'"notes.md"': '"absent.md"'})
    problems = check_saliency(path, None, path.parent.with_name("out")).problems
    assert len(problems) == 2
    assert "absent.md" in problems[0]
    assert problems[1].startswith("[photos]: `photos` is not beside the study file")
