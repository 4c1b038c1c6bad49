from __future__ import annotations

import pandas as pd
import pytest
from onnx_files import cellwise_network

from fahrstats.errors import DataError
from fahrstats.face.detection.choosing import open_detector
from fahrstats.face.detection.mtcnn import Mtcnn
from fahrstats.face.detection.precomputed import COORDINATES


def test_the_detector_of_no_file_is_mtcnn():
    assert isinstance(open_detector("mtcnn"), Mtcnn)


def test_faces_found_elsewhere_are_a_detector(tmp_path):
    path = tmp_path / "a:b.csv"
    row = (0, 0, 50, 70, 10, 20, 30, 20, 20, 35, 12, 50, 28, 50)
    data = pd.DataFrame([row], columns=list(COORDINATES)).assign(photo="x")
    data.to_csv(path, index=False)
    assert open_detector(f"precomputed:{path}").name.startswith("a:b.csv@")


def test_an_onnx_file_must_be_one_of_yunet(tmp_path):
    pytest.importorskip("onnxruntime", reason="needs the extra fahrstats[baselines]")
    path = tmp_path / "other.onnx"
    path.write_bytes(cellwise_network({}))
    with pytest.raises(DataError, match=r"`other\.onnx`"):
        open_detector(f"yunet:{path}")


@pytest.mark.parametrize("name", ["", "MTCNN", "mtcnn:x", "retina", "retina:x.onnx"])
def test_an_unknown_name_lists_the_detectors(name):
    with pytest.raises(DataError) as error:
        open_detector(name)
    assert str(error.value) == (
        f"There is no detector `{name}`; there are `mtcnn`, `yunet:PATH` and "
        "`precomputed:PATH`."
    )


@pytest.mark.parametrize("name", ["yunet", "yunet:", "precomputed", "precomputed:"])
def test_a_detector_with_a_file_asks_for_it(name):
    kind = name.rstrip(":")
    with pytest.raises(DataError, match=f"`{name}` needs a file: `{kind}:PATH`"):
        open_detector(name)
