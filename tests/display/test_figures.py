from __future__ import annotations

import inspect
import json
import subprocess
import sys

import pytest

from fahrstats.display import figures, tables

HEAVY = ["lifelines", "sksurv", "torch", "statsmodels", "numba", "formulaic"]
DRAWING = ["matplotlib", "plotnine", "seaborn"]


def loaded_by(statement: str) -> set[str]:
    """Return the top-level modules that a fresh interpreter holds after it."""
    code = f"{statement}; import json, sys; print(json.dumps(list(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    return {name.split(".")[0] for name in json.loads(done.stdout)}


def test_display_loads_no_statistics():
    names = "figures, journals, sentences, tables"
    loaded = loaded_by(f"from fahrstats.display import {names}")
    assert not loaded & (set(HEAVY) - {"statsmodels"})


def test_tables_and_sentences_load_nothing_that_draws():
    loaded = loaded_by("from fahrstats.display import journals, sentences, tables")
    assert not loaded & {*HEAVY, *DRAWING}


@pytest.mark.parametrize("module", [figures, tables])
def test_every_public_function_takes_a_table_first_and_says_what_it_raises(module):
    for name in module.__all__:
        function = getattr(module, name)
        if inspect.isclass(function):
            continue
        parameters = list(inspect.signature(function).parameters.values())
        assert parameters[0].kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
        assert "Raises" in function.__doc__
