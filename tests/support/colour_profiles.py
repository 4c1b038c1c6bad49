"""ICC profiles of red, green and blue made from their numbers."""

from __future__ import annotations

import struct

import numpy as np

# Colours of the primaries under D50, as their specifications give them: r, g, b across.
ADOBE_RGB = np.array(
    [
        [0.60974, 0.20528, 0.14919],
        [0.31111, 0.62567, 0.06322],
        [0.01947, 0.06087, 0.74457],
    ]
)
SRGB = np.array(
    [
        [0.43607, 0.38515, 0.14307],
        [0.22249, 0.71687, 0.06061],
        [0.01392, 0.09708, 0.71410],
    ]
)
ADOBE_GAMMA = 563 / 256


def matrix_profile(primaries, gamma, name="made for a test"):
    """Return the bytes of a profile of version 2: three primaries and a power."""

    def fixed(*values):
        return b"".join(struct.pack(">i", round(value * 65536)) for value in values)

    def xyz(values):
        return b"XYZ \0\0\0\0" + fixed(*values)

    text = name.encode() + b"\0"
    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"
    tags = {
        b"desc": b"desc\0\0\0\0" + struct.pack(">I", len(text)) + text + bytes(78),
        b"cprt": b"text\0\0\0\0none\0",
        b"wtpt": xyz((0.9642, 1.0, 0.8249)),
        b"rXYZ": xyz(primaries[:, 0]),
        b"gXYZ": xyz(primaries[:, 1]),
        b"bXYZ": xyz(primaries[:, 2]),
        b"rTRC": curve,
        b"gTRC": curve,
        b"bTRC": curve,
    }
    table, body = struct.pack(">I", len(tags)), b""
    start = 128 + 4 + 12 * len(tags)
    for tag, data in tags.items():
        table += tag + struct.pack(">II", start + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    size = 128 + len(table) + len(body)
    header = struct.pack(
        ">I4xI4s4s4s12x4s", size, 0x02100000, b"mntr", b"RGB ", b"XYZ ", b"acsp"
    )
    return (
        header.ljust(68, b"\0")
        + fixed(0.9642, 1.0, 0.8249).ljust(60, b"\0")
        + table
        + body
    )


def as_srgb(values, primaries, gamma):
    """Return 8-bit values of other primaries in sRGB by its formula (IEC 61966-2-1)."""
    linear = (np.asarray(values) / 255) ** gamma
    light = np.clip(linear @ (np.linalg.inv(SRGB) @ primaries).T, 0, 1)
    low, high = 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055
    return 255 * np.where(light <= 0.0031308, low, high)
