"""Publishing per version: what it cannot name is left out, what it writes of the catalogue is written."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from golden.messages import HEAD, LAN, REGION, SOURCE, YEAR
from sqlalchemy import func, select

from contracts.checksum import SliceKey
from contracts.codes import OID_MEASURE
from contracts.messages.quality_indicators_1 import version_dependent_id
from contracts.messages.reader import ReportReader
from contracts.model import II, ContinuousVariableMeasure, MeasureDefinition, Measurement
from contracts.registry import CONTRACTS, ServiceContract
from gateway.demo_data import write_demo_file
from producer.register import Register, open_register, publish
from producer.register.importer import import_vis
from producer.register.rendering import RENDERER, Definitions, Directory, GroupRenderer
from producer.register.tables import slice_

V1, V2, V3 = (CONTRACTS[f"GetQualityIndicators:{major}"] for major in (1, 2, 3))
KEY = SliceKey("A1", 3, YEAR)
MEDIAN = MeasureDefinition(
    "A1", 3, "continuous", unit="d", method="MEDIAN", version_id="0d4f6c1e-0000-4000-8000-0000000000b3"
)
#: organisation, source, kind, value, numerator, denominator, low, high, deviation, coverage, exclusions, reference,
#: reason, first and last observation.
VALUE = (1, 1, "continuous", 34.5, None, 40.0, *[None] * 9)
OF_REGION = (2, *VALUE[1:])


def directory(definitions: Definitions | None = None) -> Directory:
    made = Directory.__new__(Directory)
    made.organizations = {1: LAN, 2: REGION}
    made.rank = {1: 0, 2: 1}
    made.sources = {1: SOURCE}
    made.definitions = definitions or {}
    return made


def rendered(
    contract: ServiceContract, *rows: tuple[object, ...], definitions: Definitions | None = None
) -> list[Measurement]:
    """Render a group and read it back."""
    renderer = GroupRenderer(contract.codec, directory(definitions))
    made = renderer.render(KEY, rows)
    if made is None:
        return []
    plain = zlib.decompressobj(-15).decompress(made.content)
    reader = ReportReader(contract.codec, contract=contract)
    found = list(reader.feed(contract.codec.answer_prefix(HEAD) + plain + contract.codec.answer_suffix()))
    reader.close()
    assert len(found) == made.measurement_count
    return found


def test_a_region_is_left_out_of_version_1_alone() -> None:
    assert [one.performing_organization for one in rendered(V1, VALUE, OF_REGION)] == [LAN]
    assert [one.performing_organization for one in rendered(V2, VALUE, OF_REGION)] == [LAN, REGION]
    assert rendered(V1, OF_REGION) == []


def test_version_1_writes_what_the_catalogue_says() -> None:
    (plain,) = rendered(V1, VALUE)
    assert plain.measure == ContinuousVariableMeasure(34.5, 40.0, method="AVERAGE")
    (told,) = rendered(V1, VALUE, definitions={"A1": MEDIAN})
    assert told.measure == ContinuousVariableMeasure(34.5, 40.0, unit="d", method="MEDIAN")
    assert told.measure_id_version_dependent == II("0d4f6c1e-0000-4000-8000-0000000000b3")


def test_the_id_of_another_version_of_the_definition_is_not_this_ones() -> None:
    (told,) = rendered(V1, VALUE, definitions={"A1": replace(MEDIAN, version_number=4)})
    assert told.measure == ContinuousVariableMeasure(34.5, 40.0, unit="d", method="MEDIAN")
    assert told.measure_id_version_dependent is None
    assert version_dependent_id(II(OID_MEASURE, "A1"), 3) != II(MEDIAN.version_id or "")


def test_the_catalogue_renews_only_what_is_written_with_it() -> None:
    def name(contract: ServiceContract, definitions: Definitions) -> str:
        return GroupRenderer(contract.codec, directory(definitions)).name

    other = replace(MEDIAN, unit="h")
    names = [name(V1, {}), name(V1, {"A1": MEDIAN}), name(V1, {"A1": other})]
    assert len(set(names)) == 3
    assert names[0] == name(V2, {"A1": MEDIAN}) == name(V2, {"A1": other}) == RENDERER
    assert name(V1, {"A1": MEDIAN}) == name(V1, {"A1": replace(MEDIAN, title="Other title", display_threshold=5.0)})


@pytest.fixture(scope="module")
def register(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Register]:
    folder: Path = tmp_path_factory.mktemp("register")
    demo = write_demo_file(folder / "demo.csv")
    with open_register(f"sqlite:///{folder / 'register.db'}", create=True) as opened:
        import_vis(opened, demo.path)
        yield opened


def test_versions_come_and_go_without_touching_each_other(register: Register) -> None:
    def stored() -> dict[str, int]:
        with register.reading() as connection:
            counted = select(slice_.c.rendering, func.count()).group_by(slice_.c.rendering)
            return {row.rendering: row[1] for row in connection.execute(counted)}

    only = publish(register, [V2])
    (of_2,) = only.publication.contracts
    assert stored() == {V2.id: of_2.slice_count}

    shared = publish(register, [V2, V3])
    assert (shared.is_new, shared.rendered_slices) == (False, 0)
    assert stored() == {V2.id: of_2.slice_count}

    every = publish(register, [V1, V2, V3])
    of_1, again = every.publication.contracts
    assert every.rendered_slices == every.changed_slices == of_1.slice_count
    assert again == of_2
    assert of_1.measurement_count == of_2.measurement_count

    measure_id = "no such indicator"
    told = publish(register, [V1, V2, V3], definitions={measure_id: replace(MEDIAN, measure_id=measure_id)})
    assert (told.rendered_slices, told.changed_slices) == (of_1.slice_count, 0)

    without = publish(register, [V2])
    assert [part.rendering for part in without.publication.contracts] == [V2.id]
    assert without.changed_slices == of_1.slice_count
