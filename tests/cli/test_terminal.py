from __future__ import annotations

import sys
import time
import warnings

from fahrstats.cli.terminal import progress
from fahrstats.errors import ResultWarning


def test_progress_is_shown_on_a_terminal_only(monkeypatch, capsys):
    with progress(False) as watch:
        watch("cox", 0, 3)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    with progress(False) as watch:
        watch("cox", 1, 3)
    assert "cox" in capsys.readouterr().err
    with progress(True) as watch:
        watch("cox", 1, 3)
        warnings.warn("few events", ResultWarning, stacklevel=1)
    assert capsys.readouterr().err == ""


def test_progress_of_photos_shows_their_rate(monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    with progress(False, "photos") as watch:
        for done in (16, 32, 48, 64):
            watch("scoring", done, 128)
    shown = capsys.readouterr().err
    assert "photos/s" in shown
    assert "64/128" in shown
    assert "━" in shown


def test_numbers_have_the_room_of_a_narrow_terminal(monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "45")
    with progress(False, "photos") as watch:
        for done in (1000, 2000, 3000, 4000):
            time.sleep(0.02)  # or the rate itself is wide
            watch("scoring", done, 8000)
    shown = capsys.readouterr().err
    assert "4000/8000" in shown
    assert "━" not in shown
    assert "…" not in shown
