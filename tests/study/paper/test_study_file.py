from __future__ import annotations

import pytest
from made_paper import write_paper

from fahrstats.errors import DataError
from fahrstats.study.examples import example_file
from fahrstats.study.paper.specification import Author, Part
from fahrstats.study.paper.study_file import parse_paper, role_of


def problems_of(tmp_path, changes):
    return parse_paper(write_paper(tmp_path, changes=changes))[1]


def test_a_paper_names_its_studies_in_the_order_of_their_analysis(tmp_path):
    path = write_paper(tmp_path)
    paper, problems = parse_paper(path)
    assert problems == []
    assert (paper.name, paper.title) == ("paper", "A made-up paper")
    assert paper.parts == (
        Part("prognosis", tmp_path / "lives.toml"),
        Part("ages", tmp_path / "ages" / "study.toml"),
        Part("saliency", tmp_path / "look.toml"),
    )
    assert paper.part["ages"] is paper.parts[1]
    assert paper.authors == (
        Author("Ada Author", ("Department", "Hospital"), "0000-0002-1825-0097"),
        Author("Bea Author"),
    )
    assert paper.statements == {"funding": "Nobody paid."}
    assert paper.document is None


def test_shipped_studies_are_named_as_such_and_a_document_is_found(tmp_path):
    changes = {
        '"lives.toml"': '"flchain"',
        "[studies]": 'document = "own.qmd"\n[studies]',
    }
    (tmp_path / "own.qmd").write_text("Hello.")
    paper, problems = parse_paper(write_paper(tmp_path, changes=changes))
    assert problems == []
    assert paper.part["prognosis"].path == example_file("flchain")
    assert paper.document == "own.qmd"


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        (
            {'"lives.toml"': '"flchian"'},
            "[studies]: `prognosis` is `flchian`, which is no study file beside "
            "`paper.toml`, and no shipped study. Did you mean `flchain`?",
        ),
        (
            {'"lives.toml"': '"groups.toml"'},
            "[studies]: `prognosis` is `groups.toml`, a study of kind `audit`; it must "
            "be one of kind `biomarker`, or stand as `audit`.",
        ),
        (
            {'"lives.toml"': '"paper.toml"'},
            "is a study of kind `paper`, which is no part of a paper; parts are of "
            "kind `biomarker`, `audit`, `age-benchmark`, `robustness`, `saliency`.",
        ),
        ({'"lives.toml"': '"notes.md"'}, "[studies]: `prognosis`: `"),
        ({"prognosis =": "prognosos ="}, "`prognosos` is not known; did you mean"),
        ({"[studies]": "[studies]\nx = 1\n[other]"}, "[studies]: It names no study"),
        ({"[studies]": "[studies]\n[other]"}, "[studies]: It names no study"),
        ({"[studies]": "[other]"}, "`studies` is missing."),
        ({"[[authors]]\nname": "[[authors]]\nnome"}, "[[authors]] 1: `name` is miss"),
        ({"0000-0002-1825-0097": "0097"}, "`orcid` is `0097`; write 0000-0000-0000"),
        ({"[studies]": 'document = "a.docx"\n[studies]'}, "must be a `.qmd` document"),
        ({"[studies]": 'document = "a.qmd"\n[studies]'}, "and there is no such file."),
        ({"funding": "fundng"}, "[statements]: `fundng` is not known; did you mean"),
        ({"title": "titel"}, "`titel` is not known"),
    ],
)
def test_what_is_wrong_with_a_paper_is_said(tmp_path, changes, problem):
    assert any(problem in found for found in problems_of(tmp_path, changes))


def test_authors_are_a_list_of_tables(tmp_path):
    path = write_paper(tmp_path)
    text = path.read_text().split("[[authors]]")[0]
    path.write_text(f'authors = ["Ada"]\n{text}')
    (problem,) = parse_paper(path)[1]
    assert problem.startswith("`authors` must be written as [[authors]], each with a")


def test_results_of_two_studies_cannot_be_in_one_folder(tmp_path):
    path = write_paper(tmp_path).rename(tmp_path / "lives-paper.toml")
    (tmp_path / "lives-paper").mkdir()
    moved = (tmp_path / "lives.toml").rename(tmp_path / "lives-paper" / "study.toml")
    path.write_text(path.read_text().replace("lives.toml", f"{moved.parent.name}"))
    (problem,) = parse_paper(path)[1]
    assert problem == (
        "Several of the paper and its studies are called `lives-paper`, so that their "
        "results would be in one folder; rename a file."
    )


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b'title = "\xff"', "The file is not UTF-8 text; save it as UTF-8."),
        (b"title = ", "The file is not TOML: "),
    ],
)
def test_a_file_that_cannot_be_read_has_one_problem(tmp_path, content, problem):
    path = tmp_path / "paper.toml"
    path.write_bytes(content)
    paper, (found,) = parse_paper(path)
    assert paper is None
    assert found.startswith(problem)


def test_what_a_study_is_to_a_paper_follows_from_its_kind(tmp_path):
    write_paper(tmp_path)
    found = {
        name: role_of(tmp_path / f"{name}.toml")
        for name in ("lives", "look", "groups", "moves")
    }
    assert list(found.values()) == ["prognosis", "saliency", "audit", "robustness"]
    with pytest.raises(DataError, match="of kind `paper`, which is no part of a paper"):
        role_of(tmp_path / "paper.toml")
