"""Steps 6, 14, 16 and 18: the log points REQ-IN, REQ-OUT, RESP-IN and RESP-OUT, and ERROR (platform reference 7.1).

A call that is refused before step 6 has no REQ-IN.
"""

from __future__ import annotations

from router.exchange import Exchange


def request_in(exchange: Exchange) -> None:
    """Log what came from the consumer."""
    if exchange.context.message_log is not None:
        exchange.context.message_log.write("req-in", exchange)


def request_out(exchange: Exchange) -> None:
    """Log what goes to the producer."""
    if exchange.context.message_log is not None:
        exchange.context.message_log.write("req-out", exchange)


def response_in(exchange: Exchange, status: int) -> None:
    """Log what came from the producer."""
    if exchange.context.message_log is not None:
        exchange.context.message_log.write("resp-in", exchange, status=status)


def response_out(exchange: Exchange, status: int) -> None:
    """Log what goes to the consumer."""
    if exchange.context.message_log is not None:
        exchange.context.message_log.write("resp-out", exchange, status=status)


def failure(exchange: Exchange, error: BaseException, status: int) -> None:
    """Log why the router answers itself."""
    if exchange.context.message_log is not None:
        exchange.context.message_log.write_error(exchange, error, status=status)
