from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from attackers import Attacker
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from fahrstats.errors import DataError
from fahrstats.study.publication import protection
from fahrstats.study.publication.counts import BASE, Rounding
from fahrstats.study.publication.protection import exposed, protect
from fahrstats.study.publication.public_version import public_version
from fahrstats.study.publication.sums import Cell, Sum, known_sums

FLOOR = 2 * BASE


def make_tables(n, events):
    """Return Table 1 by group, an analysis by level, and the flow, from counts.

    ``n`` counts people by level and group, ``events`` those of each level.
    """
    groups = ["overall", *(f"Q{c + 1}" for c in range(n.shape[1]))]
    by_group = np.column_stack([n.sum(axis=1), n])
    rows = [
        {
            "level": f"level {r}",
            "group": group,
            "variable": "factor",
            "estimand": estimand,
            "estimate": value,
            "n": by_group[:, c].sum(),
            "n_missing": 0,
        }
        for c, group in enumerate(groups)
        for r in range(len(n))
        for estimand, value in (
            ("count", float(by_group[r, c])),
            ("percent", 100 * by_group[r, c] / max(by_group[:, c].sum(), 1)),
        )
    ]
    by_level = pd.DataFrame(
        {
            "subgroup": ["overall", *["factor"] * len(n)],
            "level": ["overall", *(f"level {r}" for r in range(len(n)))],
            "term": "score",
            "estimand": "hr",
            "estimate": 1.2,
            "n": [n.sum(), *n.sum(axis=1)],
            "n_events": [events.sum(), *events],
        }
    )
    flow = pd.DataFrame({"step": [0], "n": [n.sum()], "n_events": [events.sum()]})
    return {"table_one": pd.DataFrame(rows), "subgroups": by_level, "flow": flow}


def published(tables, secret):
    manifest = {"labels": {}, "provenance": {"data_sha256": secret}}
    return public_version(tables, manifest)


def _number(printed):
    return np.nan if pd.isna(printed) else float(printed)


def attack(n, events, version):
    """Read the published tables, and return all that can be read of small counts."""
    reader = Attacker()
    zero = version.rounding.prints_zero
    table = version.tables["table_one"]
    counts = table[table["estimand"] == "count"].set_index(["level", "group"])
    levels = version.tables["subgroups"].set_index("level")
    truth = {}

    def reads(name, printed, count):
        truth[name] = count
        reader.reads(
            name, _number(printed), base=BASE, is_small=count < FLOOR, zero=zero
        )

    n_levels, n_groups = n.shape
    for r in range(n_levels):
        level = f"level {r}"
        for c in range(n_groups):
            reads((r, c), counts.at[(level, f"Q{c + 1}"), "estimate"], n[r, c])
        for printed in (
            counts.at[(level, "overall"), "estimate"],
            levels.at[level, "n"],
        ):
            reads((r, "all"), printed, n[r].sum())
        reads((r, "events"), levels.at[level, "n_events"], events[r])
        truth[r, "others"] = n[r].sum() - events[r]
        reader.adds((r, "all"), [(r, c) for c in range(n_groups)])
        reader.adds((r, "all"), [(r, "events"), (r, "others")])
    for c in range(n_groups):
        printed = counts.at[("level 0", f"Q{c + 1}"), "n"]
        reads(("all", c), printed, n[:, c].sum())
        reader.adds(("all", c), [(r, c) for r in range(n_levels)])
    for printed in (levels.at["overall", "n"], version.tables["flow"]["n"].iloc[0]):
        reads("all", printed, n.sum())
    reads("events", levels.at["overall", "n_events"], events.sum())
    reader.adds("all", [(r, "all") for r in range(n_levels)])
    reader.adds("all", [("all", c) for c in range(n_groups)])
    reader.adds("events", [(r, "events") for r in range(n_levels)])
    small = [name for name, count in truth.items() if 0 < count < FLOOR]
    return {name: (truth[name], *reader.finds(name)) for name in small}


@st.composite
def people(draw):
    """Draw people by level and group, few in most of them, and events by level."""
    shape = draw(st.tuples(st.integers(2, 5), st.integers(2, 4)))
    sizes = st.one_of(st.integers(0, 9), st.integers(0, 9), st.integers(10, 400))
    n = np.array([[draw(sizes) for _ in range(shape[1])] for _ in range(shape[0])])
    events = np.array([draw(st.integers(0, int(row.sum()))) for row in n])
    return n, events


@settings(max_examples=30, deadline=None)
@given(drawn=people(), secret=st.text(max_size=4))
def test_no_small_count_is_found_from_totals_margins_and_other_tables(drawn, secret):
    """An integer program finds at least five values for each, the true one included."""
    n, events = drawn
    for truth, low, high in attack(
        n, events, published(make_tables(n, events), secret)
    ).values():
        assert low <= truth <= high
        assert high - low + 1 >= BASE


def test_leaving_small_counts_out_alone_gives_them_away():
    """The attacker can attack: beside exact totals a cell that is left out is exact."""
    reader = Attacker()
    for name, count in (("all", 60), ("Women", 53)):
        reader.knows(name, count, count)
    reader.reads("Men", np.nan, base=BASE)
    reader.adds("all", ["Women", "Men"])
    assert reader.finds("Men") == (7, 7)


def test_rounding_each_count_to_the_nearest_five_would_not_do():
    """Three levels of 52 and one of 7, 163 in all, read 50, 50, 50, a dash and 165.

    Each of the three is at most 52 and the total at least 163, so that 7 are left.
    """
    reader = Attacker()
    for level in range(3):
        reader.knows(level, 48, 52)
    reader.knows("all", 163, 167)
    reader.reads("small", np.nan, base=BASE)
    reader.adds("all", [*range(3), "small"])
    assert reader.finds("small") == (7, 9)
    n = np.array([[52], [52], [52], [7]])
    for secret in range(20):
        version = published(make_tables(n, np.zeros(4, dtype=int)), str(secret))
        for _, low, high in attack(n, np.zeros(4, dtype=int), version).values():
            assert high - low + 1 >= BASE


def test_a_count_that_would_give_another_away_is_withheld():
    """Nine people, one in each of nine levels, of ten in all: zeros and totals go."""
    n = np.ones((9, 1), dtype=int)
    tables = {"t": make_tables(n, np.zeros(9, dtype=int))["subgroups"]}
    rounding = Rounding("secret")
    assert exposed(known_sums(tables, FLOOR), rounding)
    safe = protect(tables, rounding)
    assert not exposed(known_sums(tables, FLOOR), safe)
    assert not safe.prints_zero


def test_large_counts_are_withheld_where_rounding_is_unlucky():
    """Now and then both parts are rounded down and the total up, as far as can be."""
    n = np.array([[8], [104], [114]])
    tables = {"t": make_tables(n, np.zeros(3, dtype=int))["subgroups"]}
    sums = known_sums(tables, FLOOR)
    unlucky = [
        rounding
        for secret in range(400)
        if exposed(sums, rounding := Rounding(str(secret)))
    ]
    assert unlucky
    for rounding in unlucky[:3]:
        safe = protect(tables, rounding)
        assert safe.withheld
        assert not exposed(sums, safe)


def test_a_small_count_stays_hidden_where_quantile_groups_are_of_one_size():
    """Q1 holds 9 and 49, Q2 16, 21 and 22 people.

    Printed as 20, 25 and 25 those of Q2 are at least 58, so that Q1 has at least 57,
    and printed as 45 the 49 are all that they can be: 8 or 9 are left.
    """
    n = np.array([[9, 16], [49, 21], [0, 22]])
    tables = make_tables(n, np.zeros(3, dtype=int))
    parts = {"a": 49, "b": 16, "c": 21, "d": 22}
    n_attacked = 0

    def find(rounding):
        reader = Attacker()
        for name, count in parts.items():
            reader.reads(name, rounding.printed(count), base=BASE, is_small=False)
        for name, count in (("Q1", 58), ("Q2", 59)):
            reader.reads(name, rounding.printed(count), base=BASE, is_small=False)
        reader.reads("small", np.nan, base=BASE, zero=rounding.prints_zero)
        reader.adds("Q1", ["a", "small"])
        reader.adds("Q2", ["b", "c", "d"])
        reader.adds("Q2", ["Q1", "one more"])
        reader.knows("one more", 0, 1)
        return reader.finds("small")

    for secret in map(str, range(2000)):
        plain = Rounding(secret)
        if [plain.printed(n) for n in (58, *parts.values())] != [55, 45, 20, 25, 25]:
            continue
        assert find(plain) == (8, 9)
        low, high = find(protect(tables, plain))
        assert low <= 9 <= high
        assert high - low + 1 >= BASE
        n_attacked += 1
    assert n_attacked


def test_counts_that_are_equal_by_chance_do_not_end_in_an_error():
    """The 57 of Q1 and those of another table are not the same people."""
    sizes = pd.DataFrame({"group": ["Q1", "Q2", "Q3"], "n": [59, 58, 58]})
    levels = make_tables(np.array([[57], [2], [1]]), np.zeros(3, dtype=int))
    others = pd.DataFrame({"level": ["a", "b"], "subgroup": "x", "n": [58, 57]})
    others["n_missing"] = [1, 2]
    tables = {"sizes": sizes, "levels": levels["subgroups"], "others": others}
    for secret in "abcdef":
        safe = protect(tables, Rounding(secret))
        sums = [s for s in known_sums(tables, FLOOR) if not s.is_of_equals]
        assert not exposed(sums, safe)


@pytest.mark.parametrize("secret", ["a", "b", "c"])
def test_tables_without_small_counts_keep_all_of_them(secret):
    n = np.array([[120, 200], [310, 95]])
    tables = make_tables(n, np.array([60, 80]))
    assert not protect(tables, Rounding(secret)).withheld


YEARS = range(8)
KINDS = ("n_at_risk", "n_events", "n_censored")


def make_people():
    """Return 600 people: time, event, factors one level of which is small, quarters."""
    rng = np.random.default_rng(3)
    people = pd.DataFrame({"time": np.ceil(rng.exponential(8, 600))})
    people["event"] = (people["time"] < len(YEARS)) & (rng.random(600) < 0.6)
    people["race"] = np.repeat(["few", "white", "black", "asian"], [25, 325, 150, 100])
    people["sex"] = rng.choice(["women", "men"], 600)
    people["age"] = rng.choice(["young", "old"], 600)
    people["cohort"] = rng.choice(["north", "south", "west"], 600)
    for biomarker in ("x", "y"):
        people[biomarker] = rng.permutation(np.repeat(["Q1", "Q2", "Q3", "Q4"], 150))
    return people


def year_by_year(people, **of):
    """Return how many are at risk, had the event and are censored up to each year."""
    counts = []
    for year in YEARS:
        is_over = people["time"] <= year
        n_events = int((is_over & people["event"]).sum())
        counts.append((int((~is_over).sum()), n_events, int(is_over.sum()) - n_events))
    return pd.DataFrame(counts, columns=KINDS).assign(time=[*YEARS], **of)


def make_study(people):
    """Return Table 1 and curves by quarters, and analyses by level and by cohort."""
    counts, curves = [], []
    for biomarker in ("x", "y"):
        curves.append(year_by_year(people, biomarker=biomarker, group="overall"))
        for group, some in [("overall", people), *people.groupby(biomarker)]:
            if group != "overall":
                curves.append(year_by_year(some, biomarker=biomarker, group=group))
            for variable in ("race", "sex", "age"):
                sizes = some[variable].value_counts()
                counts += [
                    (biomarker, group, variable, level, "count", float(n), len(some))
                    for level, n in sizes.items()
                ]
    columns = ["biomarker", "group", "variable", "level", "estimand", "estimate", "n"]
    splits = {
        "subgroups": ("level", ("race", "sex", "age")),
        "cohorts": ("cohort", ("cohort",)),
    }
    analyses = {}
    for name, (column, factors) in splits.items():
        rows = [("overall", "overall", len(people), int(people["event"].sum()))] + [
            (factor, level, len(some), int(some["event"].sum()))
            for factor in factors
            for level, some in people.groupby(factor)
        ]
        analyses[name] = pd.DataFrame(
            rows, columns=["subgroup", column, "n", "n_events"]
        )
    table_one = pd.DataFrame(counts, columns=columns).assign(n_missing=0)
    at_risk = pd.concat(curves, ignore_index=True)
    return {"table_one": table_one, "at_risk": at_risk, **analyses}


def attack_study(people, rounding):
    """Return what can be read of each fourth small count of a study, and the truth."""
    reader, truth = Attacker(), {}

    def counts(name, count):
        truth[name] = count
        printed = rounding.printed(count)
        small = count < FLOOR
        zero = rounding.prints_zero
        reader.reads(name, printed, base=BASE, is_small=small, zero=zero)

    everyone = {"n": len(people), "events": int(people["event"].sum())}
    for kind, count in everyone.items():
        counts(kind, count)
    for factor in ("race", "sex", "age", "cohort", "x", "y"):
        by_level = dict(list(people.groupby(factor)))
        for level, some in by_level.items():
            counts(("n", factor, level), len(some))
            if factor not in ("x", "y"):
                counts(("events", factor, level), int(some["event"].sum()))
                rest = len(some) - truth["events", factor, level]
                truth["others", factor, level] = rest
                parts = [(kind, factor, level) for kind in ("events", "others")]
                reader.adds(("n", factor, level), parts)
        for kind in everyone if factor not in ("x", "y") else ("n",):
            reader.adds(kind, [(kind, factor, level) for level in by_level])
    for biomarker in ("x", "y"):
        groups = dict(list(people.groupby(biomarker)))
        for factor in ("race", "sex", "age"):
            for level in people[factor].unique():
                cells = [(factor, level, biomarker, group) for group in groups]
                for cell, some in zip(cells, groups.values(), strict=True):
                    counts(cell, int((some[factor] == level).sum()))
                reader.adds(("n", factor, level), cells)
            for group in groups:
                cells = [(factor, v, biomarker, group) for v in people[factor].unique()]
                reader.adds(("n", biomarker, group), cells)
        for group, some in [("all", people), *groups.items()]:
            total = "n" if group == "all" else ("n", biomarker, group)
            for row in year_by_year(some).itertuples():
                parts = [(kind, biomarker, group, row.time) for kind in KINDS]
                for part in parts:
                    counts(part, getattr(row, part[0]))
                reader.adds(total, parts)
        for kind in KINDS:
            for year in YEARS:
                parts = [(kind, biomarker, group, year) for group in groups]
                reader.adds((kind, biomarker, "all", year), parts)
                if not year:
                    continue
                for group in ("all", *groups):
                    steps = [(kind, biomarker, group, y) for y in (year - 1, year)]
                    less, more = sorted(steps, key=lambda step: truth[step])
                    between = ("between", *more)
                    truth[between] = truth[more] - truth[less]
                    reader.adds(more, [less, between])
    small = [name for name, count in truth.items() if 0 < count < FLOOR]
    return {name: (truth[name], *reader.finds(name)) for name in small[::4]}


@pytest.mark.slow
def test_a_study_with_a_small_level_is_protected_by_few_linear_programs(monkeypatch):
    """So many counts are equal by chance that, taken as one, they give others away."""
    people = make_people()
    tables = make_study(people)
    plain = Rounding("secret")
    assert len(exposed(known_sums(tables, FLOOR), plain)) > 20
    solved = []

    def counted(*args, **kwargs):
        solved.append(args)
        return linprog(*args, **kwargs)

    monkeypatch.setattr(protection, "linprog", counted)
    safe = protect(tables, plain)
    assert len(solved) < 400
    assert len(safe.withheld) < 10
    attacked = attack_study(people, safe)
    assert len(attacked) > 20
    for truth, low, high in attacked.values():
        assert low <= truth <= high
        assert high - low + 1 >= BASE


def test_counts_that_nothing_hides_are_an_error_that_names_their_level(monkeypatch):
    """Three times a count below four is below ten whatever else is printed."""
    whole, few = Cell(9, ("n", "north")), Cell(3, ("n", "few"))
    sums = [Sum(whole, (few, few, few))]
    monkeypatch.setattr(protection, "known_sums", lambda *_, **__: sums)
    message = "Counts below 10 can be .* Merge `few`, whose `n` is 3, with another"
    with pytest.raises(DataError, match=message):
        protect({}, Rounding("secret"))
