"""Takes away from finished fragments of GetDistributedQualityReport what a question does not want.

Works on the bytes that `contracts.messages.distributed_report_3` writes and on nothing else: they have no attributes,
comments or sections, and a text never holds a tag, so that a search for tags is exact (domain reference 4.3).
"""

from __future__ import annotations

import re
from collections.abc import Collection

from contracts.distributed_model import DistributedReportRequest, OrganizationFilter
from contracts.messages.codec import Cutter
from contracts.messages.lexical import escape

_STRATIFICATIONS = frozenset({"SEX", "AGE", "SEX_AGE"})
_SUBGROUP = re.compile(rb"<c:subgroup>.*?</c:subgroup>", re.DOTALL)
_DISTRIBUTION = re.compile(rb"<c:distribution>.*?</c:distribution>", re.DOTALL)
_DIMENSION_TYPE = re.compile(rb"<c:dimension><c:type>([^<]*)</c:type>")
_PERFORMER = re.compile(
    rb"<c:performingOrganization>(?:<c:hsaId>(?P<hsa_id>[^<]*)</c:hsaId>)?"
    rb"<c:organizationName>[^<]*</c:organizationName><c:organizationType>[^<]*</c:organizationType>"
    rb"(?:<c:organizationId><c:root>(?P<root>[^<]*)</c:root>"
    rb"(?:<c:extension>(?P<extension>[^<]*)</c:extension>)?</c:organizationId>)?"
)
_Identity = tuple[bytes | None, bytes | None, bytes | None]


def cutter_of(request: DistributedReportRequest) -> Cutter | None:
    """Give what a question wants of a fragment; None when it wants everything as it is stored."""
    wanted = {_identity_of(one) for one in request.performing_organizations}
    kept = frozenset(one.encode() for one in request.stratifications)
    wants_all_parts = request.include_distribution and kept >= {one.encode() for one in _STRATIFICATIONS}
    if not request.performing_organizations and wants_all_parts:
        return None

    def cut(fragment: bytes) -> bytes | None:
        if request.performing_organizations and not _is_of(fragment, wanted):
            return None
        fragment = _SUBGROUP.sub(lambda found: found[0] if _stratification(found[0]) in kept else b"", fragment)
        return fragment if request.include_distribution else _DISTRIBUTION.sub(b"", fragment)

    return cut


def _stratification(subgroup: bytes) -> bytes:
    """Name what a sub-group is divided by, as `Subgroup.stratification` does."""
    types = set(_DIMENSION_TYPE.findall(subgroup))
    return b"SEX_AGE" if types == {b"SEX", b"AGE"} else b"_".join(sorted(types))


def _identity_of(one: OrganizationFilter) -> _Identity:
    identifier = one.organization_id
    return (
        _bytes(one.hsa_id.casefold() if one.hsa_id else None),
        None if identifier is None else _bytes(identifier.root),
        None if identifier is None else _bytes(identifier.extension),
    )


def _bytes(text: str | None) -> bytes | None:
    return escape(text).encode() if text else None


def _is_of(fragment: bytes, wanted: Collection[_Identity]) -> bool:
    """Whether a measurement is of a wanted organisation; reference values are, for they are of all of them."""
    found = _PERFORMER.search(fragment)
    if found is None:
        return True
    hsa_id = found["hsa_id"]
    own: _Identity = (hsa_id.decode().casefold().encode() if hsa_id else None, found["root"], found["extension"])
    return any(
        any(one) and all(part is None or part == has for part, has in zip(one, own, strict=True)) for one in wanted
    )
