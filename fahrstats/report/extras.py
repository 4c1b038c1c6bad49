"""The optional packages that a report needs."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

from fahrstats.errors import MissingExtraError

# Module to be found, and the package that brings it.
OWN = {
    "IPython": "ipython",
    "matplotlib_inline": "matplotlib-inline",
    "pypandoc": "pypandoc-binary",
    "typst": "typst",
    "yaml": "pyyaml",
}
QUARTO = {
    "ipykernel": "ipykernel",
    "nbclient": "nbclient",
    "nbformat": "nbformat",
    "papermill": "papermill",
    "yaml": "pyyaml",
}


def required(module: str, package: str) -> ModuleType:
    """Import an optional module, or say what brings it."""
    try:
        return import_module(module)
    except ModuleNotFoundError as missing:
        raise _absent([package], "report") from missing


def absent(packages: dict[str, str]) -> list[str]:
    """List the packages that are not installed."""
    return [name for module, name in packages.items() if find_spec(module) is None]


def check_installed(packages: dict[str, str], extra: str) -> None:
    """Raise ``MissingExtraError`` unless every package is installed."""
    missing = absent(packages)
    if missing:
        raise _absent(missing, extra)


def pandoc_path() -> Path:
    """Find the pandoc that comes with the ``pypandoc-binary`` package.

    Another pandoc of the machine is never used: versions differ in what they read.
    """
    spec = find_spec("pypandoc")
    if spec and spec.origin:
        for name in ("pandoc", "pandoc.exe"):
            path = Path(spec.origin).parent / "files" / name
            if path.is_file():
                return path
    raise _absent(["pypandoc-binary"], "report")


def _absent(packages: list[str], extra: str) -> MissingExtraError:
    names = ", ".join(f"`{name}`" for name in packages)
    return MissingExtraError(
        f"Rendering a report needs {names}; run `pip install 'fahrstats[{extra}]'`."
    )
