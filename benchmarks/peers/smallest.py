"""The floor of a call: the same server answers every message with the smallest SOAP answer there is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

_ANSWER = (
    b'<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><r:GetQualityIndicatorsResponse '
    b'xmlns:r="urn:riv:followup:groupoutcomes:qualityreporting:GetQualityIndicatorsResponder:2"/></e:Body></e:Envelope>'
)


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer."""
    environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    start_response("200 OK", [("Content-Type", "text/xml; charset=UTF-8"), ("Content-Length", str(len(_ANSWER)))])
    return iter((_ANSWER,))
