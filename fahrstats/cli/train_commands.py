"""Commands that train the face models: pretrain, age, survival."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fahrstats.cli.terminal import counted, progress

if TYPE_CHECKING:
    from fahrstats.face.training.config import Kind
    from fahrstats.face.training.train import StageSummary

app = typer.Typer(no_args_is_help=True)

ConfigArgument = Annotated[
    Path,
    typer.Argument(
        metavar="CONFIG", help="What to train, in TOML; see docs/training.md."
    ),
]
DeviceOption = Annotated[str, typer.Option(help="auto, cpu or cuda.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")]


@app.command()
def pretrain(
    config: ConfigArgument, device: DeviceOption = "auto", quiet: Quiet = False
) -> None:
    """Train a foundation network that fills in hidden patches, without labels.

    A run that was stopped goes on where it was.
    """
    _train(config, "pretrain", device, quiet)


@app.command()
def age(
    config: ConfigArgument, device: DeviceOption = "auto", quiet: Quiet = False
) -> None:
    """Train FaceAge on exact ages or age bins, in stages.

    A run that was stopped goes on where it was.
    """
    _train(config, "age", device, quiet)


@app.command()
def survival(
    config: ConfigArgument, device: DeviceOption = "auto", quiet: Quiet = False
) -> None:
    """Train FaceSurvival on follow-up: a network, or a head on frozen embeddings.

    With a section `frozen` in the file, photos of the cohort itself are scored as well,
    each by heads that have not seen its subject. Without, a run that was stopped goes
    on where it was.
    """
    from fahrstats.face.training.frozen.run import train_frozen
    from fahrstats.section import open_toml

    if not open_toml(config).is_given("frozen"):
        _train(config, "survival", device, quiet)
        return
    with progress(quiet) as watch:
        run = train_frozen(config, watch)
    if not quiet:
        typer.echo(str(run))


def _train(path: Path, kind: Kind, device: str, quiet: bool) -> None:
    """Train, and say how it went; of several processes the first one says it."""
    from fahrstats.face.training.config_file import read_config
    from fahrstats.face.training.ranks import is_first_process
    from fahrstats.face.training.train import train

    config = read_config(path, kind=kind)
    quiet = quiet or not is_first_process()
    with progress(quiet, "steps") as watch:
        trained = train(config, device=device, watch=watch)  # type: ignore[arg-type]
    if quiet:
        return
    if trained.left_out:
        typer.echo(f"Photos left out: {trained.left_out}")
    for number, stage in enumerate(trained.stages, start=1):
        typer.echo(f"Stage {number}: {_told(stage)}")
    typer.echo(f"{trained.checkpoint.name}: {trained.checkpoint.path}")


def _told(stage: StageSummary) -> str:
    """Return how a stage went, in one line."""
    told = f"{stage.learned_from}; {counted(stage.n_steps, 'step')}"
    if not math.isnan(stage.error):
        told += f"; {stage.error_name} of the tuning photos {stage.error:.3f}"
    if not math.isnan(stage.speed):
        told += f"; {stage.speed:.0f} photos/s, {stage.waiting:.0%} of it waiting"
    return told
