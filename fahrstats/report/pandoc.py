"""Run pandoc on an executed document and say what it cannot do, and where."""

from __future__ import annotations

import json
import os
import re
import subprocess
import textwrap
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import unquote

from fahrstats.errors import DataError, ResultWarning
from fahrstats.report.extras import pandoc_path
from fahrstats.report.options import header_number
from fahrstats.report.source import Source
from fahrstats.report.title import title_block

HERE = Path(__file__).parent
KEY = "fahrstats-key"
_FIRST_DATE = "315532800"  # 1 January 1980, before which no zip file is dated
_LABELLED = re.compile(r"^::: \{#([\w-]+)")
_LONGEST_LINE = 40  # of what a cell wrote, in messages
_NOTE = re.compile(r"^fahrstats (\w+) (.*)$")
_PASSED_ON = (
    "bibliography",
    "csl",
    "nocite",
    "crossref",
    "number-sections",
    "number-depth",
    "suppress-bibliography",
    "keywords",
)
_COMPLAINTS = {
    "unresolved": "the reference `@{}` has no target; give a figure, table, section or "
    "equation the label `{}`.",
    "unnumbered": "the reference `@{}` leads to a heading without a number; set "
    "`number-sections: true` in the header and number `{}`.",
    "uncited": "the citation `@{}` is in no bibliography; add `{}` to it.",
    "duplicate": "the label `{}` is used more than once.",
    "mixed": "`@{}` stands in one bracket with references of another kind; "
    "give figures and literature brackets of their own.",
    "remote": "`{}` would be fetched from the network; save it beside the document.",
    "absent": "the file `{}` does not exist.",
    "inline": "the inline expression `{}` was not run; write it on one line of text.",
    "formula": "the formula `{}` cannot be read as TeX.",
    "sign": "the fonts of a PDF, which come with typst and Matplotlib, cannot show "
    "`{}`; write it in other letters, or make HTML or Word.",
    "nowhere": "the link `#{}` has no target; give something the label `{}`.",
}

# Warnings of pandoc after which a document would not say what its author wrote.
_FATAL = {
    "CouldNotFetchResource": ("absent", "path"),
    "CouldNotConvertTeXMath": ("formula", "contents"),
}
# What stands before a label where it is used, or where it is given.
_MARKS = {
    "unresolved": "@",
    "unnumbered": "@",
    "uncited": "@",
    "mixed": "@",
    "duplicate": r"(?:#|label:\s*)",
    "nowhere": "#",
}


def run_pandoc(
    markdown: str,
    source: Source,
    output: Path,
    *,
    folder: Path,
    metadata: Mapping[str, object],
    options: Sequence[str],
) -> None:
    """Turn the markdown of an executed document into a file.

    The filters for blocks and for references come first, then citations, then what
    ``options`` add.

    Parameters
    ----------
    markdown
        The document as ``to_markdown`` gives it.
    source
        Where it comes from, under the settings of the format.
    output
        File to write.
    folder
        Where the images of cells lie, and for intermediate files.
    metadata
        Of the format, besides what all formats have.
    options
        Of pandoc: the writer, its template and the filters of the format.

    Raises
    ------
    DataError
        A reference, a citation or a resource cannot be resolved.
    """
    text = folder / f"{output.name}.md"
    text.write_text(markdown, encoding="utf-8")
    given = folder / f"{output.name}.metadata.json"
    everything = _metadata(source) | dict(metadata)
    # Pandoc's reader of YAML knows no pairs of escapes, as ASCII has for an emoji.
    given.write_text(json.dumps(everything, ensure_ascii=False), encoding="utf-8")
    log = folder / f"{output.name}.log.json"
    command = [
        str(pandoc_path()),
        "--from=markdown",
        "--standalone",
        "--wrap=none",
        f"--metadata-file={given}",
        f"--resource-path={folder}{os.pathsep}{source.path.resolve().parent}",
        f"--lua-filter={HERE / 'blocks.lua'}",
        f"--lua-filter={HERE / 'references.lua'}",
        "--citeproc",
        f"--log={log}",
        "--quiet",
        f"--output={output}",
        *_contents(source.settings),
        *_paper(source),
        *options,
        str(text),
    ]
    environment = {"SOURCE_DATE_EPOCH": _FIRST_DATE} | os.environ
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=environment
    )
    notes = [found for line in done.stderr.splitlines() if (found := _NOTE.match(line))]
    if notes:
        wrong = (complaint(source, *note.groups(), markdown=markdown) for note in notes)
        raise DataError("\n".join(dict.fromkeys(wrong)))
    if done.returncode:
        reason = " ".join(done.stderr.split("stack traceback")[0].split())
        raise DataError(f"`{source.path.name}`: pandoc refuses: {reason}")
    _pass_on_messages(source, log)


def toc_depth(settings: Mapping[str, object]) -> int:
    """Return how many levels of headings the contents name."""
    return int(header_number(settings, "toc-depth", 3))


def complaint(source: Source, kind: str, what: str, *, markdown: str = "") -> str:
    """Say what is wrong and on which line of the document it stands.

    What a cell wrote is looked for in the ``markdown`` of the executed document.
    """
    what = unquote(what) if kind == "absent" else what
    written = {what, what.replace(" ", "%20"), what.strip().partition("\n")[0]}
    names = "|".join(map(re.escape, sorted(written)))
    sign = re.compile(rf"{_MARKS.get(kind, '')}(?:{names})(?![\w-])")
    lines = [line for line in source.lines if sign.search(line.text)]
    where = f"`{source.path.name}`{_written(markdown, sign)}"
    if lines:
        where = (lines[-1] if kind == "duplicate" else lines[0]).where
    what = " ".join(what.split())
    return f"{where}: {_COMPLAINTS[kind].format(what, what)}"


def _written(markdown: str, sign: re.Pattern[str]) -> str:
    """Return the label of the cell that wrote something, and the start of its line."""
    label = ""
    for line in markdown.splitlines():
        if opened := _LABELLED.match(line):
            label = f"`{opened[1]}`: "
        if sign.search(line):
            start = textwrap.shorten(line, _LONGEST_LINE, placeholder=" …")
            return f", output of a cell ({label}{start})"
        if line == ":::":
            label = ""
    return ""


def _contents(settings: Mapping[str, object]) -> list[str]:
    if not settings.get("toc", False):
        return []
    return ["--toc", f"--toc-depth={toc_depth(settings)}"]


def _paper(source: Source) -> list[str]:
    size = source.settings.get("papersize", "a4")
    if size not in ("a4", "letter"):
        raise DataError(
            f"`{source.path.name}`: `papersize` is `{size}`; it must be a4 or letter."
        )
    return ["--variable=letter"] if size == "letter" else []


def _metadata(source: Source) -> dict[str, object]:
    settings = source.settings
    metadata = {name: settings[name] for name in _PASSED_ON if name in settings}
    references = settings.get("reference-section-title", "References")
    return metadata | {
        "lang": str(settings.get("lang", "en")),
        "link-citations": settings.get("link-citations", True),
        "reference-section-title": references,
        "toc-title": settings.get("toc-title", "Contents"),
        **title_block(settings),
    }


def _pass_on_messages(source: Source, log: Path) -> None:
    name = source.path.name
    for message in json.loads(log.read_text(encoding="utf-8")):
        kind, place = _FATAL.get(message["type"], ("", ""))
        if kind:
            raise DataError(complaint(source, kind, message[place]))
        if message["verbosity"] == "WARNING":
            text = " ".join(message["pretty"].split())
            warnings.warn(f"`{name}`: pandoc says: {text}", ResultWarning, stacklevel=2)
