"""Writing of secrets: never open for a moment, never over another file, whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from certs import files
from contracts.errors import CertificateError


def test_private_file_is_created_closed_whatever_the_umask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    created: list[tuple[int, int]] = []
    real_open = os.open

    def spy(path: str | Path, flags: int, mode: int = 0o777) -> int:
        descriptor = real_open(path, flags, mode)
        created.append((flags, os.fstat(descriptor).st_mode & 0o777))
        return descriptor

    monkeypatch.setattr(files.os, "open", spy)
    before = os.umask(0)
    try:
        files.write_private(tmp_path / "secret", b"s")
    finally:
        os.umask(before)
    assert [mode for _, mode in created] == [0o600]
    assert created[0][0] & os.O_EXCL
    assert (tmp_path / "secret").stat().st_mode & 0o777 == 0o600


def test_taken_name_is_left_and_no_rest_stays(tmp_path: Path) -> None:
    target = tmp_path / "file"
    target.write_bytes(b"old")
    with pytest.raises(CertificateError, match="not overwritten"):
        files.write_public(target, b"new")
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_dangling_link_counts_as_taken(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(CertificateError, match="not overwritten"):
        files.write_private(link, b"secret")
    with pytest.raises(CertificateError, match="not overwritten"):
        files.check_free(link)
    assert not (tmp_path / "elsewhere").exists()


def test_failed_write_leaves_the_old_file_and_no_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "file"
    target.write_bytes(b"old")

    def fail(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", fail)
    with pytest.raises(CertificateError, match="No space left"):
        files.write_private(target, b"new", replace=True)
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_replacing_gives_the_new_mode(tmp_path: Path) -> None:
    target = tmp_path / "file"
    target.write_bytes(b"old")
    target.chmod(0o666)
    files.write_private(target, b"new", replace=True)
    assert (target.read_bytes(), target.stat().st_mode & 0o777) == (b"new", 0o600)


def test_folder_is_closed_and_an_existing_one_left(tmp_path: Path) -> None:
    assert files.make_private_folder(tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o700
    existing = tmp_path / "mine"
    existing.mkdir(mode=0o755)
    files.make_private_folder(existing)
    assert existing.stat().st_mode & 0o777 == 0o755
    (tmp_path / "file").write_text("")
    with pytest.raises(CertificateError, match="Cannot create the folder"):
        files.make_private_folder(tmp_path / "file")


def test_unreadable_and_huge_files_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CertificateError, match=r"the thing .*missing: No such file"):
        files.read_file(tmp_path / "missing", "the thing")
    monkeypatch.setattr(files, "MAX_FILE_BYTES", 3)
    (tmp_path / "huge").write_bytes(b"four")
    with pytest.raises(CertificateError, match="larger than"):
        files.read_file(tmp_path / "huge", "the thing")
