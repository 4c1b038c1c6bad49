"""Documents to render, and the one that holds every construct, rendered once."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from fahrstats.report import render
from fahrstats.report.source import FORMATS, Source, read_source

DOCUMENTS = Path(__file__).parent / "documents"
REFUSE_SOCKETS = """
import socket

def refused(*_):
    raise OSError("a report is rendered without any network")

socket.socket.connect = socket.getaddrinfo = refused
"""


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write a document from its text and return its path."""

    def to_file(text: str, name: str = "document.qmd") -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return to_file


@pytest.fixture
def read(write: Callable[..., Path]) -> Callable[[str], Source]:
    """Read a document from its text."""
    return lambda text: read_source(write(text))


@pytest.fixture
def to_html(write: Callable[..., Path], tmp_path: Path) -> Callable[..., str]:
    """Render a document from its text with the package's own renderer."""

    def rendered(text: str, **params: object) -> str:
        output = tmp_path / "page.html"
        (page,) = render(write(text), output, params=params, engine="own")
        return page.read_text(encoding="utf-8")

    return rendered


@pytest.fixture(scope="session")
def every_format(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Render the document that holds every construct once, to every format.

    There is no network: sockets are refused here and in the process that runs the
    document, and what else would fetch something finds no way out.
    """
    folder = tmp_path_factory.mktemp("page")
    outputs = [folder / f"every_construct.{kind}" for kind in FORMATS]
    source = DOCUMENTS / "every_construct.qmd"
    (folder / "sitecustomize.py").write_text(REFUSE_SOCKETS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", _refused)
        patch.setenv("PYTHONPATH", str(folder))
        for name in ("http_proxy", "https_proxy", "all_proxy"):
            patch.setenv(name, "http://127.0.0.1:9")
        files = render(source, outputs, params={"label": "given"}, engine="own")
    return dict(zip(FORMATS, files, strict=True))


def _refused(*_: object) -> None:
    raise AssertionError("a report is rendered without any network")


@pytest.fixture(scope="session")
def every_construct(every_format: dict[str, Path]) -> Path:
    """Return the HTML page of the document that holds every construct."""
    return every_format["html"]
