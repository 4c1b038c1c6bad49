"""Run a report as a renderer does, to see what its cells display and what it says."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import IPython.display
import pytest

from fahrstats.report.source import Cell, Piece, Prose, read_source

INLINE = re.compile(r"`\{python\} (.*?)`(?!`)")


def run_report(
    report: Path, results: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[list[object], str]:
    """Run cells and inline code; return what is displayed and the text around it."""
    shown, said, _ = run_labelled(report, results, monkeypatch)
    return shown, said


def run_labelled(
    report: Path, results: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[list[object], str, set[str]]:
    """Return, besides, the labels of the cells that display something."""
    shown: list[object] = []
    said, labels, n_before = [], set(), 0
    for piece, text in _run(report, results, monkeypatch, shown):
        if isinstance(piece, Cell) and piece.options.label and len(shown) > n_before:
            labels.add(piece.options.label)
        said.append(text)
        n_before = len(shown)
    return shown, "\n".join(filter(None, said)), labels


def _run(
    report: Path, results: Path, monkeypatch: pytest.MonkeyPatch, shown: list[object]
) -> Iterator[tuple[Piece, str]]:
    """Run one piece of a report after the other; yield it and what its text says."""
    monkeypatch.setattr(IPython.display, "display", shown.append)
    scope: dict[str, object] = {}
    for piece in read_source(report).pieces:
        said = ""
        if isinstance(piece, Cell):
            _execute(piece.code, scope, shown)
            if "parameters" in piece.options.tags:
                scope["results"] = str(results)
        elif isinstance(piece, Prose):
            text = "\n".join(line.text for line in piece.lines)
            said = INLINE.sub(lambda code: _said(eval(code[1], scope)), text)
        yield piece, said


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
    """Return the Markdown among what is displayed, without blank lines around it."""
    return [
        item.data.strip("\n")
        for item in shown
        if isinstance(item, IPython.display.Markdown)
    ]


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
