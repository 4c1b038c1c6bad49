"""The trained parameters of MTCNN, read from the installed package ``mtcnn``.

The package, the reference implementation in Python (MIT licence), carries the arrays of
the three networks as joblib dumps compressed with LZ4. A joblib dump is a pickle with
the bytes of the arrays in between. Nothing is unpickled here and the package, which
needs TensorFlow, is never imported: the file must be one of the three that are known by
their SHA-256, and the bytes of its arrays are then cut out.
"""

from __future__ import annotations

import hashlib
import re
from importlib.metadata import PackageNotFoundError, distribution
from math import prod
from pathlib import Path
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from fahrstats.errors import DataError, MissingExtraError

Stage = Literal["pnet", "rnet", "onet"]

SHA256: Final[dict[Stage, str]] = {
    "pnet": "ea6b0c3e685ebee3165326ad6484acc95f2ef78f1c94fbf40a55704fa989f7b5",
    "rnet": "cb00e6460f3c98b0bfafaba3c0a0ded4bdf6e62cee7174d969e8670d7e757fee",
    "onet": "94f6ea2f4cf985275ee958cdd762d17b6009348a4fb9d8c6be39ba73ffd22ca3",
}
"""SHA-256 of the compressed files of ``mtcnn`` 1.0.0."""

SHAPES: Final[dict[Stage, tuple[tuple[int, ...], ...]]] = {
    "pnet": (
        *((3, 3, 3, 10), (10,), (1, 1, 10)),
        *((3, 3, 10, 16), (16,), (1, 1, 16)),
        *((3, 3, 16, 32), (32,), (1, 1, 32)),
        *((1, 1, 32, 4), (4,), (1, 1, 32, 2), (2,)),
    ),
    "rnet": (
        *((3, 3, 3, 28), (28,), (1, 1, 28)),
        *((3, 3, 28, 48), (48,), (1, 1, 48)),
        *((2, 2, 48, 64), (64,), (1, 1, 64)),
        *((576, 128), (128,), (128,)),
        *((128, 4), (4,), (128, 2), (2,)),
    ),
    "onet": (
        *((3, 3, 3, 32), (32,), (1, 1, 32)),
        *((3, 3, 32, 64), (64,), (1, 1, 64)),
        *((3, 3, 64, 64), (64,), (1, 1, 64)),
        *((2, 2, 64, 128), (128,), (1, 1, 128)),
        *((1152, 256), (256,), (256,)),
        *((256, 4), (4,), (256, 10), (10,), (256, 2), (2,)),
    ),
}
"""Arrays of a stage in their order in the file: kernel, bias and slopes of each layer
(kernels are height, width, channels in, channels out), then kernel and bias of the
heads: box, landmarks (last stage only) and class."""

# The end of an array's header, then one byte n and n bytes that align the array.
_BEFORE_AN_ARRAY = re.compile(rb"ub([\x01-\x10])\xff+", re.DOTALL)


def read_parameters(stage: Stage) -> list[NDArray[np.float32]]:
    """Return the arrays of one of the three networks, shaped as in :data:`SHAPES`.

    Raises
    ------
    MissingExtraError
        ``mtcnn`` or ``lz4`` is not installed.
    DataError
        The file is not the one of ``mtcnn`` 1.0.0.
    """
    try:
        import lz4.frame

        path = Path(
            str(distribution("mtcnn").locate_file(f"mtcnn/assets/weights/{stage}.lz4"))
        )
    except (ModuleNotFoundError, PackageNotFoundError) as error:
        raise MissingExtraError(
            "The face detector `mtcnn` needs `mtcnn` and `lz4`; "
            "install `fahrstats[face]`: pip install 'fahrstats[face]'."
        ) from error
    return cut_arrays(lz4.frame.decompress(_known_bytes(path, stage)), SHAPES[stage])


def cut_arrays(
    dump: bytes, shapes: tuple[tuple[int, ...], ...]
) -> list[NDArray[np.float32]]:
    """Return the little-endian float32 arrays that lie in a joblib dump.

    The opcodes between the arrays are skipped, never carried out.

    Raises
    ------
    DataError
        The dump ends before the last array.
    """
    arrays: list[NDArray[np.float32]] = []
    end = 0
    for shape in shapes:
        start = _BEFORE_AN_ARRAY.search(dump, end)
        if start is None:
            raise DataError(
                f"{len(arrays)} of {len(shapes)} arrays were found in the dump."
            )
        first = start.end(1) + start.group(1)[0]
        end = first + 4 * prod(shape)
        if end > len(dump):
            raise DataError(f"The dump ends within array {len(arrays) + 1}.")
        array = np.frombuffer(dump, "<f4", prod(shape), first).reshape(shape)
        arrays.append(array.astype(np.float32))
    return arrays


def _known_bytes(path: Path, stage: Stage) -> bytes:
    """Return the content of a file, if it is the known one."""
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise DataError(
            f"`{path.name}` is not in the installed `mtcnn`; install it again: "
            "pip install --force-reinstall 'mtcnn==1.0.0'."
        ) from error
    found = hashlib.sha256(content).hexdigest()
    if found != SHA256[stage]:
        raise DataError(
            f"`{path.name}` of the installed `mtcnn` is not that of version 1.0.0 (its "
            f"SHA-256 begins with {found[:12]}, not {SHA256[stage][:12]}), so it is "
            "not read; install it again: pip install --force-reinstall 'mtcnn==1.0.0'."
        )
    return content
