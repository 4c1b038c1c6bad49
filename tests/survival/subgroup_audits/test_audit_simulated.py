"""Audits of cohorts whose truth is known, drawn as the tables of the documentation."""

from __future__ import annotations

import gc
import importlib.util
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[3]
RESULTS = ROOT / "benchmarks" / "results-audits.md"
ALIKE, WEAKER, USELESS, TOO_LOW, EXTREME, RISKIER, MISREAD, TINY = range(8)


@pytest.fixture(scope="module")
def simulation() -> Iterator[ModuleType]:
    """Import `benchmarks/audit_simulation.py`, which is no part of the package."""
    name = "audit_simulation"
    spec = importlib.util.spec_from_file_location(
        name, ROOT / "benchmarks" / f"{name}.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    module.freeze()
    yield module
    gc.unfreeze()
    del sys.modules[name]


@pytest.mark.slow
def test_groups_that_are_alike_raise_few_false_alarms(simulation):
    """Ten tests of two factors; the bound is 5% and three errors of 300 audits.

    Holm's method allows for ten tests, of which hazard ratio and concordances say
    nearly the same, so that alarms are somewhat rarer than one in twenty.
    """
    truth = replace(simulation.TRUTHS[ALIKE], n=600)
    found = simulation.alarms(truth, 300, seed=1)
    assert 0.005 <= found["any"] <= 0.088
    assert found["between"] <= 0.088


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "seen", "unseen"),
    [
        (USELESS, ("hr", "c_index", "any"), ("observed_expected",)),
        (EXTREME, ("observed_expected", "any"), ("hr", "c_index", "between")),
        (MISREAD, ("between",), ("hr", "c_index", "model_c_index", "any")),
    ],
)
def test_a_group_that_differs_is_seen_where_it_differs(
    simulation, number, seen, unseen
):
    found = simulation.alarms(simulation.TRUTHS[number], 30, seed=2)
    assert (found[list(seen)] >= 0.9).all()
    assert (found[list(unseen)] <= 0.2).all()


@pytest.mark.slow
def test_clinics_of_forty_people_do_not_cry_wolf(simulation):
    found = simulation.alarms(simulation.TRUTHS[TINY], 50, seed=3)
    assert found["any"] <= 0.18  # 5% and three errors, with what few events add


def test_the_documentation_quotes_what_the_simulation_wrote():
    text = (ROOT / "docs" / "audits.md").read_text()
    assert RESULTS.read_text().strip() in text


def test_four_thousand_audits_of_groups_that_are_alike():
    """Family-wise, after adjustment: 4 audits of 100, between 3.5% and 6.5%."""
    (row,) = [
        line.split("|")
        for line in RESULTS.read_text().splitlines()
        if line.startswith("| all groups alike |")
    ]
    assert row[2].strip() == "4,000"
    assert 3.5 <= float(row[8]) <= 6.5
