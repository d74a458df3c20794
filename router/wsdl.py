"""Step 1: WSDL and schemas of known contracts, with addresses that lead back here (platform reference 6).

Asked for by a query parameter or header named wsdl or xsd, by anyone and any HTTP method.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from aiohttp import web
from lxml import etree

from contracts.errors import ConfigurationError
from contracts.registry import CONTRACTS
from router.faults import FAULT_STATUS, write_fault
from router.headers import CORRELATION_ID, FORWARDED_HOST, FORWARDED_PORT, FORWARDED_PROTO, SERVER
from router.pipeline.correlation import correlation_id_of

#: The WSDL files of the contract versions as they are built in.
BUILT_IN = tuple(contract.wsdl for contract in CONTRACTS.values())
_IMPORT, _INCLUDE = (f"{{http://www.w3.org/2001/XMLSchema}}{name}" for name in ("import", "include"))
_SOAP_ADDRESS = "{http://schemas.xmlsoap.org/wsdl/soap/}address"
_NAMESPACE = re.compile(
    r"urn:riv(?:-[a-z]+)?:(?P<domain>.+):(?P<interaction>[^:]+):(?P<major>\d+):(?P<profile>rivtabp\d\d)"
)
#: Characters that some published files have before the XML declaration.
_JUNK_CHARS = 9
_PORT = re.compile(r"(?:[0-9]{1,5})?")
_AUTHORITY = re.compile(r"(?P<host>[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::(?P<port>[0-9]{1,5}))?")


@dataclass(frozen=True, slots=True)
class _Package:
    """One WSDL with the schemas that can be reached from it, by the locations that its imports name."""

    wsdl: Path
    schemas: dict[str, Path]


class WsdlBranch:
    """Answers for the WSDL files of the contracts and of a folder; everything is read at start but the texts."""

    def __init__(self, folder: Path | None, wsdl_files: Sequence[Path] = BUILT_IN, *, is_legacy: bool) -> None:
        """``folder`` holds WSDL files beside ``wsdl_files``; they win. ``is_legacy``: as `Behaviour.legacy_wsdl`.

        Raises ConfigurationError for a folder that is none, and for a file that is no XML.
        """
        if folder is not None and not folder.is_dir():
            raise ConfigurationError(f"wsdl_directory {folder} is no folder.")
        self._content_type = "text/xml;UTF-8" if is_legacy else "text/xml; charset=UTF-8"
        self._links = (_IMPORT,) if is_legacy else (_IMPORT, _INCLUDE)
        self._packages: dict[str, _Package] = {}
        self._paths: list[str] = []
        for path in (*_wsdl_files(folder), *wsdl_files):
            url = _url_of(path)
            if url is not None and url.lower() not in self._packages:
                self._packages[url.lower()] = _Package(path, dict(_schemas_of(path, self._links)))
                self._paths.append(url)

    @staticmethod
    def is_asked_by(request: web.BaseRequest) -> bool:
        """Whether the request is one for WSDL or schema."""
        headers = request.headers
        if "wsdl" in headers or "xsd" in headers:
            return True
        return "?" in request.raw_path and not {"wsdl", "xsd"}.isdisjoint(request.query)

    def answer(self, request: web.BaseRequest) -> web.Response:
        """Give the WSDL of the path, or the schema that ``xsd`` names."""
        own = {CORRELATION_ID: correlation_id_of(request.headers), "Server": SERVER}
        package = self._packages.get(request.path.strip("/").lower())
        if package is None:
            lines = [f"No WSDL found for {request.path}. Available:", *self._paths]
            headers = {"Content-Type": "text/plain;UTF-8", **own}
            return web.Response(status=500, headers=headers, body="\n".join(lines).encode())
        location = request.query.get("xsd", request.headers.get("xsd"))
        path = package.wsdl if location is None else package.schemas.get(location)
        if path is None:
            body = write_fault("Server", "No such schema belongs to this WSDL.", f"{len(package.schemas)} schemas do.")
            return web.Response(status=FAULT_STATUS, headers={"Content-Type": "text/xml", **own}, body=body)
        body = _rewritten(path, _base_url(request), self._links)
        return web.Response(headers={"Content-Type": self._content_type, **own}, body=body)


def _wsdl_files(folder: Path | None) -> Iterator[Path]:
    if folder is not None:
        yield from sorted(folder.rglob("*.wsdl"))


def _url_of(path: Path) -> str | None:
    """Give the path below which a WSDL is served, by its target namespace."""
    found = _NAMESPACE.fullmatch(_parse(path).get("targetNamespace", ""))
    if found is None:
        return None
    domain = found["domain"].replace(":", "/")
    return f"vp/{domain}/{found['interaction']}/{found['major']}/{found['profile']}"


def _schemas_of(path: Path, links: Sequence[str], seen: frozenset[Path] = frozenset()) -> Iterator[tuple[str, Path]]:
    """Give every schema that ``path`` links to, directly or not, by its location as written in the link."""
    for element in _parse(path).iter(*links):
        location = element.get("schemaLocation")
        target = (path.parent / location).resolve() if location else None
        if location and target is not None and target.is_file() and target not in seen:
            yield location, target
            yield from _schemas_of(target, links, seen | {target})


def _rewritten(path: Path, base_url: str, links: Sequence[str]) -> bytes:
    root = _parse(path)
    for address in root.iter(_SOAP_ADDRESS):
        address.set("location", base_url)
    for element in root.iter(*links):
        location = element.get("schemaLocation")
        if location:
            element.set("schemaLocation", f"{base_url}?xsd={quote(location, safe='/.')}")
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def _parse(path: Path) -> etree._Element:
    data = path.read_bytes()
    start = data.find(b"<", 0, _JUNK_CHARS + 1)
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        return etree.fromstring(data[max(start, 0) :], parser)
    except etree.XMLSyntaxError as error:
        raise ConfigurationError(f"{path} is not well-formed XML: {error}.") from None


def _base_url(request: web.BaseRequest) -> str:
    """Give the URL of the request without its query, by the proxy's headers where there are any.

    All of it is the caller's word (untrusted) and only comes back to the same caller; without a host that is one, the
    path alone.
    """
    headers = request.headers
    scheme = headers.get(FORWARDED_PROTO, request.scheme)
    found = _AUTHORITY.fullmatch(headers.get(FORWARDED_HOST) or request.host)
    port = headers.get(FORWARDED_PORT) or (found and found["port"]) or ""
    if scheme not in ("http", "https") or found is None or not _PORT.fullmatch(port):
        return quote(request.path)
    return f"{scheme}://{found['host']}{f':{port}' if port else ''}{quote(request.path)}"
