"""The kinds of studies: what each is checked, analysed and reported by."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from fahrstats.errors import DataError
from fahrstats.section import open_toml
from fahrstats.study.analyse import analyse_study
from fahrstats.study.benchmark.cohorts import check_benchmark
from fahrstats.study.benchmark.run import (
    analyse_benchmark,
    check_benchmark_results,
)
from fahrstats.study.benchmark.study_file import parse_benchmark
from fahrstats.study.checks import check_study
from fahrstats.study.kind import Kind
from fahrstats.study.paper.public_version import publish_paper
from fahrstats.study.paper.run import analyse_paper, check_paper_results
from fahrstats.study.paper.sources import check_paper
from fahrstats.study.paper.study_file import parse_paper
from fahrstats.study.results_in import check_results
from fahrstats.study.robustness.run import (
    analyse_robustness,
    check_robustness_results,
)
from fahrstats.study.robustness.sources import check_robustness
from fahrstats.study.robustness.study_file import parse_robustness
from fahrstats.study.saliency.run import analyse_saliency, check_saliency_results
from fahrstats.study.saliency.sources import check_saliency
from fahrstats.study.saliency.study_file import parse_saliency
from fahrstats.study.study_file import parse_study

_DEFAULT = "biomarker"
_KINDS: dict[str, Kind] = {
    _DEFAULT: Kind("biomarker", parse_study, check_study, analyse_study, check_results),
    "audit": Kind("audit", parse_study, check_study, analyse_study, check_results),
    "age-benchmark": Kind(
        "age_accuracy",
        parse_benchmark,
        check_benchmark,
        analyse_benchmark,
        check_benchmark_results,
    ),
    "robustness": Kind(
        "robustness",
        parse_robustness,
        check_robustness,
        analyse_robustness,
        check_robustness_results,
    ),
    "saliency": Kind(
        "saliency",
        parse_saliency,
        check_saliency,
        analyse_saliency,
        check_saliency_results,
    ),
}
_KINDS["paper"] = Kind(
    "paper",
    parse_paper,
    partial(check_paper, _KINDS),
    partial(analyse_paper, _KINDS),
    partial(check_paper_results, _KINDS),
    publish_paper,
)


def find_kind(path: Path) -> Kind:
    """Return what runs a study file, by its ``kind``.

    A file that cannot be read, or is of an unknown kind, is given to those who say what
    is wrong with it.
    """
    try:
        name = open_toml(path).values.get("kind", _DEFAULT)
    except DataError:
        name = _DEFAULT
    return _KINDS.get(name if isinstance(name, str) else "", _KINDS[_DEFAULT])


def own_document(path: Path) -> Path | None:
    """Return the document that a study file names, or None where it names none."""
    name = open_toml(path).values.get("document")
    return path.parent / name if isinstance(name, str) and name else None
