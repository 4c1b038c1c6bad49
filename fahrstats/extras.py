"""Which extra brings a package that is not installed."""

from __future__ import annotations

from fahrstats.errors import MissingExtraError

_EXTRA_OF = {"PIL": "face", "safetensors": "face", "torch": "face"}


def missing_extra(error: ModuleNotFoundError) -> MissingExtraError | None:
    """Return what to say of a failed import, or None if no extra brings the package."""
    package = (error.name or "").partition(".")[0]
    if package not in _EXTRA_OF:
        return None
    return MissingExtraError(
        f"This needs the package `{package}`, which is not installed; run "
        f"`pip install 'fahrstats[{_EXTRA_OF[package]}]'`."
    )
