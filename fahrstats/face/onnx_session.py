"""Networks in ONNX files, run on one thread and telling nobody.

Since version 1.29 the published builds of onnxruntime send events over the network, on
Linux too, unless ``ORT_DISABLE_TELEMETRY`` is set before they are loaded. No other
module of the package imports onnxruntime.
"""

from __future__ import annotations

import os
from typing import Any

from fahrstats.errors import DataError, MissingExtraError


def open_session(model: bytes, *, name: str, optimized: bool = True) -> Any:
    """Return an ``onnxruntime.InferenceSession`` that uses one thread of the CPU.

    Parameters
    ----------
    model
        Contents of the ONNX file.
    name
        Name of the file, for the message when it cannot be read.
    optimized
        Let the runtime rearrange the network, which changes the last bits.

    Raises
    ------
    MissingExtraError
        onnxruntime is not installed.
    DataError
        The file is not an ONNX network that this version can run.
    """
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    try:
        import onnxruntime
    except ImportError as error:
        raise MissingExtraError(
            f"Running `{name}` needs onnxruntime; install it with "
            "`pip install 'fahrstats[baselines]'`."
        ) from error
    onnxruntime.disable_telemetry_events()  # in case it was loaded before
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors
    if not optimized:
        level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.graph_optimization_level = level
    try:
        return onnxruntime.InferenceSession(
            model, options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # its classes have no common base
        reason = str(error).strip().partition("\n")[0]
        raise DataError(f"`{name}` cannot be run by onnxruntime: {reason}") from error
