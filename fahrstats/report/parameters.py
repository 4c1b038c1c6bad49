"""Parameters of a report as YAML, the only form in which they reach its code."""

from __future__ import annotations

import ast
import os
from collections.abc import Mapping
from pathlib import Path

from fahrstats.errors import DataError
from fahrstats.report.extras import required
from fahrstats.report.source import Source

# The folder of result tables; the report reads it and the cache watches it.
RESULTS = "results"
# Whose rules numbers and figures keep to; the report gives it to its `StudyResults`.
JOURNAL = "journal"
_TAG = "parameters"


def checked_params(params: Mapping[str, object]) -> dict[str, object]:
    """Check names and make paths plain text, ``results`` an absolute one.

    Raises
    ------
    DataError
        A name is not a Python name, ``results`` is no folder, or no style of a journal
        is called as ``journal`` says.
    """
    if not isinstance(params, Mapping):
        raise DataError(
            f"`params` is {params!r}; give values by name, such as "
            '`{"results": "results/study"}`.'
        )
    plain: dict[str, object] = {}
    for name, value in params.items():
        if not isinstance(name, str) or not name.isidentifier():
            raise DataError(
                f"`params` names `{name}`, which cannot be the name of a variable."
            )
        plain[name] = str(value) if isinstance(value, os.PathLike) else value
    if RESULTS in plain:
        folder = Path(str(plain[RESULTS]))
        if not folder.is_dir():
            raise DataError(f"The parameter `{RESULTS}` is not a folder: `{folder}`.")
        plain[RESULTS] = str(folder.resolve())
    if JOURNAL in plain:
        from fahrstats.display.journal_styles import journal_style

        plain[JOURNAL] = journal_style(str(plain[JOURNAL])).name
    return plain


def check_journal(document: Source, params: Mapping[str, object]) -> None:
    """Make sure that a document which is given a journal's style knows of it.

    Raises
    ------
    DataError
        It has no parameter ``journal``, so that numbers would be printed by other
        rules than those asked for.
    """
    if JOURNAL in params and JOURNAL not in _declared(document):
        raise DataError(
            f"`{document.path.name}` has no parameter `{JOURNAL}`, so that it cannot "
            f'be written for `{params[JOURNAL]}`; add `{JOURNAL} = "default"` to its '
            f"cell tagged `{_TAG}` and use it: `StudyResults({RESULTS}, {JOURNAL})`."
        )


def _declared(document: Source) -> set[str]:
    """Return the names to which the cells of parameters give a value."""
    names: set[str] = set()
    for cell in document.cells:
        if _TAG in cell.options.tags:
            try:
                tree = ast.parse(cell.code)
            except SyntaxError:  # said with its line when the cell is run
                continue
            names |= {
                node.id
                for node in ast.walk(tree)
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
            }
    return names


def as_yaml(params: Mapping[str, object]) -> str:
    """Write parameters as YAML.

    Raises
    ------
    DataError
        A value is not text, a number, a truth value, a date, a list or a mapping.
    """
    yaml = required("yaml", "pyyaml")
    for name, value in params.items():
        try:
            yaml.safe_dump(value)
        except yaml.YAMLError as error:
            raise DataError(
                f"The parameter `{name}` is of type `{type(value).__name__}`; give "
                "text, a number, true or false, a date, a list or a mapping."
            ) from error
    return str(yaml.safe_dump(dict(params), sort_keys=True, allow_unicode=True))
