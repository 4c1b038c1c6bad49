"""The gate: what is refused, what is left out and counted, what passes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from fahrstats.cohort.design import Dropped, build_design, find_problems
from fahrstats.errors import DataError, FahrstatsError, FormulaError

FORMULA = "Surv(time, event) ~ x"
INTERVALS = "Surv(entry, time, event) ~ x"
MONTH = 30 / 365.25, 31 / 365.25 - 1 / 365.25
"""Thirty days in years by two routes, which differ in the last digit."""


@pytest.fixture
def data() -> pd.DataFrame:
    """Twelve rows, seven events, one tie."""
    return pd.DataFrame(
        {
            "time": [5.0, 3, 8, 1, 3, 9, 2, 7, 4, 6, 11, 10],
            "event": [1, 0, 1, 1, 1, 0, 1, 0, 1, 0, 1, 0],
            "entry": [1.0, 0, 2, 0, 1, 0, 0, 3, 0, 0, 4, 5],
            "x": [0.5, -1, 2, 1, 0, 0, 1.5, -2, 1, 0.25, -1, 0],
            "z": [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12],
            "sex": list("mfmfmfmfmfmf"),
            "site": [3, 1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2],
            "id": list("abcdefghijkl"),
            "w": [1, 2, 1, 1, 2, 1, 1, 1, 3, 1, 1, 1],
        }
    )


def with_values(data: pd.DataFrame, column: str, values: dict[int, object]):
    """Return data with some rows of one column changed."""
    changed = data.astype({column: object})
    for row, value in values.items():
        changed.loc[row, column] = value
    return changed.infer_objects()


def test_a_sound_table_passes_whole(data):
    design = build_design("Surv(time, event) ~ x + C(sex)", data)
    assert design.terms == ("x", "C(sex)[T.m]")
    assert (design.n, design.n_events, design.n_dropped) == (12, 7, 0)
    assert design.dropped == ()
    np.testing.assert_array_equal(design.rows, np.arange(12))
    np.testing.assert_array_equal(design.time, data["time"])
    np.testing.assert_array_equal(design.event, data["event"] == 1)
    np.testing.assert_array_equal(design.X[:, 0], data["x"])
    assert (design.entry, design.weights, design.strata, design.cluster) == (None,) * 4
    assert {a.dtype for a in (design.X, design.time)} == {np.dtype(np.float64)}
    np.testing.assert_array_equal(design.time[design.risk_sets.order][:2], [11, 10])


def test_strata_clusters_and_weights_are_read(data):
    design = build_design(FORMULA, data, strata="sex", cluster="site", weights="w")
    assert design.strata_levels == ("f", "m")
    np.testing.assert_array_equal(design.strata, [1, 0] * 6)
    np.testing.assert_array_equal(design.cluster, data["site"] - 1)
    np.testing.assert_array_equal(design.weights, data["w"])


@pytest.mark.parametrize("kind", ["int64", "Int64", "category", "string[pyarrow]"])
def test_strata_of_every_type_are_codes_without_gaps(data, kind):
    values = data["site"].astype(str if "string" in kind else "int64").astype(kind)
    if kind == "category":
        values = values.cat.add_categories([99, 100])
    design = build_design(FORMULA, data.assign(site=values).iloc[1:3], strata="site")
    assert design.strata_levels == ("1", "2")
    np.testing.assert_array_equal(design.strata, [0, 1])


REFUSED = {
    "negative time": (
        lambda d: with_values(d, "time", {0: -1.0, 3: -2.0}),
        "`time` is negative in 2 of 12 rows (dates in the wrong order?); correct them",
    ),
    "infinite time": (
        lambda d: with_values(d, "time", {0: np.inf}),
        "`time` is infinite in 1 of 12 rows; give finite values",
    ),
    "time as text": (
        lambda d: d.assign(time=d["time"].astype(str)),
        "`time` must hold numbers, but it holds text",
    ),
    "event 1/2": (
        lambda d: d.assign(event=d["event"] + 1),
        "`event` must be 0/1 or boolean, but it holds 2 (7 rows), 1 (5 rows); recode",
    ),
    "event 0/1/2": (
        lambda d: with_values(d, "event", {0: 2}),
        "1 (6 rows), 0 (5 rows), 2 (1 rows); competing risk? recode",
    ),
    "event 0.5": (lambda d: with_values(d, "event", {0: 0.5}), "0.5 (1 rows); recode"),
    "event as text": (
        lambda d: d.assign(event=np.where(d["event"] == 1, "dead", "alive")),
        "it holds text: dead (7 rows), alive (5 rows); recode",
    ),
    "one distinct time": (
        lambda d: d.assign(time=3.0),
        "`time` is 3 in all 12 complete rows; with one distinct time nobody outlasts",
    ),
    "one distinct time up to rounding": (
        lambda d: d.assign(time=[*MONTH] * 6),
        "`time` is 0.0821355 in all 12 complete rows",
    ),
    "no events": (
        lambda d: d.assign(event=0),
        "`event` marks no event among the 12 complete rows.",
    ),
    "no events among complete rows": (
        lambda d: with_values(d, "x", dict.fromkeys(d.index[d["event"] == 1])),
        "`event` marks no event among the 5 complete rows.",
    ),
    "infinite covariate": (
        lambda d: with_values(d, "x", {0: np.inf, 5: -np.inf}),
        "`x` is infinite in 2 of 12 rows; give finite values, or leave them empty",
    ),
    "dates as covariate": (
        lambda d: d.assign(x=pd.Timestamp("2020-01-01")),
        "`x` holds dates or durations; turn it into a number with a unit.",
    ),
    "mixed covariate": (
        lambda d: with_values(d, "x", {0: "high"}),
        "`x` holds mixed values; make it all numbers or all text",
    ),
    "beyond the range of float64": (
        lambda d: with_values(d, "x", {0: -1e160}),
        "`x` reaches 1e+160, whose square no number can hold; give it in another unit",
    ),
    "below the range of float64": (
        lambda d: d.assign(x=1e-200 * d["x"]),
        "`x` reaches 2e-200, whose square no number can hold; give it in another unit",
    ),
    "empty table": (lambda d: d.iloc[:0], "`data` has no rows."),
    "one row": (lambda d: d.iloc[:1], "`time` is 5 in all 1 complete rows"),
    "no complete row": (
        lambda d: with_values(d.assign(x=np.nan), "event", {0: None}),
        "No row of 12 is complete: 1 missing (`event`); 12 missing (`x`).",
    ),
    "column twice": (
        lambda d: pd.concat([d, d["x"]], axis=1),
        "`data` has several columns named `x`; rename all but one.",
    ),
    "column absent": (lambda d: d.drop(columns="x"), "`data` has no column `x`."),
    "outcome absent": (
        lambda d: d.drop(columns=["time", "event"]),
        "`data` has no column `time`, `event`.",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_wrong_data_are_refused_with_what_where_and_how_many(case, data):
    change, message = REFUSED[case]
    with pytest.raises(DataError) as raised:
        build_design(FORMULA, change(data))
    assert message in str(raised.value)
    assert find_problems(FORMULA, change(data))[0] == str(raised.value)


def test_fewer_rows_than_coefficients_are_refused(data):
    message = "12 complete rows cannot support 12 coefficients; use fewer terms."
    with pytest.raises(DataError, match=message):
        build_design("Surv(time, event) ~ C(id) + x", data)
    with pytest.raises(DataError, match="2 complete rows cannot support 2 coeff"):
        build_design("Surv(time, event) ~ x + z", data.iloc[:2])
    assert build_design("Surv(time, event) ~ x + z", data.iloc[:3]).n == 3


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({0: -1}, r"`w` is negative in 1 of 12 rows \(weights count how much a row"),
        ({0: np.inf}, "`w` is infinite in 1 of 12 rows"),
        ({0: "one"}, "`w` must hold numbers, but it holds values of type object"),
    ],
)
def test_wrong_weights_are_refused(data, values, message):
    with pytest.raises(DataError, match=message):
        build_design(FORMULA, with_values(data, "w", values), weights="w")


def test_entry_after_exit_is_refused(data):
    message = "`entry` is after `time` in 2 of 12 rows; follow-up must end after it"
    with pytest.raises(DataError, match=message):
        build_design(INTERVALS, with_values(data, "entry", {0: 99, 1: 3.5}))


def test_negative_entry_is_refused(data):
    with pytest.raises(DataError, match="`entry` is negative in 1 of 12 rows"):
        build_design(INTERVALS, with_values(data, "entry", {0: -1}))


def test_repeated_subjects_are_refused_unless_clusters_allow_for_them(data):
    twice = with_values(data, "id", {0: "b", 2: "b"})
    with pytest.raises(DataError, match="`id` repeats in 2 of 12 rows; keep one row"):
        build_design(FORMULA, twice, id="id")
    assert build_design(FORMULA, twice).n == 12
    assert build_design(FORMULA, twice, id="id", cluster="id").n == 12


def test_overlapping_intervals_of_a_subject_are_refused_unless_clustered(data):
    twice = with_values(data, "id", {0: "c"})
    with pytest.raises(DataError, match="1 of 12 rows overlap an earlier interval"):
        build_design(INTERVALS, twice, id="id")
    assert build_design(INTERVALS, twice, id="id", cluster="id").n == 12
    apart = with_values(twice, "entry", {2: 5.0})
    assert build_design(INTERVALS, apart, id="id").n == 12


@pytest.mark.parametrize("role", ["strata", "cluster", "weights", "id"])
def test_columns_named_by_keywords_must_exist(data, role):
    with pytest.raises(DataError, match="`data` has no column `nowhere`"):
        build_design(FORMULA, data, **{role: "nowhere"})


def test_variables_of_the_caller_are_not_looked_up(data):
    outside = data["x"]
    assert outside is not None
    with pytest.raises(DataError, match="`data` has no column `outside`"):
        build_design("Surv(time, event) ~ x + outside", data)


@pytest.mark.parametrize(
    ("formula", "arguments", "role"),
    [
        ("Surv(time, event) ~ x + event", {}, "a covariate"),
        ("Surv(time, event) ~ log(event)", {}, "a covariate"),
        (FORMULA, {"strata": "event"}, "`strata`"),
        (FORMULA, {"weights": "event"}, "`weights`"),
        (FORMULA, {"cluster": "event"}, "`cluster`"),
        (FORMULA, {"id": "event"}, "`id`"),
    ],
)
def test_a_column_of_the_outcome_plays_no_second_part(data, formula, arguments, role):
    message = f"`event` is part of the outcome of .* and {role} too; use another column"
    with pytest.raises(FormulaError, match=message):
        build_design(formula, data, **arguments)


def test_a_transform_that_does_not_fit_the_values_is_refused(data):
    message = (
        r"`log\(x\)` is infinite or not a number in 6 of 12 complete rows; the "
        "transform does not fit those values."
    )
    with pytest.raises(DataError, match=message):
        build_design("Surv(time, event) ~ z + log(x)", data)


@pytest.mark.parametrize(
    ("formula", "strata"), [("Surv(time, event) ~ x + cause", None), (FORMULA, "cause")]
)
def test_a_column_known_only_with_the_event_is_refused(formula, strata):
    n = 400
    event = np.arange(n) % 4 == 0
    data = pd.DataFrame(
        {
            "time": 1.0 + np.arange(n),
            "event": event,
            "x": np.arange(n) % 7,
            "cause": np.where(event, np.arange(n) % 3, np.nan),
        }
    )
    message = (
        "`cause` is known for 100 of 100 rows with the event but for only 0 of 300"
    )
    with pytest.raises(DataError, match=message):
        build_design(formula, data, strata=strata)
    sampled = data.assign(w=np.where(event, 1, 4))
    assert build_design(formula, sampled, strata=strata, weights="w").n == 100


def test_rows_left_out_are_counted_by_reason_and_column(data):
    """Row 0 lacks two values, row 1 one; rows 2, 3 and 4 have other reasons."""
    data = with_values(data, "x", {0: np.nan, 1: None})
    data = with_values(data, "sex", {0: None})
    data = with_values(data, "time", {2: 0.0, 4: np.nan})
    data = with_values(data, "w", {3: 0})
    design = build_design("Surv(time, event) ~ x + sex", data, weights="w")
    assert design.dropped == (
        Dropped("missing", "time", n=1, n_events=1, n_affected=1),
        Dropped("missing", "x", n=2, n_events=1, n_affected=2),
        Dropped("missing", "sex", n=0, n_events=0, n_affected=1),
        Dropped("zero weight", "w", n=1, n_events=1, n_affected=1),
        Dropped("time 0", "time", n=1, n_events=1, n_affected=1),
    )
    assert (design.n, design.n_events, design.n_dropped) == (7, 3, 5)
    np.testing.assert_array_equal(design.rows, range(5, 12))
    np.testing.assert_array_equal(design.time, data["time"].iloc[5:])


@pytest.mark.parametrize("role", ["strata", "cluster", "id"])
def test_missing_values_of_grouping_columns_are_counted(data, role):
    data = with_values(data, "id", {0: None, 1: None})
    design = build_design(FORMULA, data, **{role: "id"})
    assert design.dropped == (Dropped("missing", "id", n=2, n_events=1, n_affected=2),)


def test_a_missing_event_counts_as_no_event(data):
    (dropped,) = build_design(FORMULA, with_values(data, "event", {0: None})).dropped
    assert dropped == Dropped("missing", "event", n=1, n_events=0, n_affected=1)


def test_intervals_of_no_length_are_counted(data):
    data = with_values(data, "entry", {0: 5.0, 1: 3.0})
    data = with_values(data, "time", {5: 0.0})
    design = build_design(INTERVALS, data)
    assert design.dropped == (
        Dropped("entry equal to exit", "entry", n=3, n_events=1, n_affected=3),
    )


@pytest.mark.parametrize("entry", [0.1 + 0.2, 0.3, np.nextafter(0.3, 0)])
def test_entries_within_rounding_of_the_exit_equal_it(data, entry):
    """An event at a time when its own row is not at risk would upset every sum."""
    data = with_values(with_values(data, "time", {0: 0.3}), "entry", {0: entry})
    (dropped,) = build_design(INTERVALS, data).dropped
    assert (dropped.reason, dropped.n_events) == ("entry equal to exit", 1)


def test_intervals_that_meet_up_to_rounding_do_not_overlap(data):
    data = with_values(data, "id", {0: "same", 1: "same"})
    data = with_values(data, "time", {1: 0.1 + 0.2})
    data = with_values(data, "entry", {0: 0.3})
    design = build_design(INTERVALS, data, id="id")
    assert design.entry[0] == design.time[1]


def test_times_that_differ_by_rounding_tie(data):
    data = data.assign(time=np.tile([*MONTH, 1.0], 4))
    assert data["time"].nunique() == 3
    sets = build_design(FORMULA, data).risk_sets
    assert sets.tie_start.tolist() == [0, 4, 12]


def test_times_around_a_billionth_stay_apart(data):
    tiny = build_design(FORMULA, data.assign(time=1e-9 * data["time"]))
    whole = build_design(FORMULA, data)
    np.testing.assert_array_equal(tiny.risk_sets.order, whole.risk_sets.order)
    np.testing.assert_array_equal(tiny.risk_sets.tie_start, whole.risk_sets.tie_start)


def test_columns_that_must_also_be_complete_are_counted(data):
    data = with_values(data, "z", {0: np.nan})
    design = build_design(FORMULA, data, also_complete=["z", "x"])
    assert [(d.column, d.n) for d in design.dropped] == [("z", 1)]
    with pytest.raises(DataError, match="`data` has no column `nowhere`"):
        build_design(FORMULA, data, also_complete=["nowhere"])


@pytest.mark.parametrize(
    "values",
    [
        pd.array([1, None, *range(10)], "Int64"),
        pd.array([1.5, None, *range(10)], "Float64"),
        pd.array([True, None] * 6, "boolean"),
        pd.array(["a", None] * 6, "string[pyarrow]"),
        pd.Series([True, None] * 6, dtype=object),
        pd.Series([1, pd.NA, *range(10)], dtype=object),
        pd.Categorical(["a", None, "b"] * 4, categories=["b", "a", "unused"]),
    ],
    ids=lambda values: str(pd.Series(values).dtype),
)
def test_missing_values_of_every_type_are_left_out(data, values):
    design = build_design(FORMULA, data.assign(x=values))
    n_missing = int(pd.Series(values).isna().sum())
    assert design.dropped[0].n == n_missing
    assert design.n == 12 - n_missing
    assert np.isfinite(design.X).all()


def test_transforms_learn_from_complete_rows_only(data):
    data = with_values(data.astype({"z": float}), "z", {0: np.nan})
    design = build_design("Surv(time, event) ~ center(z)", data)
    assert design.X.mean() == pytest.approx(0, abs=1e-12)
    assert design.n == 11


@pytest.mark.parametrize(
    "index",
    [
        [0] * 12,
        list("aabbccddeeff"),
        range(100, 88, -1),
        pd.date_range("2020", periods=12),
    ],
    ids=["constant", "repeated", "descending", "dates"],
)
def test_index_labels_do_not_matter(data, index):
    data = with_values(data, "x", {3: np.nan})
    plain = build_design("Surv(time, event) ~ x + sex", data, strata="site")
    design = build_design(
        "Surv(time, event) ~ x + sex", data.set_axis(index), strata="site"
    )
    for name in ("X", "time", "event", "strata", "rows"):
        np.testing.assert_array_equal(getattr(design, name), getattr(plain, name))


def test_columns_with_spaces_are_quoted_everywhere(data):
    names = {"time": "follow up", "event": "dead?", "x": "face age", "site": "the site"}
    design = build_design(
        "Surv(`follow up`, `dead?`) ~ `face age`",
        data.rename(columns=names),
        strata="the site",
    )
    assert design.terms == ("face age",)
    assert design.strata_levels == ("1", "2", "3")


def test_data_are_not_modified(data):
    data = data.assign(
        sex=pd.Categorical(data["sex"], categories=["f", "m", "x"]),
        x=pd.array([None, *range(11)], "Int64"),
        time=data["time"] / 365.25,
    )
    before = data.copy(deep=True)
    build_design(
        "Surv(entry, time, event) ~ x + sex", data.assign(entry=0), strata="site"
    )
    build_design("Surv(time, event) ~ x + sex", data, weights="w", cluster="id")
    pd.testing.assert_frame_equal(data, before)


def test_other_columns_are_not_looked_at(data):
    data = data.assign(rubbish=[[1], {}] * 6)
    data = pd.concat([data, data["rubbish"]], axis=1)
    assert build_design(FORMULA, data).n == 12


def test_all_problems_are_found_at_once(data):
    data = with_values(data, "time", {0: -1.0, 1: np.inf})
    data = data.assign(event=data["event"] + 1, x=pd.Timestamp("2020-01-01"))
    problems = find_problems(FORMULA, data, weights="w")
    assert [problem.partition(" ")[0] for problem in problems] == [
        "`time`",
        "`time`",
        "`event`",
        "`x`",
    ]


def test_problems_of_sound_columns_together_are_found_at_once(data):
    twice = with_values(with_values(data, "entry", {0: 99.0}), "id", {1: "c", 3: "c"})
    problems = find_problems(INTERVALS, twice, id="id")
    assert len(problems) == 2
    assert "is after" in problems[0]
    assert "overlap" in problems[1]


def test_sound_data_have_no_problems(data):
    assert find_problems(FORMULA, data, strata="sex", cluster="site", id="id") == []


def test_arguments_in_the_wrong_order_are_refused(data):
    message = "`formula` is a DataFrame and `data` a str; give text first and a pandas"
    with pytest.raises(DataError, match=message):
        build_design(data, FORMULA)
    with pytest.raises(DataError, match="`formula` is a str and `data` a dict"):
        build_design(FORMULA, data.to_dict())


def test_an_unreadable_formula_is_the_only_problem(data):
    (problem,) = find_problems("time ~ x", data)
    assert "must start with an outcome" in problem


@pytest.mark.parametrize("case", REFUSED)
def test_every_refusal_is_an_error_of_this_package_and_a_value_error(case, data):
    with pytest.raises(FahrstatsError) as raised:
        build_design(FORMULA, REFUSED[case][0](data))
    assert isinstance(raised.value, ValueError)
