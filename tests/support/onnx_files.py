"""Small ONNX files, written byte by byte: the ``onnx`` package is not needed.

Field numbers are those of onnx.proto (ONNX, opset 13).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

FLOAT, INT64 = 1, 7


def cellwise_network(
    heads: dict[str, tuple[int, np.ndarray, np.ndarray]],
    sides: tuple[int | str, int | str] = ("height", "width"),
) -> bytes:
    """Return a network whose outputs look at one square cell of the picture each.

    Parameters
    ----------
    heads
        By name of the output: side s of a cell, weights (n, 3, s, s), bias (n,). The
        output has the shape (1, cells, n).
    sides
        Rows and columns of the input, a name where they are free.
    """
    graph = b""
    for name, (side, weights, bias) in heads.items():
        graph += _tensor(f"{name}_w", weights.astype("<f4"), FLOAT)
        graph += _tensor(f"{name}_b", bias.astype("<f4"), FLOAT)
        shape = np.array([1, -1, len(bias)], "<i8")
        graph += _tensor(f"{name}_shape", shape, INT64)
        inputs = ["input", f"{name}_w", f"{name}_b"]
        graph += _node("Conv", inputs, f"{name}_maps", strides=[side, side])
        graph += _node("Transpose", [f"{name}_maps"], f"{name}_last", perm=[0, 2, 3, 1])
        graph += _node("Reshape", [f"{name}_last", f"{name}_shape"], name)
        graph += _field(12, _value(name, [1, "cells", len(bias)]))
    graph += _field(2, b"cells") + _field(11, _value("input", [1, 3, *sides]))
    opset = _field(8, _field(1, b"") + _number(2, 13))
    return _number(1, 7) + opset + _field(7, graph)


def _node(kind: str, inputs: Sequence[str], output: str, **ints: list[int]) -> bytes:
    body = b"".join(_field(1, name.encode()) for name in inputs)
    body += _field(2, output.encode()) + _field(4, kind.encode())
    for name, values in ints.items():
        listed = b"".join(_number(8, value) for value in values)
        body += _field(5, _field(1, name.encode()) + listed + _number(20, 7))
    return _field(1, body)


def _tensor(name: str, values: np.ndarray, kind: int) -> bytes:
    dims = b"".join(_number(1, side) for side in values.shape)
    data = _field(8, name.encode()) + _field(9, values.tobytes())
    return _field(5, dims + _number(2, kind) + data)


def _value(name: str, shape: Sequence[int | str]) -> bytes:
    dims = b"".join(
        _field(1, _number(1, s) if isinstance(s, int) else _field(2, s.encode()))
        for s in shape
    )
    tensor = _number(1, FLOAT) + _field(2, dims)
    return _field(1, name.encode()) + _field(2, _field(1, tensor))


def _field(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _number(number: int, value: int) -> bytes:
    return _varint(number << 3) + _varint(value)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)
