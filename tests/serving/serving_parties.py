"""The parties of the serving tests: their certificates, the server's settings, and two good questions."""

from __future__ import annotations

import ssl
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from certs import Authority, CertificateFiles
from certs.bad_set import BadCertificate
from testsuites.hostile import HostileCase

SYSTEM = "SE9990001112-PROD"
CONSUMER = "SE9990001112-CONS"
OTHER = "SE9990001112-OTHR"
_VERSIONS = {
    "1.0": ssl.TLSVersion.TLSv1,
    "1.1": ssl.TLSVersion.TLSv1_1,
    "1.2": ssl.TLSVersion.TLSv1_2,
    "1.3": ssl.TLSVersion.TLSv1_3,
}
#: Short waits, so that the tests of deadlines are quick; a listed caller in the other letter case. Three quarters of
#: the threads may give large answers: enough for the ten of case C39, of which none is to be refused for its number.
SETTINGS = {
    "allowed_callers": [CONSUMER.lower()],
    "threads": 16,
    "health_port": 0,
    "handshake_timeout_s": 2.0,
    "header_timeout_s": 2.0,
    "body_timeout_s": 2.0,
    "write_timeout_s": 2.0,
    "keep_alive_s": 5.0,
}


@dataclass(frozen=True, slots=True)
class Pki:
    """The parties' certificates and the bad set, all of one authority; the bad ones name the listed caller."""

    authority: Authority
    producer: CertificateFiles
    consumer: CertificateFiles
    other: CertificateFiles
    bad: Mapping[str, BadCertificate]

    def context(self, name: str = "good", tls: Mapping[str, str] | None = None) -> ssl.SSLContext:
        """Make a client's context for the name of a certificate, careless where ``tls`` says so."""
        return _context(self, name, tuple((tls or {}).items()))

    def __hash__(self) -> int:
        return id(self)


@cache
def _context(pki: Pki, name: str, tls: tuple[tuple[str, str], ...]) -> ssl.SSLContext:
    wanted = dict(tls)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(pki.authority.trust_anchor_path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        if "ciphers" in wanted:
            context.set_ciphers(wanted["ciphers"])
        context.minimum_version = _VERSIONS[wanted.get("minimum", "1.2")]
        context.maximum_version = _VERSIONS[wanted.get("maximum", "1.3")]
    if name != "none":
        files = {"good": pki.consumer, "other": pki.other}.get(name) or pki.bad[name]
        context.load_cert_chain(files.certificate, files.private_key)
    return context


#: A question that is answered with measurements, and one for the checksum alone.
GOOD = HostileCase("good", "a good question", ("answer:some",), parts={"include": ""})
SMALL = HostileCase("small", "a good question for the checksum alone", ("answer",), within_s=5)
