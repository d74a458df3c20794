"""The rules VIS-03 to VIS-06, VIS-10 to VIS-18, VIS-20, VIS-21, VIS-23, VIS-24 and VIS-26 for single rows.

Sources: domain reference 1.3 (the receiver's checks and the added ones) and contract reference 5 (in brackets).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date

import polars as pl

from contracts.codes import COUNTRY_NAME, KOMMUN, LAN, REASON_CODES
from producer.register.vis.cells import GROUPED_FORM, NUMBER_FORM
from producer.register.vis.columns import COUNTS, NUMBERS
from producer.register.vis.quotient import is_quotient
from producer.register.vis.row_rule import RowRule, said

_FIRST_YEAR, _LAST_YEAR = 1900, 2099
_NOISE = 1e-9
_ISO_DATE = "Write the date as YYYY-MM-DD, such as 2025-01-31, and format the column as text."

_has_reason = pl.col("ReasonCode").is_not_null()
_center = pl.coalesce("rate", "cohort", "value")


def row_rules(*, hsa_id: str, today: date, allow_adjusted_rates: bool) -> Sequence[RowRule]:
    """Give the rules for the rows of a file whose instruction row names the register ``hsa_id``.

    ``today`` is the last day that a period may end on; ``allow_adjusted_rates`` lets a rate differ from the quotient.
    """
    return (
        *_register_rules(hsa_id),
        *_period_rules(today),
        *_form_rules(),
        *_identity_rules(),
        *_value_rules(),
        *_interval_rules(),
        *_reason_rules(),
        *_range_rules(),
        *_quotient_rules(allow_adjusted_rates=allow_adjusted_rates),
        *_organization_rules(),
    )


def _missing(rule: str, column: str, mend: str) -> RowRule:
    return RowRule(rule, column, pl.col(column).is_null(), f"{column} is empty.", mend)


def _is_any(columns: Sequence[str]) -> pl.Expr:
    return pl.any_horizontal(pl.col(*columns).is_not_null())


def _register_rules(hsa_id: str) -> Sequence[RowRule]:
    return (
        _missing("VIS-03", "RegisterHSAID", f"Write {hsa_id}, as in the instruction row."),
        RowRule(
            "VIS-03",
            "RegisterHSAID",
            pl.col("RegisterHSAID") != hsa_id,
            said(f"RegisterHSAID is {{}}, but the instruction row says {hsa_id}.", "RegisterHSAID"),
            "One file holds one register: write the same HSA-id everywhere, or split the file.",
        ),
        _missing("VIS-03", "RegisterNamn", "Write the register's name; it is sent as the source system's name."),
    )


def _period_rules(today: date) -> Sequence[RowRule]:
    rules: list[RowRule] = []
    for column, typed in (("PeriodReportedStartDate", "start"), ("PeriodReportedEndDate", "end")):
        cell, day = pl.col(column), pl.col(typed)
        mend = (
            pl.when(cell.str.contains(r"^\d{5}(\.\d+)?$"))
            .then(pl.lit(f"This is how Excel stores a date. {_ISO_DATE}"))
            .when(cell.str.contains(r"^\d{4}-\d{2}-\d{2}"))
            .then(pl.lit("This day is not in the calendar. Correct it."))
            .otherwise(pl.lit(_ISO_DATE))
        )
        rules += (
            _missing("VIS-04", column, _ISO_DATE),
            RowRule("VIS-04", column, cell.is_not_null() & day.is_null(), said(f"{column} is {{}}.", column), mend),
            RowRule(
                "VIS-04",
                column,
                ~day.dt.year().is_between(_FIRST_YEAR, _LAST_YEAR),
                said(f"{column} is {{}}, outside the years {_FIRST_YEAR} to {_LAST_YEAR}.", column),
                "Correct the year.",
            ),
        )
    start, end = "PeriodReportedStartDate", "PeriodReportedEndDate"
    return (
        *rules,
        RowRule(
            "VIS-04",
            end,
            pl.col("end") <= pl.col("start"),
            said("The period {} to {} does not end after it starts.", start, end),
            "Correct the dates; both days belong to the period.",
        ),
        RowRule(
            "VIS-04",
            end,
            pl.col("end") > today,
            said(f"The period ends {{}}, after today ({today.isoformat()}).", end),
            "Report a period when it has ended.",
        ),
    )


def _form_rules() -> Sequence[RowRule]:
    rules = []
    for column in NUMBERS:
        cell = pl.col(column)
        mend = (
            pl.when(cell.str.contains(r"^[-+]?[\d.,]+[eE][-+]?\d+$"))
            .then(pl.lit("Write the number without an exponent, such as 0.00012."))
            .when(cell.str.contains(r"^-?\d{1,3}([ \u00a0\u202f.,']\d{3})+([.,]\d+)?$"))
            .then(pl.lit("Write the number without thousands separators."))
            .when(cell.str.contains("%", literal=True))
            .then(pl.lit("Write a share from 0 to 1 without the percent sign."))
            .otherwise(pl.lit("Write a number such as 12 or 0.75; leave the cell empty when there is none."))
        )
        bad = ~cell.str.contains(NUMBER_FORM)
        rules.append(
            RowRule("VIS-16", column, bad, said(f"{column} is {{}}, which is not read as a number.", column), mend)
        )
        if column in COUNTS:
            rules.append(
                RowRule(
                    "VIS-16",
                    column,
                    cell.str.contains(GROUPED_FORM),
                    said(f"{column} is {{}}: a thousands separator or three decimals?", column),
                    "Write the count without separators, such as 1190.",
                )
            )
    return rules


def _identity_rules() -> Sequence[RowRule]:
    reasons = ", ".join(REASON_CODES)
    return (
        _missing("VIS-11", "CountryName", f"Write {COUNTRY_NAME} in every row."),
        RowRule(
            "VIS-11",
            "CountryName",
            pl.col("CountryName").str.to_lowercase() != COUNTRY_NAME.lower(),
            said("CountryName is {}.", "CountryName"),
            f"Write {COUNTRY_NAME} in every row.",
        ),
        _missing("VIS-12", "Version", "Write the version of the indicator, a whole number."),
        RowRule(
            "VIS-12",
            "Version",
            pl.col("Version").is_not_null() & pl.col("version").is_null(),
            said("Version is {}.", "Version"),
            "Write the major version of the indicator, a whole number such as 3.",
        ),
        _missing("VIS-13", "MeasureID", "Write the indicator's id in the catalogue."),
        RowRule(
            "VIS-14",
            "ReasonCode",
            ~pl.col("ReasonCode").is_in(list(REASON_CODES)),
            said("ReasonCode is {}.", "ReasonCode"),
            f"Leave it empty, or write one of {reasons}.",
        ),
    )


def _value_rules() -> Sequence[RowRule]:
    kinds = ("Rate", "Value", "Cohort")
    has_rate = pl.col("Rate").is_not_null()
    rules = [
        RowRule(
            "VIS-05",
            "Value",
            ~_has_reason & ~_is_any(kinds),
            "The row has neither Rate, Value nor Cohort, and no ReasonCode.",
            "Write the value, or the reason why there is none: UNK when nothing was reported.",
        ),
        RowRule(
            "VIS-05",
            "Rate",
            (pl.col("rate") < 0) | (pl.col("rate") > 1),
            said("Rate is {}, outside 0 to 1.", "Rate"),
            pl.when(pl.col("rate").is_between(1, 100, closed="right"))
            .then(pl.format("If this is per cent, write {}.", (pl.col("rate") / 100).round(6)))
            .otherwise(pl.lit("Write a share from 0 to 1.")),
        ),
        RowRule(
            "VIS-17",
            "Value",
            pl.sum_horizontal(pl.col(*kinds).is_not_null()) > 1,
            said("The row has more than one of Rate ({}), Value ({}) and Cohort ({}).", *kinds),
            "Keep the one that the catalogue gives for the indicator.",
        ),
        RowRule(
            "VIS-17",
            "Numerator",
            ~has_rate & _is_any(("Value", "Cohort")) & _is_any(("Numerator", "ReferenceIntervalRate")),
            "The row has Numerator or ReferenceIntervalRate, but no Rate; they are not imported.",
            "Write the number of observations behind a Value in Measurepopulation.",
            "warning",
        ),
        RowRule(
            "VIS-17",
            "Value",
            has_rate & _is_any(("Measurepopulation", "ReferenceIntervalValue")),
            "The row has a Rate and Measurepopulation or ReferenceIntervalValue; these two are not imported.",
            "Use Denominator and ReferenceIntervalRate with a Rate.",
            "warning",
        ),
    ]
    for part in ("Numerator", "Denominator"):
        rules.append(
            RowRule(
                "VIS-05",
                part,
                has_rate & pl.col(part).is_null(),
                f"There is a Rate, but no {part}.",
                "Write both Numerator and Denominator.",
            )
        )
    return rules


def _interval_rules() -> Sequence[RowRule]:
    lower, higher = "ConfidenceIntervalLower", "ConfidenceIntervalHigher"
    low, high = pl.col("interval_low"), pl.col("interval_high")
    return (
        RowRule(
            "VIS-06",
            lower,
            pl.col(lower).is_null() != pl.col(higher).is_null(),
            said("The confidence interval has one end only: {} to {}.", lower, higher),
            "Write both ends or none.",
        ),
        RowRule(
            "VIS-06",
            lower,
            low > high,
            said("The lower end {} is above the higher end {}.", lower, higher),
            "Exchange or correct them.",
        ),
        RowRule(
            "VIS-20",
            lower,
            ~_has_reason & (low <= high) & ((low < 0) | (low > _center) | (high < _center)),
            pl.format("0 <= lower <= value <= higher does not hold: {}, {}, {}.", low, _center, high),
            "Check that value and interval are of the same scale and row. [rule 1.5]",
        ),
    )


def _reason_rules() -> Sequence[RowRule]:
    reason = pl.col("ReasonCode")
    values = ("Value", "Rate", "ConfidenceIntervalLower", "ConfidenceIntervalHigher")
    others = ("Numerator", "Denominator", "Cohort", "Measurepopulation", "Exclusions", "Standarddeviation")
    basis = pl.coalesce("denominator", "population")
    rate_basis = pl.when(pl.col("rate").is_not_null()).then(pl.col("denominator"))
    value_basis = pl.when(pl.col("value").is_not_null()).then(pl.col("population"))
    return (
        RowRule(
            "VIS-15",
            "ReasonCode",
            _has_reason & _is_any(values),
            said("ReasonCode is {}, but the row has a value or an interval.", "ReasonCode"),
            "Remove the value and the interval, or the reason.",
        ),
        RowRule(
            "VIS-15",
            "ReasonCode",
            _has_reason & ~_is_any(values) & _is_any(others),
            said("ReasonCode is {}, but the row has other numbers; they are not imported.", "ReasonCode"),
            "Leave the numbers of a missing value empty, so that nothing hidden is given away.",
            "warning",
        ),
        RowRule(
            "VIS-18",
            "Denominator",
            ~_has_reason & (pl.coalesce(rate_basis, value_basis) == 0),
            "The basis (Denominator or Measurepopulation) is 0, so there is no value.",
            "Remove the value and write ReasonCode INV. [rule 1.6]",
        ),
        RowRule(
            "VIS-18",
            "ReasonCode",
            ((reason == "INV") & (basis > 0)) | (reason.is_in(["MSK", "UNK"]) & (basis == 0)),
            pl.format("ReasonCode is {}, but the basis is {}.", reason, basis),
            "INV: the basis is 0. MSK: hidden, the basis is small. UNK: nothing was reported. [rule 1.6]",
            "warning",
        ),
        RowRule(
            "VIS-18",
            "ReasonCode",
            reason == "NI",
            "ReasonCode is NI, which receivers are not asked to understand.",
            "Write MSK, INV or UNK if one of them is the reason.",
            "warning",
        ),
    )


def _range_rules() -> Sequence[RowRule]:
    rules = [
        RowRule(
            "VIS-05" if column in ("Numerator", "Denominator") else "VIS-21",
            column,
            pl.col(NUMBERS[column]) < 0,
            said(f"{column} is {{}}, which is negative.", column),
            "Write a number that is 0 or more.",
        )
        for column in (*sorted(COUNTS), "Standarddeviation")
    ]
    shares = (("Coverage", "error"), ("ReferenceIntervalRate", "warning"))
    for column, severity in shares:
        rules.append(
            RowRule(
                "VIS-21",
                column,
                ~pl.col(NUMBERS[column]).is_between(0, 1),
                said(f"{column} is {{}}, outside 0 to 1.", column),
                "Write a share from 0 to 1, not per cent. [rule 1.4]",
                severity,  # type: ignore[arg-type]
            )
        )
    return rules


def _quotient_rules(*, allow_adjusted_rates: bool) -> Sequence[RowRule]:
    numerator, denominator, rate = pl.col("numerator"), pl.col("denominator"), pl.col("rate")
    numbers = ("Rate", "Numerator", "Denominator")
    is_decided = rate.is_between(0, 1) & (numerator >= 0) & (denominator > 0)
    is_swapped = (rate > 0) & (numerator > 0) & is_quotient("Denominator", "Numerator")
    quotient = (numerator / denominator).round(6)
    return (
        RowRule(
            "VIS-23",
            "Numerator",
            (numerator >= 0) & (denominator > 0) & (numerator > denominator),
            said("Numerator {} is larger than Denominator {}.", "Numerator", "Denominator"),
            pl.when(is_swapped)
            .then(pl.lit("Exchange the two: Rate is Denominator / Numerator. [rule 1.8]"))
            .otherwise(pl.lit("Numerator counts a part of Denominator. A ratio of two things is a Value. [rule 1.8]")),
        ),
        RowRule(
            "VIS-24",
            "Rate",
            is_decided & (numerator <= denominator) & ~is_quotient("Numerator", "Denominator"),
            pl.format(
                "{} is not Numerator / Denominator: {} / {} is {}.",
                *(pl.col(name).fill_null("") for name in numbers),
                quotient,
            ),
            "Correct the one that is wrong. For rates adjusted for case mix, import with --allow-adjusted-rates. "
            "[rule 1.8]",
            "warning" if allow_adjusted_rates else "error",
        ),
    )


def _code_rules(column: str, digits: int, codes: Collection[str], kind: str) -> RowRule:
    cell = pl.col(column)
    return RowRule(
        "VIS-26",
        column,
        ~cell.is_in(list(codes)),
        said(f"{column} is {{}}, which is no {kind} code.", column),
        pl.when(cell.str.zfill(digits).is_in(list(codes)))
        .then(pl.format("Write {} with all its digits; format the column as text in Excel.", cell.str.zfill(digits)))
        .otherwise(pl.lit(f"Write the {digits}-digit {kind} code of Statistics Sweden (SCB).")),
    )


def _organization_rules() -> Sequence[RowRule]:
    region, kommun = "RegionOrganisationId", "MunicipalityOrganisationID"
    unit, unit_name = "UnitHSAID", "UnitName"
    hospital_ids, hospital_name = ("HospitalHSAID", "HospitalOrganisationId"), "HospitalName"
    has_unit, has_hospital = _is_any((unit, unit_name)), _is_any((*hospital_ids, hospital_name))
    return (
        _code_rules(region, 2, LAN, "län"),
        _code_rules(kommun, 4, KOMMUN, "kommun"),
        RowRule(
            "VIS-26",
            kommun,
            pl.col(kommun).is_in(list(KOMMUN)) & (pl.col(kommun).str.head(2) != pl.col(region)),
            said("Kommun {} does not lie in län {}.", kommun, region),
            "Correct one of them: a kommun code begins with its län code. [rule 1.2.4]",
        ),
        *_pairs((region, "RegionName"), (unit, unit_name)),
        RowRule(
            "VIS-08",
            kommun,
            pl.col(kommun).is_null() & pl.col("MunicipalityName").is_not_null(),
            said("MunicipalityName is {}, but there is no code.", "MunicipalityName"),
            "Write the kommun's code, or remove the name.",
        ),
        RowRule(
            "VIS-08",
            hospital_name,
            pl.col(hospital_name).is_null() & _is_any(hospital_ids),
            said("The hospital {}{} has no name.", *hospital_ids),
            "Write HospitalName.",
        ),
        RowRule(
            "VIS-08",
            hospital_ids[0],
            pl.col(hospital_name).is_not_null() & ~_is_any(hospital_ids),
            said("HospitalName is {}, but there is no id.", hospital_name),
            "Write HospitalHSAID, or HospitalOrganisationId for a hospital without HSA-id. [rule 1.2.5]",
        ),
        RowRule(
            "VIS-08",
            region,
            pl.col(region).is_null() & (has_unit | has_hospital | pl.col(kommun).is_not_null()),
            "The row is about a unit, hospital or kommun, but names no region.",
            "Write RegionOrganisationId and RegionName.",
        ),
        RowRule(
            "VIS-10",
            unit,
            has_unit & has_hospital,
            "The row names both a unit and a hospital.",
            "Keep one; a unit inside a hospital is reported as a unit of its region.",
        ),
        RowRule(
            "VIS-10",
            hospital_ids[1],
            pl.all_horizontal(pl.col(*hospital_ids).is_not_null()),
            said("The hospital has both an HSA-id ({}) and a code ({}); the code is not sent.", *hospital_ids),
            "Leave HospitalOrganisationId empty. [rule 1.2.5]",
            "warning",
        ),
    )


def _pairs(*pairs: tuple[str, str]) -> Sequence[RowRule]:
    rules = []
    for id_, name in pairs:
        rules += [
            RowRule(
                "VIS-08",
                name,
                pl.col(id_).is_not_null() & pl.col(name).is_null(),
                said(f"{id_} is {{}}, but {name} is empty.", id_),
                f"Write {name}.",
            ),
            RowRule(
                "VIS-08",
                id_,
                pl.col(id_).is_null() & pl.col(name).is_not_null(),
                said(f"{name} is {{}}, but {id_} is empty.", name),
                f"Write {id_}.",
            ),
        ]
    return rules
