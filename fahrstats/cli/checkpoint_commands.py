"""Commands on checkpoints: import, list, show."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True)

FileArgument = Annotated[
    Path,
    typer.Argument(
        metavar="FILE",
        help="Parameters that others trained: torch or safetensors, under the names of "
        "Hugging Face's or timm's vision transformer. Nothing in it is run.",
    ),
]
Config = Annotated[
    Path,
    typer.Option(
        help="TOML with what the file does not say; an empty one lists what is needed."
    ),
]
Out = Annotated[Path, typer.Option("--out", "-o", help="File to write: .safetensors.")]
NameArgument = Annotated[
    str,
    typer.Argument(
        metavar="NAME_OR_PATH", help="Name of a shipped checkpoint, or path of one."
    ),
]


_EXAMPLE = r"""An example of the configuration; its values must come from the authors:

name = "fahr-faceage"
training_data = "unknown"
licence = "unknown"

\[architecture]
heads = 12
norm_eps = 1e-12

\[preprocessing]
crop_margin = 0
interpolation = "bilinear"
channel_order = "RGB"
channel_mean = [0.5, 0.5, 0.5]
channel_spread = [0.5, 0.5, 0.5]

\[\[outputs]]
column = "faceage"
units = "years"
""".replace("\n\n", "\n\n\b\n")  # click keeps the lines of such paragraphs


@app.command("import", epilog=_EXAMPLE)
def import_file(file: FileArgument, config: Config, out: Out) -> None:
    """Write a checkpoint from parameters that others trained."""
    from fahrstats.face.checkpoints.authors import import_checkpoint

    checkpoint = import_checkpoint(file, config=config, out=out)
    typer.echo(f"Wrote {checkpoint.path} ({checkpoint.name}) and its card.")


@app.command("list")
def list_shipped() -> None:
    """List the checkpoints that are part of this version."""
    from fahrstats.face.checkpoints.card_file import read_card
    from fahrstats.face.checkpoints.names import shipped_checkpoints

    shipped = shipped_checkpoints()
    for name, path in shipped.items():
        columns = [output.column for output in read_card(path).outputs]
        typer.echo(f"{name}: {', '.join(columns) or 'embeddings'}")
    if not shipped:
        typer.echo("No checkpoint is part of this version; give the path of one.")


@app.command()
def show(checkpoint: NameArgument) -> None:
    """Print the card: what a checkpoint gives, how accurately, made from what."""
    from fahrstats.face.checkpoints.card_file import read_card
    from fahrstats.face.checkpoints.card_page import card_page
    from fahrstats.face.checkpoints.names import find_checkpoint

    typer.echo(card_page(read_card(find_checkpoint(checkpoint))))
