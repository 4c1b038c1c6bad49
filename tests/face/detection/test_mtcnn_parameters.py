from __future__ import annotations

import io
import os
import pickle
import sys
from importlib.metadata import PackageNotFoundError

import joblib
import lz4.frame
import numpy as np
import pytest
from numpy.testing import assert_array_equal

from fahrstats.errors import DataError, MissingExtraError
from fahrstats.face.detection import mtcnn_parameters
from fahrstats.face.detection.mtcnn_parameters import (
    SHAPES,
    cut_arrays,
    read_parameters,
)


class MakesFolder:
    """What makes a folder as soon as it is unpickled."""

    def __init__(self, folder):
        self.folder = str(folder)

    def __reduce__(self):
        return os.mkdir, (self.folder,)


class Installed:
    """A distribution with files of our own."""

    def __init__(self, folder):
        self.folder = folder

    def __call__(self, name):
        return self

    def locate_file(self, path):
        return self.folder / path


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Return the folder of parameters of a package that takes the real one's place."""
    monkeypatch.setattr(mtcnn_parameters, "distribution", Installed(tmp_path))
    folder = tmp_path / "mtcnn" / "assets" / "weights"
    folder.mkdir(parents=True)
    return folder


@pytest.mark.parametrize("stage", SHAPES)
def test_the_arrays_are_those_that_joblib_reads(stage):
    arrays = read_parameters(stage)
    packed = mtcnn_parameters.distribution("mtcnn").locate_file(
        f"mtcnn/assets/weights/{stage}.lz4"
    )
    # unpickled here because the file is the known one, as read_parameters has checked
    expected = joblib.load(io.BytesIO(lz4.frame.decompress(packed.read_bytes())))
    assert len(arrays) == len(expected)
    for ours, theirs in zip(arrays, expected, strict=True):
        assert ours.dtype == np.float32
        assert_array_equal(ours, theirs, strict=True)
    assert "mtcnn" not in sys.modules
    assert "tensorflow" not in sys.modules


def test_arrays_are_cut_out_of_any_dump():
    rng = np.random.default_rng(1)
    shapes = ((2, 3), (5,), (1, 1, 4), (7, 2), (3,))
    arrays = [rng.normal(size=shape).astype(np.float32) for shape in shapes]
    dump = io.BytesIO()
    joblib.dump(arrays, dump)
    for ours, theirs in zip(cut_arrays(dump.getvalue(), shapes), arrays, strict=True):
        assert_array_equal(ours, theirs, strict=True)


@pytest.mark.parametrize("change", ["one bit", "half", "empty"])
def test_a_changed_file_is_not_read(installed, change):
    real = mtcnn_parameters.SHA256["pnet"]
    content = bytearray(known_bytes("pnet"))
    content[1000] ^= change == "one bit"
    kept = {"one bit": len(content), "half": len(content) // 2, "empty": 0}[change]
    (installed / "pnet.lz4").write_bytes(content[:kept])
    with pytest.raises(DataError) as error:
        read_parameters("pnet")
    assert f"not {real[:12]}), so it is not read; install it again" in str(error.value)


def test_a_pickle_in_a_file_does_not_run(installed, tmp_path):
    dump = pickle.dumps(MakesFolder(tmp_path / "made"))
    (installed / "onet.lz4").write_bytes(lz4.frame.compress(dump))
    with pytest.raises(DataError, match="is not that of version"):
        read_parameters("onet")
    with pytest.raises(DataError, match="0 of 21 arrays were found in the dump"):
        cut_arrays(dump, SHAPES["onet"])
    assert not (tmp_path / "made").exists()
    pickle.loads(dump)
    assert (tmp_path / "made").exists()  # it would have


def test_a_dump_that_ends_early_says_where():
    dump = io.BytesIO()
    joblib.dump([np.zeros(3, np.float32), np.zeros(100, np.float32)], dump)
    with pytest.raises(DataError, match=r"The dump ends within array 2\."):
        cut_arrays(dump.getvalue()[:-50], ((3,), (100,)))


def test_a_missing_file_says_how_to_get_it(installed):
    with pytest.raises(DataError, match=r"`rnet.lz4` is not in the installed `mtcnn`"):
        read_parameters("rnet")


def test_a_missing_package_is_a_missing_extra(monkeypatch):
    def absent(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(mtcnn_parameters, "distribution", absent)
    with pytest.raises(MissingExtraError, match=r"pip install 'fahrstats\[face\]'"):
        read_parameters("pnet")


def test_a_missing_decompressor_is_a_missing_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "lz4", None)
    monkeypatch.setitem(sys.modules, "lz4.frame", None)
    with pytest.raises(MissingExtraError, match="needs `mtcnn` and `lz4`"):
        read_parameters("pnet")


def known_bytes(stage):
    from importlib.metadata import distribution

    path = distribution("mtcnn").locate_file(f"mtcnn/assets/weights/{stage}.lz4")
    return path.read_bytes()
