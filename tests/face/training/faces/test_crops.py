from __future__ import annotations

import multiprocessing
import os
import shutil
import tracemalloc
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from crop_files import draw_pixels, write_crops
from hypothesis import given
from hypothesis import strategies as st

from fahrstats.errors import DataError
from fahrstats.face.training.faces import crops as module
from fahrstats.face.training.faces.crops import open_crops

COUNTING = pa.proxy_memory_pool(pa.default_memory_pool())  # outlives what it holds


@pytest.fixture
def pixels():
    return draw_pixels(7)


@pytest.fixture
def crops_file(tmp_path, pixels):
    return write_crops(tmp_path / "crops.parquet", pixels)


@pytest.fixture
def unpacked(monkeypatch):
    """Return a list that gains an item whenever crops are unpacked."""
    unpacked = []
    unpack = module._unpack

    def counted(*arguments):
        unpacked.append(arguments)
        unpack(*arguments)

    monkeypatch.setattr(module, "_unpack", counted)
    return unpacked


def test_pixels_come_back_to_the_byte(crops_file, pixels, tmp_path):
    crops = open_crops([crops_file], cache=tmp_path / "new folder" / "cache")
    assert (len(crops), crops.size) == (7, 8)
    assert (crops.margin, crops.interpolation) == (0.4, "bilinear")
    assert crops.photo.tolist() == [f"p{i:03d}.png" for i in range(7)]
    assert len(crops.fingerprint) == 64
    taken = crops.take(np.arange(7))
    assert taken.dtype == np.uint8
    assert type(taken) is np.ndarray
    np.testing.assert_array_equal(taken, pixels)


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    folder = tmp_path_factory.mktemp("opened")
    path = write_crops(folder / "crops.parquet", draw_pixels(5))
    return open_crops([path], cache=folder / "cache")


@given(rows=st.lists(st.integers(0, 4), max_size=12))
def test_crops_are_taken_in_any_order(opened, rows):
    taken = opened.take(np.array(rows, np.int64))
    np.testing.assert_array_equal(taken, draw_pixels(5)[rows])


def test_what_is_taken_is_a_copy(opened):
    opened.take(np.array([0]))[:] = 0
    np.testing.assert_array_equal(opened.take(np.array([0])), draw_pixels(5)[:1])
    with pytest.raises(ValueError, match="read-only"):
        opened.pixels[0] = 0


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([0, -1, 5], "2 of 3 `rows` are not in 0 to 4"),
        ([True, False, False, False, True], "`rows` are row numbers, but of type bool"),
    ],
)
def test_rows_are_row_numbers(opened, rows, message):
    with pytest.raises(DataError, match=message):
        opened.take(np.array(rows))


def test_photos_without_a_crop_are_left_out(pixels, tmp_path):
    status = ["ok", "no_face", "ok", "unreadable", "ok", "ok", "too_small"]
    path = write_crops(tmp_path / "c.parquet", pixels, status=status, rows_per_group=2)
    crops = open_crops([path], cache=tmp_path / "cache")
    assert crops.photo.tolist() == ["p000.png", "p002.png", "p004.png", "p005.png"]
    np.testing.assert_array_equal(crops.pixels, pixels[[0, 2, 4, 5]])


def test_several_files_follow_one_another(pixels, tmp_path):
    persons = ["a", "a", "b"]
    one = write_crops(tmp_path / "1.parquet", pixels[:3], subject=persons)
    two = write_crops(tmp_path / "2.parquet", pixels[3:], photo=list("wxyz"))
    crops = open_crops([two, one], cache=tmp_path / "cache")
    assert crops.photo.tolist() == [*"wxyz", "p000.png", "p001.png", "p002.png"]
    assert crops.subject.tolist() == [*"wxyz", *persons]
    np.testing.assert_array_equal(crops.pixels, pixels[[3, 4, 5, 6, 0, 1, 2]])


def test_a_cache_is_used_again_wherever_the_files_lie(crops_file, tmp_path, unpacked):
    cache = tmp_path / "cache"
    first = open_crops([crops_file], cache=cache)
    before = cache.stat()
    elsewhere = tmp_path / "elsewhere.parquet"
    shutil.move(crops_file, elsewhere)
    again = open_crops([elsewhere], cache=cache)
    assert (cache.stat().st_ino, len(unpacked)) == (before.st_ino, 1)
    np.testing.assert_array_equal(again.pixels, first.pixels)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        ".cache.lock",
        "cache",
        "elsewhere.parquet",
    ]


@pytest.mark.parametrize(
    "other",
    [
        {"pixels": draw_pixels(7, seed=2)},
        {"pixels": draw_pixels(7)[::-1]},
        {"pixels": draw_pixels(6)},
        {"margin": 0.5},
    ],
    ids=["other photos", "another order", "fewer", "another margin"],
)
def test_a_cache_of_other_crops_is_replaced(crops_file, tmp_path, pixels, other):
    cache = tmp_path / "cache"
    open_crops([crops_file], cache=cache)
    wanted = {"pixels": pixels, **other}
    changed = write_crops(tmp_path / "other.parquet", **wanted)
    crops = open_crops([changed], cache=cache)
    np.testing.assert_array_equal(crops.pixels, wanted["pixels"])


def _cut_short(content: bytes) -> bytes:
    return content[:-1]


def _only_begun(content: bytes) -> bytes:
    return content[:20]


def _one_bit_wrong(content: bytes) -> bytes:
    return content[:700] + bytes([content[700] ^ 1]) + content[701:]


def _head_wrong(content: bytes) -> bytes:
    return content[:30] + b"0000" + content[34:]


@pytest.mark.parametrize(
    "damage", [_cut_short, _only_begun, _one_bit_wrong, _head_wrong]
)
def test_a_damaged_cache_is_not_used(crops_file, tmp_path, pixels, damage, unpacked):
    cache = tmp_path / "cache"
    open_crops([crops_file], cache=cache)
    cache.write_bytes(damage(cache.read_bytes()))
    crops = open_crops([crops_file], cache=cache)
    assert len(unpacked) == 2
    np.testing.assert_array_equal(crops.pixels, pixels)


def test_a_stopped_unpacking_leaves_no_cache(crops_file, tmp_path, pixels, monkeypatch):
    cache = tmp_path / "cache"

    def stopped(path):
        yield pixels[0].tobytes()
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(module, "_crops_of", stopped)
        with pytest.raises(KeyboardInterrupt):
            open_crops([crops_file], cache=cache)
    assert not cache.exists()
    (tmp_path / ".cache.999999999.partial").write_bytes(b"of a process that was killed")
    np.testing.assert_array_equal(open_crops([crops_file], cache=cache).pixels, pixels)
    assert not list(tmp_path.glob("*.partial"))


def test_a_cache_that_changes_at_once_is_an_error(crops_file, tmp_path, monkeypatch):
    def write_and_cut(path, write_to):
        write_to(path)
        os.truncate(path, 300)

    monkeypatch.setattr(module, "write_whole", write_and_cut)
    with pytest.raises(DataError, match="was changed right after it was written"):
        open_crops([crops_file], cache=tmp_path / "cache")


def _open_and_sum(paths, cache, barrier, sums):
    unpack = module._unpack

    def logged(*arguments):
        with (cache.parent / "log").open("a") as log:
            log.write("unpacked\n")
        unpack(*arguments)

    module._unpack = logged
    barrier.wait()
    sums.put(int(open_crops(paths, cache=cache).pixels.sum()))


@pytest.mark.slow
def test_of_several_processes_one_unpacks(tmp_path):
    pixels = draw_pixels(200, size=64)
    path = write_crops(tmp_path / "crops.parquet", pixels)
    context = multiprocessing.get_context("fork")
    barrier, sums = context.Barrier(4), context.Queue()
    arguments = ([path], tmp_path / "cache", barrier, sums)
    ranks = [context.Process(target=_open_and_sum, args=arguments) for _ in range(4)]
    for rank in ranks:
        rank.start()
    assert [sums.get(timeout=60) for _ in ranks] == [int(pixels.sum())] * 4
    for rank in ranks:
        rank.join(60)
        assert rank.exitcode == 0
    assert (tmp_path / "log").read_text() == "unpacked\n"


def test_memory_does_not_grow_with_the_number_of_crops(tmp_path):
    pixels = draw_pixels(1000, size=100)  # 30 MB
    path = write_crops(tmp_path / "crops.parquet", pixels, rows_per_group=64)
    default, counting = pa.default_memory_pool(), COUNTING
    pa.set_memory_pool(counting)
    tracemalloc.start()
    try:
        crops = open_crops([path], cache=tmp_path / "cache")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        pa.set_memory_pool(default)
    assert counting.max_memory() + peak < 12e6  # a row group is 1.9 MB
    np.testing.assert_array_equal(crops.pixels, pixels)


def _without(path: Path, column: str) -> Path:
    pq.write_table(pq.read_table(path).drop_columns(column), path)
    return path


def test_files_without_crops(crops_file, tmp_path, pixels):
    cache = tmp_path / "cache"

    def refused(message, *paths):
        with pytest.raises(DataError, match=message):
            open_crops(paths, cache=cache)

    refused("`paths` names no file of crops")
    refused(r"`absent\.parquet` cannot be read: .*No such file", Path("absent.parquet"))
    text = tmp_path / "text.parquet"
    text.write_text("photo,subject\n")
    refused(r"text\.parquet` cannot be read: Parquet magic bytes not found", text)
    scores = tmp_path / "scores.parquet"
    pd.DataFrame({"photo": ["a"], "subject": ["a"], "status": ["ok"]}).to_parquet(
        scores
    )
    refused("has no column `content`, `crop`; `fahrstats crop` writes it", scores)
    none = ["no_face"] * 7
    nobody = write_crops(tmp_path / "nobody.parquet", pixels, status=none)
    refused(r"nobody\.parquet`: no photo has a crop; see the column `note`", nobody)
    bare = tmp_path / "bare.parquet"
    pq.write_table(pq.read_table(crops_file).replace_schema_metadata(), bare)
    refused(r"bare\.parquet` does not say how its faces were cut out", bare)
    wide = write_crops(tmp_path / "wide.parquet", draw_pixels(2, size=9))
    metadata = pq.read_schema(crops_file).metadata
    pq.write_table(pq.read_table(wide).replace_schema_metadata(metadata), wide)
    refused(r"is of type fixed_size_binary\[243\], but crops of 8 x 8 .* 192", wide)
    assert not cache.exists()


def test_files_that_do_not_belong_together(crops_file, tmp_path, pixels):
    cache = tmp_path / "cache"
    other = write_crops(tmp_path / "other.parquet", pixels, margin=0.5)
    with pytest.raises(
        DataError, match=r"not cropped alike .*margin=0\.4.*margin=0\.5"
    ):
        open_crops([crops_file, other], cache=cache)
    with pytest.raises(DataError, match=r"lists 7 of its photos more than once, such"):
        open_crops([crops_file, crops_file], cache=cache)
    twice = write_crops(tmp_path / "twice.parquet", pixels[:2], photo=["a", "a"])
    with pytest.raises(DataError, match=r"more than once, such as `a` \(2 times\)"):
        open_crops([twice], cache=cache)


def test_subjects_are_known_or_not(tmp_path, pixels):
    persons = ["a", None, "b", "b", None, "c", "c"]
    some = write_crops(tmp_path / "some.parquet", pixels, subject=persons)
    with pytest.raises(DataError, match="`subject` is missing for 2 of 7 photos of"):
        open_crops([some], cache=tmp_path / "cache")


def test_a_file_that_lacks_crops(tmp_path, pixels):
    path = write_crops(tmp_path / "c.parquet", pixels, status=["ok"] * 6 + ["no_face"])
    table = pq.read_table(path)
    status = pa.array(["ok"] * 7)
    place = table.column_names.index("status")
    pq.write_table(table.set_column(place, "status", status), path)
    with pytest.raises(DataError, match=r"7 photos of .* the status `ok`, but 6"):
        open_crops([path], cache=tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def test_a_damaged_file_is_named(crops_file, tmp_path):
    content = bytearray(crops_file.read_bytes())
    content[300:900] = bytes(600)
    crops_file.write_bytes(content)
    with pytest.raises(DataError, match=r"crops\.parquet` cannot be read"):
        open_crops([crops_file], cache=tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def test_nothing_else_is_overwritten(crops_file, tmp_path):
    with pytest.raises(DataError, match="exists and holds no unpacked crops"):
        open_crops([crops_file], cache=crops_file)
    with pytest.raises(IsADirectoryError, match=r"Is a directory"):
        open_crops([crops_file], cache=tmp_path)
