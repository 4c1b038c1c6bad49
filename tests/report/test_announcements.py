"""What was announced while results were made, as a report repeats it."""

from __future__ import annotations

from fahrstats import __version__
from fahrstats.report.announcements import announcements

LABELS = {"age": {"label": "Age", "unit": "years"}}


def test_texts_that_differ_in_a_name_are_said_once_with_how_many_follow():
    found = ["`age` is skewed.", "`sex` is skewed.", "`age` is skewed.", "Few events."]
    said = announcements({"warnings": found}, LABELS)
    assert said == ["Age is skewed. The same holds for 1 more.", "Few events."]


def test_texts_of_several_tables_are_those_of_all_of_them():
    manifest = {"warnings": {"cox": ["Few events."], "rmst": ["Few events.", "Late."]}}
    assert announcements(manifest, LABELS) == ["Few events.", "Late."]
    assert announcements({}, LABELS) == []


def test_results_of_another_version_of_the_package_are_announced_first():
    manifest = {"provenance": {"package": "0.0.9"}, "warnings": ["Few events."]}
    first, second = announcements(manifest, LABELS)
    assert first == (
        "The results were computed by fahrstats 0.0.9, and this report was written by "
        f"fahrstats {__version__}; run the study again to have both of one version."
    )
    assert second == "Few events."
    assert announcements({"provenance": {"package": __version__}}, LABELS) == []
