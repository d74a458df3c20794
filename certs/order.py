"""Ordering a real function certificate: a key that never leaves here, and the request (CSR) for it.

Implements PKCS#10 (RFC 2986) with the subject and SAN of a SITHS function certificate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding

from certs import files, profile
from certs.issued import check_file_name, private_key_pem

#: As in real function certificates.
ORDER_KEY_SIZE = 4096


@dataclass(frozen=True, slots=True)
class OrderFiles:
    """Where the request (to send) and the private key (to keep, 0600) are."""

    request: Path
    private_key: Path


@dataclass(frozen=True, slots=True)
class CertificateOrder:
    """A certificate request with the key it was made for."""

    request: x509.CertificateSigningRequest
    private_key: rsa.RSAPrivateKey

    def write(self, directory: Path, name: str) -> OrderFiles:
        """Write ``name``.csr and ``name``.key into ``directory`` (made 0700 if missing).

        Raises `CertificateError` if one of them exists: a key that an order waits for is never replaced.
        """
        check_file_name(name)
        written = OrderFiles(directory / f"{name}.csr", directory / f"{name}.key")
        files.check_free(written.request, written.private_key)
        files.make_private_folder(directory)
        files.write_private(written.private_key, private_key_pem(self.private_key))
        files.write_public(written.request, self.request.public_bytes(Encoding.PEM))
        return written


def make_order(
    hsa_id: str,
    dns_name: str,
    *,
    organization: str,
    locality: str,
    extra_dns: Sequence[str] = (),
    key_size: int = ORDER_KEY_SIZE,
) -> CertificateOrder:
    """Make a key and the request for a function certificate of ``hsa_id`` with host name ``dns_name``.

    The request asks for the subject serialNumber, CN, O, L, C and the SAN; key usages are the authority's to
    set. Raises `UsageError` for a subject, name or key size that cannot be ordered.
    """
    profile.check_subject(hsa_id, dns_name, organization, locality)
    profile.check_alternatives(extra_dns, ())
    key = profile.generate_key(profile.check_key_size(key_size))
    request = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(profile.subject_name(hsa_id, dns_name, organization, locality))
        .add_extension(profile.alternative_names((dns_name, *extra_dns), ()), critical=False)
        .sign(key, hashes.SHA512())
    )
    return CertificateOrder(request, key)
