from __future__ import annotations

import hashlib

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from fahrstats.face.scoring.duplicates import first_alike, with_originals


def pieces(contents: list[str | None], size: int) -> list[pa.Table]:
    rows = [
        None if text is None else hashlib.sha256(text.encode()).hexdigest()
        for text in contents
    ]
    table = pa.table(
        {
            "photo": [f"{i}.jpg" for i in range(len(rows))],
            "content": pa.array(rows, pa.string()),
            "duplicate_of": pa.nulls(len(rows), pa.string()),
        }
    )
    return [table.slice(start, size) for start in range(0, len(rows), size)]


@given(
    st.lists(st.one_of(st.none(), st.sampled_from("abcde")), max_size=30),
    st.integers(1, 7),
)
def test_originals_are_those_a_plain_loop_finds(contents, size):
    tables = pieces(contents, size)
    first = first_alike(table["content"] for table in tables)
    found = [
        original
        for table in with_originals(tables, first)
        for original in table["duplicate_of"].to_pylist()
    ]
    seen: dict[str, str] = {}
    expected = []
    for i, text in enumerate(contents):
        expected.append(None if text is None else seen.get(text))
        if text is not None:
            seen.setdefault(text, f"{i}.jpg")
    assert found == expected


def test_contents_that_differ_late_are_not_the_same():
    alike = pa.chunked_array([["00" * 8 + "01" * 24, "00" * 8 + "02" * 24]])
    assert first_alike([alike]).tolist() == [-1, -1]
