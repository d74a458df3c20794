"""Step 2 on the HTTP entry: who may call without TLS, and whom they call for (decision table 1.4).

A trusted platform names the sender itself; everyone else is known by the certificate that the proxy hands over.
"""

from __future__ import annotations

import ipaddress
from functools import lru_cache

from certs.peer import load_der
from contracts.errors import CertificateError
from router.exchange import Exchange
from router.faults import PlatformRefusal
from router.headers import FORWARDED_FOR, INSTANCE_ID, SENDER_ID
from router.pipeline.forwarded_certificate import read_certificate_header
from router.pipeline.sender_certificate import sender_of

#: Internal name of the header in which the platform keeps the address of the socket's peer.
_PEER = "CamelNettyRemoteAddress"


def identify(exchange: Exchange) -> None:
    """Check the peer against the whitelist (VP011), then take the sender from header or certificate (VP002)."""
    _check_whitelist(exchange, exchange.peer_ip, _PEER)
    sender = exchange.headers.get(SENDER_ID)
    own_id = exchange.context.settings.instance_id
    if sender is not None and exchange.headers.get(INSTANCE_ID) == own_id:
        _check_forwarded_for(exchange)
        exchange.is_internal = True
        exchange.sender_id = sender
        return
    name = exchange.context.settings.certificate_header
    certificate = read_certificate_header(exchange.headers.get(name), name)
    behaviour = exchange.context.behaviour
    if behaviour.verify_forwarded_certificate:
        _verify(exchange, certificate)
    exchange.sender_id = sender_of(certificate, check_purpose=behaviour.require_client_purpose).hsa_id


def _verify(exchange: Exchange, certificate: bytes) -> None:
    try:
        exchange.context.authorities.check(load_der(certificate))
    except CertificateError as error:
        raise PlatformRefusal("VP002", error.message) from None


def _check_forwarded_for(exchange: Exchange) -> None:
    forwarded_for = exchange.headers.get(FORWARDED_FOR)
    if not forwarded_for:
        return
    if exchange.context.behaviour.whitelist_by_prefix:
        _check_whitelist(exchange, forwarded_for, FORWARDED_FOR)
        return
    for address in forwarded_for.split(","):
        _check_whitelist(exchange, address.strip(), FORWARDED_FOR)


def _check_whitelist(exchange: Exchange, address: str, header: str) -> None:
    whitelist = exchange.context.settings.whitelist
    if exchange.context.behaviour.whitelist_by_prefix:
        is_listed = any(address.startswith(entry.strip()) for entry in whitelist if entry.strip())
    else:
        is_listed = _is_in_networks(address, whitelist)
    if not is_listed:
        raise PlatformRefusal(
            "VP011",
            f"Caller was not on the white list of accepted IP-addresses. IP-address: {address}. "
            f"HTTP header that caused checking: {header}",
        )


@lru_cache(maxsize=1024)
def _is_in_networks(address: str, networks: tuple[str, ...]) -> bool:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = getattr(found, "ipv4_mapped", None)
    return any((mapped or found) in ipaddress.ip_network(network, strict=False) for network in networks)
