"""Answers to what is no HTTP request, before the application is involved: a status and a fixed short text.

Implements robustness rows A13, A21 and A24: gunicorn's own error pages quote the request.
"""

from __future__ import annotations

from http import HTTPStatus

from gunicorn.http import errors

_STATUS: dict[type[errors.ParseException], HTTPStatus] = {
    errors.LimitRequestLine: HTTPStatus.REQUEST_URI_TOO_LONG,
    errors.LimitRequestHeaders: HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    errors.ExpectationFailed: HTTPStatus.EXPECTATION_FAILED,
    errors.UnsupportedTransferCoding: HTTPStatus.NOT_IMPLEMENTED,
}


def status_of(error: errors.ParseException) -> HTTPStatus:
    """Give the status for what gunicorn's parser refuses; 400 unless HTTP has a better one."""
    return _STATUS.get(type(error), HTTPStatus.BAD_REQUEST)


def answer(status: HTTPStatus) -> bytes:
    """Write a whole answer that ends the connection."""
    text = f"{status.phrase}\n".encode()
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\n"
        "Server: indikatorbryggan\r\n"
        "Content-Type: text/plain; charset=UTF-8\r\n"
        f"Content-Length: {len(text)}\r\n"
        "Connection: close\r\n\r\n"
    )
    return head.encode() + text
