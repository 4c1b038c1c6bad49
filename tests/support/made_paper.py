"""A paper of small made-up studies, whose kinds write their results in an instant."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from fahrstats.cohort import store
from fahrstats.files import file_sha256
from fahrstats.study.kind import Kind
from fahrstats.study.paper.specification import ROLES
from fahrstats.study.provenance import code_sha256
from fahrstats.study.results_in import read_checked
from fahrstats.study.saliency.study_file import parse_saliency
from fahrstats.study.study_file import study_name
from fahrstats.study.tables_in import text_sha256

PAPER = """\
title = "A made-up paper"
kind = "paper"
notes = "notes.md"

[studies]
saliency = "look.toml"
prognosis = "lives.toml"
ages = "ages"

[[authors]]
name = "Ada Author"
affiliation = ["Department", "Hospital"]
orcid = "0000-0002-1825-0097"

[[authors]]
name = "Bea Author"

[statements]
funding = "Nobody paid."
"""

STUDIES = {
    "lives.toml": 'kind = "biomarker"\ntitle = "Lives"\n',
    "ages/study.toml": 'kind = "age-benchmark"\ntitle = "Ages"\n',
    "look.toml": 'kind = "saliency"\ntitle = "Looks"\nsurvival_of = "lives.toml"\n'
    'models = { faceage = "Face age" }\n'
    'photos = { folder = "faces", models = ["mini-age"] }\n',
    "groups.toml": 'kind = "audit"\ntitle = "Groups"\n',
    "moves.toml": 'kind = "robustness"\ntitle = "Moves"\n',
}
"""Study files of which hardly more than the kind is read here."""

SALIENCY_PARTS = {"models": [], "photos": {}, "averages": "", "maps": []}
PARTS = {
    "age-benchmark": {"models": [], "corrected": {}, "data_sets": [], "card": {}},
    "robustness": {"models": [], "panel": {}, "pairs": [], "serial": {}},
    "saliency": SALIENCY_PARTS,
}
OF_COHORTS = {
    "time_unit": "years",
    "horizons": [],
    "outcome_label": "Death",
    "biomarkers": [],
    "covariates": [],
    "subgroups": [],
    "quantile_groups": 4,
    "groups_name": "quarters",
    "deviations": {},
    "analyses": [],
}


@dataclass(frozen=True)
class MadeKinds:
    """Kinds that count what they are asked, and the hazard ratio that they find."""

    analysed: list[str] = field(default_factory=list)
    found: dict[str, float] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)

    def kinds(self) -> dict[str, Kind]:
        """Return what runs each kind of study."""
        return {
            kind: Kind(
                kind,
                parse_saliency if kind == "saliency" else _parse,
                partial(self._check, kind),
                partial(self._analyse, kind),
                partial(_check_results, kind),
            )
            for kind in ROLES.values()
        }

    def _check(self, kind, path, data_dir=None, out=None):
        problems = (self.problems[kind],) if kind in self.problems else ()
        return Found(problems, (f"{kind} was looked at.",))

    def _analyse(self, kind, path, data_dir, out, watch):
        watch("making it up", 0, 1)
        self.analysed.append(path.name)
        write_results(out, kind, path, estimate=self.found.get(kind, 1.5))
        return out


@dataclass(frozen=True)
class Found:
    """What a check found."""

    problems: tuple[str, ...]
    notes: tuple[str, ...]


def write_paper(folder: Path, text: str = PAPER, changes: dict | None = None) -> Path:
    """Write the file of a paper, its notes and its studies into a folder."""
    for old, new in (changes or {}).items():
        assert old in text
        text = text.replace(old, new, 1)
    for name, study in STUDIES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(study)
    (folder / "notes.md").write_text("All of it is made up.")
    path = folder / "paper.toml"
    path.write_text(text, encoding="utf-8")
    return path


def write_results(folder: Path, kind: str, path: Path, *, estimate: float) -> None:
    """Write one result table of a study, its manifest, and what is personal."""
    key = text_sha256(f"{kind} {estimate}")
    provenance = {
        "key": key,
        "code_sha256": code_sha256(),
        "study_sha256": text_sha256(path.read_text()),
        "data_sha256": "0" * 64,
        "data_file": "people.csv",
    }
    table = pd.DataFrame(
        {"term": ["faceage"], "estimand": ["hr"], "estimate": [estimate]}
    ).assign(n=1003, n_events=np.int64(207))
    file = folder / "tables" / "cox.parquet"
    store.write(table, file, {**provenance, "table": "cox"})
    (folder / "personal").mkdir(exist_ok=True)
    (folder / "personal" / "scores.parquet").write_bytes(b"of single people")
    study = tomllib.loads(path.read_text())
    manifest = {
        "kind": kind,
        "name": study_name(path),
        "title": study["title"],
        "study_file": "",
        "labels": {},
        "choices": {},
        "provenance": provenance,
        "tables": {"cox": file_sha256(file)},
        "warnings": {"cox": []},
        **PARTS.get(kind, OF_COHORTS),
    }
    if kind == "saliency":
        manifest["averages_file"] = "averages.npz"
        (folder / "averages.npz").write_bytes(f"a mean face {estimate}".encode())
    store.write_manifest(manifest, folder / "manifest.json")


def _parse(path: Path):
    return object(), []


def _check_results(kind, path, folder, data_dir=None):
    return read_checked(path, folder, _parse)[1]
