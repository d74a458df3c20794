"""What a certificate holds, as data, and the one function that builds it: the SITHS shape with test names.

Implements the function certificate profile (subject serialNumber, CN, O, L, C; SAN = CN; both usages; RSA
with SHA-512) and its two authorities. Every address in it ends in ``.invalid`` and leads nowhere.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

from contracts.errors import UsageError

TEST_PREFIX = "TEST"
COUNTRY = "SE"
PUBLIC_EXPONENT = 65537
MINIMUM_KEY_SIZE = 2048

#: Real ones are 4096; 3072 is as strong as SHA-256 and takes half the time of a 4096 handshake.
DEFAULT_KEY_SIZE = 3072
#: As real authorities; made once per authority.
DEFAULT_AUTHORITY_KEY_SIZE = 4096
#: Function certificates run two years; a test authority outlives several of them.
DEFAULT_VALID_DAYS = 730
DEFAULT_AUTHORITY_VALID_DAYS = 3650
#: Certificates begin this long before they are made, for peers whose clock is behind.
CLOCK_TOLERANCE = timedelta(hours=1)

BOTH_USAGES = (ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH)
#: CA/Browser Forum "organisation validated" and the SITHS function policy, as in the real ones.
FUNCTION_POLICIES = (x509.ObjectIdentifier("2.23.140.1.2.2"), x509.ObjectIdentifier("1.2.752.74.8.505"))
ANY_POLICY = x509.ObjectIdentifier("2.5.29.32.0")

CRL_URL = "http://crl.test-authority.invalid/function-ca.crl"
OCSP_URL = "http://ocsp.test-authority.invalid"
ISSUER_URL = "http://aia.test-authority.invalid/function-ca.cer"
PRACTICE_URL = "https://test-authority.invalid/this-is-a-test"

_HSA_ID = re.compile(r"[A-Za-z0-9-]{1,64}")
_DNS_LABEL = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)")


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionProfile:
    """Content of a function certificate. The defaults are the good ones; bad sets change single fields."""

    hsa_id: str | None
    dns_name: str
    organization: str
    locality: str
    valid_from: datetime
    valid_to: datetime
    alternative_dns: tuple[str, ...]
    alternative_ip: tuple[str, ...] = ()
    usages: tuple[x509.ObjectIdentifier, ...] = BOTH_USAGES
    is_ca: bool = False


@dataclass(frozen=True, slots=True)
class Signer:
    """A CA certificate with its private key."""

    certificate: x509.Certificate
    private_key: rsa.RSAPrivateKey


def generate_key(size: int) -> rsa.RSAPrivateKey:
    """Return a new RSA key of ``size`` bits (public exponent 65537)."""
    return rsa.generate_private_key(public_exponent=PUBLIC_EXPONENT, key_size=size)


def check_key_size(size: int) -> int:
    """Return ``size`` if TLS peers accept such a key, else raise `UsageError`."""
    if not MINIMUM_KEY_SIZE <= size <= 8192:
        raise UsageError(f"The key size is {size} bits; choose {MINIMUM_KEY_SIZE} to 8192 (SITHS uses 4096).")
    return size


def check_subject(hsa_id: str, dns_name: str, organization: str, locality: str) -> None:
    """Raise `UsageError` naming every part of a subject that a function certificate cannot hold."""
    problems: list[str] = []
    if not _HSA_ID.fullmatch(hsa_id):
        problems.append(f"HSA-id {hsa_id!r}: 1-64 of A-Z, a-z, 0-9 and hyphen, for example SE9990001112-0001")
    if not is_dns_name(dns_name) or len(dns_name) > 64:
        problems.append(f"DNS name {dns_name!r}: a host name of at most 64 ASCII characters, without port")
    for label, value, limit in (("organisation", organization, 64), ("locality", locality, 128)):
        if not value.strip() or len(value) > limit or not value.isprintable():
            problems.append(f"{label} {value!r}: 1-{limit} printable characters")
    if problems:
        raise UsageError("The subject of the certificate is not acceptable. " + "; ".join(problems) + ".")


def is_dns_name(name: str) -> bool:
    """Whether ``name`` is a host name that a SAN dNSName may hold (ASCII labels, no wildcard, no IP)."""
    labels = name.split(".")
    return len(name) <= 253 and all(map(_DNS_LABEL.fullmatch, labels)) and not labels[-1].isdigit()


def check_alternatives(dns_names: Sequence[str], ip_addresses: Sequence[str]) -> None:
    """Raise `UsageError` for further names that are no host names or no IP addresses."""
    for name in dns_names:
        if not is_dns_name(name):
            raise UsageError(f"{name!r} is no DNS name; give one such as localhost or producer.example.")
    for address in ip_addresses:
        try:
            ipaddress.ip_address(address)
        except ValueError as error:
            raise UsageError(f"{address!r} is no IP address; give one such as 127.0.0.1 or ::1.") from error


def subject_name(hsa_id: str | None, dns_name: str, organization: str, locality: str) -> x509.Name:
    """Return the subject in SITHS order: serialNumber (PrintableString), CN, O, L, C."""
    attributes = [
        x509.NameAttribute(NameOID.COMMON_NAME, dns_name),
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization),
        x509.NameAttribute(NameOID.LOCALITY_NAME, locality),
        x509.NameAttribute(NameOID.COUNTRY_NAME, COUNTRY),
    ]
    if hsa_id is not None:
        attributes.insert(0, x509.NameAttribute(NameOID.SERIAL_NUMBER, hsa_id))
    return x509.Name(attributes)


def authority_name(name: str, role: str) -> x509.Name:
    """Return the name of a test CA, for example ``TEST Indikatorbryggan Function CA v1``."""
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, f"{TEST_PREFIX} {name} {role} CA v1"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, f"{TEST_PREFIX} {name}"),
            x509.NameAttribute(NameOID.COUNTRY_NAME, COUNTRY),
        ]
    )


def alternative_names(dns_names: Sequence[str], ip_addresses: Sequence[str]) -> x509.SubjectAlternativeName:
    """Return the SAN extension, each name once, in the order given."""
    names: list[x509.GeneralName] = [x509.DNSName(name) for name in dict.fromkeys(dns_names)]
    names += [x509.IPAddress(ipaddress.ip_address(address)) for address in dict.fromkeys(ip_addresses)]
    return x509.SubjectAlternativeName(names)


def key_usage(*, is_ca: bool, is_leaf: bool) -> x509.KeyUsage:
    """Return keyUsage of a CA (signs certificates and CRLs), a leaf (signs, enciphers keys), or both."""
    return x509.KeyUsage(
        digital_signature=is_leaf,
        content_commitment=False,
        key_encipherment=is_leaf,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=is_ca,
        crl_sign=is_ca,
        encipher_only=False,
        decipher_only=False,
    )


def build_authority(
    name: x509.Name,
    key: rsa.RSAPrivateKey,
    *,
    issuer: Signer | None,
    valid_from: datetime,
    valid_to: datetime,
) -> Signer:
    """Sign a CA certificate: a root (``issuer`` None, SHA-256) or an issuing CA (pathlen 0, SHA-512)."""
    signing_key = issuer.private_key if issuer else key
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer.certificate.subject if issuer else name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(valid_from)
        .not_valid_after(valid_to)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0 if issuer else None), critical=True)
        .add_extension(key_usage(is_ca=True, is_leaf=False), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signing_key.public_key()), critical=False)
    )
    if issuer:
        policies = x509.CertificatePolicies([x509.PolicyInformation(ANY_POLICY, None)])
        builder = builder.add_extension(policies, critical=False)
    algorithm = hashes.SHA512() if issuer else hashes.SHA256()
    return Signer(builder.sign(signing_key, algorithm), key)


def build_function_certificate(profile: FunctionProfile, key: rsa.RSAPublicKey, issuer: Signer) -> x509.Certificate:
    """Sign a function certificate for ``key`` as ``profile`` says, with SHA-512 and a random serial."""
    subject = subject_name(profile.hsa_id, profile.dns_name, profile.organization, profile.locality)
    policies = [
        x509.PolicyInformation(policy, [PRACTICE_URL] if policy == FUNCTION_POLICIES[-1] else None)
        for policy in FUNCTION_POLICIES
    ]
    issuer_key = issuer.private_key.public_key()
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(profile.valid_from)
        .not_valid_after(profile.valid_to)
        .add_extension(key_usage(is_ca=profile.is_ca, is_leaf=True), critical=True)
        .add_extension(x509.CertificatePolicies(policies), critical=False)
        .add_extension(_revocation_source(), critical=False)
        .add_extension(_issuer_access(), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key), critical=False)
    )
    if profile.alternative_dns or profile.alternative_ip:
        names = alternative_names(profile.alternative_dns, profile.alternative_ip)
        builder = builder.add_extension(names, critical=False)
    if profile.usages:
        builder = builder.add_extension(x509.ExtendedKeyUsage(profile.usages), critical=False)
    if profile.is_ca:
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    return builder.sign(issuer.private_key, hashes.SHA512())


def now_utc() -> datetime:
    """Return the present time, aware UTC, in whole seconds as certificates hold it."""
    return datetime.now(UTC).replace(microsecond=0)


def _revocation_source() -> x509.CRLDistributionPoints:
    point = x509.DistributionPoint([x509.UniformResourceIdentifier(CRL_URL)], None, None, None)
    return x509.CRLDistributionPoints([point])


def _issuer_access() -> x509.AuthorityInformationAccess:
    sources = (
        (AuthorityInformationAccessOID.OCSP, OCSP_URL),
        (AuthorityInformationAccessOID.CA_ISSUERS, ISSUER_URL),
    )
    return x509.AuthorityInformationAccess(
        x509.AccessDescription(method, x509.UniformResourceIdentifier(url)) for method, url in sources
    )
