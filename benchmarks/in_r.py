"""R as a peer: the functions of `tasks.R`, each timed by R itself."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

SCRIPT = Path(__file__).with_name("tasks.R")
PACKAGES = ("survival", "cmprsk", "riskRegression")


@dataclass(frozen=True, slots=True)
class NeedsR:
    """A task that `tasks.R` performs with an R package."""

    package: str

    def become(self, task: str, data: pd.DataFrame, *, warm_up_rows: int) -> None:
        """Turn this process into the R that measures the task and prints the cell.

        One process, so that stopping the cell stops R.

        Raises
        ------
        ModuleNotFoundError
            There is no R.
        """
        if shutil.which("Rscript") is None:
            raise ModuleNotFoundError("no Rscript on the PATH", name="R")
        handle, path = tempfile.mkstemp()
        with open(handle, "wb") as file:
            file.write(np.asfortranarray(data, dtype=np.float64).tobytes(order="F"))
        options = [task, self.package, str(warm_up_rows), path, *data.columns]
        os.execlp("Rscript", "Rscript", str(SCRIPT), *options)


def r_version() -> str:
    """Version of R and of its packages; empty without R."""
    if shutil.which("Rscript") is None:
        return ""
    code = (
        "for (name in commandArgs(TRUE)) if (requireNamespace(name, quietly = TRUE)) "
        "cat(name, ' ', as.character(packageVersion(name)), ', ', sep = '');"
        "cat('R', as.character(getRversion()))"
    )
    command = ["Rscript", "-e", code, *PACKAGES]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    *packages, version = done.stdout.split(", ")
    return f"{version} ({'; '.join(packages)})"
