from __future__ import annotations

from fahrstats.display.sentences import public_version

RULE = {
    "base": 5,
    "floor": 10,
    "oldest": 90.0,
    "n_withheld": 0,
    "prints_zero": True,
    "left_out": {},
}


def test_the_rule_is_said_in_full():
    assert public_version(RULE) == (
        "Counts of people and events are multiples of 5, off by less than 5; a dash "
        "stands for a count from 1 to 9. What is estimated from fewer than 10 people "
        "or events is left out, shares of people move by steps of 5 people, and curves "
        "are drawn at round times while 10 or more are at risk. Intervals of means, "
        "and of observed over expected events, are those of the rounded counts. Ages "
        "of 90 and over are not told apart, and printed as 90."
    )


def test_what_is_withheld_and_left_out_is_said():
    text = public_version(
        {**RULE, "n_withheld": 2, "prints_zero": False}
        | {"left_out": {"influence": "it is about single people", "x": "it holds y"}}
    )
    assert "a dash stands for a count from 0 to 9" in text
    assert "2 larger counts are a dash, too." in text
    assert "`influence`, because it is about single people." in text
    assert text.endswith("`x`, because it holds y.")
    assert "1 larger count is a dash" in public_version({**RULE, "n_withheld": 1})
