from __future__ import annotations

import pickle
import random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fahrstats.errors import DataError
from fahrstats.face.pictures.photos import Photo
from fahrstats.face.pictures.sources import open_source

BYTES = [bytes([i]) * (1000 + i) for i in range(20)]
NAMES = [f"{i:02}.jpg" for i in range(20)]
STRUCTS = [{"bytes": b, "path": n} for b, n in zip(BYTES, NAMES, strict=True)]


def write(path, columns, group=7, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path, row_group_size=group, **options)
    return path


def listed(source, size=3):
    shards = [pickle.loads(pickle.dumps(shard)) for shard in source.shards(size)]
    assert [shard.index for shard in shards] == list(range(len(shards)))
    assert [len(shard) for shard in shards[:-1]] == [size] * (len(shards) - 1)
    photos = [photo for shard in shards for photo in shard]
    assert len(photos) == sum(map(len, shards)) == len(source)
    return photos


@pytest.mark.parametrize("group", [1, 7, 20])
@pytest.mark.parametrize("size", [1, 3, 7, 19, 100])
def test_rows_come_in_order_however_they_are_grouped_and_cut(tmp_path, group, size):
    path = write(tmp_path / "t.parquet", {"jpg": BYTES, "name": NAMES}, group)
    photos = listed(open_source(path), size)
    assert [photo.data for photo in photos] == BYTES
    assert [photo.photo for photo in photos] == NAMES


def test_long_row_groups_are_read_in_batches(tmp_path):
    data = [i.to_bytes(2, "big") for i in range(1000)]
    path = write(tmp_path / "t.parquet", {"jpg": data, "id": range(1000)}, 1000)
    photos = listed(open_source(path), 130)
    assert [photo.data for photo in photos] == data
    assert photos[999].photo == "999"


@pytest.mark.parametrize(
    ("columns", "first"),
    [
        ({"image": STRUCTS}, "00.jpg"),
        ({"image": STRUCTS, "photo": [f"p{i}" for i in range(20)]}, "p0"),
        ({"image": [{**s, "path": None} for s in STRUCTS]}, "t.parquet#1"),
        ({"image": [{**s, "path": "x"} for s in STRUCTS]}, "t.parquet#1"),
        ({"image": [{"bytes": b} for b in BYTES]}, "t.parquet#1"),
        ({"bytes": BYTES, "label": NAMES}, "t.parquet#1"),
        ({"photo": BYTES, "file_name": NAMES}, "00.jpg"),
        ({"scan": pa.array(BYTES, pa.large_binary()), "id": range(20)}, "0"),
        ({"thumb": BYTES, "image": BYTES, "filename": NAMES}, "00.jpg"),
    ],
)
def test_columns_of_images_and_names_are_recognised(tmp_path, columns, first):
    photos = listed(open_source(write(tmp_path / "t.parquet", columns)))
    assert [photo.data for photo in photos] == BYTES
    assert photos[0].photo == first
    assert len({photo.photo for photo in photos}) == 20


def test_subjects_and_sessions_are_text(tmp_path):
    columns = {
        "image": BYTES[:3],
        "subject": pa.array([7, None, 9]),
        "session": pa.array(["a", None, "b"]).dictionary_encode(),
    }
    photos = listed(open_source(write(tmp_path / "t.parquet", columns)))
    assert photos == [
        Photo("t.parquet#1", BYTES[0], "7", "a"),
        Photo("t.parquet#2", BYTES[1]),
        Photo("t.parquet#3", BYTES[2], "9", "b"),
    ]


def test_a_blank_subject_is_none(tmp_path):
    columns = {"image": BYTES[:3], "subject": ["", " ", "7"], "session": ["a", "", ""]}
    photos = listed(open_source(write(tmp_path / "t.parquet", columns)))
    known = [(photo.subject, photo.session) for photo in photos]
    assert known == [(None, "a"), (None, None), ("7", None)]


@pytest.mark.parametrize("kind", [pa.binary(), pa.large_binary(), pa.binary_view()])
def test_bytes_of_any_arrow_type_are_images(tmp_path, kind):
    columns = {"image": pa.array(BYTES, kind), "photo": NAMES}
    photos = listed(open_source(write(tmp_path / "t.parquet", columns)))
    assert [photo.data for photo in photos] == BYTES


def test_a_folder_of_files_is_one_source(tmp_path):
    folder = tmp_path / "shards"
    for i in (2, 0, 1):
        columns = {"image": BYTES[i * 5 : i * 5 + 5]}
        write(folder / f"part-{i}.parquet", columns, group=2)
    write(folder / ".hidden" / "x.parquet", {"image": BYTES})
    source = open_source(folder)
    photos = listed(source, 4)
    assert source.name == "shards"
    assert [photo.data for photo in photos] == BYTES[:15]
    assert photos[7].photo == "part-1.parquet#3"


def test_the_fingerprint_tells_files_apart(tmp_path):
    path = write(tmp_path / "t.parquet", {"image": BYTES})
    source = open_source(path)
    seen = {source.fingerprint(), *(s.fingerprint() for s in source.shards(10))}
    assert len(seen) == 3
    assert open_source(path).fingerprint() == source.fingerprint()
    write(path, {"image": BYTES[::-1]})
    assert open_source(path).fingerprint() not in seen


def test_rows_without_an_image_are_refused(tmp_path):
    columns = {"image": pa.array([b"x", None, b""])}
    photos = listed(open_source(write(tmp_path / "t.parquet", columns)))
    assert [photo.problem for photo in photos] == ["", *["its image is empty"] * 2]
    assert [photo.data is None for photo in photos] == [False, True, True]


def test_a_damaged_row_group_costs_its_photos_and_no_others(tmp_path):
    columns = {"image": BYTES, "name": NAMES}
    path = write(tmp_path / "t.parquet", columns, use_dictionary=False)
    meta = pq.read_metadata(path).row_group(1).column(0)
    data = bytearray(path.read_bytes())
    data[meta.data_page_offset : meta.data_page_offset + 40] = b"\xff" * 40
    path.write_bytes(data)
    photos = listed(open_source(path))
    assert [photo.photo for photo in photos] == NAMES
    bad = [i for i, photo in enumerate(photos) if photo.problem]
    assert bad == list(range(7, 14))
    assert {photos[i].problem for i in bad} == {"its Parquet file is damaged here"}
    assert [photos[i].data for i in (0, 14)] == [BYTES[0], BYTES[14]]


@pytest.mark.parametrize("compression", ["none", "snappy"])
def test_reading_holds_a_batch_and_not_the_row_group(tmp_path, compression):
    block = random.Random(1).randbytes(100_000)
    columns = {"image": [i.to_bytes(2, "big") + block for i in range(400)]}
    path = write(
        tmp_path / "t.parquet",
        columns,
        400,
        use_dictionary=False,
        compression=compression,
        write_batch_size=8,  # a new page begins after so many rows at the earliest
    )
    del columns
    before = pa.total_allocated_bytes()
    peak = 0
    for photo in next(open_source(path).shards(400)):
        assert photo.data is not None
        peak = max(peak, pa.total_allocated_bytes() - before)
    assert peak < 10_000_000  # the row group has 40 MB


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (
            {"pic": NAMES, "age": range(20)},
            r"`t\.parquet` has no column of images such as `image`; its columns are "
            r"`pic`, `age`\.",
        ),
        (
            {"left": BYTES, "right": BYTES},
            r"`t\.parquet` has 2 columns of bytes and none is called `image`; its "
            r"columns are `left`, `right`\.",
        ),
        (
            {"image": BYTES[:2], "name": ["a", None]},
            r"`name` is empty in 1 of 2 rows of `t\.parquet`; each photo needs a name",
        ),
        (
            {"image": BYTES[:3], "name": ["a", "", " "]},
            r"`name` is empty in 2 of 3 rows of `t\.parquet`; each photo needs a name",
        ),
        (
            {"image": BYTES[:4], "name": ["a", "b", "b", "b"]},
            r"`t\.parquet` lists 1 of its photos more than once, such as `b` \(3 t",
        ),
        ({"image": pa.array([], pa.binary())}, r"`t\.parquet` has no rows\."),
    ],
)
def test_a_table_that_cannot_be_used_says_why(tmp_path, columns, message):
    path = write(tmp_path / "t.parquet", columns)
    with pytest.raises(DataError, match=message):
        open_source(path)


def test_files_of_different_kinds_are_refused(tmp_path):
    write(tmp_path / "a.parquet", {"image": BYTES})
    write(tmp_path / "b.parquet", {"image": BYTES, "name": NAMES})
    with pytest.raises(DataError, match=r"`b\.parquet` has other columns than `a\.p"):
        open_source(tmp_path)


def test_a_table_that_a_link_leads_out_to_is_refused(tmp_path):
    write(tmp_path / "elsewhere.parquet", {"image": BYTES})
    (tmp_path / "shards").mkdir()
    (tmp_path / "shards" / "a.parquet").symlink_to("../elsewhere.parquet")
    with pytest.raises(
        DataError, match=r"`a\.parquet` is not opened: a link leads out"
    ):
        open_source(tmp_path / "shards")


def test_a_file_that_is_no_parquet_is_named(tmp_path):
    (tmp_path / "a.parquet").write_bytes(b"nonsense")
    with pytest.raises(DataError, match=r"`a\.parquet` cannot be read: "):
        open_source(tmp_path)
