"""The project's own WSDL and XSD files as a caller gets them: addresses and imports rewritten, nothing else.

Implements contract reference 10: imports as ``URL?xsd=NAME``, the published part order by default and a marked
variant with the body part first. Attributes are changed in place, because moving trees drops the ``xmlns``
declarations that only attribute values use.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from lxml import etree

from contracts.errors import NotFound
from contracts.registry import ServiceContract

CONTENT_TYPE = "text/xml; charset=UTF-8"
_BODY_FIRST = "body-first"
_IMPORTS = ("{http://www.w3.org/2001/XMLSchema}import", "{http://www.w3.org/2001/XMLSchema}include")
_ADDRESS = "{http://schemas.xmlsoap.org/wsdl/soap/}address"
_HOST = re.compile(r"(?:[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?")
_KEPT_DOCUMENTS = 64


class InterfaceDocuments:
    """The WSDL and the schema files of one contract version."""

    def __init__(self, contract: ServiceContract) -> None:
        self._schemas = {file.name: file for file in contract.schemas}
        self._wsdl = contract.wsdl
        self._body_first = contract.body_first_wsdl

    def wsdl(self, url: str, *, is_body_first: bool = False) -> bytes:
        """Give the WSDL of the service at ``url`` (trusted: checked by `service_url`)."""
        return _rewritten(self._body_first if is_body_first else self._wsdl, url)

    def for_query(self, query: str, url: str) -> bytes | None:
        """Give the document that a GET asks for, None when ``query`` (untrusted) asks for none.

        ``wsdl``, ``wsdl=body-first`` and ``xsd=NAME`` are known; another name raises NotFound.
        """
        asked = {name.lower(): value for name, value in parse_qsl(query, keep_blank_values=True, max_num_fields=8)}
        if "wsdl" in asked and asked["wsdl"] in ("", _BODY_FIRST):
            return self.wsdl(url, is_body_first=asked["wsdl"] == _BODY_FIRST)
        if "xsd" in asked and asked["xsd"] in self._schemas:
            return _rewritten(self._schemas[asked["xsd"]], url)
        if "wsdl" in asked or "xsd" in asked:
            raise NotFound("There is no such WSDL or schema here. Ask for ?wsdl, which names the schemas.")
        return None


def service_url(environ: dict[str, Any], path: str, public_url: str | None) -> str:
    """Give the address of a service: of the settings, else of a well-formed Host header, else of the socket.

    The Host header is the caller's word; it only comes back to the same caller.
    """
    if public_url:
        return public_url.rstrip("/") + path
    host = environ.get("HTTP_HOST", "")
    if not _HOST.fullmatch(host):
        host = f"{environ.get('SERVER_NAME', 'localhost')}:{environ.get('SERVER_PORT', '443')}"
    return f"https://{host}{path}"


@lru_cache(maxsize=_KEPT_DOCUMENTS)
def _rewritten(file: Path, url: str) -> bytes:
    tree = etree.parse(str(file))
    for element in tree.iter(*_IMPORTS):
        location = element.get("schemaLocation")
        if location is not None:
            element.set("schemaLocation", f"{url}?xsd={Path(location).name}")
    for address in tree.iter(_ADDRESS):
        address.set("location", url)
    return etree.tostring(tree, xml_declaration=True, encoding="UTF-8")
