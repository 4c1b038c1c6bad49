from __future__ import annotations

import pytest

from fahrstats.errors import DataError
from fahrstats.section import Section, did_you_mean, open_toml


@pytest.fixture
def section() -> Section:
    return Section("[outcome]", {"time": 3, "unit": "day", "entry": "e"}, [])


def test_a_wrong_type_is_reported_and_read_as_absent(section):
    assert section.text("time", "fallback") == "fallback"
    assert section.problems == ["[outcome]: `time` must be text in quotes, not 3."]


def test_an_unknown_choice_names_the_closest_one(section):
    assert section.choice("unit", ("days", "months"), "days") == "days"
    assert section.problems == ["[outcome]: `unit` is `day`; did you mean `days`?"]


def test_keys_that_nobody_asked_for_are_unknown(section):
    section.text("unit")
    section.optional_text("times")
    section.finish()
    assert section.problems == [
        "[outcome]: `time` is not known; did you mean `times`?",
        "[outcome]: `entry` is not known; known here: `times`, `unit`.",
    ]


@pytest.mark.parametrize(
    ("method", "value", "message"),
    [
        ("number", "ten", "`key` must be a number, not 'ten'."),
        ("number", True, "`key` must be a number, not True."),
        ("number", -1, "`key` is -1; it must be above 0, and finite."),
        ("number", 10**309, f"`key` is {10**309}; it must be above 0, and finite."),
        ("ascending", [10**309], "`key` must be a list of finite numbers above 0."),
        ("flag", 1, "`key` must be true or false, not 1."),
        ("texts", [1], "`key` must be text in quotes, or a list of such texts."),
        ("ascending", [2, 1], "`key` must ascend, but it is [2, 1]."),
        ("ascending", ["a"], "`key` must be a list of finite numbers above 0."),
        ("levels", {"1": 2}, "`key` must give `1` a text in quotes."),
        ("levels", ["M"], '`key` must be {1 = "Men", 2 = "Women"}, not [\'M\'].'),
        ("section", 3, "`key` must be a section of its own."),
    ],
)
def test_values_that_cannot_be_used_say_what_is_wanted(method, value, message):
    section = Section("", {"key": value}, [])
    getattr(section, method)("key")
    assert section.problems == [message]


def test_a_whole_number_has_a_least_value():
    section = Section("", {"seed": -3, "groups": 1.5}, [])
    assert section.whole("seed", 7) == 7
    assert section.whole("groups", 4) == 4
    assert section.problems == [
        "`seed` is -3; it must be at least 0.",
        "`groups` must be a whole number, not 1.5.",
    ]


def test_values_are_read_as_they_stand():
    section = Section("", {"t": "x", "n": 2, "f": True, "l": [1, 2.5], "s": "one"}, [])
    assert section.text("t") == "x"
    assert section.number("n") == 2.0
    assert section.flag("f") is True
    assert section.ascending("l") == (1.0, 2.5)
    assert section.texts("s") == ("one",)
    assert section.number("absent") is None
    assert section.flag("absent") is False
    section.finish()
    assert section.problems == []


@pytest.mark.parametrize("name", ["face age", "2nd", "lambda", "a-b"])
def test_a_name_that_cannot_stand_in_a_formula_is_refused(name):
    section = Section("[scores]", {}, [])
    section.named(name)
    assert f"`{name}` cannot stand in a formula" in section.problems[0]
    assert f'column = "{name}"' in section.problems[0]


def test_sections_within_sections_share_their_problems():
    top = Section("", {"scores": {"faceage": {"per": "x"}}}, [])
    inner = top.sections("scores")["faceage"]
    assert inner.where == "[scores.faceage]"
    inner.number("per")
    assert top.problems == ["[scores.faceage]: `per` must be a number, not 'x'."]


def test_a_close_name_is_offered_and_a_far_one_is_not():
    assert did_you_mean("statu", ["status", "time"]) == " Did you mean `status`?"
    assert did_you_mean("zzz", ["status", "time"]) == ""


def test_numbers_have_a_least_value_and_a_count():
    section = Section("", {"margin": -0.1, "offset": -3, "mean": [0.5, -1]}, [])
    assert section.number("margin", at_least=0) is None
    assert section.number("offset", at_least=-10) == -3
    assert section.numbers("mean", count=2) == (0.5, -1.0)
    assert section.numbers("mean", count=2, above_zero=True) == ()
    assert section.numbers("mean", count=3) == ()
    assert section.numbers("spread", count=3) == ()
    assert section.problems == [
        "`margin` is -0.1; it must be at least 0, and finite.",
        "`mean` must be a list of 2 finite numbers above 0.",
        "`mean` must be a list of 3 finite numbers.",
    ]


def test_required_keys_that_are_absent_are_all_reported(section):
    section.require("unit", "zero", "event")
    assert section.problems == [
        "[outcome]: `zero` is missing.",
        "[outcome]: `event` is missing.",
    ]


def test_a_file_that_is_not_toml_is_refused(tmp_path):
    path = tmp_path / "settings.toml"
    with pytest.raises(DataError, match=r"There is no file `.*settings\.toml`"):
        open_toml(path)
    path.write_bytes(b"name = '\xff'")
    with pytest.raises(DataError, match=r"settings\.toml` is not UTF-8 text; save it"):
        open_toml(path)
    path.write_text("name = ")
    with pytest.raises(DataError, match=r"settings\.toml` is not TOML: "):
        open_toml(path)
    path.write_text("name = 'a'")
    assert open_toml(path).text("name") == "a"


@pytest.mark.parametrize("value", ["", "  "])
def test_text_that_would_else_have_a_default_is_not_empty(value):
    section = Section("[a]", {"title": value, "unit": value}, [])
    assert section.text("title", "name of the study") == "name of the study"
    assert section.text("unit") == value
    assert section.problems == ["[a]: `title` is empty."]
