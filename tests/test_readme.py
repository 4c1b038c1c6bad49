"""The README's example prints what the README says it prints."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCK = r"```{}\n(.*?)```"


def blocks(language: str) -> list[str]:
    return re.findall(BLOCK.format(language), README, flags=re.DOTALL)


def test_the_example_prints_the_output_that_follows_it():
    (code,) = blocks("python")
    (output,) = blocks("text")
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert run.stdout.split() == output.split()


def test_the_study_file_is_the_one_that_is_shipped():
    (shown,) = blocks("toml")
    text = (ROOT / "analyses/flchain/study.toml").read_text(encoding="utf-8")
    assert shown.strip() == text.strip()
    assert len(text.splitlines()) <= 30
    assert tomllib.loads(text)["title"]


def test_files_that_the_readme_links_to_exist():
    links = re.findall(r"\]\(([^)#]+)\)", README)
    missing = [
        link
        for link in links
        if not link.startswith("http") and not (ROOT / link).exists()
    ]
    assert missing == []
