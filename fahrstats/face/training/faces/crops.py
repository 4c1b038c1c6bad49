"""Crops of faces, unpacked once into a file that is mapped into memory.

The file of pixels, the cache, is shared by all processes that map it, and only the
crops that are taken need to be in memory. It starts with a line that holds the
fingerprint of the crops and the SHA-256 of the pixels, which follow.
"""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fahrstats.cohort.store import read_provenance
from fahrstats.errors import DataError
from fahrstats.face.locks import in_turn
from fahrstats.face.pictures.photos import hash_of
from fahrstats.face.pictures.repeated import check_unique
from fahrstats.face.pictures.table_shards import opened
from fahrstats.face.scoring.plan import Crop
from fahrstats.face.scoring.score_table import CROP
from fahrstats.files import remove_partial, write_whole

_ABOUT = ["photo", "subject", "status", "content"]
_BATCH = 64
_MAGIC = b"fahrstats crops "
_HEAD = len(_MAGIC) + 64 + 1 + 64 + 1  # two hashes, a space, the end of the line


@dataclass(frozen=True, slots=True, eq=False)
class Crops:
    """Aligned crops of n photos; those without a usable face are not among them.

    Attributes
    ----------
    photo, subject : ndarray of str, shape (n,)
        Name of the photo and whom it shows. Where a file knows no subjects, every photo
        is its own.
    content : ndarray of str, shape (n,)
        SHA-256 of the bytes of the photo.
    size : int
        Side of the crops in pixels.
    margin : float
        Share of the ArcFace crop's side added on each side.
    interpolation : str
        ``"bilinear"`` or ``"bicubic"``.
    fingerprint : str
        SHA-256 of the photos, in their order, and of how they were cut out.
    pixels : ndarray of shape (n, size, size, 3), uint8
        sRGB; mapped from a file and read-only.
    """

    photo: NDArray[np.str_]
    subject: NDArray[np.str_]
    content: NDArray[np.str_]
    size: int
    margin: float
    interpolation: str
    fingerprint: str
    pixels: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.photo)

    def take(self, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return a copy of some crops, in any order, shape (k, size, size, 3).

        Raises
        ------
        DataError
            A row is not in 0 to n - 1, or `rows` are no whole numbers.
        """
        if rows.dtype.kind not in "iu":
            raise DataError(f"`rows` are row numbers, but of type {rows.dtype}.")
        n_bad = int(((rows < 0) | (rows >= len(self))).sum())
        if n_bad:
            raise DataError(
                f"{n_bad} of {len(rows)} `rows` are not in 0 to {len(self) - 1}."
            )
        return self.pixels[rows]


def open_crops(paths: Sequence[Path], *, cache: Path) -> Crops:
    """Open what ``fahrstats crop`` wrote, one file or several, in their order.

    Parameters
    ----------
    paths
        Parquet files of crops that were made with the same size, margin and
        interpolation. No photo may be in them twice.
    cache
        File for the unpacked pixels, 3 size^2 bytes a photo: as personal as the photos.
        What is there is used again if it is whole, undamaged (it is read through once)
        and holds the crops of the same photos made in the same way, wherever the files
        lie; otherwise it is replaced. Several processes may open it at once; one
        unpacks, the others wait.

    Raises
    ------
    DataError
        A file is absent, is not Parquet, is damaged or holds no crops; files differ in
        their settings, or hold a photo twice; the subject is missing for some photos of
        a file that knows it for others; no photo has a crop; or `cache` is a file of
        something else.
    """
    if not paths:
        raise DataError("`paths` names no file of crops; `fahrstats crop` writes one.")
    about = pa.concat_tables([_about(path) for path in paths])
    crop = _common_way(paths)
    names = ", ".join(map(str, paths))
    if not len(about):
        raise DataError(f"`{names}`: no photo has a crop; see the column `note`.")
    check_unique(names, lambda: about["photo"].chunks)
    made_with = [str(read_provenance(path)) for path in paths]
    content = about["content"].to_pylist()
    fingerprint = hash_of([*made_with, *content])
    shape = (len(about), crop.size, crop.size, 3)
    return Crops(
        photo=np.array(about["photo"].to_pylist(), np.str_),
        subject=np.array(about["subject"].to_pylist(), np.str_),
        content=np.array(content, np.str_),
        size=crop.size,
        margin=crop.margin,
        interpolation=crop.interpolation,
        fingerprint=fingerprint,
        pixels=_unpacked(paths, cache, fingerprint, shape),
    )


def _about(path: Path) -> pa.Table:
    """Return photo, subject and content of the photos that have a crop."""
    with opened(str(path), str(path)) as file:
        lacking = {*_ABOUT, CROP}.difference(file.schema_arrow.names)
        if lacking:
            raise DataError(
                f"`{path}` has no column `{'`, `'.join(sorted(lacking))}`; `fahrstats "
                "crop` writes it."
            )
        read = file.read(_ABOUT)
    table = pa.table({name: read[name].cast(pa.string()) for name in _ABOUT})
    table = table.filter(pc.equal(table["status"], "ok"))
    n_missing = table["subject"].null_count
    if 0 < n_missing < len(table):
        raise DataError(
            f"`subject` is missing for {n_missing} of {len(table)} photos of `{path}`; "
            "fill it in the manifest, or take these photos out."
        )
    subject = pc.coalesce(table["subject"], table["photo"])
    return table.set_column(_ABOUT.index("subject"), "subject", subject)


def _common_way(paths: Sequence[Path]) -> Crop:
    """Return how the faces of all files were cut out."""
    first, *others = [_way(path) for path in paths]
    for path, other in zip(paths[1:], others, strict=True):
        if other != first:
            raise DataError(
                f"`{paths[0]}` and `{path}` were not cropped alike ({first} and "
                f"{other}); crop the photos of one of them again."
            )
    return first


def _way(path: Path) -> Crop:
    """Return how the faces of a file were cut out."""
    try:
        crop = Crop(**(read_provenance(path) or {})[CROP])
    except (KeyError, TypeError) as error:
        raise DataError(
            f"`{path}` does not say how its faces were cut out; `fahrstats crop` "
            "writes that too."
        ) from error
    with opened(str(path), str(path)) as file:
        kind = file.schema_arrow.field(CROP).type
    if kind != pa.binary(crop.n_bytes):
        raise DataError(
            f"`{CROP}` of `{path}` is of type {kind}, but crops of {crop.size} x "
            f"{crop.size} pixels have {crop.n_bytes} bytes; crop the photos again."
        )
    return crop


def _unpacked(
    paths: Sequence[Path], cache: Path, fingerprint: str, shape: tuple[int, ...]
) -> NDArray[np.uint8]:
    """Return the mapped pixels; unpack them first if that has not been done."""
    pixels = _mapped(cache, fingerprint, shape)
    if pixels is not None:
        return pixels
    with in_turn(cache.with_name(f".{cache.name}.lock")):
        pixels = _mapped(cache, fingerprint, shape)  # another process may have done it
        if pixels is None:
            remove_partial(cache.parent, cache.name)
            write_whole(
                cache, lambda partial: _unpack(paths, partial, fingerprint, shape)
            )
            pixels = _mapped(cache, fingerprint, shape)
    if pixels is None:
        raise DataError(
            f"`{cache}` was changed right after it was written; give crops of other "
            "photos another cache."
        )
    return pixels


def _mapped(
    cache: Path, fingerprint: str, shape: tuple[int, ...]
) -> NDArray[np.uint8] | None:
    """Map the pixels of a cache; None if it is absent, damaged or of other crops."""
    try:
        file = cache.open("rb")
    except FileNotFoundError:
        return None
    with file:
        head = file.read(_HEAD)
        if not head.startswith(_MAGIC):
            raise DataError(
                f"`{cache}` exists and holds no unpacked crops; give another name."
            )
        if os.fstat(file.fileno()).st_size != _HEAD + math.prod(shape):
            return None
        if head != _head(fingerprint, hashlib.file_digest(file, "sha256").hexdigest()):
            return None
        return np.memmap(file, np.uint8, "r", _HEAD, shape).view(np.ndarray)


def _unpack(
    paths: Sequence[Path], out: Path, fingerprint: str, shape: tuple[int, ...]
) -> None:
    """Write the pixels of all crops, a row group held at a time, and the head."""
    digest, n = hashlib.sha256(), 0
    with out.open("wb") as file:
        file.write(bytes(_HEAD))
        for crop in chain.from_iterable(_crops_of(path) for path in paths):
            file.write(crop)
            digest.update(crop)
            n += 1
        file.seek(0)
        file.write(_head(fingerprint, digest.hexdigest()))
    if n != shape[0]:
        raise DataError(
            f"{shape[0]} photos of `{', '.join(map(str, paths))}` have the status "
            f"`ok`, but {n} have a crop; crop the photos again."
        )


def _crops_of(path: Path) -> Iterator[bytes]:
    """Yield the crops of a file in order."""
    with opened(str(path), str(path)) as file:
        for batch in file.iter_batches(_BATCH, columns=["status", CROP]):
            wanted = batch.filter(pc.equal(batch["status"], "ok"))
            yield from wanted[CROP].drop_null().to_pylist()


def _head(fingerprint: str, digest: str) -> bytes:
    return _MAGIC + f"{fingerprint} {digest}\n".encode()
