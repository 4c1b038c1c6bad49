"""The command that says what reporting guidelines still want of a study."""

from __future__ import annotations

import typer

from fahrstats.cli.study_commands import DataDir, Out, StudyArgument
from fahrstats.cli.terminal import progress

app = typer.Typer()


@app.command()
def checklist(study: StudyArgument, data_dir: DataDir = None, out: Out = None) -> None:
    """Say which points of reporting guidelines a study leaves open.

    What only its authors can say follows as a section of the study file to be filled
    in, with the points that ask for it.
    """
    from fahrstats.report.study_checklists import checklists_of, unwritten
    from fahrstats.statements import STATEMENTS
    from fahrstats.study.kinds import find_kind
    from fahrstats.study.study_file import find_study, results_folder

    path = find_study(study)
    folder = results_folder(path, out)
    with progress(quiet=True):
        find_kind(path).check_results(path, folder, data_dir)
    filled = checklists_of(folder).values()
    if not filled:
        typer.echo(f"{path.name}: no guideline fits this kind of study")
    for one in filled:
        typer.echo(" ".join([one.counts(), *one.gaps()]))
    wanted = unwritten(filled)
    if wanted:
        typer.echo("\nTo be written in the study file:\n\n[statements]")
    for key, points in wanted.items():
        typer.echo(f'# {STATEMENTS[key].asks} ({", ".join(points)})\n# {key} = ""')
