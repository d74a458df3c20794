"""Empty forms with explanations and example rows, as CSV, XLSX or TOML, for teams that start from a spreadsheet.

The examples are invented; they go through import as they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Literal, get_args

import polars as pl

from contracts.catalogue.own_form import FIELDS
from contracts.errors import UsageError
from producer.calculation.counts import COLUMNS as COUNT_COLUMNS
from producer.organizations.reading import COLUMNS as ORGANIZATION_COLUMNS
from producer.register.distributed.columns import COLUMNS as DISTRIBUTED_COLUMNS
from producer.register.vis.columns import COLUMNS as VIS_COLUMNS
from producer.register.vis.explanations import VIS_EXPLANATIONS

Form = Literal["catalogue", "organizations", "counts", "vis", "distributed"]
FORMS: Final[tuple[Form, ...]] = get_args(Form)
_EXAMPLE_ID: Final = "99001"
_HSA: Final = "SE9990001112"
_UNIT: Final = {
    "measure_id": _EXAMPLE_ID,
    "version": "1",
    "period_start": "2025-01-01",
    "period_end": "2025-12-31",
    "unit_hsa_id": f"{_HSA}-E0001",
    "unit_name": "Demovårdcentralen Ett",
    "kommun": "1380",
}
_MEAN: Final = {"part": "value", "kind": "continuous"}
_EXAMPLES: Final[Mapping[Form, Sequence[Mapping[str, str]]]] = {
    "catalogue": [
        {
            "measure_id": _EXAMPLE_ID,
            "version": "1",
            "title": "Andel patienter som fått återbesök",
            "unit_type": "Andel",
            "frequencies": "År, Kvartal",
            "levels": "Riksnivå, Länsnivå, Kommunnivå, Vårdenhet",
            "threshold": "15",
            "sought_value": "Högt",
            "open_data": "true",
            "men": "99002",
            "women": "99003",
            "numerator_definition": "Patienter med återbesök inom ett år",
            "denominator_definition": "Alla patienter med diagnosen",
        }
    ],
    "organizations": [
        {"organization_type": "Vardenhet", "id": f"{_HSA}-E0001", "name": "Demovårdcentralen Ett", "kommun": "1380"},
        {"organization_type": "Vardenhet", "id": f"{_HSA}-E0002", "name": "Demovårdcentralen Två", "kommun": "1380"},
        {"organization_type": "Sjukhus", "id": f"{_HSA}-S0001", "name": "Demosjukhuset", "lan": "13"},
        {
            "organization_type": "Vardenhet",
            "id": f"{_HSA}-E0003",
            "name": "Demokliniken",
            "parent": f"{_HSA}-S0001",
            "kommun": "1382",
        },
    ],
    "counts": [
        {
            "measure_id": _EXAMPLE_ID,
            "unit": f"{_HSA}-E000{unit}",
            "period_start": f"2025-{3 * quarter + 1:02}-01",
            "period_end": f"2025-{3 * quarter + 3:02}-{(31, 30, 30, 31)[quarter]}",
            "sex": sex,
            "numerator": str((30, 25, 4)[unit - 1] + 2 * quarter + int(sex)),
            "denominator": str((53, 41, 8)[unit - 1] + 2 * quarter + int(sex)),
        }
        for unit in (1, 2, 3)
        for quarter in range(4)
        for sex in ("1", "2")
    ],
    "vis": [
        {VIS_COLUMNS[0]: f"DELETE_EXISTING_DATA_FOR_REGISTER_HSAID:{_HSA}-DEMOREG"},
        {
            "Numerator": "912",
            "Rate": "0.7664",
            "Denominator": "1190",
            "RegionOrganisationId": "13",
            "RegionName": "Halland",
            "PeriodReportedStartDate": "2025-01-01",
            "PeriodReportedEndDate": "2025-12-31",
            "MeasureID": _EXAMPLE_ID,
            "CountryName": "Riket",
            "Version": "1",
            "RegisterHSAID": f"{_HSA}-DEMOREG",
            "RegisterNamn": "Demoregistret",
        },
    ],
    "distributed": [
        _UNIT | _MEAN | {"value": "52.4", "denominator": "118", "population": "125", "missing_count": "7"},
        _UNIT | {"part": "class", "class_id": "1", "label": "under 52", "high": "52", "count": "64"},
        _UNIT | {"part": "class", "class_id": "2", "label": "52-69", "low": "52", "high": "70", "count": "45"},
        _UNIT | {"part": "class", "class_id": "3", "label": "70 eller mer", "low": "70", "count": "9"},
        _UNIT | {"part": "percentile", "level": "50", "value": "51"},
        _UNIT | {"part": "percentile", "level": "90", "value": "67"},
        _UNIT | _MEAN | {"sex": "1", "value": "53.1", "denominator": "60"},
        _UNIT | _MEAN | {"sex": "2", "value": "51.7", "denominator": "58"},
        _UNIT | {"age_high": "44", "part": "value", "kind": "missing", "reason_code": "MSK"},
        _UNIT | {"age_low": "45", "age_high": "64", "part": "value", "kind": "missing", "reason_code": "MSK"},
        _UNIT | _MEAN | {"age_low": "65", "value": "51.9", "denominator": "71"},
    ],
}


def columns_of(form: Form) -> Mapping[str, str]:
    """Give the columns of a form, each with what to write in it."""
    known: dict[Form, Mapping[str, str]] = {
        "catalogue": FIELDS,
        "organizations": ORGANIZATION_COLUMNS,
        "counts": COUNT_COLUMNS,
        "vis": VIS_EXPLANATIONS,
        "distributed": DISTRIBUTED_COLUMNS,
    }
    return known[form]


def write_template(form: Form, path: Path) -> None:
    """Write a form by the suffix of ``path``: .csv, .xlsx, or .toml for the catalogue; never over an existing file.

    Raises UsageError.
    """
    if path.exists():
        raise UsageError(f"{path} exists already. Name another file, or move it away first.")
    suffix = path.suffix.lower()
    if suffix == ".xlsx":
        _write_workbook(form, path)
    elif suffix == ".csv":
        _frame(form).write_csv(path, separator=";")
    elif suffix == ".toml" and form == "catalogue":
        path.write_text(_toml(), encoding="utf-8")
    else:
        raise UsageError(f"A template of {form} is written as .csv or .xlsx{', or .toml' * (form == 'catalogue')}.")


def _frame(form: Form) -> pl.DataFrame:
    rows = [[row.get(name) for name in columns_of(form)] for row in _EXAMPLES[form]]
    return pl.DataFrame(rows, schema=dict.fromkeys(columns_of(form), pl.String), orient="row")


def _write_workbook(form: Form, path: Path) -> None:
    """Write the table in the first sheet, all cells as text, and the explanations in a second one."""
    import xlsxwriter

    explained = pl.DataFrame(
        list(columns_of(form).items()), schema={"Column": pl.String, "What to write": pl.String}, orient="row"
    )
    with xlsxwriter.Workbook(path, {"strings_to_numbers": False}) as workbook:
        text, wrapped = (
            workbook.add_format({"num_format": "@"}),
            workbook.add_format({"text_wrap": True, "valign": "top"}),
        )
        table = workbook.add_worksheet(form.capitalize())
        # Text, so that Excel leaves codes such as 01 and dates as they are written.
        table.set_column(0, len(columns_of(form)) - 1, 18, text)
        _frame(form).write_excel(workbook, table, autofilter=False)
        for position, meaning in enumerate(columns_of(form).values()):
            table.write_comment(0, position, meaning)
        table.freeze_panes(1, 0)
        help_ = workbook.add_worksheet("Explanations")
        explained.write_excel(workbook, help_, autofilter=False)
        help_.set_column(0, 0, 28)
        help_.set_column(1, 1, 100, wrapped)


def _toml() -> str:
    lines = ["# One [[measure]] for each indicator. Fields:"]
    lines += [f"#   {name}: {meaning}" for name, meaning in FIELDS.items()]
    for row in _EXAMPLES["catalogue"]:
        lines += ["", "[[measure]]"]
        for name, text in row.items():
            is_list = name in ("frequencies", "levels")
            items = ", ".join(f'"{part.strip()}"' for part in text.split(","))
            is_bare = name in ("version", "threshold", "open_data")
            lines.append(f"{name} = [{items}]" if is_list else f"{name} = {text}" if is_bare else f'{name} = "{text}"')
    return "\n".join(lines) + "\n"
