"""The trainings that show what pretraining is worth: five files beside ``age.toml``.

    python comparison.py

``mae_10.toml`` and so on train as ``age.toml`` does, from ``fahrstats-mini`` or from
random parameters (``scratch_100.toml``), on all, a tenth and a hundredth of the
labelled photos. Fewer photos are seen more often; both beginnings are given the same
number of steps. There is no ``mae_100.toml``, which would make ``mini-age`` again.
"""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parent
EPOCHS = {100: (12, 3), 10: (60, 15), 1: (200, 50)}
START = 'start = "fahrstats-mini/fahrstats-mini.safetensors"\n'


def training(text: str, *, share: int, start: str) -> str:
    """Return ``age.toml`` with a share of the labels, in percent, and a beginning."""
    first, second = EPOCHS[share]
    labels = 'labels = "labels.csv"\n'
    changes = {
        labels: f"{labels}label_share = {share / 100}\n",
        START: START if start == "mae" else "",
        "epochs = 12\n": f"epochs = {first}\n",
        "epochs = 3\n": f"epochs = {second}\n",
        'folder = "mini-age"\n': f'folder = "{start}_{share}"\n',
    }
    for old, new in changes.items():
        if text.count(old) != 1:
            raise SystemExit(f"age.toml has {text.count(old)} lines {old!r}, not one.")
        text = text.replace(old, new)
    return text


if __name__ == "__main__":
    told = (FOLDER / "age.toml").read_text(encoding="utf-8")
    for begun, shares in (("mae", (10, 1)), ("scratch", (100, 10, 1))):
        for percent in shares:
            path = FOLDER / f"{begun}_{percent}.toml"
            made = training(told, share=percent, start=begun)
            path.write_text(made, encoding="utf-8")
