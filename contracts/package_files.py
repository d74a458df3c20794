"""Reading a contract package (untrusted) into memory: the WSDL and schema files of a ZIP file or a folder.

A ZIP file is never unpacked; names that lead out of the package, links and more than the caps allow are refused.
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from contracts.errors import DataError

SUFFIXES = (".wsdl", ".xsd")


@dataclass(frozen=True, slots=True)
class PackageLimits:
    """What a package may hold. A published one has some hundred entries and schema files of tens of kilobytes.

    Raising one lets a small package cost more memory or time.
    """

    max_entries: int = 10_000
    max_file_bytes: int = 4 * 1024**2
    max_total_bytes: int = 32 * 1024**2


@dataclass(frozen=True, slots=True)
class PackageFiles:
    """The WSDL and schema files of a package by their path in it; ``name`` is what the package is called."""

    name: str
    files: dict[PurePosixPath, bytes]


def read_package(path: Path, limits: PackageLimits | None = None) -> PackageFiles:
    """Read the package at ``path``, a ZIP file or a folder, whatever its folders are called.

    Raises DataError for what is no package, leads out of it, or is over a limit.
    """
    limits = limits or PackageLimits()
    if not path.exists():
        raise DataError(f"There is no file or folder {path}.")
    try:
        entries = _folder(path, limits) if path.is_dir() else _zip_file(path, limits)
        files = dict(_capped(path, entries, limits))
    except OSError as error:
        raise DataError(f"The package {path} cannot be read: {error.strerror or error}.") from error
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise DataError(
            f"{path} is no ZIP file that can be read: {error}. Give the package as it was fetched."
        ) from error
    if not files:
        raise DataError(f"{path} holds no WSDL or schema file. Give a contract package as rivta.se publishes it.")
    return PackageFiles(path.name, files)


def _capped(
    path: Path, entries: Iterator[tuple[PurePosixPath, bytes]], limits: PackageLimits
) -> Iterator[tuple[PurePosixPath, bytes]]:
    total = 0
    for name, content in entries:
        total += len(content)
        if len(content) > limits.max_file_bytes or total > limits.max_total_bytes:
            raise DataError(f"The schema files of {path} are larger than a contract package's can be ({name}).")
        yield name, content


def _zip_file(path: Path, limits: PackageLimits) -> Iterator[tuple[PurePosixPath, bytes]]:
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
        if len(entries) > limits.max_entries:
            raise DataError(f"{path} has {len(entries)} entries; a contract package has fewer.")
        names = set()
        for entry in entries:
            name = PurePosixPath(entry.filename.replace("\\", "/"))
            if name.suffix.lower() not in SUFFIXES or entry.is_dir():
                continue
            if name.is_absolute() or ".." in name.parts or ":" in entry.filename:
                raise DataError(f"{path} has an entry that leads out of the package: {entry.filename!r}.")
            if name in names:
                raise DataError(f"{path} holds {name} twice; it is not clear which one counts.")
            names.add(name)
            with archive.open(entry) as file:
                # One byte more than allowed: what the entry says of its size is the sender's word.
                yield name, file.read(limits.max_file_bytes + 1)


def _folder(path: Path, limits: PackageLimits) -> Iterator[tuple[PurePosixPath, bytes]]:
    seen = 0
    for folder, folders, names in os.walk(path):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        seen += len(names)
        if seen > limits.max_entries:
            raise DataError(
                f"{path} has more than {limits.max_entries} files; give the folder of one contract package."
            )
        for name in sorted(names):
            file = Path(folder, name)
            if file.suffix.lower() not in SUFFIXES or file.is_symlink():
                continue
            with file.open("rb") as opened:
                yield PurePosixPath(file.relative_to(path).as_posix()), opened.read(limits.max_file_bytes + 1)
