"""Photographs to scores: everything that needs torch or reads pictures.

Public names are loaded on first use, so that importing the package is quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from fahrstats.extras import missing_extra

if TYPE_CHECKING:
    from fahrstats.face.models.opening import open_model as open_model
    from fahrstats.face.pictures.pairs import open_pairs as open_pairs
    from fahrstats.face.pictures.sources import open_source as open_source
    from fahrstats.face.score_columns import SCORE_GLOSSARY as SCORE_GLOSSARY
    from fahrstats.face.scoring.crop import crop_photos as crop_photos
    from fahrstats.face.scoring.embed import embed_photos as embed_photos
    from fahrstats.face.scoring.embed import read_embeddings as read_embeddings
    from fahrstats.face.scoring.plan import Crop, Plan
    from fahrstats.face.scoring.runs import score_to as score_to
    from fahrstats.face.scoring.score import score_photos as score_photos
    from fahrstats.face.scoring.sessions import combine_photos as combine_photos

_MODULE_OF = {
    "SCORE_GLOSSARY": "score_columns",
    "Crop": "scoring.plan",
    "Plan": "scoring.plan",
    "combine_photos": "scoring.sessions",
    "crop_photos": "scoring.crop",
    "embed_photos": "scoring.embed",
    "open_model": "models.opening",
    "open_pairs": "pictures.pairs",
    "open_source": "pictures.sources",
    "read_embeddings": "scoring.embed",
    "score_photos": "scoring.score",
    "score_to": "scoring.runs",
}

__all__ = [
    "SCORE_GLOSSARY",
    "Crop",
    "Plan",
    "combine_photos",
    "crop_photos",
    "embed_photos",
    "open_model",
    "open_pairs",
    "open_source",
    "read_embeddings",
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
