"""Photographs to scores: everything that needs torch or reads pictures.

Public names are loaded on first use, so that importing the package is quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from fahrstats.extras import missing_extra

if TYPE_CHECKING:
    from fahrstats.face.models.opening import open_model as open_model
    from fahrstats.face.perturbations.catalogue import CONDITIONS as CONDITIONS
    from fahrstats.face.perturbations.catalogue import Panel as Panel
    from fahrstats.face.perturbations.contact_sheet import (
        contact_sheet as contact_sheet,
    )
    from fahrstats.face.perturbations.perturb import perturb_photos as perturb_photos
    from fahrstats.face.perturbations.perturbed_table import (
        read_perturbed as read_perturbed,
    )
    from fahrstats.face.pictures.pairs import open_pairs as open_pairs
    from fahrstats.face.pictures.sources import open_source as open_source
    from fahrstats.face.saliency.explain import explain_face as explain_face
    from fahrstats.face.saliency.explain import explain_photos as explain_photos
    from fahrstats.face.saliency.importance_table import mean_maps as mean_maps
    from fahrstats.face.saliency.importance_table import (
        read_importance as read_importance,
    )
    from fahrstats.face.saliency.mean_face import mean_face as mean_face
    from fahrstats.face.saliency.regions import REGIONS as REGIONS
    from fahrstats.face.score_columns import SCORE_GLOSSARY as SCORE_GLOSSARY
    from fahrstats.face.scoring.crop import crop_photos as crop_photos
    from fahrstats.face.scoring.embed import embed_photos as embed_photos
    from fahrstats.face.scoring.embed import read_embeddings as read_embeddings
    from fahrstats.face.scoring.plan import Crop, Plan
    from fahrstats.face.scoring.runs import score_to as score_to
    from fahrstats.face.scoring.score import score_photos as score_photos
    from fahrstats.face.scoring.sessions import combine_photos as combine_photos

_MODULE_OF = {
    "CONDITIONS": "perturbations.catalogue",
    "REGIONS": "saliency.regions",
    "SCORE_GLOSSARY": "score_columns",
    "Crop": "scoring.plan",
    "Panel": "perturbations.catalogue",
    "Plan": "scoring.plan",
    "combine_photos": "scoring.sessions",
    "contact_sheet": "perturbations.contact_sheet",
    "crop_photos": "scoring.crop",
    "embed_photos": "scoring.embed",
    "explain_face": "saliency.explain",
    "explain_photos": "saliency.explain",
    "mean_face": "saliency.mean_face",
    "mean_maps": "saliency.importance_table",
    "open_model": "models.opening",
    "open_pairs": "pictures.pairs",
    "open_source": "pictures.sources",
    "perturb_photos": "perturbations.perturb",
    "read_embeddings": "scoring.embed",
    "read_importance": "saliency.importance_table",
    "read_perturbed": "perturbations.perturbed_table",
    "score_photos": "scoring.score",
    "score_to": "scoring.runs",
}

__all__ = [
    "CONDITIONS",
    "REGIONS",
    "SCORE_GLOSSARY",
    "Crop",
    "Panel",
    "Plan",
    "combine_photos",
    "contact_sheet",
    "crop_photos",
    "embed_photos",
    "explain_face",
    "explain_photos",
    "mean_face",
    "mean_maps",
    "open_model",
    "open_pairs",
    "open_source",
    "perturb_photos",
    "read_embeddings",
    "read_importance",
    "read_perturbed",
    "score_photos",
    "score_to",
]


def __getattr__(name: str) -> object:
    if name not in _MODULE_OF:
        raise AttributeError(f"module `fahrstats.face` has no attribute `{name}`")
    try:
        module = import_module(f"fahrstats.face.{_MODULE_OF[name]}")
    except ModuleNotFoundError as error:
        raise missing_extra(error) or error from error
    return getattr(module, name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
