"""The text of a study file without the folders of the machine it was written on."""

from __future__ import annotations

import re

_ESCAPE = re.compile(r"\\u([0-9A-Fa-f]{4})|\\U([0-9A-Fa-f]{8})")
_START = (
    r"(?:\bfile:/+"  # file:///srv/...
    r"|(?<![\w./\\:-])(?=~[\w.-]*[/\\])"  # ~/ and ~name/
    r"|(?<!\w)[A-Za-z]:[/\\]+"  # C:\
    r"|(?<![\w/\\.:-])[/\\]+(?=[\w.])"  # /srv and \\server
    r"|(?<=\w:)/(?=[\w.]))"  # host:/srv
)
_CHARACTER = r"""(?:[^\s/\\"'`<>|(){}\[\],;=#:]|(?<=\w)'(?=\w))"""
_FOLDER = rf"(?:{_CHARACTER}+|[\w-]+(?: [\w-]+){{1,4}})[/\\]+"
# A path up to its file; "/min" and other units are no paths.
_PATH = re.compile(rf"{_START}(?:{_FOLDER})+({_CHARACTER}*)")
# A text in quotes that is a path as a whole may hold any character.
_QUOTED = re.compile(
    rf"""(?<![\w'"])(["'])(?={_START}[^"\n]*?[/\\]){_START}"""
    r"""[^"\n]*?([^"/\\\n]*)\1(?!\w)"""
)
_LEFT_OUT = "…"


def without_folders(text: str) -> str:
    r"""Return a text in which each absolute path is cut to the name of its file.

    Paths of Unix, Windows and network folders are cut, in values and in comments,
    also those whose characters are written as ``\u002F``. What has no extension is
    taken for a folder and left out altogether. Addresses on the web and relative
    paths stay.
    """
    plain = _ESCAPE.sub(_character, text)
    plain = _QUOTED.sub(lambda found: found[1] + _name(found[2]) + found[1], plain)
    return _PATH.sub(lambda found: _name(found[1]), plain)


def _character(escape: re.Match[str]) -> str:
    """Return an escaped character that a path may hold, others as they were."""
    code = int(escape[1] or escape[2], 16)
    if code > 0x10FFFF or not (letter := chr(code)).isprintable() or letter in "\"'":
        return escape[0]
    return letter


def _name(last: str) -> str:
    """Return the name of a file, or that something is left out for a folder."""
    return last if re.search(r"\w\.\w", last) else _LEFT_OUT
