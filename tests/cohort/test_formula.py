"""What a formula may say, and which columns it uses."""

from __future__ import annotations

import pytest

from fahrstats.cohort.formula import parse_formula, used_columns
from fahrstats.errors import FormulaError

OUTCOME = "Surv(time, event) ~ "


@pytest.mark.parametrize(
    ("outcome", "entry", "time", "event"),
    [
        ("Surv(time, event)", None, "time", "event"),
        ("  Surv( time ,event )  ", None, "time", "event"),
        ("Surv(entry, exit, event)", "entry", "exit", "event"),
        ("Surv(`follow up`, `dead?`)", None, "follow up", "dead?"),
        ("Surv(`from`, time_2, `dead (all)`)", "from", "time_2", "dead (all)"),
        ("Surv(länge, tot)", None, "länge", "tot"),
        ("Surv(fu.time, all.cause_2)", None, "fu.time", "all.cause_2"),
    ],
)
def test_the_outcome_names_columns(outcome, entry, time, event):
    parsed = parse_formula(f"{outcome} ~ x")
    assert (parsed.entry, parsed.time, parsed.event) == (entry, time, event)
    assert parsed.text == f"{outcome} ~ x"


@pytest.mark.parametrize(
    "formula",
    [
        "time ~ x",
        "x",
        "~ x",
        "",
        "Surv(time) ~ x",
        "Surv(a, b, c, d) ~ x",
        "Surv(time, event == 1) ~ x",
        "Surv(time / 365.25, event) ~ x",
        "Surv(time, 1) ~ x",
        "Surv(follow up, event) ~ x",
        "surv(time, event) ~ x",
        "log(Surv(time, event)) ~ x",
        "Surv(time, event)",
    ],
)
def test_an_outcome_that_is_not_two_or_three_columns_is_refused(formula):
    with pytest.raises(FormulaError, match="must start with an outcome") as raised:
        parse_formula(formula)
    assert str(raised.value).startswith(f"`{formula}` must start with an outcome")
    assert "`Surv(time, event) ~ ` or `Surv(entry, exit, event) ~ `" in str(
        raised.value
    )


@pytest.mark.parametrize(
    "right", ["x - 1", "0 + x", "x + 0", "-1 + x", "x | y", "x ~ y"]
)
def test_taking_out_the_intercept_and_several_parts_are_refused(right):
    with pytest.raises(FormulaError, match="takes out the intercept or has several"):
        parse_formula(OUTCOME + right)


@pytest.mark.parametrize("right", ["x +", "(x", "x)", "x * * y", ".", "x 'y"])
def test_a_right_hand_side_that_cannot_be_read_is_refused(right):
    with pytest.raises(FormulaError, match="cannot be read: ") as raised:
        parse_formula(OUTCOME + right)
    text = str(raised.value)
    assert text.startswith(f"The right-hand side of `{OUTCOME}{right}`")
    assert len(text) < 200
    assert raised.value.__cause__ is not None


@pytest.mark.parametrize("argument", ["strata", "cluster"])
def test_arguments_written_as_terms_are_refused(argument):
    with pytest.raises(FormulaError, match=f'give `{argument}="column"` beside'):
        parse_formula(f"{OUTCOME}x + {argument}(site)")


@pytest.mark.parametrize(
    ("right", "columns"),
    [
        ("x", ["x"]),
        ("1", []),
        ("", []),
        ("x + y + x", ["x", "y"]),
        ("x*y", ["x", "y"]),
        ("C(sex)", ["sex"]),
        ("C(sex, contr.treatment('w'))", ["sex"]),
        ("C(sex, contr.sum)", ["sex"]),
        ("`face age` + log(`face age`)", ["face age"]),
        ("log(x) + np.sqrt(y) + I(np.pi * z)", ["x", "y", "z"]),
        ("I(x**2 + w) + {v / 10}", ["x", "w", "v"]),
        ("bs(x, df=4)", ["x"]),
        ("scale(scale)", ["scale"]),
        ("C(x, levels=['b', 'a'])", ["x"]),
        ("x:absent", ["x", "absent"]),
        ("ph.ecog + log(`wt.loss`)", ["ph.ecog", "wt.loss"]),
    ],
)
def test_used_columns_are_the_names_looked_up(right, columns):
    known = ["x", "y", "z", "w", "v", "sex", "face age", "scale"]
    right_side = parse_formula(OUTCOME + right).right
    assert sorted(used_columns(right_side, known)) == sorted(columns)
