"""VIS files for tests: rows as dictionaries of the 30 columns, written as CSV or XLSX."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import xlsxwriter

from producer.register.vis.columns import COLUMNS

HSA_ID = "SE9990001112-DEMOREG"
NAME = "Demoregistret för fotvård"
Row = dict[str, str]


def row(**cells: str) -> Row:
    """A proportion of region Halland for 2025; keywords replace cells, an empty text clears one."""
    return {
        "RegionOrganisationId": "13",
        "RegionName": "Halland",
        "Numerator": "912",
        "Rate": "0.7664",
        "Denominator": "1190",
        "PeriodReportedStartDate": "2025-01-01",
        "PeriodReportedEndDate": "2025-12-31",
        "MeasureID": "measure-a",
        "CountryName": "Riket",
        "Version": "3",
        "RegisterHSAID": HSA_ID,
        "RegisterNamn": NAME,
        **cells,
    }


def nation(**cells: str) -> Row:
    return row(RegionOrganisationId="", RegionName="", **cells)


def unit(number: int = 1, **cells: str) -> Row:
    return row(
        **{"UnitHSAID": f"SE9990001112-E{number:04}", "UnitName": f"Demovårdcentralen {number}", **cells},
    )


def hospital(**cells: str) -> Row:
    return row(**{"HospitalHSAID": "SE9990001112-S0001", "HospitalName": "Demosjukhuset", **cells})


def value(**cells: str) -> Row:
    """A mean of region Halland."""
    return row(**{"Rate": "", "Numerator": "", "Denominator": "", "MeasureID": "measure-v", "Value": "34.5", **cells})


def missing(reason: str, **cells: str) -> Row:
    return row(**{"Rate": "", "Numerator": "", "Denominator": "", "ReasonCode": reason, **cells})


def instruction(mode: str = "DELETE", hsa_id: str = HSA_ID) -> str:
    return f"{mode}_EXISTING_DATA_FOR_REGISTER_HSAID:{hsa_id}"


def table(rows: Sequence[Row], *, mode: str = "DELETE", columns: Sequence[str] = COLUMNS) -> list[list[str]]:
    """Header, instruction and rows as cells."""
    first = [instruction(mode), *[""] * (len(columns) - 1)]
    return [list(columns), first, *([cells.get(name, "") for name in columns] for cells in rows)]


def write_csv(
    path: Path,
    rows: Sequence[Row],
    *,
    mode: str = "DELETE",
    columns: Sequence[str] = COLUMNS,
    delimiter: str = ";",
    encoding: str = "utf-8",
) -> Path:
    with path.open("w", encoding=encoding, newline="") as stream:
        csv.writer(stream, delimiter=delimiter).writerows(table(rows, mode=mode, columns=columns))
    return path


def write_xlsx(path: Path, cells: Sequence[Sequence[object]]) -> Path:
    with xlsxwriter.Workbook(path, {"default_date_format": "yyyy-mm-dd"}) as workbook:
        sheet = workbook.add_worksheet()
        for number, line in enumerate(cells):
            sheet.write_row(number, 0, line)
    return path
