"""One small authority for all tests of certs that do not change it, a good certificate, and the bad set."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from itertools import cycle
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from tls_handshake import DNS_NAME, HSA_ID, issue_good

from certs import Authority, CertificateFiles, profile
from certs.bad_set import BadCertificate, make_bad_set
from certs.tls import TlsFiles

#: More than any test makes.
_KEYS = 16


@pytest.fixture(scope="session")
def _make_key() -> Callable[[int], RSAPrivateKey]:
    """Keys of usual size, a few in turn: making them is half of the time of these tests."""
    generate, size = profile.generate_key, profile.MINIMUM_KEY_SIZE
    keys = cycle([generate(size) for _ in range(_KEYS)])
    return lambda wanted: next(keys) if wanted == size else generate(wanted)


@pytest.fixture(autouse=True)
def _keys_in_turn(_make_key: Callable[[int], RSAPrivateKey], monkeypatch: pytest.MonkeyPatch) -> None:
    """Within a test every key is another one, and none is a key of what the whole session uses."""
    monkeypatch.setattr(profile, "generate_key", _make_key)


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.create(tmp_path_factory.mktemp("pki") / "authority", key_size=2048)


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with another authority and a certificate of it, to be copied: keys take time to make."""
    folder = tmp_path_factory.mktemp("template")
    issue_good(Authority.create(folder / "authority", key_size=2048), folder / "own")
    return folder


@pytest.fixture
def own_authority(template: Path, tmp_path: Path) -> Authority:
    """An authority of the test's own, to revoke in and to break."""
    return Authority.open(shutil.copytree(template / "authority", tmp_path / "authority"))


@pytest.fixture(scope="session")
def good(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> CertificateFiles:
    return issue_good(authority, tmp_path_factory.mktemp("good"))


@pytest.fixture(scope="session")
def good_tls(authority: Authority, good: CertificateFiles) -> TlsFiles:
    return TlsFiles(good.certificate, good.private_key, authority.trust_anchor_path)


@pytest.fixture
def own_good(template: Path, tmp_path: Path) -> CertificateFiles:
    """A good certificate of the test's own authority."""
    folder = shutil.copytree(template / "own", tmp_path / "own")
    return CertificateFiles(folder / "good.pem", folder / "good.key")


@pytest.fixture
def own_tls(own_authority: Authority, own_good: CertificateFiles) -> TlsFiles:
    """TLS files of the test's own authority, with its revocation list."""
    return TlsFiles(own_good.certificate, own_good.private_key, own_authority.trust_anchor_path, own_authority.crl_path)


@pytest.fixture(scope="session")
def bad_authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """The authority of the bad set; one of its certificates is revoked."""
    return Authority.create(tmp_path_factory.mktemp("bad-pki") / "authority", key_size=2048)


@pytest.fixture(scope="session")
def bad_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bad") / "set"


@pytest.fixture(scope="session")
def bad_set(bad_authority: Authority, bad_directory: Path) -> dict[str, BadCertificate]:
    return dict(make_bad_set(bad_authority, bad_directory, HSA_ID, DNS_NAME))
