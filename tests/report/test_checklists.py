from __future__ import annotations

import re
import sys
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tables import check_table

from fahrstats.display.checklist_tables import checklist
from fahrstats.errors import DataError, MissingExtraError
from fahrstats.report import report_source
from fahrstats.report.checklists import (
    Checklist,
    Item,
    Name,
    fill_checklist,
    fitting_checklists,
    read_anchors,
    read_checklist,
)
from fahrstats.report.source import Source, read_source
from fahrstats.statements import STATEMENTS
from fahrstats.study.paper.specification import ROLES

REPORTS = Path(__file__).parents[2] / "reports"

# Numbers as the guidelines print them; D and E as TRIPOD+AI marks items that are only
# about development or evaluation.
NUMBERS = {
    "remark": " ".join(map(str, range(1, 21))),
    "strobe": "1a 1b 2 3 4 5 6a 6b 7 8 9 10 11 12a 12b 12c 12d 12e 13a 13b 13c 14a 14b "
    "14c 15 16a 16b 16c 17 18 19 20 21 22",
    "tripod_ai": "1 2 3a 3b 3c 4 5a 5b 6a 6b 6c 7 8a 8b 8c 9aD 9b 9c 10 11 12aD 12bD "
    "12cD 12d 12e 12fE 12gE 13 14 15D 16 17 18a 18b 18c 18d 18e 18f 19 20a 20b 20cE 21 "
    "22D 23a 23b 24E 25 26 27aD 27bD 27c",
}
FAIRNESS = ["3c", "7", "8a", "8b", "9c", "12f", "14", "20b", "23a", "25"]
N_ITEMS = {"remark": 20, "strobe": 22, "tripod_ai": 27}
REPORT_NAMES = ("audit", "biomarker", "paper")
HELD = {
    "audit": [{"audit"}],
    "biomarker": [{"comparison"}],
    "paper": [{"prognosis", "prognosis/comparison"}, {"audit"}],
}

each_checklist = pytest.mark.parametrize("name", get_args(Name))
each_report = pytest.mark.parametrize("report", REPORT_NAMES)


@each_checklist
def test_every_item_of_the_guideline_is_there_once_and_in_its_order(name):
    read = read_checklist(name)
    marks = {("development",): "D", ("evaluation",): "E"}
    found = [item.number + marks.get(item.applies, "") for item in read.items]
    assert found == NUMBERS[name].split()
    whole = {re.match(r"\d+", item.number)[0] for item in read.items}
    assert len(whole) == read.n_items == N_ITEMS[name]


def test_items_about_fairness_are_those_of_the_guideline():
    items = read_checklist("tripod_ai").items
    assert [item.number for item in items if item.fairness] == FAIRNESS


@each_checklist
def test_every_item_says_who_answers_it(name):
    for item in read_checklist(name).items:
        for report, present in ((r, held) for r in HELD for held in HELD[r]):
            fits = fitting_checklists(report, present)
            if fits.get(name) in item.applies:
                answers = item.filled_by.get(report), item.statements
                assert any(answers) or item.not_applicable, item.number


@each_checklist
def test_guidelines_are_cited_from_the_bibliography_of_the_reports(name):
    read = read_checklist(name)
    assert f"{{{read.citation}," in (REPORTS / "references.bib").read_text()
    assert all((read.guideline, read.title, read.version, read.licence))
    assert all(item.text and item.section for item in read.items)


@each_checklist
def test_every_statement_is_one_that_a_study_file_takes(name):
    keys = {key for item in read_checklist(name).items for key in item.statements}
    assert keys <= STATEMENTS.keys()


def test_every_statement_answers_an_item():
    items = [item for name in get_args(Name) for item in read_checklist(name).items]
    assert {key for item in items for key in item.statements} == STATEMENTS.keys()


@each_report
def test_every_anchor_that_is_claimed_is_known_and_every_known_one_is_claimed(report):
    claimed = {
        label
        for name in get_args(Name)
        for item in read_checklist(name).items
        for places in (item.filled_by, item.also)
        for label in places.get(report, ())
    }
    anchors = read_anchors(report)
    assert claimed <= anchors.keys()
    assert all(anchors[label].says for label in anchors.keys() - claimed)


@each_report
def test_every_statement_stands_in_one_place_of_a_report(report):
    said = [key for anchor in read_anchors(report).values() for key in anchor.says]
    assert sorted(said) == sorted(STATEMENTS)


@each_report
def test_every_anchor_stands_in_the_report_under_its_title(report):
    source = read_source(report_source(report))
    text = "\n".join(line.text for line in source.lines)
    for label, anchor in read_anchors(report).items():
        if label.startswith("sec-"):
            (heading,) = re.findall(rf"#+ (.*?) \{{#{label}\}}", text)
            assert heading == anchor.title or "`{python}" in heading
        else:
            assert text.count(f"#| label: {label}\n") == 1, label


@each_report
def test_an_anchor_needs_a_table_that_its_cell_reads(report):
    source = read_source(report_source(report))
    for label, anchor in read_anchors(report).items():
        needed = {*anchor.tables, *anchor.any_of}
        code = _code_of(source, label)
        if needed and code:
            parts = needed & ROLES.keys() if report == "paper" else set()
            tables = [name.rpartition("/") for name in needed - parts]
            assert parts or any(f'"{name}"' in code for *_, name in tables), label
            parts |= {part for part, *_ in tables}
            read = [bool(re.search(rf"\b{part}\b", code)) for part in parts]
            assert any(read) if anchor.any_of else all(read), label


@each_report
def test_a_statement_is_printed_in_the_section_that_is_claimed(report):
    source = read_source(report_source(report))
    text = "\n".join(line.text for line in source.lines)
    for label, anchor in read_anchors(report).items():
        found = re.search(rf"^(#+) .*\{{#{label}\}}$", text, re.MULTILINE)
        if found and anchor.says:
            ends = rf"^#{{1,{len(found[1])}}} .*\}}$"
            section = re.split(ends, text[found.end() :], flags=re.MULTILINE)[0]
            assert [key for key in anchor.says if f'"{key}"' not in section] == []


def _code_of(source: Source, label: str) -> str:
    """Return the code of the cell that has a label, or writes a heading."""
    cells = [
        cell
        for cell in source.cells
        if cell.options.label == label or f"{{#{label}}}" in cell.code
    ]
    return cells[0].code if cells else ""


# Status -----------------------------------------------------------------------

BARE = Item(
    "1", "Part", "Asks", {}, {}, (), (), ("development", "evaluation"), False, ""
)


def filled(item: Item, present: Collection[str] = (), **said: object) -> pd.Series:
    """Fill a list of one item for a report on a biomarker."""
    one = Checklist("G", "title", "1", "free", "key", 1, (item,))
    table = fill_checklist(one, report="biomarker", present=present, **said)
    return check_table(table).iloc[0]


def biomarker(*labels: str) -> dict[str, tuple[str, ...]]:
    return {"biomarker": labels}


TWO = replace(BARE, filled_by=biomarker("fig-flow", "tbl-one"))
SAID = replace(BARE, statements=("funding", "ethics"))
BOTH = replace(TWO, statements=("funding",))
MORE = replace(SAID, also=biomarker("fig-flow"))
NEEDY = replace(TWO, needs=("covariates",))
SPARED = replace(TWO, not_applicable="Not here.")


@pytest.mark.parametrize(
    ("item", "present", "said", "status"),
    [
        (TWO, ["flow", "table_one"], [], "done"),
        (TWO, ["flow"], [], "partly"),
        (TWO, [], [], "open"),
        (SAID, [], ["funding", "ethics"], "stated"),
        (SAID, [], ["ethics"], "partly"),
        (SAID, ["flow"], [], "open"),
        (BOTH, ["flow", "table_one"], ["funding"], "done"),
        (BOTH, ["flow", "table_one"], [], "partly"),
        (BOTH, [], ["funding"], "partly"),
        (MORE, ["flow"], [], "partly"),
        (MORE, ["flow"], ["funding", "ethics"], "done"),
        (MORE, [], ["funding", "ethics"], "stated"),
        (NEEDY, ["flow", "table_one"], [], "open"),
        (NEEDY, ["flow", "table_one", "covariates"], [], "done"),
        (SPARED, ["flow"], [], "partly"),
        (SPARED, [], [], "not applicable"),
        (replace(TWO, applies=("evaluation",)), ["flow"], [], "not applicable"),
    ],
)
def test_the_status_follows_from_what_is_there_and_what_was_said(
    item, present, said, status
):
    assert filled(item, present, statements=said)["status"] == status


def test_what_is_there_is_referred_to_and_what_is_not_is_named():
    item = replace(
        BARE,
        filled_by=biomarker("sec-methods", "tbl-one"),
        also=biomarker("fig-flow", "tbl-photos"),
        statements=("funding", "ethics"),
    )
    row = filled(item, ["flow"], statements=["ethics"])
    assert row["places"] == "[Methods](#sec-methods), @fig-flow"
    assert row["given"] == "[Ethics](#sec-declarations)"
    assert row["missing"] == "funding"
    assert row["note"] == "Not part of this study: description of the participants."


def test_a_place_that_answers_an_item_is_named_once():
    item = replace(TWO, also=biomarker("fig-flow"))
    assert filled(item, ["flow", "table_one"])["places"] == "@fig-flow, @tbl-one"


def test_one_of_several_tables_can_make_a_place():
    item = replace(BARE, filled_by=biomarker("tbl-survival"))
    assert filled(item, ["survival_at"])["status"] == "done"
    assert filled(item, ["survival_difference"])["status"] == "done"
    assert filled(item, ["curves"])["status"] == "open"


@pytest.mark.parametrize(
    ("stage", "other"), [("development", "evaluated"), ("evaluation", "developed")]
)
def test_an_item_of_the_other_stage_says_why_it_does_not_apply(stage, other):
    (only,) = {"development", "evaluation"} - {stage}
    row = filled(replace(TWO, applies=(only,)), ["flow"], stage=stage)
    assert row["note"] == f"Only where a model is {other}."
    assert row["places"] == ""


@given(st.data())
@settings(max_examples=8, deadline=None)
def test_more_results_or_statements_never_make_an_answer_worse(data):
    name = data.draw(st.sampled_from(get_args(Name)))
    read = read_checklist(name)
    tables = sorted(
        {
            table
            for anchor in read_anchors("biomarker").values()
            for table in (*anchor.tables, *anchor.any_of)
        }
        | {"covariates", "subgroups"}
    )
    more = data.draw(st.sets(st.sampled_from(tables)))
    said = data.draw(st.sets(st.sampled_from(sorted(STATEMENTS))))
    less = data.draw(st.sets(st.sampled_from(sorted(more)))) if more else more
    rank = ["not applicable", "open", "partly", "stated", "done"]
    before, after = (
        fill_checklist(read, report="biomarker", present=part, statements=keys)[
            "status"
        ]
        for part, keys in ((less, ()), (more, said))
    )
    assert (after.map(rank.index) >= before.map(rank.index)).all()


@each_checklist
def test_what_everything_answers_is_open_nowhere(name):
    for report in REPORT_NAMES:
        anchors = read_anchors(report).values()
        everything = {t for a in anchors for t in (*a.tables, *a.any_of)}
        everything |= {name.partition("/")[0] for name in everything}
        stage = fitting_checklists(report, everything).get(name)
        if stage is not None:
            table = fill_checklist(
                read_checklist(name),
                report=report,
                present={*everything, "covariates", "subgroups"},
                statements=STATEMENTS,
                stage=stage,
            )
            assert set(check_table(table)["status"]) <= {
                *("done", "stated", "not applicable")
            }


def test_guidelines_follow_from_the_kind_of_study():
    marker = {"remark": "development", "strobe": "development"}
    assert fitting_checklists("biomarker", {"cox"}) == marker
    assert fitting_checklists("biomarker", {"comparison"}) == {
        **marker,
        "tripod_ai": "development",
    }
    assert fitting_checklists("audit", {"audit"}) == {"tripod_ai": "evaluation"}
    assert fitting_checklists("saliency", set()) == {}


@pytest.mark.parametrize(
    ("present", "stages"),
    [
        (["prognosis"], {"remark": "development", "strobe": "development"}),
        (
            ["prognosis", "audit"],
            {
                "remark": "development",
                "strobe": "development",
                "tripod_ai": "evaluation",
            },
        ),
        (
            ["prognosis", "prognosis/comparison", "audit"],
            dict.fromkeys(["remark", "strobe", "tripod_ai"], "development"),
        ),
        (["audit"], {"tripod_ai": "evaluation"}),
        (["ages", "robustness", "saliency"], {}),
    ],
)
def test_guidelines_of_a_paper_follow_from_its_parts(present, stages):
    assert fitting_checklists("paper", present) == stages


def test_what_was_taken_out_of_a_document_is_not_claimed():
    row = filled(
        replace(BOTH, statements=("funding", "interpretation")),
        ["flow", "table_one"],
        statements=["funding", "interpretation"],
        without=["tbl-one", "sec-declarations"],
    )
    assert (row["status"], row["places"]) == ("partly", "@fig-flow")
    assert row["note"] == "Not part of this study: description of the participants."
    assert row["given"] == "Funding, [Interpretation](#sec-abstract)"


def test_unknown_names_are_refused_with_those_that_are_known():
    known = "`remark`, `strobe`, `tripod_ai`"
    with pytest.raises(DataError, match=f"no checklist `care`; .* are {known}"):
        read_checklist("care")
    with pytest.raises(
        DataError, match="fits the report `saliency`, only `biomarker`, "
    ):
        read_anchors("saliency")


def test_without_what_reads_the_files_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'fahrstats\[report\]'"):
        read_checklist("remark")


# In a document ------------------------------------------------------------------

DOCUMENT = """\
```{python}
#| tags: [parameters]
table = ""
```

::: {#tbl-one}
| a |
|---|
| 1 |

Who.
:::

## Methods {#sec-methods}

```{python}
#| label: tbl-remark
#| tbl-cap: "REMARK."
from IPython.display import Markdown

Markdown(table)
```
"""
REFERS = replace(BARE, number="13", filled_by=biomarker("tbl-one", "sec-methods"))


@pytest.fixture
def printed() -> str:
    one = Checklist("REMARK", "title", "1", "free", "key", 1, (REFERS,))
    return checklist(
        fill_checklist(one, report="biomarker", present={"table_one"}),
    )


def test_references_of_a_printed_checklist_are_links(to_html, printed):
    page = to_html(DOCUMENT, table=printed)
    assert re.search(r'href="#tbl-one"[^>]*>Table\s1</a>', page)
    assert re.search(r'href="#sec-methods"[^>]*>Methods</a>', page)


def test_a_claim_that_leads_nowhere_is_an_error_that_names_list_and_item(
    to_html, printed
):
    document = DOCUMENT.replace("{#tbl-one}", "{#tbl-two}").replace(
        "{#sec-", "{#sec-no-"
    )
    with pytest.raises(DataError) as caught:
        to_html(document, table=printed)
    wrong = set(str(caught.value).splitlines())
    written = (
        "`document.qmd`, output of a cell (`tbl-remark`: | **13** Asks | @tbl-one, …)"
    )
    assert wrong == {
        f"{written}: the reference `@tbl-one` has no target; give a figure, table, "
        "section or equation the label `tbl-one`.",
        f"{written}: the link `#sec-methods` has no target; give something the label "
        "`sec-methods`.",
    }
