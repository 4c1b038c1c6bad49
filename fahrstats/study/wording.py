"""How numbers of things, and codes of the data, are written as text."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """Write a number of things, one of them in the singular."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def code_text(value: object) -> str:
    """Write a code of the data or of the file as text, so that 1, 1.0 and "1" agree."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
