"""Word files: drawings become pictures."""

from __future__ import annotations

import zipfile

from fahrstats.report import render

SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'


def test_a_drawing_by_any_name_is_a_png(write, tmp_path):
    for name in ("plain.svg", "with a space.SVG", "with%20code.svg"):
        (tmp_path / name.replace("%20", " ")).write_text(SVG)
    source = write("![](plain.svg) ![](<with a space.SVG>) ![](with%20code.svg)\n")
    (report,) = render(source, tmp_path / "page.docx", engine="own")
    with zipfile.ZipFile(report) as parts:
        media = [name for name in parts.namelist() if "/media/" in name]
    assert [name.rpartition(".")[2] for name in media] == ["png"] * 3
