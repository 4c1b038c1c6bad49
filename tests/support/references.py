"""Values computed by other programs, each file tied to the script that wrote it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from types import SimpleNamespace

from cohorts import frame_digest, load_cohorts

REFERENCE = Path(__file__).parents[1] / "reference"
_RUN = {".R": "Rscript", ".py": "python"}


class Case(SimpleNamespace):
    """One case of a reference file: its fields are those that the script wrote."""

    def __str__(self) -> str:
        return str(self.name)


def reference_cases(name: str) -> list[Case]:
    """Cases of ``reference/<name>.json``.

    Fails when the script was edited after it wrote the values, or when a data set here
    differs from the one that the script used.
    """
    reference = json.loads((REFERENCE / f"{name}.json").read_text())
    (script,) = (path for path in REFERENCE.glob(f"{name}.*") if path.suffix in _RUN)
    assert (
        hashlib.sha256(script.read_bytes()).hexdigest() == (reference["script_sha256"])
    ), (
        f"{script.name} changed after it wrote {name}.json; "
        f"run `{_RUN[script.suffix]} tests/reference/{script.name}`"
    )
    for data, digest in reference.get("data_sha256", {}).items():
        assert frame_digest(load_cohorts()[data]) == digest, (
            f"`{data}` differs from the data that {script.name} used"
        )
    return [Case(**case) for case in reference["cases"]]
