"""Which columns of Parquet files hold images, and what names them."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.types as pt

from fahrstats.errors import DataError

_IMAGES = ("image", "jpg", "jpeg", "png", "webp", "img", "photo", "bytes", "content")
_NAMES = ("photo", "name", "file_name", "filename", "path", "key", "__key__", "id")


@dataclass(frozen=True, slots=True)
class ImageColumns:
    """Columns of a Parquet file; a field of a struct follows a dot.

    Attributes
    ----------
    image : str
        Bytes of image files.
    name : str or None
        Names of the photos; None where file and row name them.
    subject, session : str or None
        Whom they show, and on which occasion, if there are such columns.
    """

    image: str
    name: str | None
    subject: str | None
    session: str | None

    @property
    def about(self) -> list[str]:
        """All columns but the image's."""
        return [name for name in (self.name, self.subject, self.session) if name]


def find_columns(where: str, schema: pa.Schema) -> ImageColumns:
    """Choose the columns of a table of images.

    Bytes are in a column named ``image``, ``jpg``, ``bytes`` or alike, or in the only
    column of bytes; a struct of ``bytes`` and ``path``, as Hugging Face writes it, will
    do. Names are in ``photo``, ``name``, ``file_name`` or alike, else in that ``path``.

    Raises
    ------
    DataError
        No column, or several of other names, hold bytes.
    """
    images = image_columns(schema)
    known = [name for name in _IMAGES if name in images]
    if not known and len(images) != 1:
        listed = ", ".join(f"`{name}`" for name in schema.names)
        raise DataError(
            f"`{where}` has no column of images such as `image`; its columns are "
            f"{listed}."
            if not images
            else f"`{where}` has {len(images)} columns of bytes and none is called "
            f"`image`; its columns are {listed}."
        )
    image = known[0] if known else images[0]
    is_struct = pt.is_struct(schema.field(image).type)
    texts = [name for name in _NAMES if name in schema.names and name not in images]
    path = f"{image}.path" if is_struct and _has(schema.field(image), "path") else None
    return ImageColumns(
        image=f"{image}.bytes" if is_struct else image,
        name=texts[0] if texts else path,
        subject="subject" if "subject" in schema.names else None,
        session="session" if "session" in schema.names else None,
    )


def image_columns(schema: pa.Schema) -> list[str]:
    """Return the columns that hold bytes, alone or in a struct with ``bytes``."""
    return [
        field.name for field in schema if _is_bytes(field.type) or _in_struct(field)
    ]


def _is_bytes(kind: pa.DataType) -> bool:
    return bool(
        pt.is_binary(kind) or pt.is_large_binary(kind) or pt.is_binary_view(kind)
    )


def _in_struct(field: pa.Field) -> bool:
    return _has(field, "bytes") and _is_bytes(field.type.field("bytes").type)


def _has(field: pa.Field, name: str) -> bool:
    return bool(pt.is_struct(field.type) and field.type.get_field_index(name) >= 0)
