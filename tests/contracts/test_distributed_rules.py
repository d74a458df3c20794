"""Rules D.1 to D.10 of GetDistributedQualityReport: what keeps them, and one case that breaks each (domain 4.3)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from golden.distributed import (
    CLASSES,
    CONTRACT,
    DISTRIBUTION,
    FULL,
    MAN,
    MASKED,
    OLD,
    PERCENTILES,
    REFERENCE_VALUE,
    WOMAN,
    YOUNG,
    answer,
    mean,
)

from contracts.codes import OID_SEX
from contracts.distributed_model import (
    Dimension,
    DistributedMeasurement,
    Distribution,
    Percentile,
    ReferenceMeasurement,
    Subgroup,
    ValueClass,
)
from contracts.model import II, CohortMeasure, MissingMeasure
from contracts.rules import RULES, Finding, ReportChecker
from contracts.schematron import Schematron

COUNTED = (ValueClass("a", None, None, 52.0, count=60.0), ValueClass("b", None, 52.0, None, count=35.0))


def with_distribution(**changes: object) -> DistributedMeasurement:
    return replace(FULL, subgroups=(), distribution=replace(DISTRIBUTION, **changes))  # type: ignore[arg-type]


def with_subgroups(*subgroups: Subgroup) -> DistributedMeasurement:
    return replace(FULL, subgroups=subgroups)


def findings_of(one: DistributedMeasurement | ReferenceMeasurement) -> list[Finding]:
    checker = ReportChecker()
    if isinstance(one, ReferenceMeasurement):
        return checker.add_reference(one, "referenceMeasurement[1]")
    return checker.add(one, "distributedMeasurement[1]")


GOOD = {
    "masked total": MASKED,
    "two masked classes": with_distribution(),
    "counted classes": with_distribution(value_classes=COUNTED),
    "sexes": with_subgroups(Subgroup((MAN,), mean(1.0, 45.0)), Subgroup((WOMAN,), mean(1.0, 50.0))),
    "sex unknown for some": with_subgroups(Subgroup((MAN,), mean(1.0, 45.0)), Subgroup((WOMAN,), mean(1.0, 40.0))),
    "both masked": with_subgroups(Subgroup((MAN,), MissingMeasure("MSK")), Subgroup((WOMAN,), MissingMeasure("MSK"))),
    "one without cases": with_subgroups(Subgroup((MAN,), mean(1.0, 95.0)), Subgroup((WOMAN,), MissingMeasure("INV"))),
    "limit in the upper class": with_distribution(
        value_classes=(replace(COUNTED[0], high_inclusive=False), COUNTED[1])
    ),
    "class without limits": with_distribution(value_classes=(*COUNTED, ValueClass("other", count=0.0))),
    "reference value": REFERENCE_VALUE,
    "five units": replace(REFERENCE_VALUE, unit_count=5, weighted_value=None),
}
BAD: dict[str, tuple[str, DistributedMeasurement | ReferenceMeasurement]] = {
    "sexes of more than the total": (
        "D.1",
        with_subgroups(Subgroup((MAN,), mean(1.0, 50.0)), Subgroup((WOMAN,), mean(1.0, 46.0))),
    ),
    "reference value's sub-group of more": (
        "D.1",
        replace(REFERENCE_VALUE, subgroups=(Subgroup((MAN,), mean(1.0, 501.0)),)),
    ),
    "a case in no class": ("D.2", with_distribution(value_classes=COUNTED, missing_value_count=4.0)),
    "more than the population with a masked class": ("D.2", with_distribution(population=64.0)),
    "one masked class": ("D.3", with_distribution(value_classes=(CLASSES[0], replace(CLASSES[2], low_inclusive=True)))),
    "one masked sex": (
        "D.3",
        with_subgroups(Subgroup((MAN,), mean(1.0, 45.0)), Subgroup((WOMAN,), MissingMeasure("MSK"))),
    ),
    "distribution of a masked total": ("D.4", replace(MASKED, distribution=DISTRIBUTION)),
    "sub-groups of a masked total": ("D.4", replace(MASKED, subgroups=(Subgroup((MAN,), CohortMeasure(1.0)),))),
    "distribution of a masked sub-group": (
        "D.4",
        with_subgroups(
            Subgroup((MAN,), MissingMeasure("MSK"), Distribution(1.0)), Subgroup((WOMAN,), MissingMeasure("MSK"))
        ),
    ),
    "classes in disorder": ("D.5", with_distribution(value_classes=tuple(reversed(COUNTED)))),
    "a limit in two classes": (
        "D.5",
        with_distribution(value_classes=(replace(COUNTED[0], high_inclusive=True), COUNTED[1])),
    ),
    "a class twice": ("D.5", with_distribution(value_classes=(COUNTED[0], replace(COUNTED[1], class_id="a")))),
    "a class that ends before it begins": (
        "D.5",
        with_distribution(value_classes=(COUNTED[0], replace(COUNTED[1], high=51.0))),
    ),
    "neither count nor reason": (
        "D.6",
        with_distribution(value_classes=(replace(COUNTED[0], count=None), COUNTED[1]), population=40.0),
    ),
    "a masked class with its share": (
        "D.6",
        with_distribution(value_classes=(*CLASSES[:2], replace(CLASSES[2], share=0.1))),
    ),
    "a share in per cent": ("D.6", with_distribution(value_classes=(replace(COUNTED[0], share=60.0), COUNTED[1]))),
    "percentiles in disorder": ("D.7", with_distribution(percentiles=tuple(reversed(PERCENTILES)))),
    "a percentile twice": ("D.7", with_distribution(percentiles=(PERCENTILES[0], PERCENTILES[0]))),
    "values that descend": ("D.7", with_distribution(percentiles=(Percentile(10.0, 9.0), Percentile(20.0, 8.0)))),
    "four units": ("D.8", replace(REFERENCE_VALUE, unit_count=4)),
    "no value at all": ("D.8", replace(REFERENCE_VALUE, weighted_value=None, unweighted_mean=None)),
    "the smallest value": ("D.9", with_distribution(minimum=31.0)),
    "a third sex": ("D.10", with_subgroups(Subgroup((Dimension("SEX", II(OID_SEX, "3")),), mean(1.0, 9.0)))),
    "a sex of another code system": (
        "D.10",
        with_subgroups(Subgroup((Dimension("SEX", II("1.2", "1")),), mean(1.0, 9.0))),
    ),
    "a band that ends before it begins": (
        "D.10",
        with_subgroups(Subgroup((replace(YOUNG, age_low=45),), mean(1.0, 9.0))),
    ),
    "a ground of division twice": ("D.10", with_subgroups(Subgroup((YOUNG, OLD), mean(1.0, 9.0)))),
    "a sub-group twice": ("D.10", with_subgroups(*[Subgroup((MAN,), mean(1.0, 9.0))] * 2)),
}


@pytest.mark.parametrize("name", GOOD)
def test_what_keeps_the_rules_has_no_findings(name: str) -> None:
    assert [finding for finding in findings_of(GOOD[name]) if finding.rule.startswith("D.")] == []


@pytest.mark.parametrize("name", BAD)
def test_what_breaks_a_rule_is_named(name: str) -> None:
    rule, one = BAD[name]
    found = {finding.rule: finding for finding in findings_of(one) if finding.rule.startswith("D.")}
    assert set(found) == {rule}
    assert found[rule].severity == RULES[rule].severity
    assert found[rule].message
    assert found[rule].mend


def test_every_rule_has_a_case() -> None:
    assert {rule for rule, _ in BAD.values()} == {rule for rule in RULES if rule.startswith("D.")}


SCHEMATRON_RULES = {"D.2", "D.3", "D.4", "D.6", "D.7", "D.8"}
"""The rest needs comparisons over what belongs together, which the checker in the program makes."""
SEEN = {name for name, (rule, _) in BAD.items() if rule in SCHEMATRON_RULES} - {"one masked sex"}


@pytest.fixture(scope="module")
def rules() -> Schematron:
    return Schematron.load(CONTRACT.schematron)


def found_by(rules: Schematron, one: DistributedMeasurement | ReferenceMeasurement) -> set[str]:
    message = answer([FULL], [one]) if isinstance(one, ReferenceMeasurement) else answer([one], [])
    return {finding.rule for finding in rules.check(message) if finding.rule.startswith("D.")}


@pytest.mark.parametrize("name", sorted(SEEN))
def test_the_schematron_names_the_same_rule(name: str, rules: Schematron) -> None:
    rule, one = BAD[name]
    assert found_by(rules, one) == {rule}


@pytest.mark.parametrize("name", GOOD)
def test_the_schematron_passes_what_keeps_the_rules(name: str, rules: Schematron) -> None:
    assert found_by(rules, GOOD[name]) == set()
