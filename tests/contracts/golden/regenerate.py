"""Writes the golden messages anew: ``make golden``. Read the difference before committing it.

Files that no message stands for any more are removed.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from .distributed import DISTRIBUTED_DIRECTORY, distributed_messages
from .messages import DIRECTORY, indented, written
from .versions import VERSIONS_DIRECTORY, version_messages


def main() -> None:
    """Write every golden message and tell which files changed."""
    _write(DIRECTORY, written())
    _write(VERSIONS_DIRECTORY, version_messages())
    _write(DISTRIBUTED_DIRECTORY, distributed_messages())


def _write(directory: Path, messages: Mapping[str, bytes]) -> None:
    directory.mkdir(exist_ok=True)
    for stale in {path for path in directory.glob("*.xml") if path.name not in messages}:
        stale.unlink()
        print(f"removed {stale.name}")
    for name, message in messages.items():
        path, content = directory / name, indented(message)
        if not path.exists() or path.read_bytes() != content:
            path.write_bytes(content)
            print(f"wrote {name}")


if __name__ == "__main__":
    main()
