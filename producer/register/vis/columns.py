"""Names and kinds of the 30 columns of a VIS file (domain reference 1.1 and 1.2).

The spelling is the format's own and irregular; a file's set of columns must be exactly this one, in any order.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

COLUMNS: Final = (
    "RegionOrganisationId",
    "Numerator",
    "Rate",
    "Denominator",
    "RegionName",
    "PeriodReportedStartDate",
    "PeriodReportedEndDate",
    "MeasureID",
    "HospitalName",
    "HospitalHSAID",
    "HospitalOrganisationId",
    "CountryName",
    "Value",
    "Cohort",
    "Version",
    "UnitHSAID",
    "UnitName",
    "ReferenceIntervalRate",
    "ReferenceIntervalValue",
    "MunicipalityOrganisationID",
    "MunicipalityName",
    "RegisterHSAID",
    "RegisterNamn",
    "Coverage",
    "ConfidenceIntervalLower",
    "ConfidenceIntervalHigher",
    "Standarddeviation",
    "Measurepopulation",
    "Exclusions",
    "ReasonCode",
)
"""In the order of the domain reference's table, which is the order in which the project writes them."""

NUMBERS: Final = MappingProxyType(
    {
        "Numerator": "numerator",
        "Rate": "rate",
        "Denominator": "denominator",
        "Value": "value",
        "Cohort": "cohort",
        "ReferenceIntervalRate": "reference_rate",
        "ReferenceIntervalValue": "reference_value",
        "Coverage": "coverage",
        "ConfidenceIntervalLower": "interval_low",
        "ConfidenceIntervalHigher": "interval_high",
        "Standarddeviation": "standard_deviation",
        "Measurepopulation": "population",
        "Exclusions": "exclusions",
    }
)
"""Columns of numbers, and the names of their parsed forms."""

COUNTS: Final = frozenset({"Numerator", "Denominator", "Cohort", "Measurepopulation", "Exclusions"})
"""Numbers of people or events: not negative, and three digits after a comma are a thousands separator."""

DATES: Final = MappingProxyType({"PeriodReportedStartDate": "start", "PeriodReportedEndDate": "end"})

ORGANIZATION_COLUMNS: Final = (
    "RegionOrganisationId",
    "RegionName",
    "MunicipalityOrganisationID",
    "MunicipalityName",
    "HospitalName",
    "HospitalHSAID",
    "HospitalOrganisationId",
    "UnitHSAID",
    "UnitName",
)
"""Columns that say which organisation a row is about."""

KEEP: Final = "KEEP"
DELETE: Final = "DELETE"
INSTRUCTION: Final = r"^(KEEP|DELETE)_EXISTING_DATA_FOR_REGISTER_HSAID:(.*)$"
"""First cell of the first row after the header; then the register's HSA-id."""
