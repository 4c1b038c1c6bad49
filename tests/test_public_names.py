"""What `import fahrstats` offers, and what it leaves alone."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

import fahrstats as fs

HEAVY = {"pandas", "numba", "matplotlib", "torch", "scipy", "formulaic", "numpy"}


def in_a_fresh_interpreter(code: str) -> object:
    """Run code there and read the JSON that it prints."""
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert run.stderr == ""
    return json.loads(run.stdout)


def test_importing_loads_nothing_heavy():
    loaded = in_a_fresh_interpreter(
        "import sys, json, fahrstats; print(json.dumps(list(sys.modules)))"
    )
    assert "fahrstats" in loaded
    assert HEAVY.isdisjoint(loaded)


def test_listing_the_names_loads_nothing_heavy():
    names, loaded = in_a_fresh_interpreter(
        "import sys, json, fahrstats as fs; "
        "print(json.dumps([dir(fs), list(sys.modules)]))"
    )
    assert set(fs.__all__) <= set(names)
    assert HEAVY.isdisjoint(loaded)


def test_a_fit_loads_no_drawing_and_no_torch():
    loaded = in_a_fresh_interpreter(
        "import sys, json, pandas as pd, fahrstats as fs\n"
        "data = pd.DataFrame({'t': range(1, 13), 'e': 1, 'x': [1, 0, 2] * 4})\n"
        "fit = fs.cox('Surv(t, e) ~ x', data)\n"
        "fit.tidy(), fit.glance(), str(fit)\n"
        "print(json.dumps(list(sys.modules)))"
    )
    assert {"matplotlib", "plotnine", "seaborn", "torch"}.isdisjoint(loaded)


def test_importing_changes_nothing_outside():
    """Warning filters, random state, printing and plotting styles stay as they are."""
    before, after = in_a_fresh_interpreter(
        "import json, random, warnings\n"
        "def state(): return [str(warnings.filters), hash(str(random.getstate()))]\n"
        "before = state()\n"
        "import fahrstats\n"
        "print(json.dumps([before, state()]))"
    )
    assert before == after


@pytest.mark.parametrize("name", fs.__all__)
def test_every_name_resolves_and_has_a_docstring(name):
    found = getattr(fs, name)
    assert found.__name__ == name
    assert found.__doc__
    assert found.__module__.startswith("fahrstats.")


def test_names_are_sorted_and_listed_once():
    assert list(fs.__all__) == sorted(set(fs.__all__))
    assert set(fs.__all__) <= set(dir(fs))


def test_the_verbs_are_those_of_the_documentation():
    verbs = {name for name in fs.__all__ if name.islower()}
    assert verbs == {
        *("age_accuracy", "agreement", "audit", "best_cut_point"),
        *("by_subgroup", "calibration", "cause_specific_cox", "check_published"),
        *(
            "compare",
            "compare_regions",
            "concordance",
            "concordance_between",
            "concordance_by",
            "cox",
        ),
        *("cross_validate", "cumulative_incidence"),
        *("decision_curve", "dose_response", "early_mortality", "face_aging_rate"),
        "fine_gray",
        *("follow_up", "gap", "gray_test", "impute", "joint_risk_groups"),
        *("kaplan_meier", "landmark", "logrank", "meta", "meta_estimates", "ph_test"),
        "pool",
        *("pool_lr_test", "pool_results", "prediction_error", "quantile_groups"),
        *("region_importance", "regression_calibration", "repeatability"),
        *("rmst", "sample_size", "sample_size_c_index", "sample_size_hazard_ratio"),
        *("score_correlation", "survival_difference", "table_one"),
        *("time_dependent_auc",),
    }


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(
        AttributeError, match="module `fahrstats` has no attribute `lm`"
    ):
        _ = fs.lm


def test_the_version_is_that_of_the_distribution():
    from importlib.metadata import version

    assert fs.__version__ == version("fahrstats")


def test_the_face_layer_is_there_without_another_import():
    before, after = in_a_fresh_interpreter(
        "import sys, json, fahrstats as fs\n"
        "before = list(sys.modules)\n"
        "fs.face.read_importance\n"
        "print(json.dumps([before, list(sys.modules)]))"
    )
    assert "fahrstats.face" not in before
    assert "torch" not in after
