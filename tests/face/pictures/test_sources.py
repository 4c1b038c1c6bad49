from __future__ import annotations

import os
import pickle
import tracemalloc

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from fahrstats.errors import DataError
from fahrstats.face.pictures.photos import printable
from fahrstats.face.pictures.sources import open_source


@pytest.fixture
def put(tmp_path):
    """Write small files below a folder, and return the folder."""

    def write(*names, folder=tmp_path / "cohort", content=b"x\n"):
        for name in names:
            path = os.path.join(os.fsencode(folder), os.fsencode(name))
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as file:
                file.write(content)
        return folder

    return write


def listed(source, size=2):
    """Return all photos, each shard having been sent to another process and back."""
    shards = [pickle.loads(pickle.dumps(shard)) for shard in source.shards(size)]
    assert [shard.index for shard in shards] == list(range(len(shards)))
    assert [len(shard) for shard in shards[:-1]] == [size] * (len(shards) - 1)
    photos = [photo for shard in shards for photo in shard]
    assert len(photos) == sum(map(len, shards)) == len(source)
    return photos


def names(source):
    return [photo.photo for photo in listed(source)]


def problems(source):
    return {photo.photo: photo.problem for photo in listed(source) if photo.problem}


def test_a_folder_lists_photos_by_suffix_in_the_order_of_their_paths(put):
    photos = ["a-b/1.JPG", "a/2.tiff", "a/b/3.webp", "a.png", "z.heic", "Ä.avif"]
    folder = put(*photos, "notes.txt", "a/Thumbs.db", "__MACOSX/a.jpg", ".x/a.jpg")
    put("a/.hidden.jpg")
    source = open_source(folder)
    assert names(source) == sorted(photos)
    assert [photo.data for photo in listed(source)] == [
        folder.resolve() / name for name in sorted(photos)
    ]
    assert source.name == "cohort"
    assert pickle.loads(pickle.dumps(source)) == source


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (b"line\nbreak.jpg", r"line\nbreak.jpg"),
        (b"back\\slash.jpg", r"back\\slash.jpg"),
        (b"\xff.jpg", r"\udcff.jpg"),
        ("\u202egpj.jpg".encode(), r"\u202egpj.jpg"),
        ("Zoë 日本 😀.jpg".encode(), "Zoë 日本 😀.jpg"),
    ],
)
def test_a_name_is_one_printable_line_and_still_leads_to_its_file(put, name, shown):
    (photo,) = listed(open_source(put(name, content=b"found")))
    assert photo.photo == shown
    assert photo.photo.encode().decode() == shown
    assert photo.data.read_bytes() == b"found"
    (photo,) = listed(open_source(photo.data))
    assert photo.photo == shown


def test_different_names_stay_different():
    assert len({printable(n) for n in ("\n", "\\n", "\\\\n", "\udcff", "\\udcff")}) == 5


def test_links_that_lead_out_have_a_row_and_are_not_followed(put, tmp_path):
    put("secret.jpg", "deep/secret.jpg", folder=tmp_path / "elsewhere")
    folder = put("a.jpg", "inner/b.jpg", ".store/c.jpg")
    for link, target in {
        "out.jpg": "../elsewhere/secret.jpg",
        "out": "../elsewhere/deep",
        "in.jpg": "inner/b.jpg",
        "again": "inner",
        "loop": ".",
        "circle.jpg": "circle.jpg",
        "nowhere.jpg": "absent.jpg",
        "hidden": ".store",
        "up": "..",
    }.items():
        (folder / link).symlink_to(target)
    source = open_source(folder)
    out = "a link leads out of the folder, and such links are not followed"
    assert problems(source) == {
        "out.jpg": out,
        "out": "a link to a folder is not followed",
        "hidden": "a link to a folder is not followed",
        "up": "a link to a folder is not followed",
        "circle.jpg": "the link leads in a circle, or its folder cannot be opened",
        "nowhere.jpg": "the link leads nowhere",
    }
    good = [photo.photo for photo in listed(source) if photo.data is not None]
    assert good == ["a.jpg", "in.jpg", "inner/b.jpg"]
    assert len(source.fingerprint()) == 64


def test_a_link_put_in_place_of_a_listed_photo_is_noticed(put, tmp_path):
    outside = put("secret.jpg", folder=tmp_path / "elsewhere")
    folder = put("a.jpg")
    (shard,) = open_source(folder).shards(1)
    (folder / "a.jpg").unlink()
    (folder / "a.jpg").symlink_to(outside / "secret.jpg")
    (photo,) = shard
    assert photo.data is None
    assert photo.problem.startswith("a link leads out")


def test_a_folder_that_cannot_be_opened_has_a_row(put, monkeypatch):
    folder = put("a.jpg", "closed/b.jpg")
    scandir = os.scandir

    def refuse(path):
        if str(path).endswith("closed/"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    source = open_source(folder)
    assert names(source) == ["a.jpg", "closed"]
    assert problems(source) == {
        "closed": "the folder cannot be opened: Permission denied"
    }


@pytest.mark.parametrize("kind", ["folder", "manifest", "file"])
def test_the_fingerprint_tells_when_photos_change(put, kind):
    folder = put("a.jpg", "b.jpg", "c.jpg")
    frame = pd.DataFrame({"photo": ["a.jpg", "b.jpg", "c.jpg"]})

    def fingerprint():
        if kind == "manifest":
            return open_source(frame, root=folder).fingerprint()
        where = folder if kind == "folder" else folder / "b.jpg"
        return open_source(where).fingerprint()

    seen = [fingerprint()]
    assert fingerprint() == seen[0]
    put("b.jpg", content=b"longer")
    seen.append(fingerprint())
    os.utime(folder / "b.jpg", (1, 1))
    seen.append(fingerprint())
    (folder / "b.jpg").unlink()
    if kind != "file":
        seen.append(fingerprint())
    assert len(set(seen)) == len(seen)


def test_shards_that_did_not_change_keep_their_fingerprint(put):
    folder = put(*(f"{i}.jpg" for i in range(6)))
    before = [shard.fingerprint() for shard in open_source(folder).shards(2)]
    put("3.jpg", content=b"longer")
    after = [shard.fingerprint() for shard in open_source(folder).shards(2)]
    assert [a == b for a, b in zip(before, after, strict=True)] == [True, False, True]


def test_listing_holds_the_names_of_one_folder_at_a_time(put):
    folder = put(*(f"{i // 50}/{i:06}.jpg" for i in range(1000)))
    tracemalloc.start()
    try:
        assert sum(len(shard) for shard in open_source(folder).shards(50)) == 1000
        flat = tracemalloc.get_traced_memory()[1]
        tracemalloc.reset_peak()
        assert len([shard.photos for shard in open_source(folder).shards(50)]) == 20
        held = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert flat < held / 5


def test_a_photo_alone_is_a_source(put):
    folder = put("a.jpg")
    source = open_source(folder / "a.jpg")
    (photo,) = listed(source)
    assert (photo.photo, source.name) == ("a.jpg", "a.jpg")
    assert photo.data == folder.resolve() / "a.jpg"


@pytest.mark.parametrize(
    ("files", "where", "message"),
    [
        (["x/notes"], "empty", r"There is no folder or file `.*empty`\."),
        (
            [".keep"],
            "",
            r"holds no photo: looked for \.jpg, .*\.parquet, and found 1 x",
        ),
        (["a.csv", "b.csv", "c.txt"], "", r"found 2 x \.csv, 1 x \.txt\."),
        (["photos/a.jpg"], "photo", r"no folder or file `.*`\. Did you mean `photos`"),
        (["a.zip"], "a.zip", r"`.*a\.zip` is an archive; unpack it"),
        (["a.tar.gz"], "a.tar.gz", r"is an archive"),
        (
            ["a.docx"],
            "a.docx",
            r"neither a photo \(\.jpg.*nor a table of photos \(\.csv",
        ),
        (["a.parquet"], "a.parquet", r"`.*a\.parquet` is not a Parquet file"),
        (["a.csv"], "a.csv", r"`a\.csv` has no column `photo`, .*it has `x`\."),
    ],
)
def test_what_holds_no_photos_says_what_it_is(put, files, where, message):
    folder = put(*files)
    with pytest.raises(DataError, match=message):
        open_source(folder / where)


def test_an_empty_folder_says_so(tmp_path):
    with pytest.raises(DataError, match=r"The folder `.*` is empty\."):
        open_source(tmp_path)


def test_a_folder_takes_no_root(put):
    folder = put("a.jpg")
    with pytest.raises(
        DataError, match=r"`root` goes with a table of paths; `.*` is n"
    ):
        open_source(folder, root=folder)


def test_shards_have_at_least_one_photo(put, tmp_path):
    folder = put("a.jpg")
    pq.write_table(pa.table({"image": [b"x"]}), tmp_path / "t.parquet")
    frame = pd.DataFrame({"photo": ["a.jpg"]})
    for source in (
        open_source(folder),
        open_source(folder / "a.jpg"),
        open_source(frame, root=folder),
        open_source(tmp_path / "t.parquet"),
    ):
        with pytest.raises(DataError, match="`size` must be at least 1, but it is 0"):
            next(source.shards(0))


def test_photos_are_preferred_to_tables_of_the_same_folder(put):
    folder = put("a.jpg")
    pq.write_table(pa.table({"image": [b"x"]}), folder / "t.parquet")
    assert names(open_source(folder)) == ["a.jpg"]
    (folder / "a.jpg").unlink()
    assert names(open_source(folder)) == ["t.parquet#1"]


def test_opening_a_source_decodes_no_photo(put, monkeypatch):
    monkeypatch.setattr(Image, "open", lambda *_: pytest.fail("a photo was opened"))
    assert names(open_source(put("a.jpg"))) == ["a.jpg"]
