from __future__ import annotations

from made_paper import MadeKinds

from fahrstats.study.kinds import find_kind
from fahrstats.study.paper.sources import check_paper


def test_studies_are_checked_but_what_waits_for_another(made, paper, out):
    check = check_paper(made.kinds(), paper, out=out)
    assert check.problems == ()
    assert check.notes == (
        "prognosis (lives): biomarker was looked at.",
        "ages (ages): age-benchmark was looked at.",
        "saliency (look): checked when prognosis has been analysed.",
        "No part of this paper: audit, robustness.",
    )
    assert check.finished == frozenset()


def test_results_that_are_up_to_date_are_said_to_be(results, made, paper, out):
    check = check_paper(made.kinds(), paper, out=out)
    assert check.finished == {"prognosis", "ages", "saliency"}
    assert check.notes[:3] == (
        "prognosis (lives): results are up to date.",
        "ages (ages): results are up to date.",
        "saliency (look): results are up to date.",
    )


def test_every_problem_of_a_study_is_listed_under_its_role(paper, out):
    made = MadeKinds(problems={"biomarker": "a.", "age-benchmark": "b."})
    (paper.parent / "notes.md").write_text("# A heading")
    assert check_paper(made.kinds(), paper, out=out).problems == (
        "Line 1 of `notes.md` holds a heading; use paragraphs, lists, emphasis and "
        "links only.",
        "prognosis (lives): a.",
        "ages (ages): b.",
    )


def test_a_file_with_a_problem_is_not_looked_into(made, paper):
    paper.write_text('kind = "paper"\n')
    check = check_paper(made.kinds(), paper)
    assert (check.paper, check.problems) == (None, ("`studies` is missing.",))


def test_problems_of_real_studies_are_found_by_their_kinds(paper, out):
    problems = find_kind(paper).check(paper, None, out).problems
    assert "prognosis (lives): `table` is missing." in problems
    assert any(problem.startswith("ages (ages): `") for problem in problems)
