"""Schema validation with the project's XSD files, safe under threads.

A compiled libxml2 schema shares its error log between threads, so that one caller's values could be told to
another; each thread has its own (robustness reference 1.2, last row).
"""

from __future__ import annotations

import threading
from functools import cache

from lxml import etree

from contracts.errors import SchemaViolation
from contracts.registry import ServiceContract

_compiled = threading.local()


def schema_of(contract: ServiceContract) -> etree.XMLSchema:
    """Give this thread's compiled schema of ``contract`` (request and response elements)."""
    schemas: dict[str, etree.XMLSchema] = _compiled.__dict__.setdefault("schemas", {})
    schema = schemas.get(contract.id)
    if schema is None:
        schema = schemas[contract.id] = etree.XMLSchema(etree.parse(str(contract.responder_xsd)))
    return schema


def validate_body(contract: ServiceContract, body: etree._Element) -> None:
    """Validate a message element (untrusted) against the contract's schema.

    Raises SchemaViolation whose text names the element where it fails, never a value.
    """
    schema = schema_of(contract)
    if schema.validate(body):
        return
    first = schema.error_log[0]
    raise SchemaViolation(
        f"The message does not follow the schema of {contract.interaction} {contract.version}"
        f"{_place(contract, first.path)}. Compare it with the contract's schema.",
        log_detail=first.type_name,
    )


def _place(contract: ServiceContract, path: str | None) -> str:
    """Give the failing element's path; only names that the schema itself defines are repeated."""
    steps = [step.split(":", 1)[-1] for step in (path or "").split("/") if step]
    known = _element_names(contract)
    if not steps or len(steps) > 12 or any(step.split("[", 1)[0] not in known for step in steps):
        return ""
    return f" at /{'/'.join(steps)}"


@cache
def _element_names(contract: ServiceContract) -> frozenset[str]:
    files = [contract.responder_xsd, *(contract.package / "schemas" / "core_components").glob("*.xsd")]
    return frozenset(name for file in files for name in etree.parse(str(file)).xpath("//@name"))
