from __future__ import annotations

import pandas as pd

from fahrstats.display.labels import CROSS
from fahrstats.study.publication.sums import AT_MOST_ONE, Cell, known_sums

FLOOR = 10


def sizes(table, **others):
    """Return the total and the sorted parts of every sum of some tables."""
    found = known_sums({"table": table, **others}, FLOOR)
    return {(s.total.size, tuple(sorted(p.size for p in s.parts))) for s in found}


def test_levels_make_up_everyone_in_the_same_table_or_another():
    levels = pd.DataFrame(
        {
            "subgroup": ["overall", "sex", "sex"],
            "level": ["overall", "Women", "Men"],
            "n": [60, 53, 7],
            "n_events": [30, 28, 2],
        }
    )
    found = sizes(levels)
    assert {(60, (7, 53)), (30, (2, 28))} <= found
    assert (60, (30, 30)) in found  # events and those without
    alone = levels.iloc[1:].reset_index(drop=True)
    flow = pd.DataFrame({"step": [0], "n": [60], "n_events": [30]})
    assert (60, (7, 53)) not in sizes(alone)
    assert (60, (7, 53)) in sizes(alone, flow=flow)


def test_crossings_make_up_their_margins():
    table = pd.DataFrame(
        {
            "subgroup": ["sex", "race", f"sex{CROSS}race", f"sex{CROSS}race"],
            "level": ["Women", "Black", f"Women{CROSS}Black", f"Women{CROSS}White"],
            "n": [45, 20, 4, 41],
        }
    )
    assert (45, (4, 41)) in sizes(table)


def test_levels_of_a_factor_make_up_a_group_and_groups_make_up_everyone():
    counts = {("overall", "a"): 70, ("overall", "b"): 8, ("Q1", "a"): 30}
    counts |= {("Q1", "b"): 3, ("Q2", "a"): 40, ("Q2", "b"): 5}
    rows = [
        {
            "group": group,
            "level": level,
            "variable": "factor",
            "estimand": "count",
            "estimate": float(count),
            "n": sum(k for (g, _), k in counts.items() if g == group),
            "n_missing": 2 if group == "overall" else 1,
        }
        for (group, level), count in counts.items()
    ]
    found = sizes(pd.DataFrame(rows))
    assert {(78, (8, 70)), (33, (3, 30)), (70, (30, 40)), (8, (3, 5))} <= found
    assert {(78, (33, 45)), (2, (1, 1)), (80, (2, 78))} <= found


def test_steps_of_the_flow_and_times_of_follow_up_add_up():
    flow = pd.DataFrame(
        {"step": [0, 1], "n": [90, 84], "n_removed": [0, 6], "n_events": [20, 18]}
    ).assign(n_removed_events=[0, 2])
    assert {(90, (6, 84)), (20, (2, 18))} <= sizes(flow)
    at_risk = pd.DataFrame(
        {"time": [0.0, 2.0], "n_at_risk": [50, 31], "n_events": [0, 12]}
    ).assign(n_censored=[0, 7])
    found = sizes(at_risk)
    assert (50, (7, 12, 31)) in found
    assert (50, (19, 31)) in found


def test_a_small_count_is_one_cell_where_its_rows_are_named_alike():
    one = pd.DataFrame({"variable": ["sex"], "level": ["Men"], "n": [7]})
    two = pd.DataFrame({"subgroup": ["sex"], "level": ["Men"], "n": [7]})
    both = {
        "one": one.assign(n_missing=[20]),
        "two": two.assign(n_missing=[30]),
    }
    cells = {part for s in known_sums(both, FLOOR) for part in s.parts}
    assert Cell(7, ("n", "Men")) in cells
    assert sum(cell.size == 7 and not cell.is_implied for cell in cells) == 1


def test_a_small_count_of_one_model_is_not_that_of_another():
    """Bins of predicted risk are made by each model, and say nothing of each other."""
    table = pd.DataFrame(
        {
            "term": ["one", "one", "two", "two"],
            "estimand": "bin",
            "time": 5.0,
            "predicted": [0.1, 0.3, 0.1, 0.3],
            "n": [57, 3, 57, 3],
        }
    )
    flow = pd.DataFrame({"step": [0], "n": [60], "n_events": [30]})
    sums = known_sums({"table": table, "flow": flow}, FLOOR)
    small = {part for one in sums for part in one.parts if part.size == 3}
    assert len(small) == 2


def test_quantile_groups_are_known_to_be_of_one_size():
    """What is known of one of them is then known of the others, but for one person."""
    groups = ["overall", "Q1", "Q2", "Q3", "Q4"]
    table = pd.DataFrame({"group": groups, "n": [235, 59, 59, 58, 59]})
    (even,) = (s for s in known_sums({"t": table}, FLOOR) if s.total.size == 59)
    assert [part.size for part in even.parts] == [58, 1]
    assert even.parts[1].name == AT_MOST_ONE
    uneven = table.assign(n=[233, 59, 59, 56, 59])
    assert all(s.total.size != 59 for s in known_sums({"t": uneven}, FLOOR))


def test_equal_counts_can_be_told_apart_by_whom_they_are_of():
    """Women and Q1 are 30 each by chance; the Q1 of Table 1 are those of the curve."""
    levels = pd.DataFrame(
        {
            "subgroup": ["overall", "sex", "sex"],
            "level": ["overall", "Women", "Men"],
            "n": [60, 30, 30],
        }
    )
    groups = ["overall", "Q1", "Q2"]
    curve = pd.DataFrame({"group": groups, "time": 0.0, "n_at_risk": [60, 30, 30]})
    counts = pd.DataFrame(
        {
            "group": ["Q1", "Q1"],
            "level": ["Women", "Men"],
            "variable": "sex",
            "estimand": "count",
            "estimate": [12.0, 18.0],
            "n": 30,
        }
    )
    tables = {"levels": levels, "curve": curve, "counts": counts}
    assert Cell(30) in totals_and_parts(known_sums(tables, FLOOR))
    found = known_sums(tables, FLOOR, by_name=True)
    cells = totals_and_parts(found)
    assert {cell.name for cell in cells if cell.size == 30} == {
        ("Women",),
        ("Men",),
        ("Q1",),
        ("Q2",),
    }
    assert {cell.name for cell in cells if cell.size == 60} == {()}
    of_group = [one.parts for one in found if one.total == Cell(30, ("Q1",))]
    assert [12, 18] in [[part.size for part in parts] for parts in of_group]


def totals_and_parts(sums):
    return {cell for one in sums for cell in (one.total, *one.parts)}
