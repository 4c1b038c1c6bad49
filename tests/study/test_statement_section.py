from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from fahrstats.statements import STATEMENTS
from fahrstats.study.checks import read_cohort
from fahrstats.study.examples import example_file, example_names
from fahrstats.study.kinds import find_kind
from fahrstats.study.manifest import describe_provenance, describe_study
from fahrstats.study.publication.public_version import publish
from fahrstats.study.study_file import parse_study
from tests.study.conftest import SMALL_STUDY

SAID = '''
[statements]
interests = "None, see /srv/secret/deal.txt."
funding = "None; see [the fund](https://example.org)."
dates = """
Enrolled in 2010.

- followed to 2020: 7 patients were lost
"""
'''


def test_statements_are_read_in_the_order_of_the_list(write_study):
    study, problems = parse_study(write_study(SMALL_STUDY + SAID))
    assert problems == []
    assert list(study.statements) == ["dates", "funding", "interests"]
    assert study.statements["dates"].startswith("Enrolled in 2010.\n\n- followed")


def test_a_study_without_statements_has_none(write_study):
    study, _ = parse_study(write_study())
    assert study.statements == {}


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('fundings = "None."', "`fundings` is not known; did you mean `funding`?"),
        ('zzz = "None."', f"`zzz` is not known; known here: `{min(STATEMENTS)}`, "),
        ('funding = " "', "`funding` is empty."),
        ("funding = 3", "`funding` must be text in quotes, not 3."),
        ('funding = "# A heading"', "Line 1 of `funding` holds a heading"),
    ],
)
def test_what_is_no_statement_is_refused(write_study, line, problem):
    study, problems = parse_study(write_study(f"{SMALL_STUDY}[statements]\n{line}\n"))
    assert study is None
    (found,) = problems
    assert found.startswith(f"[statements]: {problem}")


def test_the_list_of_known_keys_is_whole(write_study):
    _, (found,) = parse_study(write_study(f"{SMALL_STUDY}[statements]\nzzz = 'a'\n"))
    assert set(re.findall("`(.*?)`", found)) == {"zzz", *STATEMENTS}


@pytest.mark.parametrize("name", example_names())
def test_every_kind_of_study_takes_them(name, tmp_path):
    shipped = example_file(name)
    path = tmp_path / "study.toml"
    text = shipped.read_text(encoding="utf-8")
    path.write_text(f'{text}\n[statements]\nprotocol = "None."\n', encoding="utf-8")
    study, problems = find_kind(path).parse(path)
    assert problems == []
    assert study.statements["protocol"] == "None."


def test_they_stand_in_the_manifest_and_in_what_is_published(write_study, tmp_path):
    path = write_study(SMALL_STUDY + SAID)
    cohort = read_cohort(path)
    (tmp_path / "results" / "tables").mkdir(parents=True)
    provenance = describe_provenance(cohort)
    tables = tmp_path / "results" / "tables"
    manifest = describe_study(cohort, provenance, tables, [])
    assert manifest["statements"] == cohort.study.statements
    assert manifest["statements"]["interests"] == "None, see deal.txt."
    out = publish(tmp_path / "results", manifest)
    public = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    assert public["statements"] == manifest["statements"]


def test_the_guide_to_study_files_lists_every_key():
    guide = Path("analyses/README.md").read_text(encoding="utf-8")
    rows = [f"| `{key}` | {one.asks} |" for key, one in STATEMENTS.items()]
    assert "\n".join(rows) in guide
