"""Who a TLS peer is, and whether its certificate may be used for calling: the checks OpenSSL leaves out.

Implements RIV-TA Basic Profile 2.1 rule 6 (mutual authentication) with the caller's HSA-id taken from the
subject's serialNumber (2.5.4.5). Depends on nothing else in `certs`, so that whoever serves needs only this.
"""

from __future__ import annotations

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from contracts.errors import CertificateError

#: X.520 upper bound of serialNumber; the HSA-id rules themselves allow 31.
MAX_HSA_ID_LENGTH = 64

#: What `cryptography` raises for a certificate that is broken inside, some of it only when a part is looked at.
UNREADABLE = (ValueError, x509.InvalidVersion, x509.DuplicateExtension, x509.UnsupportedGeneralNameType)


def load_der(certificate: x509.Certificate | bytes) -> x509.Certificate:
    """Return the parsed certificate of a DER blob, or the certificate itself.

    The bytes are untrusted; raises `CertificateError` when they are no certificate.
    """
    if isinstance(certificate, x509.Certificate):
        return certificate
    try:
        return x509.load_der_x509_certificate(certificate)
    except UNREADABLE as error:
        raise CertificateError(
            "The peer's certificate cannot be read; it has to be an X.509 certificate.", log_detail=str(error)
        ) from error


def hsa_id_of(certificate: x509.Certificate | bytes) -> str:
    """Return the HSA-id a certificate is issued to: its subject's one serialNumber, as written.

    ``certificate`` is parsed or DER, with a chain the TLS layer has verified; its content is untrusted.
    The HSA-id has 1-64 printable ASCII characters and no blank; compare it without regard to case.
    Raises `CertificateError` when serialNumber is missing, given twice (never "the first") or unprintable.
    """
    try:
        attributes = load_der(certificate).subject.get_attributes_for_oid(NameOID.SERIAL_NUMBER)
    except UNREADABLE as error:
        raise CertificateError(
            "The subject of the peer's certificate cannot be read.", log_detail=str(error)
        ) from error
    if not attributes:
        raise CertificateError(
            "The peer's certificate has no serialNumber in its subject, so it names no HSA-id; "
            "the peer has to use a SITHS function certificate."
        )
    if len(attributes) > 1:
        raise CertificateError(
            "The subject of the peer's certificate has more than one serialNumber; its HSA-id is not certain."
        )
    value = attributes[0].value
    if (
        not isinstance(value, str)
        or not 1 <= len(value) <= MAX_HSA_ID_LENGTH
        or not all("!" <= character <= "~" for character in value)
    ):
        raise CertificateError(
            "The serialNumber in the subject of the peer's certificate is no HSA-id: "
            f"1-{MAX_HSA_ID_LENGTH} printable ASCII characters without blanks are accepted."
        )
    return value


def check_client_purpose(certificate: x509.Certificate | bytes) -> None:
    """Refuse a certificate that is not issued for calling services.

    OpenSSL accepts a leaf without extended key usage and a CA certificate used as leaf; both are refused
    here: extendedKeyUsage has to be present and hold clientAuth, and the certificate must be no CA.
    ``certificate`` is parsed or DER, untrusted. Raises `CertificateError`.
    """
    try:
        extensions = load_der(certificate).extensions
    except UNREADABLE as error:
        raise CertificateError(
            "The extensions of the peer's certificate cannot be read.", log_detail=str(error)
        ) from error
    if is_authority(extensions):
        raise CertificateError(
            "The peer's certificate belongs to a certificate authority; "
            "the peer has to use a function certificate of its own."
        )
    try:
        usages = extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound as error:
        raise CertificateError(
            "The peer's certificate has no extended key usage; one with client authentication is required."
        ) from error
    if ExtendedKeyUsageOID.CLIENT_AUTH not in usages:
        raise CertificateError("The peer's certificate is not issued for client authentication (extended key usage).")


def is_authority(extensions: x509.Extensions) -> bool:
    """Whether the extensions say that a certificate may sign others (basicConstraints or keyUsage)."""
    try:
        if extensions.get_extension_for_class(x509.BasicConstraints).value.ca:
            return True
    except x509.ExtensionNotFound:
        pass
    try:
        return extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign
    except x509.ExtensionNotFound:
        return False
