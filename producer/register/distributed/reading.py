"""From the file of distributed results to measurements, with every problem by row (docs/distributed-report.md).

The form of cells is checked over the whole table at once, what rows mean together for each unit.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

import polars as pl

from contracts.codes import (
    COUNTRY_CODE,
    COUNTRY_NAME,
    KOMMUN,
    LAN,
    OID_KOMMUN,
    OID_LAN,
    OID_LAND,
    OID_MEASURE,
    REASON_CODES,
    hsa_id_problem,
)
from contracts.distributed_model import DistributedMeasurement, Distribution, Percentile, Subgroup, ValueClass
from contracts.model import (
    II,
    CohortMeasure,
    ConfidenceInterval,
    ContinuousVariableMeasure,
    DatePeriod,
    Measure,
    MissingMeasure,
    PerformingOrganization,
    ProportionMeasure,
    SourceSystem,
)
from contracts.rules import ReportChecker
from producer.register.distributed.columns import COLUMNS, DATES, KINDS, NOT_NEGATIVE, NUMBERS, REQUIRED, ROWS, SHARES
from producer.register.distributed.storing import Stratum
from producer.register.vis.findings import Findings, ImportFinding
from producer.register.vis.reading import ROW
from producer.register.vis.row_rule import RowRule, check_rows, said
from producer.tabular import TableRejected, date_rules, day, number, number_rules, read_table

Cells = dict[str, Any]
Progress = Callable[[int, int], None]
_KEY: Final = ("measure_id", "version", "period_start", "period_end")
_SUBGROUP: Final = re.compile(r"/subgroup\[(\d+)\]")
_YES_NO: Final = {"yes": True, "no": False, "ja": True, "nej": False, "true": True, "false": False}


@dataclass(frozen=True, slots=True)
class GroupKey:
    """Indicator, version and period, as the register keys them."""

    measure_id: str
    version: int
    period: DatePeriod


@dataclass(slots=True)
class DistributedTable:
    """A file that was read: its measurements by group, each group ordered by unit."""

    groups: dict[GroupKey, list[DistributedMeasurement]] = field(default_factory=dict)
    row_count: int = 0
    findings: Findings = field(default_factory=Findings)


def read_distributed(path: Path, source: SourceSystem, progress: Progress | None = None) -> DistributedTable:
    """Read a file of distributed results (untrusted), as CSV or XLSX with the columns `COLUMNS`.

    ``source`` holds the observations. Raises DataError when it is no such table, TableRejected with every finding when
    a row is wrong.
    """
    cells = read_table(path, tuple(COLUMNS), REQUIRED, progress)
    table = DistributedTable(row_count=cells.height)
    cells = cells.with_columns(
        *(number(name).alias(f"{name}_number") for name in NUMBERS), *(day(name).alias(f"{name}_day") for name in DATES)
    )
    check_rows(cells, _row_rules(), table.findings)
    if not table.findings.error_count:
        for key, rows in _groups(cells):
            table.groups[key] = list(_Group(key, rows, source, table.findings).measurements())
    if table.findings.error_count:
        raise TableRejected(path.name, table.findings, "The register is unchanged.")
    return table


def _row_rules() -> list[RowRule]:
    rules = [
        RowRule("DIST-01", name, pl.col(name).is_null(), f"{name} is empty.", COLUMNS[name])
        for name in REQUIRED
        if name not in DATES
    ]
    no_place = pl.col("lan").is_null() & pl.col("kommun").is_null()
    rules.append(RowRule("DIST-01", "lan", no_place, "lan and kommun are empty.", "Give at least one of them."))
    rules += date_rules("DIST-02", DATES, DATES)
    ends_before = pl.col("period_end_day") < pl.col("period_start_day")
    what = said("The period ends {}, before it starts {}.", "period_end", "period_start")
    rules.append(RowRule("DIST-02", "period_end", ends_before, what, "Exchange the two days."))
    signed = {name for name in NUMBERS if name not in (*NOT_NEGATIVE, *SHARES)}
    rules += number_rules("DIST-03", NUMBERS, shares=SHARES, signed=signed)
    rules += [
        _word("part", ROWS),
        _word("kind", KINDS),
        _word("sex", ("1", "2")),
        _word("reason_code", tuple(REASON_CODES)),
        _word("lan", tuple(LAN)),
        _word("kommun", tuple(KOMMUN)),
        _word("low_inclusive", tuple(_YES_NO)),
        _word("high_inclusive", tuple(_YES_NO)),
    ]
    for name, form in (("version", r"^\d{1,9}$"), ("age_low", r"^\d{1,3}$"), ("age_high", r"^\d{1,3}$")):
        bad = ~pl.col(name).str.contains(form)
        rules.append(RowRule("DIST-03", name, bad, said(f"{name} is {{}}, no whole number.", name), COLUMNS[name]))
    is_elsewhere = pl.col("kommun").str.slice(0, 2) != pl.col("lan")
    what = said("The kommun {} does not lie in län {}.", "kommun", "lan")
    rules.append(RowRule("DIST-05", "kommun", is_elsewhere, what, "Correct one of them."))
    return rules + _needed()


def _word(column: str, words: tuple[str, ...]) -> RowRule:
    shown = ", ".join(words) if len(words) < 10 else COLUMNS[column]
    bad = ~pl.col(column).is_in(words)
    return RowRule("DIST-04", column, bad, said(f"{column} is {{}}.", column), f"Write one of: {shown}.")


def _needed() -> list[RowRule]:
    """Give rules for the cells that a row of its sort needs."""
    needs = {
        ("value", None): ("kind",),
        ("value", "proportion"): ("value", "numerator", "denominator"),
        ("value", "continuous"): ("value",),
        ("value", "cohort"): ("value",),
        ("value", "missing"): ("reason_code",),
        ("class", None): ("class_id",),
        ("percentile", None): ("level", "value"),
    }
    rules = []
    for (row, kind), names in needs.items():
        is_it = pl.col("part") == row
        if kind is not None:
            is_it &= pl.col("kind") == kind
        for name in names:
            what = f"{name} is empty in a row of {kind or row}."
            rules.append(RowRule("DIST-01", name, is_it & pl.col(name).is_null(), what, COLUMNS[name]))
    return rules


def _groups(cells: pl.DataFrame) -> Iterator[tuple[GroupKey, list[Cells]]]:
    """Give the rows of each indicator, version and period, one group at a time."""
    for part in cells.partition_by(*_KEY, maintain_order=True):
        rows = part.to_dicts()
        first = rows[0]
        period = DatePeriod(f"{first['period_start_day']:%Y%m%d}", f"{first['period_end_day']:%Y%m%d}")
        yield GroupKey(first["measure_id"], int(first["version"]), period), rows


class _Group:
    """The rows of one group while they are made into measurements."""

    def __init__(self, key: GroupKey, rows: list[Cells], source: SourceSystem, findings: Findings) -> None:
        self._key = key
        self._source = source
        self._findings = findings
        self._units: dict[str, dict[Stratum, list[Cells]]] = defaultdict(lambda: defaultdict(list))
        self._described: dict[str, Cells] = {}
        for row in rows:
            self._units[row["unit_hsa_id"]][_stratum(row)].append(row)
            self._check_unit(row)

    def measurements(self) -> Iterator[DistributedMeasurement]:
        """Make the measurement of each unit; what is wrong goes to the findings."""
        checker = ReportChecker()
        for hsa_id, strata in sorted(self._units.items()):
            made = {stratum: self._result(rows) for stratum, rows in strata.items()}
            if Stratum() not in made:
                row = next(iter(strata.values()))[0]
                self._add(
                    "DIST-07", row, "part", "The sub-group has no total.", "Add the unit's row without sex and age."
                )
                continue
            if any(result is None for result in made.values()):
                continue
            results = {stratum: result for stratum, result in made.items() if result is not None}
            measure, distribution = results[Stratum()]
            subgroups = [
                (stratum, Subgroup(stratum.dimensions, part, spread))
                for stratum, (part, spread) in results.items()
                if stratum != Stratum()
            ]
            measurement = DistributedMeasurement(
                II(OID_MEASURE, self._key.measure_id),
                self._key.version,
                self._key.period,
                measure,
                _organization(self._described[hsa_id]),
                self._source,
                subgroups=tuple(one for _, one in sorted(subgroups, key=lambda one: one[0].order)),
                distribution=distribution,
            )
            self._check(checker, measurement, strata)
            yield measurement

    def _check_unit(self, row: Cells) -> None:
        hsa_id = row["unit_hsa_id"]
        first = self._described.get(hsa_id)
        if first is None:
            self._described[hsa_id] = row
            if problem := hsa_id_problem(hsa_id):
                self._add("DIST-05", row, "unit_hsa_id", f"The HSA-id {hsa_id} {problem}.", "Compare with HSA.")
            return
        for name in ("unit_name", "lan", "kommun"):
            if row[name] != first[name]:
                what = f"{name} of {hsa_id} is {row[name]}, but {first[name]} in row {first[ROW]}."
                self._add("DIST-05", row, name, what, "Describe a unit in the same way in every row.")

    def _result(self, rows: list[Cells]) -> tuple[Measure, Distribution | None] | None:
        """Make the measure and the distribution of one stratum, None when the rows do not allow it."""
        values = [row for row in rows if row["part"] == "value"]
        parts = [row for row in rows if row["part"] != "value"]
        if not values:
            what = "There is no row of value for this unit and sub-group."
            self._add("DIST-07", rows[0], "part", what, "Add one, or remove its classes and percentiles.")
            return None
        for row in values[1:]:
            what = f"There is already a value of this unit and sub-group in row {values[0][ROW]}."
            self._add("DIST-06", row, "part", what, "Keep the one that is right.")
        value = values[0]
        if parts and value["population"] is None:
            what = f"population is empty, but row {parts[0][ROW]} is a part of the distribution."
            self._add("DIST-07", value, "population", what, "Give the individuals that the distribution describes.")
            return None
        return _measure(value), _distribution(value, parts)

    def _check(
        self, checker: ReportChecker, measurement: DistributedMeasurement, strata: dict[Stratum, list[Cells]]
    ) -> None:
        """Hold the contract's rules; a finding stands at the row of the value that it is about."""
        rows_of = {stratum.key: rows[0] for stratum, rows in strata.items()}
        for found in checker.add(measurement, "unit"):
            row = rows_of[Stratum().key]
            if place := _SUBGROUP.search(found.where):
                row = rows_of[Stratum.of(measurement.subgroups[int(place[1]) - 1]).key]
            finding = ImportFinding(found.rule, found.severity, row[ROW], "part", found.message, found.mend)
            self._findings.add(finding)

    def _add(self, rule: str, row: Cells, column: str, what: str, mend: str) -> None:
        self._findings.add(ImportFinding(rule, "error", row[ROW], column, what, mend))


def _stratum(row: Cells) -> Stratum:
    low, high = (None if row[name] is None else int(row[name]) for name in ("age_low", "age_high"))
    return Stratum(row["sex"], low, high)


def _measure(row: Cells) -> Measure:
    cell = partial(_number, row)
    if row["kind"] == "missing":
        return MissingMeasure(row["reason_code"])
    low, high = cell("interval_low"), cell("interval_high")
    interval = None if low is None or high is None else ConfidenceInterval(low, high)
    more = (interval, cell("standard_deviation"), cell("coverage"), cell("exclusions"), cell("target"))
    if row["kind"] == "proportion":
        return ProportionMeasure(cell("value"), cell("denominator"), cell("numerator"), *more)
    if row["kind"] == "cohort":
        return CohortMeasure(cell("value"), *more)
    return ContinuousVariableMeasure(cell("value"), cell("denominator"), *more)


def _distribution(value: Cells, parts: list[Cells]) -> Distribution | None:
    cell = partial(_number, value)
    if value["population"] is None:
        return None
    classes = tuple(_value_class(row) for row in parts if row["part"] == "class")
    percentiles = sorted(
        (Percentile(_number(row, "level"), _number(row, "value")) for row in parts if row["part"] == "percentile"),
        key=lambda one: one.level,
    )
    statistics = (cell(name) for name in ("mean", "median", "deviation", "minimum", "maximum"))
    return Distribution(cell("population"), cell("missing_count"), classes, tuple(percentiles), *statistics)


def _value_class(row: Cells) -> ValueClass:
    cell = partial(_number, row)
    return ValueClass(
        row["class_id"],
        row["label"],
        cell("low"),
        cell("high"),
        _YES_NO.get(row["low_inclusive"], True),
        _YES_NO.get(row["high_inclusive"], False),
        cell("count"),
        cell("share"),
        row["reason_code"],
    )


def _number(row: Cells, name: str) -> Any:
    return row[f"{name}_number"]


def _organization(row: Cells) -> PerformingOrganization:
    """Make the unit with its chain; places are those of the code lists."""
    code = row["lan"] or row["kommun"][:2]
    land = PerformingOrganization(COUNTRY_NAME, "Land", None, II(OID_LAND, COUNTRY_CODE))
    parent = PerformingOrganization(LAN[code].name, "Lan", None, II(OID_LAN, code), land)
    if kommun := row["kommun"]:
        parent = PerformingOrganization(KOMMUN[kommun].name, "Kommun", None, II(OID_KOMMUN, kommun), parent)
    return PerformingOrganization(row["unit_name"], "Vardenhet", row["unit_hsa_id"], None, parent)
