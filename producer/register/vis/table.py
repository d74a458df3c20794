"""Reads and checks a whole VIS file: from the path to typed rows and findings (domain reference 1).

Rows are read in batches and kept in their typed form, about 150 bytes each; the text of a batch is let go.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final, Literal

import polars as pl

from contracts.codes import hsa_id_problem
from contracts.errors import DataError
from producer.register.vis.cells import VERSION, DecimalSigns, clean, decimals, with_typed_columns
from producer.register.vis.columns import COLUMNS, INSTRUCTION
from producer.register.vis.findings import Findings, ImportFinding
from producer.register.vis.organizations import (
    IDENTITY,
    check_ids_as_text,
    check_organizations,
    distinct_organizations,
    with_identity,
)
from producer.register.vis.reading import FIRST_ROW, ROW, Source, open_source
from producer.register.vis.row_rule import check_rows
from producer.register.vis.row_rules import row_rules
from producer.register.vis.table_checks import check_table

KIND: Final = pl.Enum(["proportion", "continuous", "cohort", "missing"])
Mode = Literal["KEEP", "DELETE"]
Progress = Callable[[int, int], None]
"""Told how many rows more were read, and about how many there are in all."""


@dataclass(frozen=True, slots=True)
class Instruction:
    """The instruction row: KEEP updates by key, DELETE replaces all data of the register."""

    mode: Mode
    hsa_id: str


@dataclass(frozen=True, slots=True)
class VisTable:
    """A file that was read to its end. ``rows`` and ``organizations`` can be used when there are no errors.

    ``rows``: row, MeasureID, version, start, end, identity, kind, and the numbers of the measure, the basis of any
    kind as ``denominator``. ``organizations``: the different combinations of organisation columns.
    """

    instruction: Instruction | None
    rows: pl.DataFrame
    organizations: pl.DataFrame
    sha256: str
    findings: Findings

    @property
    def register_name(self) -> str:
        """RegisterNamn of the file."""
        return str(self.organizations["RegisterNamn"][0])


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How a file is judged: the register it must be of (None: any), the last day a period may end, and leniency."""

    expected_hsa_id: str | None
    today: date
    allow_adjusted_rates: bool = False


def read_vis(path: Path, options: ReadOptions, progress: Progress | None = None) -> VisTable:
    """Read and check a VIS file (untrusted). ``progress`` is told of each batch.

    Raises DataError when it is no table at all; everything else is a finding.
    """
    findings = Findings()
    with open_source(path) as source:
        if not _check_columns(source.columns, findings):
            return VisTable(None, pl.DataFrame(), pl.DataFrame(), source.sha256, findings)
        return _read_rows(source, options, findings, progress)


def _check_columns(columns: tuple[str, ...], findings: Findings) -> bool:
    """VIS-01; without the right columns nothing else is looked at."""
    mend = "The header must hold exactly the 30 column names of the format, spelled as there."
    missing = [name for name in COLUMNS if name not in columns]
    superfluous = [name or "(empty)" for name in columns if name not in COLUMNS]
    doubled = sorted({name for name in columns if name in COLUMNS and columns.count(name) > 1})
    for text, names in (("are missing", missing), ("do not belong there", superfluous), ("stand twice", doubled)):
        if names:
            findings.add(ImportFinding("VIS-01", "error", 1, None, f"Columns that {text}: {', '.join(names)}.", mend))
    return not (missing or superfluous or doubled)


def _read_rows(source: Source, options: ReadOptions, findings: Findings, progress: Progress | None) -> VisTable:
    instruction: Instruction | None = None
    signs = DecimalSigns()
    parts: list[pl.DataFrame] = []
    organizations: list[pl.DataFrame] = []
    rules = None
    for batch in source.batches:
        cells = clean(batch)
        if rules is None:
            instruction = _read_instruction(cells, source.columns, options.expected_hsa_id, findings)
            if instruction is None:
                return VisTable(None, pl.DataFrame(), pl.DataFrame(), source.sha256, findings)
            rules = row_rules(
                hsa_id=instruction.hsa_id, today=options.today, allow_adjusted_rates=options.allow_adjusted_rates
            )
            cells = cells.filter(pl.col(ROW) > FIRST_ROW)
        cells = _without_empty_rows(cells, findings)
        signs.note(cells)
        typed = with_identity(with_typed_columns(cells))
        check_rows(typed, rules, findings)
        organizations.append(distinct_organizations(typed))
        parts.append(_kept(typed))
        if progress is not None:
            progress(batch.height, source.row_estimate)
    if not sum(part.height for part in parts):
        raise DataError("The file has no rows below its instruction. Nothing was imported and nothing deleted.")
    signs.report(findings)
    return _check_whole(VisTable(instruction, pl.concat(parts), pl.concat(organizations), source.sha256, findings))


def _check_whole(table: VisTable) -> VisTable:
    organizations = distinct_organizations(table.organizations)
    check_organizations(organizations, table.findings)
    measures = table.rows.group_by("MeasureID").agg(pl.col(ROW).min()).cast({"MeasureID": pl.String}).sort(ROW)
    check_ids_as_text(measures, "MeasureID", table.findings)
    check_table(table.rows, table.findings)
    return VisTable(table.instruction, table.rows, organizations, table.sha256, table.findings)


def _read_instruction(
    cells: pl.DataFrame, columns: tuple[str, ...], expected_hsa_id: str | None, findings: Findings
) -> Instruction | None:
    """VIS-02 and VIS-03; without the instruction nothing else is looked at."""
    mend = (
        "Write KEEP_EXISTING_DATA_FOR_REGISTER_HSAID: or DELETE_EXISTING_DATA_FOR_REGISTER_HSAID: and the register's "
        "HSA-id into the first cell of the first row below the header, and leave the rest of that row empty."
    )
    first = cells.row(0, named=True) if cells.height else {}
    text = first.get(columns[0]) or ""
    match = re.match(INSTRUCTION, text)
    if match is None:
        what = f"The first cell below the header is {text!r}." if text else "The first cell below the header is empty."
        findings.add(ImportFinding("VIS-02", "error", FIRST_ROW, columns[0], what, mend))
        return None
    if filled := [name for name in columns[1:] if first[name] is not None]:
        what = f"Other cells of the instruction row are filled: {', '.join(filled)}."
        findings.add(ImportFinding("VIS-02", "error", FIRST_ROW, filled[0], what, mend))
    mode: Mode = "KEEP" if match[1] == "KEEP" else "DELETE"
    hsa_id = match[2].strip()
    if problem := hsa_id_problem(hsa_id):
        what = f"The register's HSA-id {hsa_id} {problem}." if hsa_id else "The instruction has no HSA-id."
        findings.add(ImportFinding("VIS-02", "error", FIRST_ROW, columns[0], what, mend))
    if expected_hsa_id is not None and hsa_id != expected_hsa_id:
        what = f"The file is of the register {hsa_id}; this register is {expected_hsa_id}."
        mend = "Import the file of this register, or correct [organization] hsa_id in the settings."
        findings.add(ImportFinding("VIS-03", "error", FIRST_ROW, columns[0], what, mend))
    return Instruction(mode, hsa_id)


def _without_empty_rows(cells: pl.DataFrame, findings: Findings) -> pl.DataFrame:
    """VIS-28."""
    is_empty = pl.all_horizontal(pl.col(*COLUMNS).is_null())
    empty = cells.filter(is_empty)[ROW]
    if empty.len() == 0:
        return cells
    found = (
        ImportFinding("VIS-28", "warning", row, None, "The row is empty; it is passed over.", "Remove it.")
        for row in empty.head(10)
    )
    findings.extend(found, empty.len())
    return cells.filter(~is_empty)


def _kept(typed: pl.DataFrame) -> pl.DataFrame:
    """Give the columns that are kept of a batch, in few bytes."""
    kind = (
        pl.when(pl.col("ReasonCode").is_not_null())
        .then(pl.lit("missing"))
        .when(pl.col("Rate").is_not_null())
        .then(pl.lit("proportion"))
        .when(pl.col("Cohort").is_not_null())
        .then(pl.lit("cohort"))
        .otherwise(pl.lit("continuous"))
    )
    is_rate = pl.col("kind") == "proportion"
    has_value = pl.col("kind") != "missing"
    spread = [pl.lit(10.0).pow(-decimals(name).cast(pl.Float64)) / 2 for name in _INTERVAL]
    value_decimals = pl.max_horizontal(decimals(name) for name in ("Rate", "Value", "Cohort"))
    spread.append(pl.lit(10.0).pow(-value_decimals.cast(pl.Float64)))
    numbers = {
        "value": pl.coalesce("rate", "cohort", "value"),
        "numerator": pl.when(is_rate).then(pl.col("numerator")),
        "denominator": pl.when(is_rate)
        .then(pl.col("denominator"))
        .when(pl.col("kind") == "continuous")
        .then("population"),
        "interval_low": pl.col("interval_low"),
        "interval_high": pl.col("interval_high"),
        "standard_deviation": pl.col("standard_deviation"),
        "coverage": pl.col("coverage"),
        "exclusions": pl.col("exclusions"),
        "reference_value": pl.when(is_rate).then("reference_rate").otherwise("reference_value"),
    }
    return typed.with_columns(kind=kind.cast(KIND)).select(
        ROW,
        pl.col("MeasureID").cast(pl.Categorical),
        VERSION,
        "start",
        "end",
        pl.col(IDENTITY).cast(pl.Categorical),
        "kind",
        *(pl.when(has_value).then(number).alias(name) for name, number in numbers.items()),
        pl.col("ReasonCode").cast(pl.Categorical).alias("reason_code"),
        pl.sum_horizontal(spread).cast(pl.Float32).alias("interval_spread"),
    )


_INTERVAL = ("ConfidenceIntervalLower", "ConfidenceIntervalHigher")
