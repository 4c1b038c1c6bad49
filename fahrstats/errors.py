"""The exceptions, and the one warning, of the package.

A message says what is wrong, where (the column or argument, in backticks), how much of
it there is, and what to do.
"""

from __future__ import annotations


class FahrstatsError(Exception):
    """Base of every exception raised on purpose by this package."""


class FormulaError(FahrstatsError, ValueError):
    """A formula cannot be read."""


class DataError(FahrstatsError, ValueError):
    """The data or an argument cannot support the request."""


class PhotoError(DataError):
    """One photo cannot be read; its row says why, and the cohort goes on.

    Attributes
    ----------
    reason : str
        Why, in a few words without the photo's name.
    photo : str
        Name of the photo.
    """

    def __init__(self, reason: str, photo: str = "") -> None:
        super().__init__(reason, photo)
        self.reason = reason
        self.photo = photo

    def __str__(self) -> str:
        return f"`{self.photo}` cannot be read: {self.reason}."


class ConvergenceError(FahrstatsError, RuntimeError):
    """An iteration ended without a solution."""


class MissingExtraError(FahrstatsError, ImportError):
    """An optional dependency is needed and absent."""


class ResultWarning(UserWarning):
    """A result is valid but needs care, such as few events per coefficient."""
