"""Which check a TLS connection failed on, whose side has to act, and what to do, in plain words.

Implements the reading of OpenSSL's verification results (X509_V_ERR_*) and TLS alerts (RFC 8446 6.2).
"""

from __future__ import annotations

import ssl

#: X509_V_ERR code -> why we refused the other side's certificate, and the mend.
REFUSED_BY_US = {
    3: "no revocation list of its issuing CA is in the CRL file; fetch that CA's list",
    7: "its signature was not made by the CA it names; it may be forged or from a CA of the same name",
    8: "the revocation list is not signed by its CA; fetch the list anew",
    9: "it is not valid yet; check the clocks on both sides",
    10: "it has expired; the other side has to renew it",
    11: "the revocation list is not valid yet; check the clock here",
    12: "the revocation list here has run out, so nobody is accepted; fetch a new one",
    18: "it is self-signed; the other side has to use a function certificate",
    19: "it ends in a root that is not in the CA file here; check whether it is the right authority",
    20: "its authority is not in the CA file here, or it was sent without its issuing CA",
    21: "it was sent without its issuing CA, so the chain cannot be followed",
    23: "it is revoked; the other side has to get a new one",
    26: "it is not issued for this use (extended key usage)",
    62: "it is issued for another host name than the one called (its SAN does not hold it)",
    64: "it is not issued for the IP address called (its SAN does not hold it)",
    66: "its key is too short; 2048 bits RSA are the least",
    67: "the key of one of its CAs is too short; 2048 bits RSA are the least",
    68: "it or one of its CAs is signed with an outdated algorithm such as SHA-1",
}

#: OpenSSL's reason for an alert the other side sent -> why it refused us, and the mend.
REFUSED_BY_PEER = {
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": "a client certificate is required and none was sent",
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": "our certificate, or the other side's revocation list, has expired",
    "SSLV3_ALERT_CERTIFICATE_REVOKED": "our certificate is revoked; get a new one",
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": "our certificate was not accepted",
    "SSLV3_ALERT_BAD_CERTIFICATE": "our certificate was not accepted",
    "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE": "our certificate is not issued for this use (extended key usage)",
    "SSLV3_ALERT_HANDSHAKE_FAILURE": "no common settings, or a client certificate is required and none was sent",
    "TLSV1_ALERT_UNKNOWN_CA": "the authority of our certificate is not trusted there, or its issuing CA was not sent",
    "TLSV1_ALERT_PROTOCOL_VERSION": "the other side does not speak TLS 1.2 or 1.3",
    "TLSV1_ALERT_ACCESS_DENIED": "our certificate is not let in",
    "TLSV1_ALERT_DECRYPT_ERROR": "our certificate's key did not fit, or a signature could not be checked",
}

#: OpenSSL's reason for a failure that is neither.
OTHER_REASONS = {
    "WRONG_VERSION_NUMBER": "the other side does not speak TLS at this port; check the address (http or https)",
    "UNSUPPORTED_PROTOCOL": "the other side does not speak TLS 1.2 or 1.3",
    "NO_SHARED_CIPHER": "the two sides have no cipher suite in common",
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": "the caller sent no client certificate",
    "UNEXPECTED_EOF_WHILE_READING": "the other side closed the connection without saying why",
}


def explain_tls_error(error: BaseException) -> str | None:
    """Return one sentence on the TLS failure inside ``error``, or None when there is none.

    Looks through causes, contexts, ``reason`` and arguments, since HTTP libraries wrap the error of the ssl
    module. The text holds nothing the other side sent.
    """
    found = find_tls_error(error)
    if found is None:
        return None
    if isinstance(found, ssl.SSLCertVerificationError):
        why = REFUSED_BY_US.get(found.verify_code, found.verify_message)
        return f"The other side's certificate is refused here: {why}."
    reason = found.reason or ""
    if reason in REFUSED_BY_PEER:
        return f"The other side refused the TLS connection: {REFUSED_BY_PEER[reason]}."
    if isinstance(found, ssl.SSLEOFError):
        return (
            "The other side closed the connection during TLS without saying why; "
            "most often it did not accept the client certificate."
        )
    return f"The TLS connection failed: {OTHER_REASONS.get(reason, reason or 'no reason given')}."


def find_tls_error(error: BaseException) -> ssl.SSLError | None:
    """Return the first error of the ssl module in ``error`` or in what it wraps."""
    waiting: list[object] = [error]
    seen: set[int] = set()
    while waiting:
        candidate = waiting.pop(0)
        if not isinstance(candidate, BaseException) or id(candidate) in seen:
            continue
        seen.add(id(candidate))
        if isinstance(candidate, ssl.SSLError):
            return candidate
        waiting += [candidate.__cause__, getattr(candidate, "reason", None), *candidate.args, candidate.__context__]
    return None
