"""Run a report as a renderer does, to see what its cells display and what it says."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import IPython.display
import pytest

from fahrstats.report.source import Cell, Prose, read_source

INLINE = re.compile(r"`\{python\} (.*?)`(?!`)")


def run_report(
    report: Path, results: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[list[object], str]:
    """Run cells and inline code; return what is displayed and the text around it."""
    shown: list[object] = []
    monkeypatch.setattr(IPython.display, "display", shown.append)
    scope: dict[str, object] = {}
    said: list[str] = []
    for piece in read_source(report).pieces:
        if isinstance(piece, Cell):
            _execute(piece.code, scope, shown)
            if "parameters" in piece.options.tags:
                scope["results"] = str(results)
        elif isinstance(piece, Prose):
            text = "\n".join(line.text for line in piece.lines)
            said.append(INLINE.sub(lambda code: _said(eval(code[1], scope)), text))
    return shown, "\n".join(said)


def _said(value: object) -> str:
    """Return inline code's value as it stands in the text."""
    return str(value.data if isinstance(value, IPython.display.Markdown) else value)


def _execute(code: str, scope: dict[str, object], shown: list[object]) -> None:
    """Run a cell as a notebook does, its last expression displayed."""
    tree = ast.parse(code)
    last = tree.body.pop()
    if not isinstance(last, ast.Expr):
        tree.body.append(last)
    exec(compile(tree, "cell", "exec"), scope)
    if isinstance(last, ast.Expr):
        value = eval(compile(ast.Expression(last.value), "cell", "eval"), scope)
        if value is not None:
            shown.append(value)


def markdown_of(shown: list[object]) -> list[str]:
    """Return the Markdown among what is displayed."""
    return [item.data for item in shown if isinstance(item, IPython.display.Markdown)]


def typed_text(report: Path) -> list[str]:
    """Return what somebody typed: prose, captions, texts in the code; no inline code.

    Where a value is put into a text, it is left out.
    """
    source = read_source(report)
    prose = "\n".join(
        INLINE.sub("", line.text)
        for piece in source.pieces
        if isinstance(piece, Prose)
        for line in piece.lines
    )
    options = [cell.options for cell in source.cells]
    captions = [
        text
        for of_cell in options
        for text in (of_cell.fig_cap, of_cell.tbl_cap, of_cell.fig_alt)
        if text
    ]
    in_code = [text for cell in source.cells for text in _texts(cell.code)]
    return [prose, *captions, *in_code]


def _texts(code: str) -> list[str]:
    """Return the texts of several words in the code of a cell, without docstrings."""
    tree = ast.parse(code)
    passed_over: set[ast.AST] = set()
    texts = []
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and ast.get_docstring(node):
            passed_over.update(ast.walk(node.body[0]))
        if isinstance(node, ast.JoinedStr):
            passed_over.update(node.values)
            parts = (part for part in node.values if isinstance(part, ast.Constant))
            texts.append(" ".join(str(part.value) for part in parts))
    texts += [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and node not in passed_over
    ]
    return [text for text in texts if " " in text.strip()]
