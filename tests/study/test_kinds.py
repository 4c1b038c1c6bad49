from __future__ import annotations

import subprocess
import sys

import pytest

from fahrstats.study.kinds import find_kind


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('kind = "age-bench"\nmodels = { a = "A" }', "`kind` is `age-bench`; did you"),
        ("kind = 3", "`kind` must be text in quotes, not 3."),
    ],
)
def test_an_unknown_kind_is_the_only_problem(tmp_path, text, problem):
    path = tmp_path / "study.toml"
    path.write_text(text)
    (found,) = find_kind(path).check(path).problems
    assert found.startswith(problem)


@pytest.mark.parametrize(
    ("text", "report"),
    [
        ("", "biomarker"),
        ('kind = "biomarker"', "biomarker"),
        ('kind = "audit"', "audit"),
        ('kind = "age-benchmark"', "age_accuracy"),
        ('kind = "robustness"', "robustness"),
        ('kind = "saliency"', "saliency"),
        ('kind = "adit"', "biomarker"),  # whose check names the kinds that are known
        ("kind = 3", "biomarker"),
        ("kind = ", "biomarker"),  # not TOML
    ],
)
def test_a_study_file_is_run_by_its_kind(tmp_path, text, report):
    path = tmp_path / "study.toml"
    path.write_text(text)
    assert find_kind(path).report == report


def test_studies_need_nothing_that_reads_photographs():
    """`pip install .` has the statistics alone, and runs studies of tables."""
    code = (
        "import sys, fahrstats.study.kinds, fahrstats.report\n"
        "from fahrstats.face import CONDITIONS, REGIONS, read_importance, "
        "read_perturbed, mean_maps\n"
        "absent = {'torch', 'PIL', 'safetensors', 'captum', 'onnxruntime'}\n"
        "print(absent & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout == "set()\n"
