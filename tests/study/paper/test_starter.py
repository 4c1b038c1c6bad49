from __future__ import annotations

from pathlib import Path

import pytest
from made_paper import write_paper

from fahrstats.errors import DataError
from fahrstats.study.paper.starter import write_paper_starter
from fahrstats.study.paper.study_file import parse_paper


@pytest.fixture
def studies(tmp_path) -> Path:
    write_paper(tmp_path / "files")
    return tmp_path / "files"


def test_what_is_written_can_be_read_at_once(studies, tmp_path):
    out = tmp_path / "paper" / "study.toml"
    named = [str(studies / "look.toml"), str(studies / "ages"), "flchain"]
    found = write_paper_starter(named, out, document="paper.qmd")
    assert found == dict(zip(["saliency", "ages", "prognosis"], named, strict=True))
    (tmp_path / "paper" / "paper.qmd").write_text("Hello.")
    paper, problems = parse_paper(out)
    assert problems == []
    assert (paper.name, paper.title, paper.document) == ("paper", "Looks", "paper.qmd")
    assert [part.role for part in paper.parts] == ["prognosis", "ages", "saliency"]
    text = out.read_text()
    assert 'prognosis = "flchain"' in text
    assert 'ages = "../files/ages/study.toml"' in text
    assert '# audit = ""  # of kind "audit": whether they work alike' in text
    paths = {part.path.resolve() for part in paper.parts[1:]}
    assert paths == {studies / "ages" / "study.toml", studies / "look.toml"}


def test_what_is_offered_in_comments_is_understood(studies, tmp_path):
    out = tmp_path / "paper" / "study.toml"
    write_paper_starter(["flchain"], out, document="paper.qmd")
    (tmp_path / "paper" / "paper.qmd").write_text("Hello.")
    offered = ("# [[authors]]", "# name", "# affiliation", "# orcid")
    lines = [
        line.removeprefix("# ") if line.startswith(offered) else line
        for line in out.read_text().splitlines()
    ]
    out.write_text("\n".join(lines))
    paper, problems = parse_paper(out)
    assert problems == []
    assert paper.authors[0].name == "Ada Author"


def test_a_title_stands_as_it_was(studies, tmp_path):
    (studies / "lives.toml").write_text('title = "A \\"b\\" \\\\ ü\\n# c"\n')
    out = tmp_path / "paper" / "study.toml"
    write_paper_starter([str(studies / "lives.toml")], out, document="paper.qmd")
    (tmp_path / "paper" / "paper.qmd").write_text("Hello.")
    assert parse_paper(out)[0].title == 'A "b" \\ ü\n# c'


@pytest.mark.parametrize(
    ("named", "message"),
    [
        (
            ["lives.toml", "flchain"],
            "`.*lives.toml` and `flchain` are both of kind `bi",
        ),
        (["paper.toml"], "`.*paper.toml` is a study of kind `paper`, which is no part"),
        (["absent.toml"], "There is no study file `.*absent.toml`"),
        (["files"], "Several of the paper and its studies are called `paper`"),
    ],
)
def test_studies_that_make_no_paper_are_refused(studies, tmp_path, named, message):
    inner = studies / "files" / "paper"
    inner.mkdir(parents=True)
    (inner / "study.toml").write_text('kind = "audit"\n')
    given = [
        name
        if name == "flchain"
        else str(studies / name.replace("files", "files/paper"))
        for name in named
    ]
    out = tmp_path / "paper" / "study.toml"
    with pytest.raises(DataError, match=message):
        write_paper_starter(given, out, document="paper.qmd")
    assert not out.parent.exists()


def test_a_file_that_is_there_is_kept(tmp_path):
    out = tmp_path / "study.toml"
    out.write_text("mine")
    with pytest.raises(DataError, match=r"`.*study.toml` exists; remove it"):
        write_paper_starter(["flchain"], out, document="paper.qmd")
    assert out.read_text() == "mine"
