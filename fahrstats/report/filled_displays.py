"""Display functions that know the study: labels, unit of time and style filled in."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import partial, update_wrapper
from types import ModuleType
from typing import Any

from fahrstats.section import did_you_mean


class FilledDisplays:
    """The functions of a display module, with what a study gives all of them.

    ``study.tables.table_one(table)`` is
    ``tables.table_one(table, labels=..., style=...)``. What a call gives itself
    is kept, and a function is given nothing that it does not take.

    Parameters
    ----------
    module
        :mod:`fahrstats.display.tables`, ``figures`` or ``sentences``.
    given
        Keyword arguments by name.
    """

    __slots__ = ("_given", "_module")

    def __init__(self, module: ModuleType, given: Mapping[str, object]) -> None:
        self._module = module
        self._given = dict(given)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name not in self._module.__all__:
            known = self._module.__all__
            named = ", ".join(f"`{one}`" for one in known)
            guess = did_you_mean(name, known) or f" It has {named}."
            raise AttributeError(
                f"`{self._module.__name__}` has no function `{name}`.{guess}"
            )
        function: Callable[..., Any] = getattr(self._module, name)
        taken = inspect.signature(function).parameters
        given = {key: value for key, value in self._given.items() if key in taken}
        return update_wrapper(partial(function, **given), function)

    def __dir__(self) -> list[str]:
        return list(self._module.__all__)
