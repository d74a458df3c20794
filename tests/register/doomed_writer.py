"""A process that imports or publishes and kills itself (SIGKILL) at a given point; run as a script.

Arguments: database URL, file to import or ``-`` to publish, point as PHASE:SHARE; phase commit kills in the commit.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from sqlalchemy import Engine, event

from producer.register import open_register, publish
from producer.register.importer import import_vis


def die() -> None:
    """Die at once, as with `kill -9`."""
    os.kill(os.getpid(), signal.SIGKILL)


def main(url: str, file: str, point: str) -> None:
    """Do the work up to ``point``."""
    wanted_phase, share = point.split(":")
    done: dict[str, int] = {}

    def progress(phase: str, count: int, total: int) -> None:
        done[phase] = done.get(phase, 0) + count
        if phase == wanted_phase and done[phase] >= float(share) * total:
            die()

    register = open_register(url)
    if wanted_phase == "commit":
        # The first commits are those of the note who writes; the last is the work's.
        commits = [0]

        def on_commit(_connection: object) -> None:
            commits[0] += 1
            if commits[0] == 2:
                die()

        event.listen(Engine, "commit", on_commit)
    if file == "-":
        publish(
            register, progress=lambda count, total: progress("publishing", count - done.get("publishing", 0), total)
        )
    else:
        import_vis(register, Path(file), progress=progress)


if __name__ == "__main__":
    main(*sys.argv[1:])
