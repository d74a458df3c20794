"""TLS failures in plain words: whose certificate, which check, wrapped however HTTP libraries like."""

from __future__ import annotations

import ssl

import pytest
from tls_handshake import VERSIONS, careless_client, careless_server, handshake, only

from certs import Authority
from certs.bad_set import BadCertificate
from certs.tls import TlsFiles, client_context, server_context
from certs.tls_errors import explain_tls_error, find_tls_error


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("expired", "has expired"),
        ("not-yet-valid", "not valid yet"),
        ("eku-email-only", "not issued for this use"),
        ("wrong-host", "another host name"),
        ("no-san", "another host name"),
        ("other-ca", "not in the CA file"),
        ("self-signed", "self-signed"),
        ("weak-key", "key is too short"),
        ("sha1-signature", "outdated algorithm"),
        ("revoked", "is revoked"),
        ("crl-stale", "revocation list here has run out"),
    ],
)
def test_refused_server_is_explained_by_the_check_that_failed(
    bad_set: dict[str, BadCertificate], bad_authority: Authority, name: str, says: str
) -> None:
    good, shown = bad_set["good"], bad_set[name]
    server = careless_server(shown.certificate, shown.private_key, shown.security_level)
    files = TlsFiles(good.certificate, good.private_key, bad_authority.trust_anchor_path, shown.crl)
    error = handshake(server, client_context(files)).client
    assert error is not None
    text = explain_tls_error(error)
    assert text is not None
    assert text.startswith("The other side's certificate is refused here: ")
    assert says in text


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("name", "says"), [("revoked", "revoked"), ("expired", "expired"), ("other-ca", "authority"), (None, "certificate")]
)
def test_refused_caller_learns_that_its_own_certificate_is_the_matter(
    bad_set: dict[str, BadCertificate],
    bad_authority: Authority,
    name: str | None,
    says: str,
    version: ssl.TLSVersion,
) -> None:
    good, trust = bad_set["good"], bad_authority.trust_anchor_path
    shown = bad_set[name] if name else None
    server = server_context(TlsFiles(good.certificate, good.private_key, trust, shown.crl if shown else None))
    client = careless_client(trust, shown.certificate, shown.private_key) if shown else careless_client(trust)
    error = handshake(server, only(client, version)).client
    assert error is not None
    text = explain_tls_error(error)
    # Under TLS 1.3 the alert is now and then lost to the reset of the connection.
    if text is None or "without saying why" in text:
        assert isinstance(error, ssl.SSLEOFError | ConnectionError)
    else:
        assert text.startswith("The other side refused the TLS connection: ")
        assert says in text


def verification_error(code: int, message: str) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_code = code
    error.verify_message = message
    return error


def test_error_is_found_through_causes_contexts_reasons_and_arguments() -> None:
    inner = verification_error(10, "certificate has expired")
    by_argument = OSError("pool", ValueError(inner))
    by_cause = RuntimeError("http")
    by_cause.__cause__ = by_argument
    by_reason = RuntimeError("retry")
    by_reason.reason = by_cause  # type: ignore[attr-defined]
    by_context = RuntimeError("fetch")
    by_context.__context__ = by_reason
    assert find_tls_error(by_context) is inner
    assert "has expired" in (explain_tls_error(by_context) or "")


def test_error_that_refers_to_itself_ends_the_search() -> None:
    error = RuntimeError("loop")
    error.args = (error,)
    assert find_tls_error(error) is None
    assert explain_tls_error(error) is None


def test_unknown_verification_result_keeps_the_words_of_openssl() -> None:
    assert "something new" in (explain_tls_error(verification_error(9999, "something new")) or "")


def test_plain_http_at_the_port_is_explained() -> None:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    connection = context.wrap_bio(incoming, outgoing, server_hostname="a.example")
    with pytest.raises(ssl.SSLWantReadError):
        connection.do_handshake()
    incoming.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    with pytest.raises(ssl.SSLError) as caught:
        connection.do_handshake()
    text = explain_tls_error(caught.value)
    assert text is not None
    assert text.startswith("The TLS connection failed: ")
