"""What an installed package has beside its code: reports with their parts, studies."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def packed() -> set[str]:
    """Return the paths of all files of the wheel, which is not built."""
    wheel = pytest.importorskip("hatchling.builders.wheel", reason="needs hatchling")
    builder = wheel.WheelBuilder(str(ROOT))
    forced = builder.recurse_forced_files(builder.config.force_include)
    files = [*builder.recurse_project_files(), *forced]
    return {Path(file.distribution_path).as_posix() for file in files}


@pytest.mark.parametrize(
    ("folder", "place"),
    [("reports", "report/templates"), ("analyses", "study/examples")],
)
def test_reports_and_studies_are_in_the_wheel_with_all_their_files(
    packed, folder, place
):
    shipped = [
        path.relative_to(ROOT / folder).as_posix()
        for path in (ROOT / folder).rglob("*")
        if path.suffix in (".qmd", ".bib", ".csl", ".toml", ".py", ".md", ".csv")
    ]
    assert len(shipped) > 10
    absent = [name for name in shipped if f"fahrstats/{place}/{name}" not in packed]
    assert absent == []


def test_code_is_in_the_wheel(packed):
    assert "fahrstats/study/paper/run.py" in packed
    assert "fahrstats/report/references.lua" in packed
