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
    is_finished,
    public_folder,
    public_key,
    publish,
)
from fahrstats.study.results_in import read_manifest


def publish_paper(
    folder: Path, manifest: Mapping[str, Any], *, base: int = BASE
) -> Path:
    """Write the public version of a paper's results, a folder for each study.

    What is there of the same results, by the same rules and whole, is left as it is.

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
    parts = dict(manifest["parts"])
    exact = {role: read_manifest(folder / role) for role in ROLES if role in parts}
    key = public_key({**manifest, "studies": exact}, base)
    if is_finished(out, key) and all(
        is_finished(out / role, public_key(part, base)) for role, part in exact.items()
    ):
        return out
    clear_older(out)
    unfinished = {"name": manifest["name"], "public": None}  # until it is whole
    store.write_manifest(unfinished, out / "manifest.json")
    for role in ROLES:
        if role not in parts:
            clear_older(out / role)
            continue
        publish(folder / role, exact[role], base=base, out=out / role)
        public = read_manifest(out / role)
        parts[role] = {**parts[role], "key": public["provenance"]["key"]}
    public = {
        **manifest,
        "parts": parts,
        "provenance": {**manifest["provenance"], "key": key},
        "public": {"base": base},
    }
    store.write_manifest(public, out / "manifest.json")
    return out
