from __future__ import annotations

import gzip
import os

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from fahrstats.errors import DataError
from fahrstats.face.pictures.sources import open_source

CSV = 'photo,age,subject,session\na.jpg,1,007,\n"in/b,\nc.jpg",x,NA,s 2\n'


def listed(source, size=2):
    return [photo for shard in source.shards(size) for photo in shard]


def fields(source):
    return [(photo.photo, photo.subject, photo.session) for photo in listed(source)]


@pytest.mark.parametrize("name", ["m.csv", "m.csv.gz", "M.TSV"])
def test_text_tables_are_read_as_they_are_written(tmp_path, name):
    text = CSV.replace("b,", "b;").replace(",", "\t") if "TSV" in name else CSV
    data = text.encode()
    (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith("z") else data)
    source = open_source(tmp_path / name)
    second = "in/b;\nc.jpg" if "TSV" in name else "in/b,\nc.jpg"
    assert fields(source) == [("a.jpg", "007", None), (second, "NA", "s 2")]
    assert listed(source)[0].data == tmp_path.resolve() / "a.jpg"
    assert (source.name, len(source)) == (name, 2)


@pytest.mark.parametrize("kind", ["frame", "parquet"])
def test_numbers_and_levels_are_text(tmp_path, kind):
    frame = pd.DataFrame(
        {
            "photo": ["a.jpg", "b.jpg", "c.jpg"],
            "subject": [1.0, 2.0, np.nan],
            "session": pd.Categorical(["x", None, "y"]),
            "image_note": 1,
        }
    )
    frame.to_parquet(tmp_path / "m.parquet")
    is_frame = kind == "frame"
    source = open_source(
        frame if is_frame else tmp_path / "m.parquet",
        root=tmp_path if is_frame else None,
    )
    assert fields(source) == [
        ("a.jpg", "1", "x"),
        ("b.jpg", "2", None),
        ("c.jpg", None, "y"),
    ]


def test_order_is_that_of_the_rows_and_does_not_depend_on_the_shards(tmp_path):
    photos = [f"{i * 7919 % 10_007}.jpg" for i in range(1000)]
    source = open_source(pd.DataFrame({"photo": photos}), root=tmp_path)
    for size in (1, 7, 999, 1000, 5000):
        assert [photo.photo for photo in listed(source, size)] == photos


def test_paths_are_relative_to_the_root_and_names_stay_as_given(tmp_path):
    root = tmp_path / "photos"
    root.mkdir()
    frame = pd.DataFrame({"photo": ["./x/../a.jpg", f"{root}/b.jpg", "c//d.jpg"]})
    photos = listed(open_source(frame, root=root))
    assert [photo.photo for photo in photos] == ["./x/../a.jpg", "b.jpg", "c//d.jpg"]
    assert [os.path.relpath(photo.data, root.resolve()) for photo in photos] == [
        "a.jpg",
        "b.jpg",
        "c/d.jpg",
    ]


def test_the_root_of_a_data_frame_is_the_current_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (photo,) = listed(open_source(pd.DataFrame({"photo": ["a.jpg"]})))
    assert photo.data == tmp_path.resolve() / "a.jpg"


def test_a_root_reached_by_a_link_holds_its_photos(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a.jpg").write_bytes(b"x")
    (tmp_path / "link").symlink_to("real")
    frame = pd.DataFrame({"photo": [f"{tmp_path}/link/a.jpg"]})
    (photo,) = listed(open_source(frame, root=tmp_path / "link"))
    assert photo.data.read_bytes() == b"x"


def test_absent_files_are_listed_and_links_that_lead_out_refused(tmp_path):
    root = tmp_path / "photos"
    root.mkdir()
    (tmp_path / "secret.jpg").write_bytes(b"x")
    (root / "out.jpg").symlink_to("../secret.jpg")
    (root / "up").symlink_to("..")
    frame = pd.DataFrame(
        {"photo": ["absent.jpg", "out.jpg", "up/secret.jpg", "a\0b.jpg"]}
    )
    source = open_source(frame, root=root)
    photos = listed(source)
    assert photos[0].data == root.resolve() / "absent.jpg"
    assert [photo.problem.partition(" of ")[0] for photo in photos] == [
        "",
        "a link leads out",
        "a link leads out",
        "its name is not that",
    ]
    assert len(source.fingerprint()) == 64


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (
            {"photo": ["a", "b", "./a", "c", "a", "c"]},
            r"`the data frame` lists 2 of its photos more than once, such as `a` \(3",
        ),
        (
            {"photo": ["a", None, "", " "]},
            r"`photo` is empty in 3 of 4 rows of `the data frame`, first in row 2\.",
        ),
        (
            {"photo": ["../a.jpg", "b", "/etc/x.jpg", "c/../../d", "."]},
            r"4 of 5 photos of `the data frame` are outside of the folder `.*`, such "
            r"as `\.\./a\.jpg`; let `root` be",
        ),
        ({"photo": []}, r"`the data frame` has no rows\."),
        (
            {"phot": ["a"], "age": [1]},
            r"no column `photo`, which names the files; it has `phot`, `age`\. Did you "
            r"mean `phot`\?",
        ),
        (
            {"photo": ["a", 1], "subject": ["x", "y"]},
            r"^`photo`, `subject` must hold text or whole numbers, of one kind each\.$",
        ),
        ({"photo": [b"\xff\xd8"]}, r"^`photo` must hold text or whole numbers"),
    ],
)
def test_a_manifest_that_cannot_be_used_says_how_much_of_it(tmp_path, frame, message):
    with pytest.raises(DataError, match=message):
        open_source(pd.DataFrame(frame), root=tmp_path)


def test_two_columns_of_one_name_are_refused(tmp_path):
    frame = pd.DataFrame([["a", "b"]], columns=["photo", "photo"])
    with pytest.raises(DataError, match=r"`the data frame` has 2 columns `photo`"):
        open_source(frame, root=tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"`m\.csv` cannot be read: Empty CSV file"),
        (b"photo,age\na,1\nb\n", r"`m\.csv` cannot be read: CSV parse error"),
        (b"photo\n\xff\n", r"`m\.csv` cannot be read: .*UTF8"),
        (b"photo;age\na;1\n", r"no column `photo`, .*it has `photo;age`\."),
        (b"photo\n", r"`m\.csv` has no rows"),
    ],
)
def test_a_text_table_that_cannot_be_read_says_why(tmp_path, content, message):
    (tmp_path / "m.csv").write_bytes(content)
    with pytest.raises(DataError, match=message):
        open_source(tmp_path / "m.csv")


def test_an_absent_root_is_named(tmp_path):
    with pytest.raises(DataError, match=r"The folder `.*absent` does not exist\."):
        open_source(pd.DataFrame({"photo": ["a"]}), root=tmp_path / "absent")


def test_many_names_are_checked_in_little_memory(tmp_path):
    photos = [f"{i // 1000}/{i}.jpg" for i in range(200_000)]
    before = pa.total_allocated_bytes()
    source = open_source(pd.DataFrame({"photo": photos}), root=tmp_path)
    held = pa.total_allocated_bytes() - before
    assert held < 12_000_000  # text and offsets, twice
    assert len(source) == 200_000
    assert len(next(source.shards(256))) == 256
