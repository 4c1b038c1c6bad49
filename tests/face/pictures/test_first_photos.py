from __future__ import annotations

import pytest
from portraits import draw_portraits

from fahrstats.errors import DataError
from fahrstats.face.pictures.first_photos import FirstPhotos
from fahrstats.face.pictures.sources import open_source


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return open_source(draw_portraits(tmp_path_factory.mktemp("photos"), 7))


@pytest.mark.parametrize(
    ("n", "sizes"), [(1, [1]), (3, [3]), (5, [3, 2]), (6, [3, 3]), (99, [3, 3, 1])]
)
def test_the_first_photos_are_taken_in_shards(source, n, sizes):
    some = FirstPhotos(source, n)
    shards = list(some.shards(3))
    assert [len(shard) for shard in shards] == sizes
    assert [shard.index for shard in shards] == list(range(len(sizes)))
    names = [photo.photo for shard in shards for photo in shard]
    assert names == [f"p{i:03d}.png" for i in range(min(n, 7))]
    assert len(some) == len(names)
    assert some.name == source.name


def test_whole_shards_are_those_of_the_source_and_others_are_not(source):
    whole = [shard.fingerprint() for shard in source.shards(3)]
    some = [shard.fingerprint() for shard in FirstPhotos(source, 5).shards(3)]
    assert some[0] == whole[0]
    assert some[1] != whole[1]
    assert FirstPhotos(source, 5).fingerprint() != FirstPhotos(source, 6).fingerprint()


def test_none_is_no_number_of_photos(source):
    with pytest.raises(DataError, match="`limit` must be at least 1, but it is 0"):
        FirstPhotos(source, 0)
