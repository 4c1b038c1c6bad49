"""The command that says which regions of the face scores rest on."""

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

MethodOption = Annotated[
    str,
    typer.Option(
        help="ablation (any model, 12 passes a face), occlusion (any model), "
        "integrated-gradients (checkpoints) or rollout (vision transformers)."
    ),
]
KeepMap = Annotated[
    bool, typer.Option("--map", help="Keep a map of every face; not by ablation.")
]


@app.command()
def explain(
    photos: PhotosArgument,
    out: ParquetOut,
    checkpoint: Checkpoints = None,
    method: MethodOption = "ablation",
    keep_map: KeepMap = False,
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
    """Write how much each region of the face matters to a score."""
    from fahrstats.face.saliency.explanation import Importance
    from fahrstats.face.scoring.plan import Plan

    plan = Plan(
        models=tuple(checkpoint or ()),
        detector=detector,
        several=several,  # type: ignore[arg-type]
        min_face=min_face,
        device=device,  # type: ignore[arg-type]
        precision=precision,  # type: ignore[arg-type]
        outcome="importance",
        importance=Importance(method, keep_map),  # type: ignore[arg-type]
    )
    make_table(photos, root, out, plan, workers, engine, restart, quiet, limit=limit)
    if keep_map and not quiet:
        typer.echo("The maps show single faces: personal data, keep them as photos.")
