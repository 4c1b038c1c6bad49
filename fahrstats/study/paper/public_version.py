"""The version of a paper's results that may be published: each study's by its rules."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fahrstats.cohort import store
from fahrstats.study.paper.specification import ROLES
from fahrstats.study.publication.counts import BASE
from fahrstats.study.publication.public_version import (
    clear_older,
    public_folder,
    publish,
)
from fahrstats.study.results_in import read_manifest
from fahrstats.study.tables_in import text_sha256


def publish_paper(
    folder: Path, manifest: Mapping[str, Any], *, base: int = BASE
) -> Path:
    """Write the public version of a paper's results, a folder for each study.

    Parameters
    ----------
    folder
        Folder of the paper's results, whose copies are whole.
    manifest
        Its manifest.
    base
        See :func:`fahrstats.study.publication.public_version.publish`.

    Returns
    -------
    Path
        Folder of the public version, beside that of the results.

    Raises
    ------
    DataError
        ``base`` is below 2, or the public folder holds something else.
    """
    out = public_folder(folder)
    clear_older(out)
    unfinished = {"name": manifest["name"], "public": None}  # until it is whole
    store.write_manifest(unfinished, out / "manifest.json")
    parts = dict(manifest["parts"])
    for role in ROLES:
        if role not in parts:
            clear_older(out / role)
            continue
        exact = read_manifest(folder / role)
        publish(folder / role, exact, base=base, out=out / role)
        public = read_manifest(out / role)
        parts[role] = {**parts[role], "key": public["provenance"]["key"]}
    provenance = manifest["provenance"]
    key = text_sha256(f"{provenance['key']}\n{base}")
    public = {
        **manifest,
        "parts": parts,
        "provenance": {**provenance, "key": key},
        "public": {"base": base},
    }
    store.write_manifest(public, out / "manifest.json")
    return out
