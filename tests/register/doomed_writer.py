"""A process that imports or publishes and kills itself (SIGKILL) at a given point.

The processes are forked from one that has imported the program and done nothing yet: each is as new as a started one.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from pathlib import Path

from sqlalchemy import Engine, event

from producer.register import open_register, publish
from producer.register.importer import import_vis


def die() -> None:
    """Die at once, as with `kill -9`."""
    os.kill(os.getpid(), signal.SIGKILL)


def run_and_kill(url: str, file: str, point: str) -> int | None:
    """Work on the register at ``url`` in a process of its own up to ``point``; give the process's exit code.

    ``file`` is imported, ``-`` publishes; ``point`` is PHASE:SHARE, where the phase commit kills in the commit.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([import_vis.__module__])
    process = context.Process(target=_work, args=(url, file, point))
    process.start()
    process.join(60)
    return process.exitcode


def _work(url: str, file: str, point: str) -> None:
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
