"""The script of a study: what it may return, where it may be, how its errors read."""

from __future__ import annotations

import pandas as pd
import pytest

from fahrstats.errors import DataError
from fahrstats.study.script import find_script, run_script

TABLE = pd.DataFrame({"id": ["a", "b", "c"], "born": [1950, 1960, 1970]})


@pytest.fixture
def write(tmp_path):
    def script(text):
        path = tmp_path / "prepare.py"
        path.write_text(text, encoding="utf-8")
        return path

    return script


def test_a_script_adds_columns_and_leaves_the_table_alone(write):
    path = write(
        "import pandas as pd\n"
        "def prepare(table):\n"
        "    table['age'] = 2015 - table['born']\n"
        "    return table.drop(columns='born')\n"
    )
    before = TABLE.copy()
    prepared = run_script(path, TABLE)
    assert prepared["age"].tolist() == [65, 55, 45]
    assert list(prepared.columns) == ["id", "age"]
    pd.testing.assert_frame_equal(TABLE, before)
    assert not (path.parent / "__pycache__").exists()


@pytest.mark.parametrize("start", ["", "from __future__ import annotations\n"])
def test_a_script_may_define_classes(write, start):
    path = write(
        f"{start}from dataclasses import dataclass\n"
        "@dataclass\nclass Shift:\n    years: int\n"
        "def prepare(table):\n    return table.assign(shift=Shift(3).years)\n"
    )
    assert run_script(path, TABLE)["shift"].tolist() == [3, 3, 3]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"`prepare\.py` has no function `prepare`; write `def prepare\(table\):`"),
        ("prepare = 3", r"has no function `prepare`"),
        ("def prepare(table:", r"`prepare\.py` stopped at line 1: SyntaxError"),
        ("x = 1\nimport nowhere", r"stopped at line 2: ModuleNotFoundError"),
        (
            "def prepare(table):\n    return table['dead']",
            r"`prepare\.py` stopped at line 2: KeyError: 'dead'",
        ),
        ("def prepare():\n    pass", r"`prepare\.py` stopped: TypeError"),
        ("import sys\nsys.exit(0)", r"`prepare\.py` stopped at line 2: SystemExit: 0"),
        (
            "def prepare(table):\n    raise SystemExit",
            r"`prepare\.py` stopped at line 2: SystemExit",
        ),
        ("def prepare(table):\n    pass", r"returned NoneType; it must return a data"),
        (
            "def prepare(table):\n    return table.head(2)",
            r"returned 2 rows of the 3 it was given, or moved them; .* `left_out` of",
        ),
        (
            "def prepare(table):\n    return table.iloc[::-1]",
            r"returned 3 rows of the 3 it was given, or moved them",
        ),
        (
            "import pandas as pd\n"
            "def prepare(table):\n    return pd.concat([table, table], axis=1)",
            r"returned several columns `id`",
        ),
    ],
)
def test_what_a_script_does_wrong_is_said(write, text, message):
    with pytest.raises(DataError, match=message):
        run_script(write(text), TABLE)


def test_an_error_that_the_script_raises_on_purpose_is_passed_on(write):
    path = write(
        "from fahrstats.errors import DataError\n"
        "def prepare(table):\n    raise DataError('`born` is upside down.')"
    )
    with pytest.raises(DataError, match=r"^`born` is upside down\.$"):
        run_script(path, TABLE)


def test_only_a_script_in_the_folder_of_the_study_is_run(write, tmp_path):
    write("")
    assert find_script("prepare.py", tmp_path).name == "prepare.py"
    with pytest.raises(DataError, match=r"`other\.py` is not beside the study file"):
        find_script("other.py", tmp_path)
    study = tmp_path / "study"
    study.mkdir()
    outside = r"is outside the folder of the study file; only a script in that folder"
    with pytest.raises(DataError, match=outside):
        find_script("../prepare.py", study)
    (study / "prepare.py").symlink_to(tmp_path / "prepare.py")
    with pytest.raises(DataError, match=outside):
        find_script("prepare.py", study)
