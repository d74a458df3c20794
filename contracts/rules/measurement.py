"""Everything that can be decided on one measurement (rules 1.1, 1.2, 1.4 to 1.8, 1.10, 1.12 to 1.14).

Runs on every measurement of a report or an import, so a clean one costs only comparisons.
"""

from __future__ import annotations

from contracts.codes import OID_HSA_ID, OID_LOCAL_ID, OID_MEASURE, hsa_id_problem, hsa_id_remark
from contracts.model import (
    II,
    CohortMeasure,
    ContinuousVariableMeasure,
    Measure,
    MeasureDefinition,
    MeasureKind,
    Measurement,
    ProportionMeasure,
    SourceSystem,
)
from contracts.rules.dates import check_encounters, check_period
from contracts.rules.finding import Finding
from contracts.rules.measures import check_cohort, check_continuous, check_missing, check_proportion
from contracts.rules.organizations import check_organization

_ELEMENT_OF_KIND: dict[MeasureKind, str] = {
    "proportion": "proportionMeasure",
    "continuous": "continuousVariableMeasure",
    "cohort": "cohortMeasure",
}


def check_measurement(
    measurement: Measurement,
    *,
    where: str,
    definition: MeasureDefinition | None = None,
    is_name_required: bool = True,
) -> list[Finding]:
    """Check one measurement (untrusted) against every rule that needs no other measurement.

    ``where`` names the place in the caller's words and begins each finding's ``where``. ``definition`` is the
    catalogue's entry of the indicator; without it kind, version, threshold and standardisation are not checked.
    ``is_name_required``: whether organisations must have a name (contract version 1 leaves it open).
    """
    findings: list[Finding] = []
    _check_measure_id(measurement.measure_id, where, findings)
    check_period(measurement.measure_period, where, "measurePeriod", findings)
    if measurement.first_service_encounter is not None or measurement.last_service_encounter is not None:
        first, last = measurement.first_service_encounter, measurement.last_service_encounter
        check_encounters(first, last, where, findings)
    kind = check_measure(measurement.measure, definition, where, findings)
    if definition is not None:
        _check_definition(measurement, kind, definition, where, findings)
    check_organization(measurement.performing_organization, where, findings, is_name_required=is_name_required)
    if measurement.source_system is not None:
        _check_source_system(measurement.source_system, where, findings)
    return findings


def check_measure(
    measure: Measure, definition: MeasureDefinition | None, where: str, findings: list[Finding]
) -> MeasureKind | None:
    """Check the numbers of a measure and give its kind, None for a missing one."""
    if isinstance(measure, ProportionMeasure):
        check_proportion(measure, definition, where, findings)
        return "proportion"
    if isinstance(measure, ContinuousVariableMeasure):
        check_continuous(measure, definition, where, findings)
        return "continuous"
    if isinstance(measure, CohortMeasure):
        check_cohort(measure, where, findings)
        return "cohort"
    check_missing(measure, where, findings)
    return None


def _check_measure_id(measure_id: II, where: str, findings: list[Finding]) -> None:
    if measure_id.root != OID_MEASURE:
        message = f"The root is {measure_id.root!r}."
        mend = f"The root of an indicator id is {OID_MEASURE}."
        findings.append(Finding("1.7", "error", f"{where}/measureId/root", message, mend))
    if not (measure_id.extension or "").strip():
        message = "The indicator has no id."
        mend = "Give the indicator's measureId in the catalogue as extension."
        findings.append(Finding("1.7", "error", f"{where}/measureId/extension", message, mend))


def _check_definition(
    measurement: Measurement,
    kind: MeasureKind | None,
    definition: MeasureDefinition,
    where: str,
    findings: list[Finding],
) -> None:
    if kind is not None and kind != definition.kind:
        expected = _ELEMENT_OF_KIND[definition.kind]
        message = f"Indicator {definition.measure_id!r} has a {_ELEMENT_OF_KIND[kind]}; the catalogue says {expected}."
        mend = f"Send {expected}, or missingMeasure when there is no value."
        findings.append(Finding("1.1", "error", f"{where}/{_ELEMENT_OF_KIND[kind]}", message, mend))
    version = measurement.measure_id_version_number
    if version > definition.version_number:
        message = f"The version is {version}; the catalogue's newest is {definition.version_number}."
        mend = "Import the catalogue anew or correct the version."
        findings.append(Finding("1.7", "warning", f"{where}/measureIdVersionNumber", message, mend))


def _check_source_system(source: SourceSystem, where: str, findings: list[Finding]) -> None:
    system_id = source.system_id
    if system_id.root not in (OID_HSA_ID, OID_LOCAL_ID):
        message = f"The root is {system_id.root!r}."
        mend = f"Use {OID_HSA_ID} when the extension is an HSA-id, {OID_LOCAL_ID} when it is a local id."
        findings.append(Finding("1.12", "error", f"{where}/sourceSystem/systemId/root", message, mend))
    extension = system_id.extension or ""
    if not extension.strip():
        mend = "Give the system's HSA-id or its local id as extension."
        path = f"{where}/sourceSystem/systemId/extension"
        findings.append(Finding("1.12", "error", path, "The source system has no id.", mend))
    elif system_id.root == OID_HSA_ID and (text := hsa_id_problem(extension) or hsa_id_remark(extension)):
        mend = f"Compare with the HSA catalogue, or use root {OID_LOCAL_ID} for a local id."
        path = f"{where}/sourceSystem/systemId/extension"
        findings.append(Finding("1.12", "warning", path, f"The HSA-id {extension!r} {text}.", mend))
