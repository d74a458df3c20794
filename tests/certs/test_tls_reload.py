"""Contexts that follow their files: new ones are used at once, broken ones never, and never less is checked."""

from __future__ import annotations

import os
import shutil
import ssl
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from tls_handshake import VERSIONS, handshake, issue_good, only

from certs import Authority
from certs.reload import ReloadingClientContext, ReloadingServerContext
from certs.tls import TlsFiles, client_context
from contracts.errors import CertificateError


@pytest.fixture
def live(own_authority: Authority, tmp_path: Path) -> TlsFiles:
    """Files of a server in a folder of their own, to be replaced while it runs."""
    folder = tmp_path / "live"
    files = issue_good(own_authority, folder, "server")
    shutil.copy(own_authority.trust_anchor_path, folder / "ca.pem")
    shutil.copy(own_authority.crl_path, folder / "crl.pem")
    return TlsFiles(files.certificate, files.private_key, folder / "ca.pem", folder / "crl.pem")


def swap(source: Path, target: Path) -> None:
    """Replace ``target`` as a careful operator does: whole, by a rename."""
    temporary = target.with_suffix(".tmp")
    shutil.copy(source, temporary)
    temporary.replace(target)


def caller(authority: Authority, folder: Path, version: ssl.TLSVersion) -> tuple[Path, ssl.SSLContext]:
    files = issue_good(authority, folder)
    context = client_context(TlsFiles(files.certificate, files.private_key, authority.trust_anchor_path))
    return files.certificate, only(context, version)


@pytest.mark.parametrize("version", VERSIONS)
def test_newly_revoked_caller_is_refused_without_restart(
    own_authority: Authority, live: TlsFiles, tmp_path: Path, version: ssl.TLSVersion
) -> None:
    certificate, client = caller(own_authority, tmp_path / "caller", version)
    with capture_logs():
        server = ReloadingServerContext(live, check_interval_s=0)
        assert handshake(server.context, client).is_accepted
        swap(own_authority.revoke(certificate), live.crl)
        refused = handshake(server.context, client)
    assert isinstance(refused.server, ssl.SSLCertVerificationError)
    assert refused.server.verify_code == 23


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("server_name", ["producer.certs.example", "127.0.0.1"])
def test_new_certificate_and_authority_are_used_without_restart(
    authority: Authority,
    own_authority: Authority,
    live: TlsFiles,
    tmp_path: Path,
    version: ssl.TLSVersion,
    server_name: str,
) -> None:
    _, old_client = caller(own_authority, tmp_path / "old", version)
    _, new_client = caller(authority, tmp_path / "new", version)
    moved = issue_good(authority, tmp_path / "moved")
    with capture_logs() as logs:
        server = ReloadingServerContext(live, check_interval_s=0)
        assert handshake(server.context, old_client, server_name=server_name).is_accepted
        assert not handshake(server.context, new_client, server_name=server_name).is_accepted
        swap(authority.crl_path, live.crl)
        swap(authority.trust_anchor_path, live.ca)
        swap(moved.private_key, live.private_key)
        swap(moved.certificate, live.certificate)
        assert handshake(server.context, new_client, server_name=server_name).is_accepted
        assert not handshake(server.context, old_client, server_name=server_name).is_accepted
        assert server.last_error is None
    assert [entry["event"] for entry in logs] == ["tls-reloaded"]


@pytest.mark.parametrize("broken", ["private_key", "certificate", "ca", "crl"])
def test_broken_new_file_is_told_once_and_the_old_one_stays(
    own_authority: Authority, live: TlsFiles, tmp_path: Path, broken: str
) -> None:
    _, client = caller(own_authority, tmp_path / "caller", ssl.TLSVersion.TLSv1_3)
    path: Path = getattr(live, broken)
    with capture_logs() as logs:
        server = ReloadingServerContext(live, check_interval_s=0)
        path.rename(tmp_path / "away")
        assert handshake(server.context, client).is_accepted
        assert handshake(server.context, client).is_accepted
        assert isinstance(server.last_error, CertificateError)
        (tmp_path / "away").rename(path)
        assert handshake(server.context, client).is_accepted
        assert server.last_error is None
    refused = [entry for entry in logs if entry["event"] == "tls-reload-refused"]
    assert len(refused) == 1
    assert str(path) in refused[0]["reason"]


def test_revoked_caller_stays_refused_when_the_list_is_taken_away(
    own_authority: Authority, live: TlsFiles, tmp_path: Path
) -> None:
    certificate, client = caller(own_authority, tmp_path / "caller", ssl.TLSVersion.TLSv1_3)
    with capture_logs():
        swap(own_authority.revoke(certificate), live.crl)
        server = ReloadingServerContext(live, check_interval_s=0)
        live.crl.unlink()
        refused = handshake(server.context, client)
    assert isinstance(refused.server, ssl.SSLCertVerificationError)
    assert refused.server.verify_code == 23


def test_start_with_files_that_cannot_work_is_an_error(live: TlsFiles) -> None:
    live.ca.unlink()
    with pytest.raises(CertificateError):
        ReloadingServerContext(live)


def test_files_are_looked_at_once_per_interval(live: TlsFiles) -> None:
    slow = ReloadingServerContext(live, check_interval_s=3600)
    fast = ReloadingServerContext(live, check_interval_s=0)
    before = slow.current(), fast.current()
    os.utime(live.certificate, ns=(1, 1))
    with capture_logs():
        assert slow.current() is before[0]
        assert fast.current() is not before[1]
        assert fast.current() is fast.current()


def test_client_context_follows_its_files(own_authority: Authority, live: TlsFiles, tmp_path: Path) -> None:
    with capture_logs():
        server = ReloadingServerContext(live, check_interval_s=0)
        client = ReloadingClientContext(replace(live, crl=None), check_interval_s=0)
        assert handshake(server.context, client.current()).is_accepted
        revoked = own_authority.revoke(live.certificate)
        swap(revoked, live.crl)
        assert not handshake(server.context, client.current()).is_accepted
        renewed = issue_good(own_authority, tmp_path / "renewed")
        swap(renewed.private_key, live.private_key)
        swap(renewed.certificate, live.certificate)
        assert handshake(server.context, client.current()).is_accepted


def test_alarms_are_logged_at_start_and_again_after_a_change(
    own_authority: Authority, live: TlsFiles, tmp_path: Path
) -> None:
    own_authority.write_crl(tmp_path / "short.pem", valid_days=0.01)
    swap(tmp_path / "short.pem", live.crl)
    with capture_logs() as logs:
        server = ReloadingServerContext(live, check_interval_s=0)
        server.current()
        swap(own_authority.crl_path, live.crl)
        server.current()
    assert [entry["event"] for entry in logs] == ["tls-alarm", "tls-reloaded"]
    assert "past half of its time" in logs[0]["reason"]


def test_threads_share_one_context_while_files_change(live: TlsFiles) -> None:
    seen: list[object] = []

    def use(context: ReloadingServerContext) -> None:
        for _ in range(50):
            seen.append(context.current())

    with capture_logs():
        server = ReloadingServerContext(live, check_interval_s=0)
        threads = [threading.Thread(target=use, args=(server,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        os.utime(live.certificate, ns=(1, 1))
        for thread in threads:
            thread.join()
    assert len(seen) == 200
    assert all(isinstance(context, ssl.SSLContext) for context in seen)
    assert len(set(map(id, seen))) <= 2
