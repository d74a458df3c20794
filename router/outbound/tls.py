"""TLS towards producers: which certificate, versions and checks for which host and port (platform reference 5).

The first override whose host and port match is used, else the default; found once per host and port.
"""

from __future__ import annotations

import ssl
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from certs.reload import ReloadingContext
from certs.tls import TlsFiles, client_context
from contracts.errors import ConfigurationError
from router.settings import RouterSettings, TlsOverride

_VERSIONS = {"TLSv1.2": ssl.TLSVersion.TLSv1_2, "TLSv1.3": ssl.TLSVersion.TLSv1_3}


class ProducerTls:
    """Gives the context for a new connection to a producer; changed files are taken over while running."""

    def __init__(self, settings: RouterSettings, *, verify_hostname: bool) -> None:
        """Load every file named. Raises CertificateError for files that cannot work."""
        self._settings = settings
        self._verify_hostname = verify_hostname
        self._files = settings.producer_tls or settings.tls
        self._default = self._context_for(None) if self._files else None
        self._overrides = [(override, self._context_for(override)) for override in settings.tls_overrides]
        self._found: dict[tuple[str, int], ReloadingContext] = {}
        self._wrong: ssl.SSLContext | None = None

    def context(self, host: str, port: int) -> ssl.SSLContext:
        """Give the context for ``host`` and ``port``. Raises ConfigurationError when no files are configured."""
        key = (host, port)
        found = self._found.get(key)
        if found is None:
            found = self._found[key] = self._choose(host, port)
        return found.current()

    def wrong_context(self) -> ssl.SSLContext:
        """Give a context that shows a self-signed certificate, for testing what a producer does about it."""
        if self._wrong is None:
            self._wrong = _self_signed_context()
        return self._wrong

    def _choose(self, host: str, port: int) -> ReloadingContext:
        for override, context in self._overrides:
            if _matches(override, host, port):
                return context
        if self._default is None:
            raise ConfigurationError("The route is HTTPS, and neither [router.producer_tls] nor [router.tls] is set.")
        return self._default

    def _context_for(self, override: TlsOverride | None) -> ReloadingContext:
        files = (override.tls if override else None) or self._files
        if files is None:
            raise ConfigurationError(f"tls_overrides {override.name if override else ''} needs files: set [tls] in it.")

        def make(tls_files: TlsFiles) -> ssl.SSLContext:
            context = client_context(tls_files)
            context.check_hostname = self._verify_hostname
            if override is not None:
                context.minimum_version = _VERSIONS[override.minimum_version]
                context.maximum_version = _VERSIONS[override.maximum_version]
                if override.ciphers is not None:
                    _set_ciphers(context, override)
            return context

        return ReloadingContext(make, files)


def _set_ciphers(context: ssl.SSLContext, override: TlsOverride) -> None:
    try:
        context.set_ciphers(override.ciphers or "")
    except ssl.SSLError:
        raise ConfigurationError(f"tls_overrides {override.name}: OpenSSL knows none of its ciphers.") from None


def _matches(override: TlsOverride, host: str, port: int) -> bool:
    if override.port is not None and override.port != port:
        return False
    lower = host.lower()
    if override.domain_name is not None:
        return lower == override.domain_name.lower()
    return override.domain_suffix is not None and lower.endswith(override.domain_suffix.lower())


def _self_signed_context() -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "TEST wrong certificate")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # only the producer's reaction is of interest, nothing is sent that counts
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "wrong.pem"
        path.touch(mode=0o600)
        private_key = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        path.write_bytes(private_key + certificate.public_bytes(Encoding.PEM))
        context.load_cert_chain(path)
    return context
