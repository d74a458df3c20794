"""One call on its way through the router: what came in, what the steps found out, what goes out.

The steps of `router.pipeline` read and fill it in the platform's order (platform reference 1.2).
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from multidict import CIMultiDict, CIMultiDictProxy

from router.behaviour import Behaviour
from router.catalogue.model import FaultRule, Route
from router.catalogue.table import RoutingTable
from router.envelope import MessageHead
from router.settings import RouterSettings

if TYPE_CHECKING:
    from router.message_log import MessageLog
    from router.pipeline.forwarded_certificate import TrustedAuthorities

Entry = Literal["https", "http"]


@dataclass(frozen=True, slots=True)
class Context:
    """What all calls share. The table is the one in use when the call came; None: nothing could be loaded."""

    settings: RouterSettings
    behaviour: Behaviour
    table: RoutingTable | None
    authorities: TrustedAuthorities
    message_log: MessageLog | None = None


@dataclass(slots=True)
class Exchange:
    """One call. The fields of the first part come from the caller and are untrusted until a step has judged them."""

    context: Context
    entry: Entry
    method: str
    url: str
    headers: CIMultiDictProxy[str]
    peer_ip: str
    certificate: bytes | None
    """The client certificate of the TLS connection (DER), its chain verified; None on the HTTP entry."""
    body: bytes
    tls_version: str = ""
    started_at: float = field(default_factory=time.time)
    started: float = field(default_factory=time.perf_counter)

    correlation_id: str = ""
    sender_id: str = ""
    is_internal: bool = False
    """Called by a trusted peer on the HTTP entry that names the sender itself."""
    routing_history: str | None = None
    """Value for the producer; None leaves the header as it came."""
    forwarded: Mapping[str, str] = field(default_factory=dict)
    head: MessageHead | None = None
    original_consumer: str = ""
    route: Route | None = None
    route_trace: str = ""
    permission_trace: str = ""
    timeout_s: float = 0.0
    fault: FaultRule | None = None

    out_headers: CIMultiDict[str] = field(default_factory=CIMultiDict)
    out_body: bytes = b""
    out_codec: str = "utf-8"
    """Charset that ``out_body`` is in before the step that makes it UTF-8."""
    sent: float = 0.0
    """When the producer was called, on the clock of ``started``."""
    producer_ms: int = 0
    is_answered: bool = False
    """The head of the answer is on its way to the caller, so that a fault cannot be sent any more."""
    answer_codec: str = "utf-8"
    """Charset that the caller gets its answer in: that of its request."""

    @property
    def message(self) -> MessageHead:
        """What the request reader found; only after its step."""
        if self.head is None:
            raise AssertionError("The request reader has not run yet.")
        return self.head

    @property
    def chosen_route(self) -> Route:
        """The route; only after its step."""
        if self.route is None:
            raise AssertionError("No route has been chosen yet.")
        return self.route

    @property
    def receiver(self) -> str:
        """Logical address as the caller wrote it, or nothing."""
        return (self.head.receiver or "") if self.head else ""

    @property
    def contract(self) -> str:
        """Namespace of the service contract, or nothing."""
        return (self.head.contract or "") if self.head else ""
