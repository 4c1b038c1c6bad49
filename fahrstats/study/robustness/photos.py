"""Photographs of a robustness study: changed or paired, scored, and read back.

Scores of single photos are personal data, and stay in the folder ``personal``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from fahrstats.cohort import store
from fahrstats.face.perturbations.perturbed_table import read_perturbed
from fahrstats.files import file_sha256
from fahrstats.study.photo_sample import open_sample
from fahrstats.study.photo_scores import locate, make_personal, personal_file
from fahrstats.study.robustness.specification import (
    PairSet,
    PanelPhotos,
    Robustness,
)
from fahrstats.watching import Watch

if TYPE_CHECKING:
    from fahrstats.face.pictures.pairs import PhotoPairs
    from fahrstats.face.pictures.photos import PhotoSource
    from fahrstats.face.scoring.plan import Plan


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """Scores of photos as they were read back.

    Attributes
    ----------
    table : DataFrame
        One row per photo, or per photo, condition and severity.
    provenance : dict
        What scored them: models with fingerprints, detector, settings, counts.
    sha256 : str
        Hash of the file.
    """

    table: pd.DataFrame
    provenance: dict[str, Any]
    sha256: str


def panel_file(panel: PanelPhotos, results: Path) -> Path:
    """Return where the scores of changed photos are."""
    made_of = replace(panel, source="")
    return personal_file(results, "panel", made_of)


def pairs_file(pairs: PairSet, results: Path) -> Path:
    """Return where the scores of paired photos are."""
    made_of = (pairs.photos, pairs.models, pairs.several)
    return personal_file(results, "pairs", *made_of)


def score_all(
    study: Robustness, data_dir: Path | None, results: Path, watch: Watch
) -> None:
    """Score the photos of a study, unless that is done and nothing changed since.

    Raises
    ------
    DataError
        The photos or a model are absent, or no photo could be scored.
    MissingExtraError
        What reads and scores photos is not installed.
    """
    with_photos = [pairs for pairs in study.pairs if pairs.photos is not None]
    if study.panel is None and not with_photos:
        return
    personal = make_personal(results)
    kept = set()
    if study.panel is not None:
        file = panel_file(study.panel, results)
        source = open_photos(study.panel, study.path.parent, data_dir)
        _score(file, source, _panel_plan(study.panel), watch)
        kept.add(file)
    for pairs in with_photos:
        file = pairs_file(pairs, results)
        found = find_pairs(pairs, study.path.parent, data_dir)
        _score(file, _source_of(found), _pairs_plan(pairs), watch)
        kept.add(file)
    older = {*personal.glob("panel-*.parquet"), *personal.glob("pairs-*.parquet")}
    for file in older - kept:
        file.unlink()


def read_panel_scores(panel: PanelPhotos, results: Path) -> Scored | None:
    """Return the scores of changed photos; None where they are not scored yet."""
    file = panel_file(panel, results)
    if not file.is_file():
        return None
    _, provenance = store.read(file)
    return Scored(read_perturbed(file), provenance, file_sha256(file))


def read_pair_scores(pairs: PairSet, results: Path) -> Scored | None:
    """Return the scores of paired photos; None where they are not scored yet."""
    file = pairs_file(pairs, results)
    if not file.is_file():
        return None
    table, provenance = store.read(file)
    return Scored(table, provenance, file_sha256(file))


def find_pairs(pairs: PairSet, beside: Path, data_dir: Path | None) -> PhotoPairs:
    """Return which photos of a set are pairs.

    Raises
    ------
    DataError
        They are absent, or it is unclear which are pairs.
    """
    from fahrstats.face.pictures.pairs import open_pairs

    assert pairs.photos is not None
    return open_pairs(locate(pairs.photos, beside, data_dir, pairs.source))


def open_photos(panel: PanelPhotos, beside: Path, data_dir: Path | None) -> PhotoSource:
    """Return the photos that are changed: all, or as many as are drawn.

    Raises
    ------
    DataError
        They are absent, or fewer than are to be drawn.
    """
    where = locate(panel.photos, beside, data_dir, panel.source)
    return open_sample(where, section="[panel]", limit=panel.limit, seed=panel.seed)


def _panel_plan(panel: PanelPhotos) -> Plan:
    """Return what is done to the photos of a panel."""
    from fahrstats.face.perturbations.catalogue import panel_of
    from fahrstats.face.scoring.plan import Plan

    return Plan(
        models=panel.models,
        several=panel.several,
        outcome="perturbed",
        panel=panel_of(panel.conditions, panel.landmarks),
    )


def _pairs_plan(pairs: PairSet) -> Plan:
    """Return what is done to the photos of a set of pairs."""
    from fahrstats.face.scoring.plan import Plan

    return Plan(models=pairs.models, several=pairs.several)


def _source_of(pairs: PhotoPairs) -> PhotoSource:
    """Return the photos of pairs as a source."""
    from fahrstats.face.pictures.manifests import manifest_of

    return manifest_of(pairs.manifest, pairs.root)


def _score(file: Path, source: PhotoSource, plan: Plan, watch: Watch) -> None:
    """Score photos into a file, going on where an earlier run stopped."""
    from fahrstats.face.scoring.runs import check_scored, score_to

    counts = score_to(file, source, plan=plan, restart="if stale", watch=watch)
    check_scored(counts, file)
