"""Reading the hostile cases from their TOML files and making the request each one sends.

Implements robustness reference 2: every row is an input and the outcomes that are right for it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path
from string import Template
from typing import Any, Literal

from contracts.codes.oids import OID_MEASURE
from contracts.errors import ConfigurationError
from contracts.registry import GET_QUALITY_INDICATORS_1, GET_QUALITY_INDICATORS_2, ServiceContract
from contracts.soap import REGISTRY_NAMESPACE, SOAP_NAMESPACE
from testsuites.hostile.builders import BUILDERS

Framing = Literal["length", "chunked", "none"]
_DEFAULT_HEADERS = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": '"${soap_action}"'}
#: The usual question; a case gives the parts that differ from it.
_PARTS = {
    "message": "${prolog}<e:Envelope${namespaces}>${header}${body}</e:Envelope>",
    "prolog": "",
    "namespaces": f' xmlns:e="{SOAP_NAMESPACE}" xmlns:h="{REGISTRY_NAMESPACE}"'
    ' xmlns:r="${responder_namespace}" xmlns:c="${domain_namespace}"',
    "header": "<e:Header>${address}</e:Header>",
    "address": "<h:LogicalAddress>${logical_address}</h:LogicalAddress>",
    "body": "<e:Body>${request}</e:Body>",
    "request": "<r:${interaction}>${measures}<r:reportingPeriod>${period}</r:reportingPeriod>"
    "${include}${extension}</r:${interaction}>",
    "measures": "<r:${measure_element}><c:root>${measure_root}</c:root><c:extension>${measure_id}</c:extension>"
    "</r:${measure_element}>",
    "period": "<c:start>${start}</c:start><c:end>${end}</c:end>",
    "include": "<r:includeMeasurements>false</r:includeMeasurements>",
    "extension": "",
}


@dataclass(frozen=True, slots=True)
class Variables:
    """What a case needs to know of the endpoint: a question that it answers with measurements.

    ``canary_url`` is an HTTP address of the tester's that nobody may fetch. ``max_request_bytes`` is the
    endpoint's limit on a body.
    """

    logical_address: str
    measure_id: str
    start: str
    end: str
    host: str = "localhost"
    canary_url: str = "http://127.0.0.1:9/canary"
    max_request_bytes: int = 16 * 1024 * 1024
    measure_root: str = OID_MEASURE
    contract: ServiceContract = GET_QUALITY_INDICATORS_2

    def texts(self) -> dict[str, str]:
        """Give the values by the names that the TOML files use."""
        contract = self.contract
        other = GET_QUALITY_INDICATORS_1 if contract.major == 2 else GET_QUALITY_INDICATORS_2
        return {
            "logical_address": self.logical_address,
            "measure_id": self.measure_id,
            "measure_element": contract.codec.measure_id_element,
            "measure_root": self.measure_root,
            "start": self.start,
            "end": self.end,
            "host": self.host,
            "canary_url": self.canary_url,
            "interaction": contract.interaction,
            "soap_action": contract.soap_action,
            "responder_namespace": contract.responder_namespace,
            "domain_namespace": contract.domain_namespace,
            "other_responder_namespace": other.responder_namespace,
            "other_domain_namespace": other.domain_namespace,
            "service_path": contract.path,
        }


@dataclass(frozen=True, slots=True)
class HostileCase:
    """One case. ``expect`` lists the outcomes that are right (see `testsuites.hostile.judge`).

    ``parts`` are pieces of the message that differ from the usual question; ``builder`` makes the whole body from
    that message instead (with ``arguments``). ``framing`` none: no length is told, and no body is sent unless a
    builder makes one. ``raw_headers`` are header lines sent as they stand. ``script``
    names a behaviour of the connection (`testsuites.hostile.scripts`). ``secret`` are values of the input that no
    answer may repeat. ``not_for`` are contract versions in which it is a lawful question. ``is_slow`` cases wait for
    deadlines or need many connections.
    """

    id: str
    description: str
    expect: tuple[str, ...]
    targets: tuple[str, ...] = ("producer",)
    not_for: tuple[str, ...] = ()
    method: str = "POST"
    path: str = "${service_path}"
    headers: Mapping[str, str] = field(default_factory=dict)
    without_headers: tuple[str, ...] = ()
    raw_headers: tuple[str, ...] = ()
    framing: Framing = "length"
    parts: Mapping[str, str] = field(default_factory=dict)
    builder: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    certificate: str = "good"
    tls: Mapping[str, str] = field(default_factory=dict)
    script: str = ""
    secret: tuple[str, ...] = ()
    answer_headers: Mapping[str, str] = field(default_factory=dict)
    within_s: float = 2.0
    is_slow: bool = False

    def body(self, variables: Variables) -> bytes:
        """Give the bytes of the body."""
        texts = variables.texts()
        message = _fill("${message}", {**_PARTS, **self.parts}, texts)
        if not self.builder:
            return b"" if self.framing == "none" else message.encode()
        arguments = {
            name: _fill(value, {}, texts) if isinstance(value, str) else value for name, value in self.arguments.items()
        }
        return BUILDERS[self.builder](message, variables.max_request_bytes, **arguments)

    def head(self, variables: Variables, body_length: int) -> bytes:
        """Give the request line and the header block."""
        texts = variables.texts()
        headers = {"Host": "${host}", **_DEFAULT_HEADERS, **self.headers}
        if self.framing == "length" and not any("content-length" in line.lower() for line in self.raw_headers):
            headers["Content-Length"] = str(body_length)
        elif self.framing == "chunked":
            headers["Transfer-Encoding"] = "chunked"
        lines = [f"{self.method} {_fill(self.path, {}, texts)} HTTP/1.1"]
        lines += [
            f"{name}: {_fill(value, {}, texts)}" for name, value in headers.items() if name not in self.without_headers
        ]
        lines += [_fill(line, {}, texts) for line in self.raw_headers]
        return "\r\n".join([*lines, "", ""]).encode("latin-1", "backslashreplace")


def load_cases(target: str = "producer", *, folder: Path | None = None) -> tuple[HostileCase, ...]:
    """Give the cases for a ``target`` in the order of their ids' families.

    Raises ConfigurationError naming the file and the case for a key, builder or id that is wrong.
    """
    return tuple(case for case in _all_cases(folder or Path(__file__).parent) if target in case.targets)


@cache
def _all_cases(folder: Path) -> tuple[HostileCase, ...]:
    cases = [case for file in sorted(folder.glob("*.toml")) for case in _read_file(file)]
    ids = [case.id for case in cases]
    doubled = sorted({one for one in ids if ids.count(one) > 1})
    if doubled:
        raise ConfigurationError(f"Hostile cases share an id: {', '.join(doubled)}. Give each its own.")
    return tuple(cases)


def _read_file(file: Path) -> list[HostileCase]:
    known = {one.name for one in fields(HostileCase)}
    cases = []
    for entry in tomllib.loads(file.read_text(encoding="utf-8"))["case"]:
        name = entry.get("id", "a case without id")
        unknown = sorted(set(entry) - known)
        if unknown:
            raise ConfigurationError(f"{file.name}: {name} has unknown keys: {', '.join(unknown)}.")
        if entry.get("builder", "") not in ("", *BUILDERS):
            raise ConfigurationError(f"{file.name}: {name} names the unknown builder {entry['builder']}.")
        arguments: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()
        }
        cases.append(HostileCase(**arguments))
    return cases


def _fill(text: str, parts: Mapping[str, str], texts: Mapping[str, str]) -> str:
    """Replace ``${names}`` by parts, which may name others, and by values; unknown names stay as they are."""
    for _ in range(5):
        text = Template(text).safe_substitute(parts)
    return Template(text).safe_substitute(texts)
