"""Files that are replaced whole or not at all, so that a reader or a crash never meets half of one.

Serves the kept copy of platform reference 3.3 and the catalogue commands.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from contracts.errors import ConfigurationError


def replace_file(path: Path, text: str) -> None:
    """Write ``text`` (UTF-8) to ``path`` in one step. Raises ConfigurationError when that is not possible."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
            Path(temporary).chmod(0o644)
            Path(temporary).replace(path)
        except OSError:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be written: {error.strerror}. Choose another place.") from None
