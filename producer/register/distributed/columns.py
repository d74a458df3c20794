"""The file of distributed results: a form of our own, one row per value, class or percentile.

docs/distributed-report.md explains it. Tidy, so that a spreadsheet, R or a query can write it: which unit, which
sub-group, and what the row says of it.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from contracts.codes import Bilingual

COLUMNS: Final = MappingProxyType(
    {
        "measure_id": "Indicator's id in the catalogue.",
        "version": "Major version of its definition, such as 1.",
        "period_start": "First day of the measure period, YYYY-MM-DD.",
        "period_end": "Last day of the measure period, YYYY-MM-DD.",
        "unit_hsa_id": "HSA-id of the care unit.",
        "unit_name": "Name of the care unit.",
        "lan": "Code of its county, two digits; may be empty when kommun is given.",
        "kommun": "Code of its municipality, four digits; may be empty.",
        "sex": "Of a sub-group by sex: 1 man, 2 woman. Empty: not by sex.",
        "age_low": "Of a sub-group by age: lowest age in years. Empty with age_high: all from 0.",
        "age_high": "Of a sub-group by age: highest age in whole years, in the band. Empty with age_low: no end.",
        "part": "What the row says: value, class or percentile.",
        "kind": "value: proportion, continuous, cohort or missing.",
        "value": "value: the share 0 to 1, the mean or median, or the count; percentile: its value.",
        "numerator": "value, proportion: the numerator.",
        "denominator": "value: the denominator, or the individuals behind a mean or median.",
        "interval_low": "value: lower end of the 95 % confidence interval.",
        "interval_high": "value: upper end of the 95 % confidence interval.",
        "standard_deviation": "value: standard deviation.",
        "coverage": "value: coverage, 0 to 1.",
        "exclusions": "value: number of individuals left out.",
        "target": "value: the value aimed at.",
        "reason_code": "value of kind missing, or class without count: MSK, INV, UNK or NI.",
        "population": "value: the individuals that its distribution describes. Empty: there is no distribution.",
        "missing_count": "value: those of the population that have no value.",
        "mean": "value: mean of the distribution.",
        "median": "value: median of the distribution.",
        "deviation": "value: standard deviation of the distribution.",
        "minimum": "value: smallest value; discloses an individual's, normally empty.",
        "maximum": "value: largest value; discloses an individual's, normally empty.",
        "class_id": "class: its id, the same in every unit. Classes stand in ascending order.",
        "label": "class: its name in plain text.",
        "low": "class: lower limit. Empty: none.",
        "high": "class: upper limit. Empty: none.",
        "low_inclusive": "class: yes or no, whether the lower limit is in it; empty is yes.",
        "high_inclusive": "class: yes or no, whether the upper limit is in it; empty is no.",
        "count": "class: number of individuals. Empty: masked, with reason_code.",
        "share": "class: share of the population, 0 to 1.",
        "level": "percentile: 0 to 100.",
    }
)
"""Columns in the order in which the template has them, with what to write."""

REQUIRED: Final = ("measure_id", "version", "period_start", "period_end", "unit_hsa_id", "unit_name", "part")
NUMBERS: Final = (
    "value",
    "numerator",
    "denominator",
    "interval_low",
    "interval_high",
    "standard_deviation",
    "coverage",
    "exclusions",
    "target",
    "population",
    "missing_count",
    "mean",
    "median",
    "deviation",
    "minimum",
    "maximum",
    "low",
    "high",
    "count",
    "share",
    "level",
)
NOT_NEGATIVE: Final = ("numerator", "denominator", "exclusions", "population", "missing_count", "count", "level")
SHARES: Final = ("coverage", "share")
DATES: Final = ("period_start", "period_end")
ROWS: Final = ("value", "class", "percentile")
KINDS: Final = ("proportion", "continuous", "cohort", "missing")

DISTRIBUTED_RULES: Final = MappingProxyType(
    {
        "DIST-01": Bilingual("Cells that must be filled", "Celler som måste vara ifyllda"),
        "DIST-02": Bilingual("Dates", "Datum"),
        "DIST-03": Bilingual("Form of numbers", "Talens form"),
        "DIST-04": Bilingual("Words and codes", "Ord och koder"),
        "DIST-05": Bilingual("Units agree in all rows", "Enheterna stämmer i alla rader"),
        "DIST-06": Bilingual("No duplicates", "Inga dubbletter"),
        "DIST-07": Bilingual("Every row belongs to a value", "Varje rad hör till ett värde"),
    }
)
"""Rules of the file; those of the contract (1.1 to 1.14, D.1 to D.10) hold for what is made of it."""
