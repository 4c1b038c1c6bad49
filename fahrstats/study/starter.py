"""A commented study file to start from, written for the columns of a table."""

from __future__ import annotations

import json
import keyword
import os
import re
from pathlib import Path

import numpy as np
import pandas as pd

from fahrstats.cohort.follow_up import as_float, column_problems
from fahrstats.errors import DataError
from fahrstats.study.guesses import Guess, guess_columns, guess_event_levels, guess_unit
from fahrstats.study.preparation import is_amount
from fahrstats.study.specification import DAYS_PER_YEAR, OUTCOME_COLUMNS
from fahrstats.study.study_file import code_text
from fahrstats.study.tables_in import read_table

_HORIZONS = (0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0)
_OLDER = 65.0
_UNUSED_SHOWN = 12


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
    lines = [
        "# Guessed from names and values: check every line, then `fahrstats check`.",
        f"title = {_quoted(Path(file.partition(':')[2] or file).stem)}",
        f"table = {_quoted(file)}",
        "",
        "[outcome]",
        *_outcome_lines(data, guess),
        "",
        f"[scores]  # {sure}",
        *(_score_line(data, name) for name in guess.scores),
        "",
        "[covariates]  # what the scores are adjusted for",
        *(_covariate_line(data, name, guess) for name in guess.covariates),
        "",
        "[subgroups]",
        *(f"{_name(name)} = true" for name in guess.groups),
        *_age_band_lines(data, guess),
        "",
        "[analysis]",
        f"horizons = {_horizons(data, guess)}  # years at which survival is reported",
        "seed = 1",
        *([] if guess.id is None else [f"id = {_quoted(guess.id)}"]),
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
        return [*lines, f"event = {_quoted(guess.event)}  # 1 or true is an event"]
    events, censored = guess_event_levels(data[guess.event])
    question = "; a competing risk?" if len(censored) > 1 else ""
    return [
        *lines,
        f"# Which level is an event{question}",
        f"event = {{ column = {_quoted(guess.event)}, event = {_listed(events)}, "
        f"censored = {_listed(censored)} }}",
    ]


def _score_line(data: pd.DataFrame, column: str) -> str:
    """Describe a score: in decades if it is an age, else per standard deviation."""
    if "age" in column.lower():
        step = 'unit = "years", per = 10'
    else:
        step = 'unit = "", per = "sd"'
    return f"{_name(column)} = {{ {_column(column)}label = {_quoted(column)}, {step} }}"


def _covariate_line(data: pd.DataFrame, column: str, guess: Guess) -> str:
    """Describe a covariate; codes get a text for each level."""
    start = f"{_name(column)} = {{ {_column(column)}label = {_quoted(column)}"
    if column == guess.age:
        return f'{start}, unit = "years", per = 10 }}'
    if not is_amount(data[column]):
        return f"{start} }}"
    if column not in guess.groups:
        return f'{start}, unit = "" }}'
    codes = [code_text(level) for level in sorted(data[column].dropna().unique())]
    levels = ", ".join(f'{_key(code)} = "{column} {code}"' for code in codes)
    return f"{start}, levels = {{ {levels} }} }}  # say what the codes mean"


def _age_band_lines(data: pd.DataFrame, guess: Guess) -> list[str]:
    """Compare the young and the old, where there are both."""
    if guess.age is None:
        return []
    ages = data[guess.age].dropna()
    cut = _OLDER if ages.min() <= _OLDER < ages.max() else float(ages.median())
    return [f"{_name(guess.age)} = {{ cuts = [{cut:g}] }}"] if cut < ages.max() else []


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
    shown = ", ".join(guess.unused[:_UNUSED_SHOWN])
    more = len(guess.unused) - _UNUSED_SHOWN
    return [f"# Not used: {shown}{f' and {more} more' if more > 0 else ''}"]


def _name(column: str) -> str:
    """Return a column's name as it can stand in a formula."""
    name = re.sub(r"\W+", "_", column).strip("_") or "column"
    if name[0].isdigit():
        name = f"x{name}"
    return f"{name}_" if keyword.iskeyword(name) or name in OUTCOME_COLUMNS else name


def _column(column: str) -> str:
    """Return the entry that names the column, where its name is not enough."""
    return "" if _name(column) == column else f"column = {_quoted(column)}, "


def _key(code: str) -> str:
    """Return a key of TOML, in quotes where it needs them."""
    return code if re.fullmatch(r"[A-Za-z0-9_-]+", code) else _quoted(code)


def _quoted(text: str) -> str:
    """Return text as a TOML string, which is a JSON string."""
    return json.dumps(text, ensure_ascii=False)


def _listed(levels: list[str]) -> str:
    """Return levels as a TOML list."""
    return f"[{', '.join(map(_quoted, levels))}]"
