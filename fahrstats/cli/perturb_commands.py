"""The command that scores photographs under simulated changes."""

from __future__ import annotations

from typing import Annotated

import typer

from fahrstats.cli.photo_commands import (
    Checkpoints,
    DetectorOption,
    DeviceOption,
    EngineOption,
    Limit,
    MinFace,
    ParquetOut,
    PhotosArgument,
    PrecisionOption,
    Quiet,
    Restart,
    Root,
    SeveralOption,
    Workers,
    make_table,
)

app = typer.Typer(no_args_is_help=True)

ConditionOption = Annotated[
    list[str] | None,
    typer.Option(
        "--condition",
        metavar="NAME",
        help="A change that is simulated, at five severities; may be repeated. All of "
        "them by default; `fahrstats conditions` lists them.",
    ),
]
LandmarksOption = Annotated[
    str,
    typer.Option(
        help="detected: faces are looked for in every changed picture; carried: their "
        "landmarks move as the face does (faster; shows the model alone)."
    ),
]


@app.command()
def perturb(
    photos: PhotosArgument,
    out: ParquetOut,
    checkpoint: Checkpoints = None,
    condition: ConditionOption = None,
    landmarks: LandmarksOption = "detected",
    limit: Limit = None,
    root: Root = None,
    detector: DetectorOption = "mtcnn",
    several: SeveralOption = "refuse",
    min_face: MinFace = 40,
    device: DeviceOption = "auto",
    precision: PrecisionOption = "auto",
    workers: Workers = None,
    engine: EngineOption = "processes",
    restart: Restart = False,
    quiet: Quiet = False,
) -> None:
    """Score photos under simulated changes of pose, light, camera and face."""
    from fahrstats.face.perturbations.catalogue import panel_of
    from fahrstats.face.scoring.plan import Plan

    plan = Plan(
        models=tuple(checkpoint or ()),
        detector=detector,
        several=several,  # type: ignore[arg-type]
        min_face=min_face,
        device=device,  # type: ignore[arg-type]
        precision=precision,  # type: ignore[arg-type]
        outcome="perturbed",
        panel=panel_of(condition, landmarks),  # type: ignore[arg-type]
    )
    make_table(photos, root, out, plan, workers, engine, restart, quiet, limit=limit)


@app.command()
def conditions() -> None:
    """List the changes that `fahrstats perturb` simulates, with their doses."""
    from fahrstats.face.perturbations.catalogue import CONDITIONS

    for name, condition in CONDITIONS.items():
        doses = ", ".join(f"{dose:g}" for dose in condition.doses)
        typer.echo(f"{name} ({condition.family}): {doses} {condition.unit}")
        typer.echo(f"    {condition.meaning}")
