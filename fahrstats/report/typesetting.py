"""Typst, with the fonts that come with installed packages and no others."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fahrstats.report.drawings import DPI
from fahrstats.report.extras import required

_SHEET = "#set page(width: auto, height: auto, margin: 0pt, fill: white)\n"


def compiler(root: Path) -> Any:
    """Return typst for the files below ``root``; it reads no other.

    Fonts are those in typst itself and, for signs that they lack, those of
    Matplotlib: the same on every machine.
    """
    typst = required("typst", "typst")
    matplotlib: Any = required("matplotlib", "matplotlib")
    fonts = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    return typst.Compiler(
        root=str(root), font_paths=[str(fonts)], ignore_system_fonts=True
    )


def as_pixels(drawings: Mapping[str, Path], folder: Path) -> dict[str, Path]:
    """Write SVG files as PNG, 300 pixels per inch and white where they are empty.

    Parameters
    ----------
    drawings
        SVG files by any name.
    folder
        Where the PNG files are written.

    Returns
    -------
    dict of str to Path
        PNG files by the same names.
    """
    if not drawings:
        return {}
    typeset = compiler(folder)
    images = {}
    for number, (name, drawing) in enumerate(drawings.items(), start=1):
        copy = folder / f"drawing-{number}.svg"
        shutil.copyfile(drawing, copy)
        page = f"{_SHEET}#image({json.dumps(copy.name)})".encode()
        images[name] = copy.with_suffix(".png")
        typeset.compile(page, output=str(images[name]), format="png", ppi=DPI)
    return images
