"""What to write in each column of a VIS file, for templates (domain reference 1.2)."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from producer.register.vis.columns import COLUMNS

_MEANINGS = {
    "RegionOrganisationId": "Two-digit code of the län; empty in rows of the nation.",
    "Numerator": "Cases, of a share. With Rate.",
    "Rate": "Share from 0 to 1, not per cent.",
    "Denominator": "All who could be cases. With Rate.",
    "RegionName": "Name of the län.",
    "PeriodReportedStartDate": "First day of the period, YYYY-MM-DD.",
    "PeriodReportedEndDate": "Last day of the period, YYYY-MM-DD; the period has ended.",
    "MeasureID": "The indicator's id in the catalogue; each sex has an id of its own.",
    "HospitalName": "Name of a hospital, in its rows. Not together with a unit.",
    "HospitalHSAID": "HSA-id of the hospital.",
    "HospitalOrganisationId": "Five-digit code of a hospital that has no HSA-id.",
    "CountryName": "Riket, in every row.",
    "Value": "Mean, median, days or another value.",
    "Cohort": "A count of people or events.",
    "Version": "Version of the indicator, a whole number.",
    "UnitHSAID": "HSA-id of a unit, in its rows.",
    "UnitName": "Name of the unit.",
    "ReferenceIntervalRate": "Target of a share, from 0 to 1.",
    "ReferenceIntervalValue": "Target of a value or count.",
    "MunicipalityOrganisationID": "Four-digit code of the kommun, of a kommun's or a unit's row.",
    "MunicipalityName": "Name of the kommun.",
    "RegisterHSAID": "The register's HSA-id, as in the instruction row; in every row.",
    "RegisterNamn": "The register's name; in every row.",
    "Coverage": "Share of all cases that the register knows, from 0 to 1.",
    "ConfidenceIntervalLower": "Lower end of the 95 % interval; both ends or none.",
    "ConfidenceIntervalHigher": "Higher end of the 95 % interval.",
    "Standarddeviation": "Standard deviation behind a mean.",
    "Measurepopulation": "Number of observations behind Value.",
    "Exclusions": "Number of cases that were left out.",
    "ReasonCode": "Why there is no value: MSK hidden, INV nothing to count in, UNK not reported. Then no numbers.",
}
VIS_EXPLANATIONS: Final = MappingProxyType({name: _MEANINGS[name] for name in COLUMNS})
"""In the order of the columns. The first row below the header is the instruction row (KEEP or DELETE)."""
