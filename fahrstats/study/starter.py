"""A commented study file to start from, written for the columns of a table."""

from __future__ import annotations

import keyword
import os
import re
import unicodedata
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from fahrstats.cohort.follow_up import as_float, column_problems
from fahrstats.datasets.folder import data_folder
from fahrstats.errors import DataError
from fahrstats.study.guesses import (
    Guess,
    guess_columns,
    guess_event_levels,
    guess_unit,
    looks_like_age,
)
from fahrstats.study.outcomes import DAYS_PER_YEAR, OUTCOME_COLUMNS
from fahrstats.study.tables_in import read_table
from fahrstats.study.wording import code_text
from fahrstats.study.work import is_amount

_HORIZONS = (0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0)
_OLDER = 65.0
_UNUSED_SHOWN = 12
_LARGEST_CODE = 10


def write_starter(table: str, out: Path, data_dir: Path | None = None) -> Guess:
    """Write a study file for a table, and return what its columns seem to be.

    Parameters
    ----------
    table
        File of the table, as :func:`fahrstats.study.tables_in.read_table` takes it.
    out
        The study file to write.
    data_dir
        Folder of the data.

    Raises
    ------
    DataError
        The table cannot be read, or ``out`` exists.
    """
    if out.exists():
        raise DataError(f"`{out}` exists; remove it, or name another file with --out.")
    _check_is_there(table, data_dir)
    data = read_table(table, Path(), data_dir).data
    is_file = Path(table).is_file()
    file = Path(os.path.relpath(table, out.parent)).as_posix() if is_file else table
    guess = guess_columns(data)
    out.write_text(starter_text(data, file, guess), encoding="utf-8")
    return guess


def starter_text(data: pd.DataFrame, file: str, guess: Guess) -> str:
    """Return the text of a study file for ``data``."""
    per = 'per: step of the hazard ratio, in units or "sd"'
    sure = per if guess.is_named else f"no name looks like a score, so check; {per}"
    names = _names([*guess.scores, *guess.covariates])
    lines = [
        "# Guessed from names and values: check every line, then `fahrstats check`.",
        *(f"# CAREFUL: {_printable(note)}" for note in guess.notes),
        f"title = {_quoted(Path(file.partition(':')[2] or file).stem)}",
        f"table = {_quoted(file)}",
        "",
        "[outcome]",
        *_outcome_lines(data, guess),
        "",
        f"[scores]  # {sure}",
        *(_score_line(name, names) for name in guess.scores),
        "",
        "[covariates]  # what the scores are adjusted for",
        *(_covariate_line(data, name, guess, names) for name in guess.covariates),
        "",
        '[subgroups]  # kind = "audit", at the top, asks if scores work alike in them',
        *(f"{names[name]} = true" for name in guess.groups),
        *_age_band_lines(data, guess, names),
        "",
        "[analysis]",
        f"horizons = {_horizons(data, guess)}  # years at which survival is reported",
        "seed = 1",
        *([] if guess.id is None else [f"id = {_quoted(guess.id)}"]),
        "# Also, a line each: n_boot = 200 (draws against optimism), imputations = 20,",
        '# early = [1] (years by which death is early), cohorts = "site" (pooled).',
        *_age_lines(guess, names),
        *_cause_lines(data, guess),
        "# [statements]  # funding, ethics, limitations, ...: what only you can say",
        *_unused_lines(guess),
    ]
    return "\n".join(lines) + "\n"


def _outcome_lines(data: pd.DataFrame, guess: Guess) -> list[str]:
    """Describe follow-up and event, or ask for them."""
    lines = ['label = "Event"  # the event in words']
    if guess.time is None:
        lines += ['time = ""  # no name looks like a follow-up time', 'unit = "days"']
    else:
        unit = guess_unit(guess.time, data[guess.time])
        largest = float(np.nanmax(as_float(data[guess.time])))
        lines += [
            f"time = {_quoted(guess.time)}",
            f'unit = "{unit}"  # days, months or years; the largest is {largest:g}',
        ]
        n_zero = int((data[guess.time] == 0).sum())
        if n_zero:
            lines.append(f"# zero = 0.5  # what the {n_zero} times of 0 stand for")
    if guess.event is None:
        return [*lines, 'event = ""  # no name looks like an event']
    if not any(column_problems(data, guess.event, "event")):
        known = data[guess.event].dropna().unique()
        same = f"; EVERY value is {code_text(known[0])}" if len(known) == 1 else ""
        return [
            *lines,
            f"event = {_quoted(guess.event)}  # 1 or true is an event{same}",
        ]
    events, censored = guess_event_levels(data[guess.event])
    question = "; a competing risk?" if len(censored) > 1 else ""
    return [
        *lines,
        f"# Which level is an event{question}",
        f"event = {{ column = {_quoted(guess.event)}, event = {_listed(events)}, "
        f"censored = {_listed(censored)} }}",
    ]


def _score_line(column: str, names: Mapping[str, str]) -> str:
    """Describe a score: in decades if it is an age, else per standard deviation."""
    step = 'unit = "years", per = 10' if looks_like_age(column) else 'per = "sd"'
    return f"{_start(column, names)}, {step} }}"


def _covariate_line(
    data: pd.DataFrame, column: str, guess: Guess, names: Mapping[str, str]
) -> str:
    """Describe a covariate; codes get a text for each level."""
    start = _start(column, names)
    if column == guess.age:
        return f'{start}, unit = "years", per = 10 }}'
    if not is_amount(data[column]):
        return f"{start} }}"
    codes = sorted(data[column].dropna().unique())
    if column not in guess.groups:
        return f"{start} }}{_amount_comment(codes)}"
    texts = map(code_text, codes)
    levels = ", ".join(
        f"{_key(code)} = {_quoted(f'{column} {code}')}" for code in texts
    )
    return f"{start}, levels = {{ {levels} }} }}  # say what the codes mean"


def _amount_comment(codes: list[float]) -> str:
    """Say that small whole numbers, such as a performance status, are an amount."""
    is_scale = all(0 <= code <= _LARGEST_CODE and code == int(code) for code in codes)
    if not is_scale or len(codes) < 3:
        return ""
    return (
        f"  # {codes[0]:g} to {codes[-1]:g} enters as an amount; categorical = true "
        "compares its levels"
    )


def _start(column: str, names: Mapping[str, str]) -> str:
    """Open the entry of a variable, naming the column where the key is another."""
    source = "" if names[column] == column else f"column = {_quoted(column)}, "
    return f"{names[column]} = {{ {source}label = {_quoted(column)}"


def _age_band_lines(
    data: pd.DataFrame, guess: Guess, names: Mapping[str, str]
) -> list[str]:
    """Compare the young and the old, where there are both."""
    if guess.age is None:
        return []
    ages = data[guess.age].dropna()
    cut = _OLDER if ages.min() <= _OLDER < ages.max() else float(ages.median())
    return [f"{names[guess.age]} = {{ cuts = [{cut:g}] }}"] if cut < ages.max() else []


def _age_lines(guess: Guess, names: Mapping[str, str]) -> list[str]:
    """Offer gaps of the scores that look like ages, where the age is known."""
    ages = [names[score] for score in guess.scores if looks_like_age(score)]
    if guess.age is None or not ages:
        return []
    return [
        "# [ages]  # gaps between predicted and actual age",
        f"# predicted = {_listed(ages)}",
        f"# age = {_quoted(names[guess.age])}",
    ]


def _cause_lines(data: pd.DataFrame, guess: Guess) -> list[str]:
    """Offer competing causes, where no more than two levels say what happened."""
    if guess.event is None or not any(column_problems(data, guess.event, "event")):
        return []
    events, censored = guess_event_levels(data[guess.event])
    if len(censored) < 2:
        return []
    return [
        "# [competing]  # where other events end follow-up: list them as `event` too",
        f"# cause = {_quoted(guess.event)}",
        f"# of = {_quoted(events[0])}",
    ]


def _horizons(data: pd.DataFrame, guess: Guess) -> str:
    """Return a few round years that many people were followed to."""
    if guess.time is None:
        return "[1]"
    per_year = {"days": DAYS_PER_YEAR, "months": 12.0, "years": 1.0}
    years = (
        as_float(data[guess.time]) / per_year[guess_unit(guess.time, data[guess.time])]
    )
    within = [h for h in _HORIZONS if h < np.nanquantile(years, 0.9)]
    shown = within[-3:] or [float(f"{np.nanmedian(years):.2g}")]
    return f"[{', '.join(f'{horizon:g}' for horizon in shown)}]"


def _unused_lines(guess: Guess) -> list[str]:
    """Name the columns that have no part yet."""
    if not guess.unused:
        return []
    shown = ", ".join(
        name if name.isprintable() else _quoted(name)
        for name in guess.unused[:_UNUSED_SHOWN]
    )
    more = len(guess.unused) - _UNUSED_SHOWN
    return [f"# Not used: {shown}{f' and {more} more' if more > 0 else ''}"]


def _names(columns: Iterable[str]) -> dict[str, str]:
    """Return a name for each column that can stand in a formula, all different."""
    names: dict[str, str] = {}
    for column in columns:
        first = name = _name(column)
        number = 1
        while name in names.values():
            number += 1
            name = f"{first}_{number}"
        names[column] = name
    return names


def _name(column: str) -> str:
    """Return a column's name as it can stand in a formula and as a key of TOML."""
    plain = unicodedata.normalize("NFKD", column).encode("ascii", "ignore").decode()
    name = re.sub(r"\W+", "_", plain).strip("_") or "column"
    if name[0].isdigit():
        name = f"x{name}"
    return f"{name}_" if keyword.iskeyword(name) or name in OUTCOME_COLUMNS else name


def _key(code: str) -> str:
    """Return a key of TOML, in quotes where it needs them."""
    return code if re.fullmatch(r"[A-Za-z0-9_-]+", code) else _quoted(code)


def _quoted(text: str) -> str:
    """Return text as a TOML string of one line."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{_printable(escaped)}"'


def _printable(text: str) -> str:
    """Return text with line ends and other signs that do not print as TOML escapes."""
    return "".join(
        sign if sign.isprintable() else f"\\U{ord(sign):08X}" for sign in text
    )


def _listed(levels: list[str]) -> str:
    """Return levels as a TOML list."""
    return f"[{', '.join(map(_quoted, levels))}]"


def _check_is_there(table: str, data_dir: Path | None) -> None:
    """Refuse a table without a name, a folder, and a file that is not there."""
    if not table.strip():
        raise DataError("The table has no name; give a CSV or Parquet file.")
    if ":" in table and not Path(table).suffix:
        return
    folder = data_folder(data_dir)
    places = [Path(table), *([] if folder is None else [folder / table])]
    if any(place.is_file() for place in places):
        return
    if any(place.is_dir() for place in places):
        raise DataError(f"`{table}` is a folder; name a CSV or Parquet file.")
    also = "" if folder is None else f", nor one in the data folder `{folder}`"
    raise DataError(f"There is no file `{table}`{also}.")
