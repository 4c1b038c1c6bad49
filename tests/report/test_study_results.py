"""The results of a study, as the cells of a report display them."""

from __future__ import annotations

import json
import math
import re

import IPython.display
import pandas as pd
import pytest

from fahrstats import __version__
from fahrstats.cohort import store
from fahrstats.display.tables import DisplayTable
from fahrstats.errors import DataError
from fahrstats.report import StudyResults, render
from fahrstats.study.publication.estimates import TOO_FEW

LABELS = {
    "faceage": {"label": "Face age", "unit": "years"},
    "flc": {"label": "Free light chain", "unit": ""},
    "age": {"label": "Age", "unit": "years"},
}
HR = {"estimand": "hr", "variable": "faceage", "term": "faceage", "n": 1234}
NUMBERS = {"estimate": 1.25, "conf_low": 1.1, "conf_high": 1.42, "p_value": 0.0321}
ROW = {**HR, **NUMBERS, "per": 1.0, "biomarker": "faceage", "model": "adjusted"}
REFUSED = "not estimated: 3 events"
COX = pd.DataFrame(
    [
        {**ROW, "n_events": 99, "note": ""},
        {**ROW, "biomarker": "flc", "estimate": float("nan"), "note": REFUSED},
    ]
)
PH = pd.DataFrame([{"term": "faceage", "statistic": 1.6, "df": 1, "p_value": 0.2}])
TABLES = {"cox": COX, "ph_test": PH, "rmst": COX.head(0), "early_deaths": COX.tail(1)}


@pytest.fixture
def folder(tmp_path):
    for name, table in TABLES.items():
        store.write(table, tmp_path / "tables" / f"{name}.parquet", {})
    write(tmp_path)
    return tmp_path


def write(folder, **changed):
    manifest = {
        "title": "A study",
        "labels": LABELS,
        "time_unit": "months",
        "biomarkers": ["flc", "faceage"],
        "tables": dict.fromkeys(TABLES, ""),
        "provenance": {"package": __version__},
        **changed,
    }
    store.write_manifest(manifest, folder / "manifest.json")


@pytest.fixture
def study(folder):
    return StudyResults(folder)


@pytest.fixture
def shown(monkeypatch):
    """Collect what cells display."""
    found: list[object] = []
    monkeypatch.setattr(IPython.display, "display", found.append)
    return found


def texts(shown):
    """Give what is displayed, text without the blank lines around it."""
    return [item.data.strip() if hasattr(item, "data") else item for item in shown]


def test_numbers_and_names_are_those_of_the_study_and_the_journal(folder):
    study = StudyResults(folder, "lancet")
    assert study.label("faceage") == "Face age"
    assert study.in_sentence("faceage") == "face age"
    assert study.in_sentence("unknown") == "unknown"
    assert study.unit("faceage") == "years"
    assert study.amount(1.0) == "1 month"
    assert study.amount(6.0) == "6 months"
    assert study.count(12345) == "12\N{NARROW NO-BREAK SPACE}345"
    assert study.number(-1.255) == "\N{MINUS SIGN}1\N{MIDDLE DOT}26"
    assert StudyResults(folder).count(12345) == "12,345"


def test_an_unknown_journal_and_an_unfinished_study_are_refused(folder, tmp_path):
    with pytest.raises(DataError, match="no journal style `lanzet`; the known ones"):
        StudyResults(folder, "lanzet")
    with pytest.raises(DataError, match="the study is not finished; run it"):
        StudyResults(tmp_path / "nowhere")


def test_only_tables_with_rows_that_the_study_wrote_are_there(study, folder):
    assert study.has("cox")
    assert study.has("absent", "cox")
    assert not study.has("rmst")
    assert not study.has("absent")
    (folder / "tables" / "cox.parquet").rename(folder / "tables" / "logrank.parquet")
    assert not study.has("logrank")
    with pytest.raises(DataError, match=r"no table `logrank`; it has `cox`, `ph_test`"):
        study.rows("logrank")
    with pytest.raises(DataError, match=r"no result table .*cox.parquet`; run the"):
        StudyResults(folder).rows("cox")


def test_rows_are_those_that_hold_the_values(study):
    assert len(study.rows("cox")) == 2
    (row,) = study.rows("cox", biomarker="faceage", model="adjusted")["estimate"]
    assert row == 1.25
    assert study.rows("cox", model="unadjusted").empty
    assert list(study.estimated("cox")["biomarker"]) == ["faceage"]
    assert list(study.found("cox")["biomarker"]) == ["faceage"]
    assert study.found("absent") is None
    # A table without a column of scores is about all of them.
    assert len(study.rows("ph_test", biomarker="flc")) == 1
    with pytest.raises(
        DataError, match=r"`ph_test` has no column `group`; its columns"
    ):
        study.rows("ph_test", group="Q1")


def test_rows_belong_to_who_asks_for_them(study):
    study.rows("cox")["estimate"] = 0.0
    assert study.rows("cox")["estimate"].iloc[0] == 1.25


def test_display_functions_are_given_labels_unit_and_style(folder):
    study = StudyResults(folder, "lancet")
    table = study.tables.hazard_ratios(study.estimated("cox"), models=("adjusted",))
    assert "Face age, per year" in table.to_markdown()
    assert "1\N{MIDDLE DOT}25" in table.to_markdown()
    own = study.tables.hazard_ratios(
        study.estimated("cox"), models=("adjusted",), labels={}
    )
    assert "faceage" in own.to_markdown()
    refusal = study.sentences.refusal({"time": 2.0, "note": REFUSED})
    assert refusal == "At 2 months. Not estimated: 3 events"


def test_display_functions_tell_what_they_are(study):
    assert study.tables.hazard_ratios.__doc__.startswith("Return ")
    assert "forest" in dir(study.figures)
    with pytest.raises(
        AttributeError, match=r"display.tables` has no function `forest`"
    ):
        _ = study.tables.forest
    with pytest.raises(AttributeError) as error:
        _ = study.figures.forrest
    assert str(error.value).endswith("`forrest`. Did you mean `forest`?")


def test_a_reason_is_given_once_and_a_float_is_never_empty(study, shown):
    study.told("cox", len)
    assert texts(shown) == ["Free light chain, adjusted. Not estimated: 3 events.", 1]
    shown.clear()
    study.told("early_deaths", len)
    study.refused("cox")
    assert texts(shown) == ["No estimate, for a reason that is given above."]


def test_what_is_withheld_of_a_whole_table_is_one_line(study, folder, shown):
    table = COX.assign(note=TOO_FEW, estimate=float("nan"))
    store.write(table, folder / "tables" / "cox.parquet", {})
    study.told("cox", len)
    (text,) = texts(shown)
    assert text.startswith("Not shown, as it rests on too few people or events")


def test_a_reason_that_several_share_names_none_of_them(study, folder, shown):
    table = COX.assign(note=REFUSED)
    store.write(table, folder / "tables" / "cox.parquet", {})
    study.refused("cox")
    assert texts(shown) == ["Not estimated: 3 events."]


def test_the_text_says_why_corrected_ages_have_no_estimate(folder, shown):
    write(folder, corrected={"adjusted": "by age"})
    StudyResults(folder).refused("cox")
    assert shown == []


def test_what_a_study_has_not_is_said_where_the_text_speaks_of_it(study, shown):
    study.told("absent", len)
    study.each("absent", len)
    study.folded("Title", "absent", len)
    study.refused("absent")
    assert shown == []
    study.show("logrank", len)
    study.show("novel", len)
    assert texts(shown) == [
        "Not part of this study: a log-rank test between groups.",
        "Not part of this study: novel.",
    ]


def test_withheld_counts_compare_with_numbers(folder):
    flow = pd.DataFrame({"n": [1200, 20], "n_events": [150, None], "step": ["a", "b"]})
    flow = flow.astype({"n": "Int64", "n_events": "Int64"})
    store.write(flow, folder / "tables" / "flow.parquet", {})
    write(folder, tables={"flow": ""}, public={"base": 5})
    study = StudyResults(folder)
    rows = study.rows("flow")
    assert rows["n_events"].gt(0).tolist() == [True, False]
    assert math.isnan(rows["n_events"].iloc[1])
    assert rows["n"].dtype == "Int64"


def test_a_table_without_rows_shows_what_the_report_says_of_that(folder, shown):
    study = StudyResults(folder, nothing="Nobody is left.")
    study.told("rmst", len)
    study.told("absent", len)
    study.told("cox", len, model="unadjusted")
    assert texts(shown) == ["Nobody is left."] * 2
    shown.clear()
    StudyResults(folder).told("rmst", len)
    assert shown == []


def test_scores_are_shown_one_by_one_in_the_order_of_the_study(study, shown):
    study.each("ph_test", lambda name, table: (name, len(table)))
    study.each("cox", lambda name, table: (name, len(table)))
    assert shown[:2] == [("flc", 1), ("faceage", 1)]
    assert texts(shown[2:]) == [
        "Free light chain, adjusted. Not estimated: 3 events.",
        ("faceage", 1),
    ]
    shown.clear()
    study.each("ph_test", lambda name, table: (name, len(table)), of="term")
    assert shown == [("faceage", 1)]


def test_a_table_is_folded_below_its_title_unless_it_has_no_rows(study, shown):
    study.folded('All "terms" of *x* and <script>', "ph_test", len)
    study.folded("None", "rmst", len)
    study.folded("None", "cox", len, model="unadjusted")
    assert texts(shown) == [
        '::: {.callout-tip collapse="true"}\n'
        '## All "terms" of \\*x\\* and \\<script\\>',
        1,
        ":::",
    ]


def test_text_about_tables_needs_one_of_them(study):
    assert study.part(["absent", "cox"], "# A").data == "# A"
    assert study.part(["absent", "rmst"], "# A") is None
    assert (
        study.said("ph_test", lambda table, name: f"{name} {len(table)}", "x") == "x 1"
    )
    assert study.said("absent", len) == ""


def test_lists_show_sentences_as_they_stand(study):
    assert study.bullets(["a*b*", "", "c"]).data == "- a\\*b\\*\n- c"
    assert study.bullets(["", ""]) is None
    told = study.bullet_each("cox", lambda name, table: f"{name}: {len(table)}")
    assert told.data == "- faceage: 1"
    assert study.bullet_each("absent", lambda name, table: "x") is None


def test_a_title_tells_scores_apart_where_there_are_several(folder):
    assert StudyResults(folder).title_of("flc") == "Free light chain"
    write(folder, biomarkers=["flc"])
    assert StudyResults(folder).title_of("flc") == ""


def test_what_the_study_does_not_hold_is_listed_with_what_asks_for_it(study):
    assert study.lacking("cox", "rmst", "subgroups", "novel") == [
        "Not part of this study: the mean time lived by group.",
        "Not part of this study: an analysis by subgroup (a section [subgroups] in the "
        "study file asks for it).",
        "Not part of this study: novel.",
    ]


def test_notes_have_a_section_and_a_line_that_leads_there(study, folder):
    assert study.notes() is None
    assert study.to_notes() is None
    write(folder, notes="**Who.**")
    study = StudyResults(folder)
    assert study.notes().data == "## Notes on these data {#sec-notes}\n\n**Who.**\n"
    assert "(#sec-notes)" in study.to_notes().data


def test_the_box_of_care_holds_what_was_announced_after_what_is_given(study, folder):
    assert study.care_box() is None
    write(folder, warnings={"cox": ["9 events for `age`."]})
    box = StudyResults(folder).care_box("Beware.").data
    assert box == (
        '::: {.callout-warning title="Read with care"}\n'
        "- Beware.\n- 9 events for Age.\n:::\n"
    )


def test_a_version_for_publication_says_its_rule(study, folder):
    assert study.public_box() is None
    rule = {"base": 5, "floor": 10, "oldest": 90, "prints_zero": True}
    write(folder, public={**rule, "n_withheld": 0, "left_out": {}})
    box = StudyResults(folder).public_box().data
    assert box.startswith('::: {.callout-important title="Version for publication"}\n')
    assert "multiples of 5" in box


def test_a_table_is_shown_as_a_display_table(study, shown):
    study.told("ph_test", study.tables.ph_test)
    (table,) = shown
    assert isinstance(table, DisplayTable)


DOCUMENT = """
```{python}
#| tags: [parameters]
results = ""
journal = "default"
```

```{python}
#| include: false
from fahrstats.report import StudyResults

study = StudyResults(results, journal)
```

The ratio was `{python} study.number(study.estimated("cox")["estimate"].iloc[0])`.

```{python}
#| label: tbl-hr
#| tbl-cap: "Ratios."
study.told("cox", lambda table: study.tables.hazard_ratios(table, models=("adjusted",)))
```
"""


def test_another_result_or_journal_changes_text_and_table(folder, tmp_path_factory):
    """The page knows which results, and which style, it was made of."""
    document = tmp_path_factory.mktemp("reports") / "report.qmd"
    document.write_text(DOCUMENT)

    def printed(**params):
        (page,) = render(
            document,
            document.with_suffix(".html"),
            params={"results": folder, **params},
            engine="own",
        )
        text = page.read_text(encoding="utf-8")
        (said,) = re.findall(r"The ratio was (\S+)\.<", text)
        return said, re.findall(r"<td[^>]*>(1\S\d\d) ", text)

    assert printed() == ("1.25", ["1.25"])
    changed = COX.assign(estimate=COX["estimate"] + 0.12, conf_high=1.61)
    store.write(changed, folder / "tables" / "cox.parquet", {})
    of_lancet = "1\N{MIDDLE DOT}37"
    assert printed(journal="lancet") == (of_lancet, [of_lancet])


def test_the_title_is_that_of_the_study_whatever_it_holds(folder, study):
    write(folder, title="A *b* & [c]")
    opening, block, closing = (
        StudyResults(folder).title_block("Audit").data.split("\n")[:3]
    )
    assert (opening, closing) == ("---", "---")
    assert json.loads(block) == {
        "title": "A \\*b\\* & \\[c\\]",
        "subtitle": "Audit",
    }
