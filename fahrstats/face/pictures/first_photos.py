"""The first photos of a source, to try something out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from fahrstats.errors import DataError
from fahrstats.face.pictures.photos import Photo, PhotoSource, Shard, hash_of


@dataclass(frozen=True, slots=True)
class FirstPhotos:
    """The first photos of a source, as a source.

    Attributes
    ----------
    source : PhotoSource
        The whole.
    n : int
        How many photos to take, if there are as many.
    """

    source: PhotoSource
    n: int

    def __post_init__(self) -> None:
        if self.n < 1:
            raise DataError(f"`limit` must be at least 1, but it is {self.n}.")

    @property
    def name(self) -> str:
        """Name of the whole."""
        return self.source.name

    def __len__(self) -> int:
        return min(self.n, len(self.source))

    def shards(self, size: int) -> Iterator[Shard]:
        """Yield shards of ``size`` photos, the last one shorter."""
        left = len(self)
        for shard in self.source.shards(size):
            if left <= 0:
                return
            yield shard if len(shard) <= left else _ShardStart(shard, left)
            left -= len(shard)

    def fingerprint(self) -> str:
        """Return a SHA-256 that changes when a photo of the whole does."""
        return hash_of([self.source.fingerprint(), str(len(self))])


@dataclass(frozen=True, slots=True)
class _ShardStart:
    """The first photos of a shard."""

    shard: Shard
    n: int

    @property
    def index(self) -> int:
        """Place among the shards."""
        return self.shard.index

    def __len__(self) -> int:
        return self.n

    def __iter__(self) -> Iterator[Photo]:
        return islice(self.shard, self.n)

    def fingerprint(self) -> str:
        """Return a SHA-256 of the whole shard and the number of photos."""
        return hash_of([self.shard.fingerprint(), str(self.n)])
