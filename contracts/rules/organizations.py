"""The organisation chain of a measurement (rules 1.2 and 1.2.1 to 1.2.6; contract reference 4).

Walks from the organisation upwards; what identifies each type is one small function per type.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Final

from contracts.codes import (
    COUNTRY_CODE,
    COUNTRY_NAME,
    KOMMUN,
    LAN,
    OID_HOSPITAL,
    OID_KOMMUN,
    OID_LAN,
    OID_LAND,
    ORGANIZATION_TYPES,
    hsa_id_problem,
    hsa_id_remark,
)
from contracts.model import II, PerformingOrganization
from contracts.rules.finding import Finding, Severity

_PARENT = "asOrganizationPartOf"
_ID = "organizationId"


class _Reporter:
    """Adds findings on one organisation of the chain under its type's rule."""

    __slots__ = ("_depth", "_findings", "_rule", "_where")

    def __init__(self, rule: str, where: str, depth: int, findings: list[Finding]) -> None:
        self._rule = rule
        self._where = where
        self._depth = depth
        self._findings = findings

    def __call__(self, element: str, message: str, mend: str, severity: Severity = "error") -> None:
        path = f"{self._where}/performingOrganization{f'/{_PARENT}' * self._depth}/{element}"
        self._findings.append(Finding(self._rule, severity, path, message, mend))


def check_organization(
    organization: PerformingOrganization, where: str, findings: list[Finding], *, is_name_required: bool = True
) -> None:
    """Check the chain of ``organization`` up to the nation and add what is wrong to ``findings``."""
    node: PerformingOrganization | None = organization
    depth = 0
    while node is not None:
        level = _LEVELS.get(node.organization_type)
        if level is None or depth == len(_LEVELS):
            _report_broken_chain(node, _Reporter("1.2", where, depth, findings))
            return
        rule, check_identity, parents = level
        report = _Reporter(rule, where, depth, findings)
        if is_name_required and not node.organization_name.strip():
            report_name = _Reporter("1.2", where, depth, findings)
            report_name("organizationName", "The organisation has no name.", "Give its name in plain text.")
        check_identity(node, report)
        _check_parent(node, parents, report)
        node = node.as_organization_part_of
        depth += 1


def _report_broken_chain(node: PerformingOrganization, report: _Reporter) -> None:
    if node.organization_type in _LEVELS:
        message = f"The chain of organisations has more than {len(_LEVELS)} levels."
        report("organizationType", message, "Let each organisation be part of the one next above it, up to Land.")
    else:
        message = f"The organisation type {node.organization_type!r} does not exist."
        report("organizationType", message, f"Use one of {', '.join(_LEVELS)}.")


def _check_parent(node: PerformingOrganization, parents: tuple[str, ...], report: _Reporter) -> None:
    parent = node.as_organization_part_of
    if parent is None:
        if parents:
            message = f"{_named(node)} is part of nothing."
            report(_PARENT, message, f"Add {_PARENT} with its {' or '.join(parents)}, and so on up to Land.")
    elif not parents:
        message = f"{_named(node)} is part of {_named(parent)}."
        report(_PARENT, message, f"Remove {_PARENT} here: nothing stands above Land.")
    elif parent.organization_type not in parents and parent.organization_type in _LEVELS:
        message = f"{_named(node)} is part of {_named(parent)}."
        report(_PARENT, message, f"Let it be part of {' or '.join(parents)}.")


def _named(node: PerformingOrganization) -> str:
    return f"{node.organization_type} {node.organization_name!r}"


def _check_id(
    organization_id: II | None, root: str, codes: Collection[str] | None, kind: str, report: _Reporter
) -> bool:
    """Report what is wrong with an organizationId; ``codes`` None: any extension that is not blank."""
    if organization_id is None:
        report(_ID, "There is no organizationId.", f"Add it with root {root} and the {kind} as extension.")
        return False
    extension = organization_id.extension or ""
    is_right = organization_id.root == root
    if not is_right:
        message = f"The root is {organization_id.root!r}."
        report(f"{_ID}/root", message, f"The root of a {kind} is {root}.")
    is_known = bool(extension.strip()) if codes is None else extension in codes
    if not is_known:
        report(f"{_ID}/extension", f"{extension!r} is no {kind}.", f"Give the {kind} as the code list writes it.")
    return is_right and is_known


def _check_land(node: PerformingOrganization, report: _Reporter) -> None:
    _check_id(node.organization_id, OID_LAND, (COUNTRY_CODE,), f"country code (only {COUNTRY_CODE} is used)", report)
    if node.organization_name.strip() and node.organization_name != COUNTRY_NAME:
        message = f"The nation is named {node.organization_name!r}."
        report("organizationName", message, f"Name it {COUNTRY_NAME}.")


def _check_sjukvardsregion(node: PerformingOrganization, report: _Reporter) -> None:
    organization_id = node.organization_id
    if organization_id is None:
        mend = "Add it with the OID that the receiver has agreed to and the region's code."
        report(_ID, "There is no organizationId.", mend)
    elif not organization_id.root.strip() or not (organization_id.extension or "").strip():
        report(_ID, "Its root or extension is empty.", "Give both: the OID agreed on and the region's code.")


def _check_lan(node: PerformingOrganization, report: _Reporter) -> None:
    _check_id(node.organization_id, OID_LAN, LAN, "two-digit county code", report)


def _check_kommun(node: PerformingOrganization, report: _Reporter) -> None:
    if not _check_id(node.organization_id, OID_KOMMUN, KOMMUN, "four-digit municipality code", report):
        return
    kommun = KOMMUN[node.organization_id.extension]  # type: ignore[union-attr, index]
    parent = node.as_organization_part_of
    if parent is None or parent.organization_type != "Lan" or parent.organization_id is None:
        return
    if parent.organization_id.extension != kommun.lan_code:
        message = (
            f"Kommun {kommun.code} ({kommun.name}) is part of Lan {parent.organization_id.extension!r}; "
            f"the code says {kommun.lan_code}."
        )
        report(_PARENT, message, "Correct the municipality code or the county.")


def _check_sjukhus(node: PerformingOrganization, report: _Reporter) -> None:
    if node.hsa_id is not None:
        _check_hsa_id(node.hsa_id, report)
        if node.organization_id is not None:
            message = f"The hospital has both hsaId {node.hsa_id!r} and a hospital code."
            report(_ID, message, "Leave out organizationId: the HSA-id is enough.", "warning")
    elif node.organization_id is None:
        mend = f"Add hsaId, or if it has none organizationId with root {OID_HOSPITAL} and the hospital code."
        report("hsaId", "The hospital has neither hsaId nor organizationId.", mend)
    else:
        _check_id(node.organization_id, OID_HOSPITAL, None, "hospital code", report)


def _check_vardenhet(node: PerformingOrganization, report: _Reporter) -> None:
    if node.hsa_id is None:
        report("hsaId", "The care unit has no hsaId.", "Add the unit's HSA-id.")
    else:
        _check_hsa_id(node.hsa_id, report)
    if node.organization_id is not None:
        message = f"The care unit has an organizationId (root {node.organization_id.root!r})."
        report(_ID, message, "Remove it: a care unit is identified by hsaId alone.")


def _check_hsa_id(hsa_id: str, report: _Reporter) -> None:
    if not hsa_id.strip():
        report("hsaId", "hsaId is empty.", "Give the HSA-id.")
    elif problem := hsa_id_problem(hsa_id):
        report("hsaId", f"hsaId {hsa_id!r} {problem}.", "Compare with the HSA catalogue.", "warning")
    elif remark := hsa_id_remark(hsa_id):
        report("hsaId", f"hsaId {hsa_id!r} {remark}.", "Compare with the HSA catalogue.", "warning")


_Level = tuple[str, Callable[[PerformingOrganization, _Reporter], None], tuple[str, ...]]
_LEVELS: Final[dict[str, _Level]] = {
    name: (rule, check, ORGANIZATION_TYPES[name].parents)
    for name, rule, check in (
        ("Land", "1.2.1", _check_land),
        ("Sjukvardsregion", "1.2.2", _check_sjukvardsregion),
        ("Lan", "1.2.3", _check_lan),
        ("Kommun", "1.2.4", _check_kommun),
        ("Sjukhus", "1.2.5", _check_sjukhus),
        ("Vardenhet", "1.2.6", _check_vardenhet),
    )
}
