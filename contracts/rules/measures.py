"""The numbers of one measure (rules 1.4, 1.5, 1.6, 1.8 and 1.13; contract reference 3 and 5).

Every number of a measure has bounds in one table per kind; what needs two numbers is a function.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from operator import attrgetter
from sys import float_info
from typing import Final

from contracts.codes import REASON_CODES
from contracts.model import (
    CohortMeasure,
    ConfidenceInterval,
    ContinuousVariableMeasure,
    MeasureDefinition,
    MissingMeasure,
    ProportionMeasure,
)
from contracts.rules.finding import Finding, Severity
from contracts.rules.numbers import are_tens, is_quotient, is_symmetric

_LARGEST = float_info.max
_TENS = 5


@dataclass(frozen=True, slots=True)
class _Bounds:
    """Inclusive bounds of one number and the rule that demands them."""

    element: str
    low: float
    high: float
    rule: str = "1.4"
    severity: Severity = "error"


def _share(element: str, severity: Severity = "error") -> _Bounds:
    return _Bounds(element, 0.0, 1.0, severity=severity)


def _count(element: str, rule: str = "1.4") -> _Bounds:
    return _Bounds(element, 0.0, _LARGEST, rule)


def _any(element: str) -> _Bounds:
    return _Bounds(element, -_LARGEST, _LARGEST)


_PROPORTION: Final = (
    _share("rate"),
    _count("denominator", "1.8"),
    _count("numerator", "1.8"),
    _count("standardDeviation"),
    _share("coverage"),
    _count("exclusions"),
    _share("referenceIntervalRate", "warning"),
)
_PROPORTION_NUMBERS = attrgetter(
    "rate", "denominator", "numerator", "standard_deviation", "coverage", "exclusions", "reference_interval_rate"
)
_CONTINUOUS: Final = (
    _any("value"),
    _count("measurePopulation"),
    _count("standardDeviation"),
    _share("coverage"),
    _count("exclusions"),
    _any("referenceIntervalValue"),
)
_CONTINUOUS_NUMBERS = attrgetter(
    "value", "measure_population", "standard_deviation", "coverage", "exclusions", "reference_interval_value"
)
_COHORT: Final = (
    _count("cohort"),
    _count("standardDeviation"),
    _share("coverage"),
    _count("exclusions"),
    _any("referenceIntervalValue"),
)
_COHORT_NUMBERS = attrgetter("cohort", "standard_deviation", "coverage", "exclusions", "reference_interval_value")


def check_proportion(
    measure: ProportionMeasure, definition: MeasureDefinition | None, where: str, findings: list[Finding]
) -> None:
    """Check a proportionMeasure; the definition gives threshold and standardisation."""
    path = f"{where}/proportionMeasure"
    _check_bounds(_PROPORTION_NUMBERS(measure), _PROPORTION, path, findings)
    _check_interval(measure.confidence_interval_95_percent, measure.rate, 1.0, path, findings)
    _check_basis(measure.denominator, "denominator", definition, path, findings)
    _check_quotient(measure, definition is not None and definition.is_standardised, path, findings)


def check_continuous(
    measure: ContinuousVariableMeasure, definition: MeasureDefinition | None, where: str, findings: list[Finding]
) -> None:
    """Check a continuousVariableMeasure; the definition gives the threshold."""
    path = f"{where}/continuousVariableMeasure"
    _check_bounds(_CONTINUOUS_NUMBERS(measure), _CONTINUOUS, path, findings)
    _check_interval(measure.confidence_interval_95_percent, measure.value, None, path, findings)
    if measure.measure_population is not None:
        _check_basis(measure.measure_population, "measurePopulation", definition, path, findings)


def check_cohort(measure: CohortMeasure, where: str, findings: list[Finding]) -> None:
    """Check a cohortMeasure; it has no basis, so no threshold applies."""
    path = f"{where}/cohortMeasure"
    _check_bounds(_COHORT_NUMBERS(measure), _COHORT, path, findings)
    _check_interval(measure.confidence_interval_95_percent, measure.cohort, None, path, findings)


def check_missing(measure: MissingMeasure, where: str, findings: list[Finding]) -> None:
    """Check that a missingMeasure says why (rule 1.13)."""
    if measure.reason_code in REASON_CODES:
        return
    said = "has no reasonCode" if measure.reason_code is None else f"has the reasonCode {measure.reason_code!r}"
    meanings = "; ".join(f"{code} {meaning.en}" for code, meaning in REASON_CODES.items())
    path = f"{where}/missingMeasure/reasonCode"
    findings.append(Finding("1.13", "error", path, f"The missing measure {said}.", f"Give one of: {meanings}."))


def _check_bounds(
    numbers: Sequence[float | None], bounds: Sequence[_Bounds], path: str, findings: list[Finding]
) -> None:
    for number, bound in zip(numbers, bounds, strict=True):
        if number is not None and not bound.low <= number <= bound.high:
            findings.append(_out_of_bounds(number, bound, path))


def _out_of_bounds(number: float, bound: _Bounds, path: str) -> Finding:
    where = f"{path}/{bound.element}"
    if not isfinite(number):
        mend = "Send a number, or missingMeasure when there is none."
        return Finding("1.4", "error", where, f"{bound.element} is {number}, which is no number.", mend)
    if bound.high == 1.0:
        message = f"{bound.element} is {number:g}, outside 0 to 1."
        mend = "Send a share from 0 to 1."
        if 1.0 < number <= 100.0:
            mend = f"Send a share from 0 to 1; if {number:g} is per cent, send {number / 100:g}."
        return Finding(bound.rule, bound.severity, where, message, mend)
    message = f"{bound.element} is {number:g}, which is negative."
    return Finding(bound.rule, bound.severity, where, message, "Send a number that is 0 or more.")


def _check_interval(
    interval: ConfidenceInterval | None, value: float, ceiling: float | None, path: str, findings: list[Finding]
) -> None:
    """Check rule 1.5; an interval cut at 0, or at ``ceiling``, need not be symmetric."""
    if interval is None or not isfinite(value):
        return
    low, high = interval.low, interval.high
    if 0.0 <= low <= value <= high <= _LARGEST:
        if low > 0.0 and high != ceiling and not is_symmetric(low, value, high):
            message = f"The interval {low:g} to {high:g} is not symmetric about {value:g}."
            mend = "Check it, unless the method gives such intervals (exact, Wilson)."
            findings.append(Finding("1.5", "warning", f"{path}/confidenceInterval95percent", message, mend))
        return
    where = f"{path}/confidenceInterval95percent"
    if not (isfinite(low) and isfinite(high)):
        message = f"The interval {low} to {high} has a limit that is no number."
        findings.append(Finding("1.4", "error", where, message, "Send two numbers, or leave out the interval."))
        return
    message = f"0 <= low <= value <= high does not hold: low {low:g}, value {value:g}, high {high:g}."
    mend = "Check the order of the limits and that they are in the unit of the value."
    findings.append(Finding("1.5", "error", where, message, mend))


def _check_basis(
    basis: float, element: str, definition: MeasureDefinition | None, path: str, findings: list[Finding]
) -> None:
    """Check rule 1.6: a basis of 0 is INV, one under the display threshold is MSK."""
    if basis == 0:
        message = f"{element} is 0, so there is no value."
        mend = "Send missingMeasure with reasonCode INV (UNK in version 1)."
        findings.append(Finding("1.6", "error", f"{path}/{element}", message, mend))
        return
    threshold = None if definition is None else definition.display_threshold
    if threshold is None or not 0 <= basis < threshold:
        return
    may_reach = are_tens(basis) and basis + _TENS > threshold
    message = f"{element} is {basis:g}, below the display threshold {threshold:g}."
    mend = "Send missingMeasure with reasonCode MSK."
    if may_reach:
        mend += " If the count is rounded to tens and the true one reaches the threshold, nothing needs to be done."
    findings.append(Finding("1.6", "warning" if may_reach else "error", f"{path}/{element}", message, mend))


def _check_quotient(measure: ProportionMeasure, is_standardised: bool, path: str, findings: list[Finding]) -> None:
    """Check the parts of rule 1.8 that take two numbers; a rate outside 0..1 has its finding already."""
    rate, numerator, denominator = measure.rate, measure.numerator, measure.denominator
    if not (0 <= numerator <= _LARGEST and 0 < denominator <= _LARGEST):
        return
    if numerator > denominator:
        message = f"numerator {numerator:g} is larger than denominator {denominator:g}."
        mend = "The numerator counts a part of the denominator. A ratio of two things is a continuousVariableMeasure."
        if 0 < rate <= 1 and is_quotient(rate, denominator, numerator):
            mend = f"Exchange the two: rate {rate:g} is denominator / numerator."
        findings.append(Finding("1.8", "error", f"{path}/numerator", message, mend))
    elif 0 <= rate <= 1 and not is_quotient(rate, numerator, denominator):
        quotient = numerator / denominator
        message = f"rate is {rate:g}, but numerator {numerator:g} / denominator {denominator:g} is {quotient:.6g}."
        mend = "Correct the one that is wrong, or mark the indicator as standardised in the catalogue."
        severity: Severity = "warning" if is_standardised else "error"
        if is_standardised:
            mend = "Nothing needs to be done if the rate is adjusted for case mix."
        findings.append(Finding("1.8", severity, f"{path}/rate", message, mend))
