"""Reading of VIS files: encodings, delimiters, workbooks, forms of numbers, and files that are broken (G09)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path

import polars as pl
import pytest
from vis_file import HSA_ID, Row, instruction, row, table, unit, value, write_csv, write_xlsx

from contracts.errors import DataError
from producer.register.vis.columns import COLUMNS
from producer.register.vis.table import ReadOptions, VisTable, read_vis

OPTIONS = ReadOptions(HSA_ID, date(2026, 6, 30))
ROWS = [row(), unit(UnitName="Vårdcentralen Blåmusslan; Öst")]


def _read(path: Path) -> VisTable:
    return read_vis(path, OPTIONS)


def _rules(path: Path) -> list[tuple[str, int | None]]:
    return [(finding.rule, finding.row) for finding in _read(path).findings.kept()]


@pytest.mark.parametrize("delimiter", [";", ",", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_encodings_and_delimiters_are_found_out(tmp_path: Path, encoding: str, delimiter: str) -> None:
    path = write_csv(tmp_path / "file.csv", ROWS, encoding=encoding, delimiter=delimiter)
    found = _read(path)
    assert found.findings.kept() == []
    assert found.organizations["UnitName"][1] == "Vårdcentralen Blåmusslan; Öst"
    assert found.rows["value"].to_list() == [0.7664, 0.7664]


def test_decimal_comma_gives_the_same_numbers_as_point(tmp_path: Path) -> None:
    with_comma = [{name: cell.replace("0.", "0,") for name, cell in cells.items()} for cells in ROWS]
    comma = _read(write_csv(tmp_path / "comma.csv", with_comma))
    point = _read(write_csv(tmp_path / "point.csv", ROWS))
    assert comma.findings.kept() == []
    assert comma.rows.equals(point.rows)


def test_columns_may_stand_in_any_order(tmp_path: Path) -> None:
    turned = _read(write_csv(tmp_path / "turned.csv", ROWS, columns=COLUMNS[::-1]))
    assert turned.findings.kept() == []
    assert turned.rows.equals(_read(write_csv(tmp_path / "straight.csv", ROWS)).rows)


def test_blanks_around_cells_are_not_part_of_them(tmp_path: Path) -> None:
    padded = [{name: f" {cell}\u00a0" for name, cell in cells.items()} for cells in ROWS]
    found = _read(write_csv(tmp_path / "padded.csv", padded))
    assert found.findings.kept() == []
    assert found.organizations["UnitHSAID"][1] == "SE9990001112-E0001"


def test_row_numbers_are_those_of_excel_also_after_line_breaks_in_cells(tmp_path: Path) -> None:
    rows = [unit(UnitName="Two\nlines"), row(CountryName="Norge"), {}, row(MeasureID="b", CountryName="Norge")]
    assert _rules(write_csv(tmp_path / "file.csv", rows)) == [
        ("VIS-27", 3),
        ("VIS-11", 4),
        ("VIS-11", 6),
        ("VIS-28", 5),
    ]


def test_row_numbers_continue_over_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("producer.register.vis.reading._BATCH_ROWS", 100)
    rows = [unit(number) for number in range(1, 1001)]
    rows[777]["Version"] = ""
    assert _rules(write_csv(tmp_path / "file.csv", rows)) == [("VIS-12", 780)]


def test_numbers_of_three_decimals_need_a_sure_decimal_sign(tmp_path: Path) -> None:
    doubtful = value(Value="34,500")
    assert _rules(write_csv(tmp_path / "doubtful.csv", [doubtful])) == [("VIS-16", 3)]
    rows = [doubtful, value(MeasureID="w", Value="12,5")]
    assert _rules(write_csv(tmp_path / "sure.csv", rows)) == []
    rows = [doubtful, value(MeasureID="w", Value="12.5")]
    assert _rules(write_csv(tmp_path / "other.csv", rows)) == [("VIS-16", 3)]
    assert _rules(write_csv(tmp_path / "point.csv", [value(Value="34.500")])) == []
    rows = [value(Value="34.500"), value(MeasureID="w", Value="12,5")]
    assert _rules(write_csv(tmp_path / "both.csv", rows)) == [("VIS-16", 4)]


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        (COLUMNS[:-1], "missing: ReasonCode"),
        ((*COLUMNS, "Extra"), "do not belong there: Extra"),
        (("MeasureId" if name == "MeasureID" else name for name in COLUMNS), "missing: MeasureID"),
        ((*COLUMNS, "Rate"), "stand twice: Rate"),
        (("a", "b"), "do not belong there: a, b"),
    ],
)
def test_wrong_columns_are_named_and_stop_the_reading(tmp_path: Path, columns: Sequence[str], says: str) -> None:
    found = _read(write_csv(tmp_path / "file.csv", [row(CountryName="Norge")], columns=tuple(columns)))
    findings = found.findings.kept()
    assert {finding.rule for finding in findings} == {"VIS-01"}
    assert says in " ".join(finding.what for finding in findings)


@pytest.mark.parametrize(
    ("first", "says"),
    [
        ("", "empty"),
        ("KEEP", "'KEEP'"),
        ("UPDATE_EXISTING_DATA_FOR_REGISTER_HSAID:SE9990001112-DEMOREG", "first cell"),
        ("KEEP_EXISTING_DATA_FOR_REGISTER_HSAID:", "no HSA-id"),
        ("KEEP_EXISTING_DATA_FOR_REGISTER_HSAID:4711", "4711"),
    ],
)
def test_a_wrong_instruction_is_named(tmp_path: Path, first: str, says: str) -> None:
    path = tmp_path / "file.csv"
    cells = table([row()])
    cells[1][0] = first
    path.write_text("\n".join(";".join(line) for line in cells), encoding="utf-8")
    found = [finding for finding in _read(path).findings.kept() if finding.rule == "VIS-02"]
    assert [finding.row for finding in found] == [2]
    assert says in found[0].what


def test_the_instruction_must_stand_in_the_first_column(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    cells = table([row()])
    cells[1][0], cells[1][5] = "", instruction()
    path.write_text("\n".join(";".join(line) for line in cells), encoding="utf-8")
    assert _rules(path) == [("VIS-02", 2)]


def test_other_cells_of_the_instruction_row_must_be_empty(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    cells = table([row()])
    cells[1][7] = "x"
    path.write_text("\n".join(";".join(line) for line in cells), encoding="utf-8")
    assert _rules(path) == [("VIS-02", 2)]


def test_a_workbook_gives_the_same_as_the_csv(tmp_path: Path) -> None:
    cells: list[list[object]] = [list(line) for line in table(ROWS)]
    numbers = {COLUMNS.index(name) for name in ("Rate", "Numerator", "Denominator", "Version")}
    dates = {COLUMNS.index(name) for name in ("PeriodReportedStartDate", "PeriodReportedEndDate")}
    for line in cells[2:]:
        for index in numbers:
            line[index] = float(str(line[index]))
        for index in dates:
            line[index] = datetime.fromisoformat(str(line[index]))
    workbook = _read(write_xlsx(tmp_path / "file.xlsx", cells))
    assert workbook.findings.kept() == []
    assert workbook.rows.equals(_read(write_csv(tmp_path / "file.csv", ROWS)).rows)


def test_a_workbook_is_known_by_its_content_not_its_name(tmp_path: Path) -> None:
    assert _rules(write_xlsx(tmp_path / "file.csv", table(ROWS))) == []


def test_a_code_that_lost_its_zero_in_excel_is_explained(tmp_path: Path) -> None:
    cells: list[list[object]] = [list(line) for line in table([row(RegionOrganisationId="01", RegionName="Stockholm")])]
    cells[2][0] = 1
    finding = _read(write_xlsx(tmp_path / "file.xlsx", cells)).findings.kept()[0]
    assert (finding.rule, finding.row) == ("VIS-26", 3)
    assert "Write 01" in finding.mend


def _broken(tmp_path: Path, content: bytes) -> str:
    path = tmp_path / "file.csv"
    path.write_bytes(content)
    with pytest.raises(DataError) as refused:
        _read(path)
    return refused.value.message


def _text(rows: list[Row]) -> str:
    return "\n".join(";".join(line) for line in table(rows)) + "\n"


GOOD_TEXT = _text([row()])


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (";".join(COLUMNS).encode(), "no rows"),
        ("\n".join(GOOD_TEXT.split("\n")[:2]).encode() + b"\n", "no rows"),
        (GOOD_TEXT.encode().replace(b"Halland", b"Hal\0and"), "NUL"),
        (GOOD_TEXT.encode("utf-16"), "UTF-16"),
        (GOOD_TEXT.encode().replace(b"Halland", b"Hall\x81and"), "neither UTF-8 nor Windows-1252"),
        (GOOD_TEXT.encode()[:-60], "middle of a row"),
        (GOOD_TEXT.replace("Halland", 'Hal"land').encode(), "quotation mark"),
        (GOOD_TEXT.replace("Halland", '"Halland').encode(), "quotation mark"),
        (GOOD_TEXT.replace("Halland", "Hal;land").encode(), "Row 3"),
        (b"PK\x03\x04 no workbook at all", "cut off"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"x" * 600, "old or encrypted"),
        (b"x" * 100_000, "first line"),
    ],
)
def test_a_broken_file_is_refused_with_what_to_do(tmp_path: Path, content: bytes, says: str) -> None:
    assert says in _broken(tmp_path, content)


def test_a_truncated_workbook_is_refused(tmp_path: Path) -> None:
    whole = write_xlsx(tmp_path / "whole.xlsx", table(ROWS)).read_bytes()
    assert "cut off" in _broken(tmp_path, whole[: len(whole) // 2])


def test_a_damaged_workbook_is_refused(tmp_path: Path) -> None:
    whole = write_xlsx(tmp_path / "whole.xlsx", table(ROWS)).read_bytes()
    assert "Excel workbook" in _broken(tmp_path, whole.replace(b"xl/workbook.xml", b"xl/workbook.xmk"))


def test_an_empty_workbook_is_refused(tmp_path: Path) -> None:
    whole = write_xlsx(tmp_path / "whole.xlsx", []).read_bytes()
    assert "empty" in _broken(tmp_path, whole)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no file"):
        _read(tmp_path / "none.csv")
    with pytest.raises(DataError, match="folder"):
        _read(tmp_path)


def test_temporary_copies_are_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    assert _rules(write_csv(tmp_path / "file.csv", ROWS, encoding="cp1252")) == []
    assert "neither UTF-8" in _broken(tmp_path, GOOD_TEXT.encode().replace(b"Halland", b"Hall\x81and"))
    assert list((tmp_path / "temporary").iterdir()) == []


def test_reading_keeps_no_text_of_the_rows(tmp_path: Path) -> None:
    found = _read(write_csv(tmp_path / "file.csv", [unit(number) for number in range(1, 2001)]))
    assert pl.String not in found.rows.schema.values()
    assert found.rows.estimated_size() / found.rows.height < 200
