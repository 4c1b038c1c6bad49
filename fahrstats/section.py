"""Reading one section of a file of settings, collecting every problem on the way."""

from __future__ import annotations

import keyword
import math
import tomllib
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

from fahrstats.errors import DataError


@dataclass(frozen=True, slots=True)
class Section:
    """A table of a TOML file, and the list that its problems are added to.

    A value of the wrong type is reported and read as if it were absent, so that one
    mistake does not hide the next.

    Attributes
    ----------
    where : str
        The section as a reader of the file knows it, such as ``[outcome]``.
    values : dict
        Keys and values.
    problems : list of str
        Shared by all sections of a file.
    asked : set of str
        Keys that have been read; all others are unknown.
    """

    where: str
    values: dict[str, Any]
    problems: list[str]
    asked: set[str] = field(default_factory=set)

    def text(self, key: str, default: str = "", *, required: bool = False) -> str:
        """Return the text under ``key``."""
        value = self._take(key, required=required)
        if value is None or not self._is(key, value, str, "text in quotes"):
            return default
        if not value.strip() and (required or default):
            self.problem(f"`{key}` is empty.")
            return default
        return str(value)

    def optional_text(self, key: str) -> str | None:
        """Return the text under ``key``, or None where it is absent."""
        return self.text(key) or None

    def number(self, key: str, *, at_least: float | None = None) -> float | None:
        """Return the number under ``key``, or None where it is absent.

        It must be finite, and above 0 unless ``at_least`` says otherwise.
        """
        value = self._take(key)
        if value is None or not self._is(key, value, (int, float), "a number"):
            return None
        is_enough = value > 0 if at_least is None else value >= at_least
        if not is_enough or not _is_finite(value):
            limit = "above 0" if at_least is None else f"at least {at_least:g}"
            self.problem(f"`{key}` is {value}; it must be {limit}, and finite.")
            return None
        return float(value)

    def whole(self, key: str, default: int, *, at_least: int = 0) -> int:
        """Return the whole number under ``key``."""
        value = self._take(key)
        if value is None or not self._is(key, value, int, "a whole number"):
            return default
        if value < at_least:
            self.problem(f"`{key}` is {value}; it must be at least {at_least}.")
            return default
        return int(value)

    def flag(self, key: str) -> bool:
        """Return the true or false under ``key``; false where it is absent."""
        value = self._take(key)
        return value is not None and self._is(key, value, bool, "true or false", value)

    def choice(self, key: str, choices: Collection[str], default: str) -> str:
        """Return the text under ``key``, one of ``choices``."""
        value = self.text(key, default)
        if value in choices:
            return value
        self.problem(f"`{key}` is `{value}`; {_one_of(value, choices)}")
        return default

    def items(self, key: str) -> tuple[Any, ...]:
        """Return the list under ``key``; a single value is a list of one."""
        value = self._take(key)
        if value is None:
            return ()
        return tuple(value) if isinstance(value, list) else (value,)

    def texts(self, key: str) -> tuple[str, ...]:
        """Return the texts under ``key``."""
        items = self.items(key)
        if all(isinstance(item, str) for item in items):
            return items
        self.problem(f"`{key}` must be text in quotes, or a list of such texts.")
        return ()

    def ascending(self, key: str, *, above_zero: bool = True) -> tuple[float, ...]:
        """Return the numbers under ``key``, which must ascend."""
        items = self.items(key)
        if not all(_is_number(item) and (item > 0 or not above_zero) for item in items):
            wanted = "finite numbers above 0" if above_zero else "finite numbers"
            self.problem(f"`{key}` must be a list of {wanted}.")
            return ()
        if any(low >= high for low, high in pairwise(items)):
            self.problem(f"`{key}` must ascend, but it is {list(items)}.")
            return ()
        return tuple(float(item) for item in items)

    def numbers(
        self, key: str, *, count: int, above_zero: bool = False
    ) -> tuple[float, ...]:
        """Return the ``count`` finite numbers under ``key``, or none."""
        items = self.items(key)
        is_fine = len(items) == count and all(
            _is_number(item) and (item > 0 or not above_zero) for item in items
        )
        if self.is_given(key) and not is_fine:
            wanted = "finite numbers above 0" if above_zero else "finite numbers"
            self.problem(f"`{key}` must be a list of {count} {wanted}.")
        return tuple(float(item) for item in items) if is_fine else ()

    def levels(self, key: str) -> tuple[tuple[str, str], ...]:
        """Return the mapping from code to text under ``key``, in order."""
        value = self._take(key)
        if value is None or not self._is(key, value, dict, '{1 = "Men", 2 = "Women"}'):
            return ()
        wrong = [code for code, text in value.items() if not isinstance(text, str)]
        if wrong:
            self.problem(f"`{key}` must give `{wrong[0]}` a text in quotes.")
            return ()
        return tuple(value.items())

    def section(self, key: str, *, required: bool = False) -> Section:
        """Return the section under ``key``, empty where it is absent."""
        value = self._take(key, required=required)
        if value is not None and not isinstance(value, dict):
            self.problem(f"`{key}` must be a section of its own.")
            value = None
        where = f"[{key}]" if self.where == "" else f"{self.where[:-1]}.{key}]"
        return Section(where, value or {}, self.problems)

    def sections(self, key: str, *, required: bool = False) -> dict[str, Section]:
        """Return the sections under ``key`` by name, such as one per score."""
        outer = self.section(key, required=required)
        return {name: outer.section(name) for name in outer.values}

    def named(self, name: str) -> str:
        """Check that ``name`` can stand in a formula, and return it."""
        if not name.isidentifier() or keyword.iskeyword(name):
            self.problem(
                f"`{name}` cannot stand in a formula; use letters, digits and `_` "
                f'for the name, and write `column = "{name}"` in its section.'
            )
        return name

    def is_given(self, key: str) -> bool:
        """Tell whether the file holds ``key``."""
        return key in self.values

    def require(self, *keys: str) -> None:
        """Report the keys that are absent."""
        for key in keys:
            self._take(key, required=True)

    def finish(self) -> None:
        """Report the keys that nobody asked for."""
        for key in self.values:
            if key not in self.asked:
                self.problem(f"`{key}` is not known; {_one_of(key, self.asked)}")

    def problem(self, message: str) -> None:
        """Add a problem, saying where in the file it is."""
        self.problems.append(f"{self.where}: {message}" if self.where else message)

    def _take(self, key: str, *, required: bool = False) -> Any:
        """Return the value under ``key``, remembering that the key is known."""
        self.asked.add(key)
        if required and self.values.get(key) is None:
            self.problem(f"`{key}` is missing.")
        return self.values.get(key)

    def _is(
        self,
        key: str,
        value: object,
        kind: type | tuple[type, ...],
        wanted: str,
        result: object = True,
    ) -> bool:
        """Report a value of another type; true and false are no numbers."""
        is_kind = isinstance(value, kind) and (
            kind is bool or not isinstance(value, bool)
        )
        if not is_kind:
            self.problem(f"`{key}` must be {wanted}, not {value!r}.")
        return is_kind and bool(result)


def open_toml(path: Path) -> Section:
    """Return the top section of a TOML file, with no problems so far.

    Raises
    ------
    DataError
        The file is absent, not UTF-8 or not TOML.
    """
    try:
        return Section("", tomllib.loads(path.read_text(encoding="utf-8")), [])
    except FileNotFoundError as error:
        raise DataError(f"There is no file `{path}`.") from error
    except UnicodeDecodeError as error:
        raise DataError(f"`{path}` is not UTF-8 text; save it as UTF-8.") from error
    except tomllib.TOMLDecodeError as error:
        raise DataError(f"`{path}` is not TOML: {error}.") from error


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return `` Did you mean `x`?``, or nothing where no known name is close."""
    close = get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f" Did you mean `{close[0]}`?" if close else ""


def _one_of(value: str, choices: Collection[str]) -> str:
    """Say which values are known, the closest one first where one is close."""
    guess = did_you_mean(value, choices)
    if guess:
        return guess[1:].replace("Did", "did")
    return f"known here: {', '.join(f'`{choice}`' for choice in sorted(choices))}."


def _is_number(value: object) -> bool:
    """Tell whether ``value`` is a finite number; true and false are none."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and _is_finite(cast(float, value))


def _is_finite(value: float) -> bool:
    """Tell whether a number is finite, and no whole number too long for a float."""
    try:
        return math.isfinite(value)
    except OverflowError:
        return False
