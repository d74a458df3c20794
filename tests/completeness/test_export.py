"""VIS file out: byte-stable, and importing it gives the same register."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from gateway.demo_data import write_demo_file
from producer.register import Register, open_register
from producer.register.export import register_rows
from producer.register.importer import import_vis
from producer.register.vis.writing import write_vis

TODAY = date(2026, 6, 30)


def exported(register: Register, path: Path) -> bytes:
    hsa_id, rows = register_rows(register)
    write_vis(path, rows, mode="DELETE", hsa_id=hsa_id)
    return path.read_bytes()


def test_exported_register_imports_to_the_same_register(tmp_path: Path) -> None:
    demo = write_demo_file(tmp_path / "demo.csv")
    with open_register(f"sqlite:///{tmp_path}/a.db", create=True) as first:
        before = import_vis(first, demo.path, today=TODAY)
        bytes_of_first = exported(first, tmp_path / "first.csv")
        again = import_vis(first, tmp_path / "first.csv", today=TODAY)
    assert (again.unchanged, again.changed_groups) == (before.rows, 0)
    with open_register(f"sqlite:///{tmp_path}/b.db", create=True) as second:
        import_vis(second, tmp_path / "first.csv", today=TODAY)
        assert exported(second, tmp_path / "second.csv") == bytes_of_first


def test_numbers_that_could_be_thousands_come_back(tmp_path: Path) -> None:
    row = {
        "RegionOrganisationId": "13",
        "RegionName": "Halland",
        "PeriodReportedStartDate": "2025-01-01",
        "PeriodReportedEndDate": "2025-12-31",
        "MeasureID": "m",
        "CountryName": "Riket",
        "Version": "1",
        "RegisterHSAID": "SE9990001112-DEMOREG",
        "RegisterNamn": "Demoregistret",
        "Value": "12.3450",
        "Standarddeviation": "0.00000012",
        "Measurepopulation": "1190",
    }
    from producer.register.vis.columns import COLUMNS

    lines = [";".join(COLUMNS), "DELETE_EXISTING_DATA_FOR_REGISTER_HSAID:SE9990001112-DEMOREG" + ";" * 29]
    lines.append(";".join(row.get(name, "") for name in COLUMNS))
    file = tmp_path / "in.csv"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    with open_register(f"sqlite:///{tmp_path}/a.db", create=True) as register:
        import_vis(register, file, today=TODAY)
        text = exported(register, tmp_path / "out.csv").decode()
        assert ";12.3450;" in text
        assert ";0.00000012;" in text
        assert import_vis(register, tmp_path / "out.csv", today=TODAY).unchanged == 1
