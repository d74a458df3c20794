"""Faults on demand for testers: by row of the catalogue, or by header where the settings allow it.

delay: the answer comes later · refuse: as if the producer refused the connection (VP009 after the retry) ·
reset: the caller's connection is reset without an answer · truncate: the answer breaks off after some bytes ·
wrong-certificate: the producer is shown a certificate of nobody it trusts · vp: the fault VPnnn ·
internal-error: the fault of an unexpected exception (platform reference 4.1).
"""

from __future__ import annotations

import asyncio

from router.catalogue.model import FAULT_ACTIONS, FaultRule
from router.exchange import Exchange
from router.faults import PlatformRefusal
from router.headers import INJECT

_EXAMPLES = "delay=2.5, refuse, reset, truncate=1000, wrong-certificate, vp=VP007 or internal-error"


class InjectedReset(Exception):
    """The caller's connection has to be reset."""


class InjectedError(RuntimeError):
    """The unexpected exception that a tester asked for."""


def take_header(exchange: Exchange) -> None:
    """Take over the fault that the header asks for, if the settings allow it. Raises PlatformRefusal VP015."""
    wish = exchange.headers.get(INJECT)
    if wish is None or not exchange.context.settings.faults_by_header:
        return
    rule = _read(wish)
    if rule is None or rule.problems():
        raise PlatformRefusal("VP015", f"The header {INJECT} must be one of {_EXAMPLES}.")
    exchange.fault = rule


async def before_sending(exchange: Exchange) -> None:
    """Do what the fault of this call does before the producer is called."""
    rule = exchange.fault
    if rule is None:
        return
    if rule.delay_s:
        await asyncio.sleep(rule.delay_s)
    if rule.action == "vp":
        raise PlatformRefusal(rule.code, "This fault was asked for by a test.")
    if rule.action == "reset":
        raise InjectedReset
    if rule.action == "internal-error":
        raise InjectedError("This error was asked for by a test.")


def _read(wish: str) -> FaultRule | None:
    action, _, value = (part.strip() for part in wish.partition("="))
    if action not in FAULT_ACTIONS:
        return None
    try:
        return FaultRule(
            action,  # type: ignore[arg-type]  # one of them, as just checked
            delay_s=float(value) if action == "delay" else 0.0,
            after_bytes=int(value) if action == "truncate" and value else 0,
            code=value if action == "vp" else "",
        )
    except ValueError:
        return None
