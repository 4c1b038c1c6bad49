"""Names, order and meaning of the columns of a table of scores."""

from __future__ import annotations

from collections.abc import Iterable

SCORE_GLOSSARY: dict[str, str] = {
    "photo": "name of the photo in the cohort",
    "subject": "whom it shows, if the manifest says so",
    "session": "occasion on which several photos of a subject were taken",
    "status": "ok, no_face, several_faces, too_small or unreadable",
    "note": "why the status is what it is, or a score is missing, in words",
    "faceage": "predicted biological age in years",
    "facesurvival": "mortality risk as a log hazard; higher is worse",
    "log_hazard": "`facesurvival` before it was standardised; 0 is the mean face",
    "fold": "part of the cohort that its model was fitted without, from 0",
    "n_photos": "distinct photos of a subject or session that were combined",
    "n_scored": "those of them with a score",
    "n_faces": "number of faces found",
    "face_pixels": "height of the face's box in pixels of the file",
    "eye_distance": "distance between the eyes in pixels of the file",
    "confidence": "the detector's certainty that it is a face, 0 to 1",
    "yaw": "turn of the head in degrees, positive towards the image's right",
    "pitch": "nod of the head in degrees, positive upwards",
    "roll": "tilt of the head in degrees, positive clockwise in the image",
    "blur": "sharpness lost, 0 (sharp) to 1, measured in the aligned face",
    "brightness": "mean luminance of the aligned face, 0 (black) to 1",
    "width": "width of the upright photo in pixels",
    "height": "height of the upright photo in pixels",
    "taken": "when the photo was taken as its EXIF says, if asked for",
    "content": "SHA-256 of the file's bytes",
    "duplicate_of": "first photo of the table with the same bytes",
    "checkpoint": "names and fingerprints of the models that gave the scores",
    "precision": "number format of the network: float32 or bfloat16",
}
"""Columns of a table with one row per photo; further scores stand after these two."""

STATUSES = ("ok", "no_face", "several_faces", "too_small", "unreadable")
"""What can be said of a photo; scores are missing unless it is ``ok``."""


def in_score_order(columns: Iterable[str]) -> list[str]:
    """Return columns in glossary order; other scores follow ``facesurvival``."""
    given = list(columns)
    known = [name for name in SCORE_GLOSSARY if name in given]
    others = [name for name in given if name not in SCORE_GLOSSARY]
    place = sum(
        list(SCORE_GLOSSARY).index(name) <= list(SCORE_GLOSSARY).index("facesurvival")
        for name in known
    )
    return [*known[:place], *others, *known[place:]]
