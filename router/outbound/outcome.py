"""Steps 16-18: what the producer's answer becomes for the consumer (platform reference 4.3, 1.7, 1.9).

2xx and faults with status 500 pass; everything else is the platform's own VP009.
"""

from __future__ import annotations

from typing import Literal

from multidict import CIMultiDict

from contracts.soap import SOAP_NAMESPACE
from router.charset import UTF_8, Transcoder, charset_parameter, codec_in_data, codec_of, iana_name
from router.envelope import root_of
from router.exchange import Exchange
from router.faults import FAULT_STATUS
from router.headers import CORRELATION_ID, PRODUCER_TIME, SERVER, passes_to_consumer, sendable
from router.outbound.answer import BREAKS_OFF, Answer, is_ended
from router.outbound.failures import unreachable

Outcome = Literal["answer", "producer-fault"]
_SOAP_ENVELOPE = f"{SOAP_NAMESPACE} Envelope"
_NAMESPACE_BYTES = tuple(SOAP_NAMESPACE.encode(codec) for codec in ("utf-8", "utf-16-le", "utf-16-be"))


def judge(exchange: Exchange, answer: Answer) -> Outcome:
    """Settle charset, outcome and headers of an answer. Raises PlatformRefusal VP009 for one that does not pass."""
    address = exchange.chosen_route.address
    codec = _codec_of_answer(exchange, answer)
    status = answer.status
    if 200 <= status < 300:
        if not answer.head:
            raise unreachable(address, f"Empty message when server responded with status {status} {answer.reason}.")
        if exchange.context.behaviour.require_soap_answer and not _is_soap(answer, codec):
            raise unreachable(address, f"The answer with status {status} is no SOAP 1.1 message.")
    elif status != FAULT_STATUS or not _is_fault(exchange, answer, codec):
        raise unreachable(address, f"VP_PRODUCER_EXCEPTION_HTTP_STATUS={status}")
    if answer.must_end and answer.rest is None and not is_ended(answer.head):
        raise unreachable(address, BREAKS_OFF)
    if codec != exchange.answer_codec:
        _convert(exchange, answer, codec)
    answer.headers = _headers(exchange, answer)
    return "producer-fault" if status == FAULT_STATUS else "answer"


def _codec_of_answer(exchange: Exchange, answer: Answer) -> str:
    if not exchange.context.behaviour.honour_answer_charset:
        return UTF_8
    charset = charset_parameter(answer.headers.get("Content-Type", ""))
    try:
        codec = codec_in_data(answer.head) if charset is None else codec_of(charset)
    except LookupError:
        charset, codec = "declared", None
    if charset is not None and codec is None:
        raise unreachable(exchange.chosen_route.address, "The charset of the answer is not read here.")
    return codec or UTF_8


def _is_soap(answer: Answer, codec: str) -> bool:
    head = answer.head if codec == UTF_8 else Transcoder(codec, UTF_8, errors="replace").feed(answer.head, is_last=True)
    return root_of(head) == _SOAP_ENVELOPE


def _is_fault(exchange: Exchange, answer: Answer, codec: str) -> bool:
    if exchange.context.behaviour.require_soap_answer:
        return _is_soap(answer, codec)
    return any(namespace in answer.head for namespace in _NAMESPACE_BYTES)


def _convert(exchange: Exchange, answer: Answer, codec: str) -> None:
    is_honest = exchange.context.behaviour.honour_answer_charset
    answer.transcoder = Transcoder(
        codec, exchange.answer_codec, errors="strict" if is_honest else "replace", mend_declaration=is_honest
    )
    answer.length = None


def _headers(exchange: Exchange, answer: Answer) -> CIMultiDict[str]:
    headers: CIMultiDict[str] = CIMultiDict(
        (name, sendable(value)) for name, value in answer.headers.items() if passes_to_consumer(name)
    )
    headers["Content-Type"] = f"text/xml; charset={iana_name(exchange.answer_codec)}"
    headers.setdefault("Server", SERVER)
    headers[CORRELATION_ID] = exchange.correlation_id
    headers[PRODUCER_TIME] = str(exchange.producer_ms)
    return headers
