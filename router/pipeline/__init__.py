"""What happens to a call, in the platform's order (platform reference 1.2). Read the two lists from top to bottom.

Each step is one module. A step may end the call by raising `router.faults.PlatformRefusal`; sending to the producer
(15) stands between the two lists, in `router.outbound`, and the WSDL branch (1) before them, in `router.entries`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from router.exchange import Entry, Exchange
from router.pipeline import (
    authorisation,
    correlation,
    forwarded_certificate,
    forwarded_sender,
    inbound_url,
    log_points,
    original_consumer,
    outgoing_headers,
    producer_timeout,
    profile_conversion,
    request_charset,
    request_reader,
    routing,
    routing_history,
    sender_certificate,
    strip_request_headers,
)

Step = Callable[[Exchange], None]

_AFTER_SENDER: tuple[Step, ...] = (
    routing_history.extend,  #          2  VP014
    inbound_url.keep,  #                3
    request_reader.read,  #             4  VP015
    original_consumer.check,  #         5  VP013
    log_points.request_in,  #           6
    routing.choose,  #                  7  VP008, VP003, VP004, VP006, VP010
    authorisation.check,  #             8  VP008, VP002, VP003, VP007
    producer_timeout.choose,  #         9
    profile_conversion.convert,  #     10  VP001, VP005, VP012
    outgoing_headers.fill,  #          11
    request_charset.to_utf8,  #        12
    strip_request_headers.strip,  #    13
    log_points.request_out,  #         14
)

STEPS: Mapping[Entry, tuple[Step, ...]] = {
    "https": (
        correlation.take,  #            0
        sender_certificate.identify,  # 2  VP002
        *_AFTER_SENDER,
    ),
    "http": (
        correlation.take,  #            0
        forwarded_sender.identify,  #   2  VP002, VP011
        *_AFTER_SENDER,
    ),
}

__all__ = ["STEPS", "Step", "forwarded_certificate"]
