"""Certificates for the parties of a test."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from certs import Authority
from certs.tls import TlsFiles


@dataclass(frozen=True)
class Pki:
    """An authority and a way to get TLS files for a party of the test."""

    authority: Authority
    directory: Path

    def files(self, name: str, *, dns_name: str = "localhost", **content: object) -> TlsFiles:
        issued = self.authority.issue(
            f"SE9990001112-{name.upper()}",
            dns_name,
            organization="Test",
            locality="Test",
            key_size=2048,
            **content,  # type: ignore[arg-type]
        )
        written = issued.write(self.directory, name)
        return TlsFiles(written.certificate, written.private_key, self.authority.trust_anchor_path)
