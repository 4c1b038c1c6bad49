"""Run the code of a document in a process of its own and collect what it shows."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from fahrstats.errors import DataError, ResultWarning
from fahrstats.report.drawings import DPI
from fahrstats.report.options import header_number
from fahrstats.report.parameters import as_yaml
from fahrstats.report.source import Cell, Line, Prose, Source, section

FIGURE_SIZE = (7.0, 5.0)  # inches, as Quarto's default for HTML
FIGURE_FORMATS = ("svg", "png", "retina")
INLINE = re.compile(r"(?<!`)`\{python\}[ \t]+([^`]+)`(?!`)")

# Editors announce themselves here, and table packages then draw for the editor.
_EDITORS = ("VSCODE_PID", "POSITRON_VERSION", "DATABRICKS_RUNTIME_VERSION")


# Piece of the document, line of the piece, position in the line. A file that is
# included twice has each line twice, so that lines themselves name no place.
Place: TypeAlias = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Output:
    """One thing that a step showed.

    Attributes
    ----------
    kind : str
        ``stdout``, ``stderr``, ``display`` (shown on request), ``value`` (the last
        expression) or ``error``.
    text : str
        What was written, for streams and errors.
    data : Mapping of str to str
        Representations by MIME type; an image is the name of a file in the folder of
        the execution.
    metadata : Mapping
        What the object says about its representations, by MIME type.
    """

    kind: str
    text: str = ""
    data: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Executed:
    """The outputs of a document.

    Attributes
    ----------
    outputs : Mapping of Place to tuple of Output
        What each cell showed, and the one value of each inline expression.
    """

    outputs: Mapping[Place, tuple[Output, ...]]


@dataclass(frozen=True, slots=True)
class _Step:
    """One piece of code to run: a cell, or an inline expression."""

    place: Place
    line: Line
    code: str
    cell: Cell | None = None


def execute(source: Source, params: Mapping[str, object], folder: Path) -> Executed:
    """Run every cell and inline expression of a document, in order.

    The process starts in the empty ``folder``, where images are left. ``params``
    replace values after the cell tagged ``parameters`` has run; they travel as
    YAML and are never evaluated.

    Raises
    ------
    DataError
        A cell raises, the process dies, or parameters are given to a document
        that has no cell for them.
    """
    steps = list(_steps(source))
    if params and not any(_takes_parameters(step) for step in steps):
        raise DataError(
            f"`params` gives {_names(params)}, but `{source.path.name}` has no cell "
            "with `#| tags: [parameters]`."
        )
    if not steps:
        return Executed({})
    job = {
        "steps": [_job_step(step) for step in steps],
        "params": as_yaml(params),
        "image": _image_format(source.settings),
        "dpi": header_number(source.settings, "fig-dpi", DPI),
    }
    records, end = _run(job, _matplotlib_settings(source.settings), folder)
    _check(steps, records, end)
    return _executed(steps, records)


def _run(
    job: Mapping[str, object], settings: str, folder: Path
) -> tuple[list[dict[str, Any]], str]:
    """Run a job; return what it logged, and how the process ended in words."""
    job_file, log_file = folder / "job.json", folder / "log.jsonl"
    job_file.write_text(json.dumps(job), encoding="utf-8")
    (folder / "matplotlibrc").write_text(settings)
    worker = [sys.executable, "-P", "-m", "fahrstats.report.worker"]
    # A file: a pipe stays open for as long as any process that a cell left behind.
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as said:
        process = subprocess.run(
            [*worker, str(job_file), str(log_file)],
            cwd=folder,
            env=_environment(folder),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=said,
            check=False,
        )
        said.seek(0)
        last = said.read().strip().rpartition("\n")[2] or "nothing was written"
    return _records(log_file), f"status {process.returncode}: {last}"


def _steps(source: Source) -> Iterator[_Step]:
    """Code to run in order; without ``eval`` in the header nothing inline runs."""
    inline_runs = section(source.settings, "execute").get("eval", True)
    for i, piece in enumerate(source.pieces):
        if isinstance(piece, Cell) and piece.options.eval:
            yield _Step((i, 0, 0), piece.fence, piece.code, piece)
        elif isinstance(piece, Prose) and inline_runs:
            for j, line in enumerate(piece.lines):
                for found in INLINE.finditer(line.text):
                    yield _Step((i, j, found.start()), line, found[1].strip())


def _takes_parameters(step: _Step) -> bool:
    return step.cell is not None and "parameters" in step.cell.options.tags


def _job_step(step: _Step) -> dict[str, object]:
    if step.cell is None:
        return {"kind": "inline", "code": step.code}
    options = step.cell.options
    size = None
    if options.fig_width or options.fig_height:
        width, height = FIGURE_SIZE
        size = [options.fig_width or width, options.fig_height or height]
    return {
        "kind": "cell",
        "code": step.code,
        "figure_size": size,
        "parameters": _takes_parameters(step),
        "goes_on": options.error,
    }


def _image_format(settings: Mapping[str, object]) -> str:
    asked = settings.get("fig-format", FIGURE_FORMATS[0])
    if asked not in FIGURE_FORMATS:
        raise DataError(
            f"The header setting `fig-format` must be {_names(FIGURE_FORMATS)}, "
            f"but it is `{asked}`."
        )
    return "svg" if asked == "svg" else "png"


def _matplotlib_settings(settings: Mapping[str, object]) -> str:
    """Give the defaults of every figure, read by Matplotlib only if it is loaded."""
    width = header_number(settings, "fig-width", FIGURE_SIZE[0])
    height = header_number(settings, "fig-height", FIGURE_SIZE[1])
    return f"figure.figsize: {width}, {height}\nsavefig.dpi: figure\n"


def _environment(folder: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in _EDITORS}
    return kept | {
        "IPYTHONDIR": str(folder / "ipython"),
        "MATPLOTLIBRC": str(folder / "matplotlibrc"),
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "PYTHONHASHSEED": "0",
        "PYTHONIOENCODING": "utf-8",
    }


def _records(log: Path) -> list[dict[str, Any]]:
    if not log.is_file():
        return []
    return [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]


def _check(
    steps: list[_Step],
    records: list[dict[str, Any]],
    end: str,
) -> None:
    for step, record in zip(steps, records, strict=False):
        if record["error"] and not (step.cell and step.cell.options.error):
            raise DataError(_complaint(steps, step, record["error"]))
        if record.get("unknown"):
            warnings.warn(
                f"{step.line.where}: the document has no parameter "
                f"{_names(record['unknown'])}; given, but not declared there.",
                ResultWarning,
                stacklevel=2,
            )
    if len(records) < len(steps):
        where = steps[len(records)].line.where
        raise DataError(f"{where}: the process ended here with {end}.")


def _complaint(steps: list[_Step], step: _Step, error: Mapping[str, Any]) -> str:
    """Say where in the document a step failed, and with what."""
    where = step.line.where
    frames = [(steps[number], line) for number, line in error["frames"] if line]
    if step.cell:
        own = [line for owner, line in frames if owner is step]
        label = f", cell `{step.cell.options.label}`" if step.cell.options.label else ""
        where = (_line(step.cell, own[-1]).where if own else where) + label
    if frames and frames[-1][0] is not step and frames[-1][0].cell:
        owner, line = frames[-1]
        where += f" (raised by {_line(owner.cell, line).where})" if owner.cell else ""
    message = " ".join(error["message"].split())
    return f"{where}: {error['type']}: {message}"


def _line(cell: Cell, number: int) -> Line:
    return cell.lines[min(number, len(cell.lines)) - 1]


def _executed(steps: list[_Step], records: list[dict[str, Any]]) -> Executed:
    shown: dict[Place, tuple[Output, ...]] = {}
    for step, record in zip(steps, records, strict=True):
        outputs = [_output(item) for item in record["outputs"]]
        if record["error"]:
            error = record["error"]
            outputs.append(Output("error", f"{error['type']}: {error['message']}"))
        shown[step.place] = tuple(outputs)
        if any(item.get("typed") for item in record["outputs"]):
            warnings.warn(
                f"{step.line.where}: `{step.code}` is shown as "
                f"`{outputs[0].data['text/plain']}`; format the number, as in an "
                "f-string.",
                ResultWarning,
                stacklevel=2,
            )
    return Executed(shown)


def _output(record: Mapping[str, Any]) -> Output:
    return Output(
        record["kind"],
        record.get("text", ""),
        record.get("data", {}),
        record.get("metadata", {}),
    )


def _names(names: Iterable[object]) -> str:
    return ", ".join(f"`{name}`" for name in names)
