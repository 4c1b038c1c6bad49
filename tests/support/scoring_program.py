"""``fahrstats`` with a log of the photos that are looked at, and accidents on request.

Processes that are spawned run this module too, before they start to work.
``SCORING_LOG`` names the log. ``SCORING_DIE`` is the name of a photo at which the
process is killed; if ``SCORING_DIE_ONCE`` names a file, only as long as that is absent.
``SCORING_DELAY`` is the number of seconds that each photo takes.
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from fahrstats.face.scoring import workbench

_examine = workbench.examine


def _examine_and_log(photo, *arguments):
    with open(os.environ["SCORING_LOG"], "a") as log:
        log.write(f"{photo.photo}\n")
    time.sleep(float(os.environ.get("SCORING_DELAY", "0")))
    if photo.photo == os.environ.get("SCORING_DIE"):
        marker = os.environ.get("SCORING_DIE_ONCE")
        if marker is None or not Path(marker).exists():
            if marker is not None:
                Path(marker).touch()
            os.kill(os.getpid(), signal.SIGKILL)
    return _examine(photo, *arguments)


workbench.examine = _examine_and_log

if __name__ == "__main__":
    from fahrstats.cli import main

    main()
