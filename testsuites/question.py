"""Questions to the endpoint and the HTTP requests that carry them, also in the unusual forms that must be understood.

Forms are those that foreign clients and the platform send (contract reference 10, platform reference 8.5).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from lxml import etree

from contracts import soap
from contracts.model import II, DatePeriod, QualityIndicatorsRequest
from contracts.registry import ServiceContract
from testsuites.exchange import HttpRequest

SENDER_HEADER = "x-rivta-serviceconsumer-hsaid"
PLATFORM_SENDER_HEADER = "x-rivta-original-serviceconsumer-hsaid"
_USER_AGENT = "indikatorbryggan-suite"
_OUR_PREFIX = re.compile(rb"(</?|xmlns:)([ehrc])([:=])")
_FOREIGN = {b"e": b"SOAP-ENV", b"h": b"ns0", b"r": b"ns1", b"c": b"ns2"}

Edit = Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True)
class Variant:
    """A form of a request: an edit of its body and other headers; a header None is left out."""

    name: str
    edit: Edit | None = None
    headers: tuple[tuple[str, str | None], ...] = ()


PLAIN = Variant("plain")


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, of whom, in which form; equal questions are sent once in a run.

    ``turn`` tells apart questions that are meant to be sent again. ``url`` and ``sender`` override those of the run.
    """

    content: QualityIndicatorsRequest
    logical_address: str
    variant: Variant = PLAIN
    turn: int = 0
    url: str = ""
    sender: str = ""

    def checksum_only(self) -> Question:
        """The same question with includeMeasurements false."""
        return replace(self, content=replace(self.content, include_measurements=False))

    def narrowed(self, **filters: Any) -> Question:
        """The same question with other filters, by the fields of `DistributedReportRequest`."""
        return replace(self, content=replace(self.content, **filters))

    def in_form(self, variant: Variant) -> Question:
        """The same question in another form."""
        return replace(self, variant=variant)

    def again(self) -> Question:
        """The same question once more."""
        return replace(self, turn=self.turn + 1)

    def about(self, measure_ids: tuple[II, ...], period: DatePeriod | None = None) -> Question:
        """The same question about other indicators, and another period if given."""
        content = replace(
            self.content, measure_ids=measure_ids, reporting_period=period or self.content.reporting_period
        )
        return replace(self, content=content)


def http_request(contract: ServiceContract, question: Question, *, url: str, sender: str) -> HttpRequest:
    """Write the HTTP request of a question; ``url`` and ``sender`` (HSA-id or empty) hold unless it has its own."""
    body = contract.codec.write_request(question.logical_address, question.content)
    if question.variant.edit is not None:
        body = question.variant.edit(body)
    headers: dict[str, str | None] = {
        "Content-Type": "text/xml; charset=utf-8",
        "SOAPAction": f'"{contract.soap_action}"',
        "User-Agent": _USER_AGENT,
        "Accept": "text/xml",
    }
    if sender_id := question.sender or sender:
        headers[SENDER_HEADER] = sender_id
    headers.update(question.variant.headers)
    kept = tuple((name, value) for name, value in headers.items() if value is not None)
    return HttpRequest(question.url or url, body, kept)


def _edited(change: Callable[[etree._Element], None]) -> Edit:
    """Make an edit of the tree of our own request."""

    def edit(body: bytes) -> bytes:
        root = etree.fromstring(body)
        change(root)
        return etree.tostring(root, encoding="utf-8")

    return edit


def _operation(root: etree._Element) -> etree._Element:
    return root[1][0]


def _without(*names: str) -> Edit:
    """Make an edit that removes the operation's children of these names."""

    def drop(root: etree._Element) -> None:
        operation = _operation(root)
        for child in list(operation):
            if etree.QName(child).localname in names:
                operation.remove(child)

    return _edited(drop)


def _add_extension(root: etree._Element) -> None:
    extension = etree.SubElement(_operation(root), "{urn:indikatorbryggan:test:extension}unknown")
    extension.text = "to be ignored"


def _add_comments(root: etree._Element) -> None:
    operation = _operation(root)
    operation.addprevious(etree.Comment("before the question"))
    operation.insert(0, etree.Comment("Zero or more repetitions:"))


def _must_understand(root: etree._Element) -> None:
    root[0][0].set(f"{{{soap.SOAP_NAMESPACE}}}mustUnderstand", "1")


def _drop_logical_address(root: etree._Element) -> None:
    root[0].remove(root[0][0])


def _rename_operation(root: etree._Element) -> None:
    operation = _operation(root)
    operation.tag = f"{{{etree.QName(operation).namespace}}}NoSuchOperation"


def _foreign_prefixes(body: bytes) -> bytes:
    return _OUR_PREFIX.sub(lambda found: found[1] + _FOREIGN[found[2]] + found[3], body)


def _with_byte_order_mark(body: bytes) -> bytes:
    return b"\xef\xbb\xbf" + body


INCLUDE_OMITTED = Variant("include-omitted", _without("includeMeasurements"))
OPTIONS_OMITTED = Variant("options-omitted", _without("includeDistribution", "includeReferenceValues"))
EXTENSION = Variant("extension", _edited(_add_extension))
COMMENTS = Variant("comments", _edited(_add_comments))
MUST_UNDERSTAND = Variant("must-understand", _edited(_must_understand))
FOREIGN_PREFIXES = Variant("foreign-prefixes", _foreign_prefixes)
BYTE_ORDER_MARK = Variant("byte-order-mark", _with_byte_order_mark)
EMPTY_ACTION = Variant("empty-action", headers=(("SOAPAction", '""'),))
GZIP_ACCEPTED = Variant("gzip-accepted", headers=(("Accept-Encoding", "gzip"),))
PLATFORM_STYLE = Variant(
    "platform-style",
    headers=(
        ("Content-Type", "text/xml;charset=UTF-8"),
        ("User-Agent", "SKLTP VP/4.0"),
        ("Accept", None),
        (PLATFORM_SENDER_HEADER, "SE9990001112-CONSUMER"),
        ("x-skltp-correlation-id", "5f0d1c2e-6f5b-4ef6-9a53-0d6f7f0f0f01"),
    ),
)
NO_LOGICAL_ADDRESS = Variant("no-logical-address", _edited(_drop_logical_address))
NO_PERIOD = Variant("no-period", _without("reportingPeriod"))
UNKNOWN_OPERATION = Variant("unknown-operation", _edited(_rename_operation))
NOT_XML = Variant("not-xml", lambda _body: b"this is not XML")
