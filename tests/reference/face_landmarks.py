"""Five landmarks of the astronaut picture from a network unrelated to ours.

Run `python tests/reference/face_landmarks.py` from the root of the project, in an
environment of its own with mediapipe 0.10.21 and scikit-image; it writes
tests/reference/face_landmarks.json. The points are those of MediaPipe Face Mesh with
iris refinement: 468 and 473 (middle of the irises), 1 (tip of the nose), 61 and 291
(corners of the mouth), in pixels, the centre of the first pixel at (0, 0).
"""

from __future__ import annotations

import hashlib
import json
from importlib.metadata import version
from pathlib import Path

import mediapipe
import numpy as np
from skimage.data import astronaut

HERE = Path(__file__)
PLACES = [468, 473, 1, 61, 291]


def landmarks(pixels: np.ndarray) -> list[list[float]]:
    mesh = mediapipe.solutions.face_mesh.FaceMesh(
        static_image_mode=True, refine_landmarks=True, max_num_faces=1
    )
    (face,) = mesh.process(pixels).multi_face_landmarks
    rows, columns = pixels.shape[:2]
    found = [face.landmark[place] for place in PLACES]
    return [
        [round(point.x * columns - 0.5, 2), round(point.y * rows - 0.5, 2)]
        for point in found
    ]


if __name__ == "__main__":
    reference = {
        "script_sha256": hashlib.sha256(HERE.read_bytes()).hexdigest(),
        "versions": {name: version(name) for name in ("mediapipe", "scikit-image")},
        "cases": [{"name": "astronaut", "points": landmarks(astronaut())}],
    }
    text = json.dumps(reference, indent=2) + "\n"
    HERE.with_suffix(".json").write_text(text, encoding="utf-8")
