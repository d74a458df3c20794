"""Writing keys and certificates: private from the first byte, whole or not at all, never over another file.

Implements the house rule for secrets: mode 0600 at creation (not by a later chmod), folders 0700.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from contracts.errors import CertificateError

PRIVATE_FILE_MODE = 0o600
PUBLIC_FILE_MODE = 0o644
PRIVATE_FOLDER_MODE = 0o700

#: Revocation lists of a national authority are megabytes; nothing read here is larger than this.
MAX_FILE_BYTES = 64 * 1024 * 1024


def read_file(path: Path, what: str) -> bytes:
    """Return the bytes of a file; ``what`` names its role in the message of the `CertificateError`."""
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise CertificateError(
                f"{path} is larger than {MAX_FILE_BYTES // 2**20} MiB, so it is not {what}; check the path."
            )
        return path.read_bytes()
    except OSError as error:
        raise CertificateError(
            f"Cannot read {what} {path}: {error.strerror}. Check the path and who may read the file."
        ) from error


def write_private(path: Path, data: bytes, *, replace: bool = False) -> Path:
    """Write a secret to ``path`` with mode 0600; see `write_file`."""
    return write_file(path, data, mode=PRIVATE_FILE_MODE, replace=replace)


def write_public(path: Path, data: bytes, *, replace: bool = False) -> Path:
    """Write something everyone may read to ``path`` with mode 0644 (less the umask); see `write_file`."""
    return write_file(path, data, mode=PUBLIC_FILE_MODE, replace=replace)


def write_file(path: Path, data: bytes, *, mode: int, replace: bool) -> Path:
    """Write ``data`` so that ``path`` holds all of it or is left as it was, and return ``path``.

    The bytes go to a new file beside it (O_EXCL, ``mode`` from the start) that is then given the name:
    without ``replace`` by a hard link, which fails if the name is taken, else by a rename.
    Raises `CertificateError` when the name is taken or the folder cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}.new")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
        try:
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            if replace:
                temporary.replace(path)
            else:
                os.link(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
    except FileExistsError as error:
        raise already_there(path) from error
    except OSError as error:
        raise CertificateError(
            f"Cannot write {path}: {error.strerror}. Check that the folder exists and may be written."
        ) from error
    return path


def check_free(*paths: Path) -> None:
    """Raise `CertificateError` if one of the paths is taken, before the work of making their content."""
    for path in paths:
        if os.path.lexists(path):
            raise already_there(path)


def make_private_folder(path: Path) -> Path:
    """Create a folder (mode 0700) with its parents; an existing folder is left as it is."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir(mode=PRIVATE_FOLDER_MODE, exist_ok=True)
    except OSError as error:
        raise CertificateError(f"Cannot create the folder {path}: {error.strerror}.") from error
    return path


def already_there(path: Path) -> CertificateError:
    """The error for a name that is taken."""
    return CertificateError(
        f"{path} exists and is not overwritten. Choose another name, move the file away, "
        "or say that it shall be replaced."
    )
