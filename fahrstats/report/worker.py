"""Run the code of one document; a program, started afresh by ``execution``.

It is called with two paths: a job (JSON) to read and a log to write, one JSON line
per step as soon as the step is done, so that a step that ends the process is the
first one missing. Cells run in IPython's own shell without Jupyter: what a cell
shows, prints or raises becomes a list of outputs in the order of appearance.
"""

from __future__ import annotations

import base64
import json
import logging
import os
import random
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from contextlib import (
    AbstractContextManager,
    nullcontext,
    redirect_stderr,
    redirect_stdout,
)
from io import TextIOBase
from pathlib import Path
from typing import Any, ClassVar, TypeAlias

import yaml
from IPython.core.compilerop import CachingCompiler
from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from traitlets import Type
from traitlets.config import Config

from fahrstats.errors import DataError
from fahrstats.report import drawings

Output: TypeAlias = dict[str, Any]

IMAGES = {"image/png": "png", "image/jpeg": "jpg", "image/svg+xml": "svg"}
MOST_WRITTEN = 1_000_000
"""Characters that a cell may print, beyond which it is taken for one without end."""
# Random identifiers, such as those of display tables, are the same in every run.
SEED = 0


def main(job_path: Path, log_path: Path) -> None:
    """Run every step of the job until one raises."""
    job = json.loads(job_path.read_text(encoding="utf-8"))
    random.seed(SEED)
    # On a new machine Matplotlib first says that it looks for fonts.
    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)
    outputs: list[Output] = []
    shell = _shell(job["image"], job["dpi"], outputs)
    params = yaml.safe_load(job["params"]) or {}
    with log_path.open("w", encoding="utf-8") as log:
        for number, step in enumerate(job["steps"]):
            outputs.clear()
            run = _run_cell if step["kind"] == "cell" else _run_inline
            error = run(shell, number, step, outputs)
            record: dict[str, Any] = {"error": error}
            if step.get("parameters"):
                record["unknown"] = [k for k in params if k not in shell.user_ns]
                shell.user_ns.update(params)
            record["outputs"] = [_stored(item, log_path.parent) for item in outputs]
            log.write(json.dumps(record) + "\n")
            log.flush()
            if error and not step.get("goes_on"):
                return


class _Stream(TextIOBase):
    """Standard output or error as part of the list of outputs."""

    def __init__(self, name: str, outputs: list[Output]) -> None:
        self.name = name
        self.outputs = outputs
        self.n_written = 0

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self.n_written += len(text)
        if self.n_written > MOST_WRITTEN:
            raise DataError(
                f"A cell writes more than {MOST_WRITTEN:,} characters; print less, or "
                "write them to a file."
            )
        last = self.outputs[-1] if self.outputs else {}
        if last.get("kind") == self.name:
            last["text"].append(text)
        elif text:
            self.outputs.append({"kind": self.name, "text": [text]})
        return len(text)


class _Publisher(DisplayPublisher):
    """Keeps what a cell displays."""

    shell: Any

    def publish(
        self, data: dict[str, Any], metadata: Any = None, *_: Any, **__: Any
    ) -> None:
        shown = {"kind": "display", "data": data, "metadata": metadata or {}}
        self.shell.outputs.append(shown)

    def clear_output(self, wait: bool = False) -> None:
        self.shell.outputs.clear()


class _LastValue(DisplayHook):
    """Keeps the value of a cell's last expression."""

    shell: Any

    def quiet(self) -> bool:
        ends_in_semicolon: Callable[[str], bool] = self.semicolon_at_end_of_expression
        return ends_in_semicolon(self.shell.code)

    def write_output_prompt(self) -> None:
        """Write no prompt; it belongs to a terminal."""

    def write_format_data(
        self, format_dict: dict[str, Any], md_dict: dict[str, Any] | None = None
    ) -> None:
        shown = {"kind": "value", "data": format_dict, "metadata": md_dict or {}}
        self.shell.outputs.append(shown)

    def log_output(self, format_dict: dict[str, Any]) -> None:
        """Keep no history; it belongs to a terminal."""

    def finish_displayhook(self) -> None:
        self._is_active = False


class _Compiler(CachingCompiler):
    """Names the code of a step by its number, so that tracebacks can be read."""

    step: ClassVar[int] = 0

    def get_code_name(self, *_: object, **__: object) -> str:
        return f"<step {self.step}>"


class _Shell(InteractiveShell):
    """A shell that shows nothing by itself and remembers the first exception."""

    display_pub_class = Type(_Publisher)
    displayhook_class = Type(_LastValue)
    compiler_class = Type(_Compiler)
    outputs: list[Output]
    code = ""
    raised: BaseException | None = None

    def enable_gui(self, gui: str | None = None) -> None:
        """Open no window."""

    def showtraceback(self, exc_tuple: Any = None, *_: Any, **__: Any) -> None:
        # IPython also comes here when an object fails to draw itself, and then goes
        # on; a report with a figure missing must not be written.
        error = exc_tuple[1] if exc_tuple else sys.exc_info()[1]
        self.raised = self.raised or error

    def showsyntaxerror(self, *_: Any, **__: Any) -> None:
        self.raised = self.raised or sys.exc_info()[1]


def _shell(image: str, dpi: float, outputs: list[Output]) -> _Shell:
    config = Config()
    config.HistoryManager.enabled = False
    config.InlineBackend.figure_formats = set()
    shell = _Shell.instance(config=config)
    shell.outputs = outputs
    formatter: Any = shell.display_formatter
    drawings.register(formatter.mimebundle_formatter, image, dpi)
    return shell


def _run_cell(
    shell: _Shell, number: int, step: Mapping[str, Any], outputs: list[Output]
) -> Output | None:
    shell.raised = None
    shell.code = step["code"]
    _Compiler.step = number
    run: Callable[..., Any] = shell.run_cell
    with (
        redirect_stdout(_Stream("stdout", outputs)),
        redirect_stderr(_Stream("stderr", outputs)),
        _figure_size(step.get("figure_size")),
    ):
        result = run(step["code"], store_history=False)
    raised = result.error_before_exec or result.error_in_exec or shell.raised
    return _described(raised, number) if raised else None


def _run_inline(
    shell: _Shell, number: int, step: Mapping[str, Any], outputs: list[Output]
) -> Output | None:
    shell.raised = None
    name = f"<step {number}>"
    formatter: Any = shell.display_formatter
    try:
        value = eval(compile(step["code"], name, "eval"), shell.user_ns)
        data, metadata = formatter.format(value)
    except Exception as error:
        return _described(error, number)
    if shell.raised:
        return _described(shell.raised, number)
    if isinstance(value, str):
        data["text/plain"] = value
    # An array scalar has a dtype; its repr names the type, which no reader wants.
    is_scalar = getattr(value, "ndim", None) == 0 and hasattr(value, "dtype")
    outputs.append(
        {"kind": "value", "data": data, "metadata": metadata, "typed": is_scalar}
    )
    return None


def _figure_size(size: list[float] | None) -> AbstractContextManager[object]:
    if not size:
        return nullcontext()
    import matplotlib as mpl

    return mpl.rc_context({"figure.figsize": size})


def _described(error: BaseException, number: int) -> Output:
    """Name the exception and the lines of this document that led to it."""
    name = f"<step {number}>"
    frames = [
        (int(frame.filename[6:-1]), frame.lineno)
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename.startswith("<step ")
    ]
    message = str(error)
    if isinstance(error, SyntaxError) and (error.filename or name) == name:
        frames = [(number, error.lineno)]
        message = error.msg  # its text names the step, which no reader knows
    return {"type": type(error).__name__, "message": message, "frames": frames}


_count: Callable[[], int] = iter(range(1, sys.maxsize)).__next__


def _stored(output: Output, folder: Path) -> Output:
    """Move images to files, since JSON cannot hold them."""
    if "data" not in output:
        return {**output, "text": "".join(output["text"])}
    data = dict(output["data"])
    for mime, suffix in IMAGES.items():
        if mime in data:
            image = folder / f"shown-by-cell-{_count()}.{suffix}"
            image.write_bytes(_bytes(data[mime], mime))
            data[mime] = image.name
    text = {mime: value for mime, value in data.items() if isinstance(value, str)}
    return {**output, "data": text}


def _bytes(image: str | bytes, mime: str) -> bytes:
    if isinstance(image, bytes):
        return image
    return image.encode() if mime == "image/svg+xml" else base64.b64decode(image)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
    if any(not thread.daemon for thread in threading.enumerate()[1:]):
        os._exit(0)  # everything is written; what a cell left running is not waited for
