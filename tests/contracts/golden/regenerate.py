"""Writes the golden messages anew: ``make golden``. Read the difference before committing it.

Files that no message stands for any more are removed.
"""

from __future__ import annotations

from .messages import DIRECTORY, indented, written


def main() -> None:
    """Write every golden message and tell which files changed."""
    messages = written()
    for stale in {path for path in DIRECTORY.glob("*.xml") if path.name not in messages}:
        stale.unlink()
        print(f"removed {stale.name}")
    for name, message in messages.items():
        path, content = DIRECTORY / name, indented(message)
        if not path.exists() or path.read_bytes() != content:
            path.write_bytes(content)
            print(f"wrote {name}")


if __name__ == "__main__":
    main()
