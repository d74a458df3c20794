"""The routing catalogue: file, checks, imports, search, life cycle (platform reference 3)."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import ConfigurationError, DataError
from router.catalogue import (
    Catalogue,
    CatalogueStore,
    CatalogueTime,
    FaultRule,
    HsaUnit,
    Permission,
    RefreshStatus,
    Route,
    RoutingTable,
    Validity,
    read_catalogue,
    write_catalogue,
)
from router.catalogue.check import check_catalogue
from router.catalogue.hsa_tree import HsaTree, read_hsa_files
from router.catalogue.order_file import apply_order
from router.catalogue.tak_dump import read_dump
from router.explain import explain
from router.settings import RoutingSettings

CONTRACT = "urn:riv:example:router:GetExampleResponder:1"
STOCKHOLM = ZoneInfo("Europe/Stockholm")
ANY_TIME = datetime(2026, 6, 1, tzinfo=UTC).timestamp()


def at(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def table(catalogue: Catalogue, **settings: object) -> RoutingTable:
    return RoutingTable(catalogue, RoutingSettings(**settings), STOCKHOLM)  # type: ignore[arg-type]


def route(receiver: str, address: str = "https://producer.test/x", validity: Validity | None = None) -> Route:
    return Route(receiver, CONTRACT, "RIVTABP21", address, validity or Validity())


_texts = st.text(
    alphabet=st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=20
).filter(lambda text: text.strip() != "")
_times = st.none() | st.builds(
    CatalogueTime.of,
    st.dates(date(1900, 1, 1), date(2500, 1, 1))
    | st.datetimes(datetime(1900, 1, 1), datetime(2500, 1, 1), timezones=st.just(UTC) | st.none()),  # noqa: DTZ001
)
_validities = st.builds(Validity, _times, _times).filter(lambda one: one.window(None)[0] <= one.window(None)[1])


@given(
    st.builds(
        Catalogue,
        st.lists(st.builds(Route, _texts, _texts, _texts, st.just("") | _texts, _validities), max_size=4).map(tuple),
        st.lists(st.builds(Permission, _texts, _texts, _texts, _validities), max_size=4).map(tuple),
        st.lists(st.builds(HsaUnit, _texts, _texts), max_size=4, unique_by=lambda unit: unit.hsa_id).map(tuple),
    )
)
def test_written_catalogue_reads_back_the_same(tmp_path_factory: pytest.TempPathFactory, catalogue: Catalogue) -> None:
    path = tmp_path_factory.getbasetemp() / "round-trip.toml"
    write_catalogue(path, catalogue)
    assert read_catalogue(path) == catalogue


def test_faults_are_written_and_read(tmp_path: Path) -> None:
    faults = (
        FaultRule("delay", receiver="A", delay_s=1.5),
        FaultRule("vp", sender="B", code="VP007"),
        FaultRule("truncate", contract=CONTRACT, after_bytes=100),
    )
    write_catalogue(tmp_path / "c.toml", Catalogue(faults=faults))
    assert read_catalogue(tmp_path / "c.toml").faults == faults


def test_every_problem_of_a_file_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text(
        """
unknown = 1
hsa_files = ["missing.xml"]
[[routes]]
receiver = ""
contract = 5
adress = "x"
valid_from = "2026-01-01"
[[permissions]]
sender = "A"
receiver = "B"
contract = "C"
valid_from = 2027-01-01
valid_to = 2026-01-01
[[hsa_units]]
hsa_id = "U"
parent = "V"
[[hsa_units]]
hsa_id = "V"
parent = "U"
[[hsa_units]]
hsa_id = "V"
[[faults]]
action = "explode"
[[faults]]
action = "vp"
code = "VP099"
[[faults]]
action = "delay"
delay_s = -1
""",
        encoding="utf-8",
    )
    with pytest.raises(ConfigurationError) as caught:
        read_catalogue(tmp_path / "c.toml")
    told = "\n".join(caught.value.problems)
    for part in (
        "unknown is no part",
        "missing.xml",
        "routes 1: adress is no field",
        "routes 1: receiver is empty",
        "routes 1: contract must be a text",
        "routes 1: address is missing",
        "routes 1: valid_from must be a date",
        "permissions 1: valid_from is after valid_to",
        "hsa_units: V is given twice",
        "faults 1: action must be one of",
        "faults 2: action vp needs a code",
        "faults 3: delay_s must be a number",
    ):
        assert part in told


def test_circle_in_the_tree_is_told(tmp_path: Path) -> None:
    units = (HsaUnit("A", parent="B"), HsaUnit("B", parent="A"))
    write_catalogue(tmp_path / "c.toml", Catalogue(units=units))
    with pytest.raises(ConfigurationError) as caught:
        read_catalogue(tmp_path / "c.toml")
    assert "hsa_units: A is its own ancestor" in caught.value.problems
    assert list(HsaTree(units).ancestors("A")) == ["B", "SE"]


@pytest.mark.parametrize("text", ["not [toml", "routes = 5", 'routes = ["x"]'])
def test_file_that_is_no_catalogue_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "c.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError):
        read_catalogue(tmp_path / "c.toml")


@pytest.mark.parametrize(
    ("valid_to", "moment", "strict", "compat"),
    [
        # a date without zone: strict counts the whole Swedish day, the platform until 14:00 UTC of it
        (date(2026, 3, 10), "2026-03-10T13:59:59+00:00", True, True),
        (date(2026, 3, 10), "2026-03-10T14:00:01+00:00", True, False),
        (date(2026, 3, 10), "2026-03-10T22:59:59+00:00", True, False),
        (date(2026, 3, 10), "2026-03-10T23:00:00+00:00", False, False),
        # a time without zone: strict reads Swedish time to the second
        (datetime(2026, 3, 10, 12), "2026-03-10T11:00:00+00:00", True, True),  # noqa: DTZ001
        (datetime(2026, 3, 10, 12), "2026-03-10T11:00:01+00:00", False, True),  # noqa: DTZ001
        # with zone both are exact, the boundary second included
        (datetime(2026, 3, 10, 12, tzinfo=UTC), "2026-03-10T12:00:00+00:00", True, True),
        (datetime(2026, 3, 10, 12, tzinfo=UTC), "2026-03-10T12:00:01+00:00", False, False),
    ],
)
def test_last_moment_of_a_row(valid_to: date, moment: str, strict: bool, compat: bool) -> None:
    validity = Validity(None, CatalogueTime.of(valid_to))
    for zone, expected in ((STOCKHOLM, strict), (None, compat)):
        first, last = validity.window(zone)
        assert (first <= at(moment) <= last) is expected


@pytest.mark.parametrize(
    ("moment", "strict", "compat"),
    [
        ("2026-03-09T09:59:59+00:00", False, False),
        ("2026-03-09T10:00:00+00:00", False, True),
        ("2026-03-09T22:59:59+00:00", False, True),
        ("2026-03-09T23:00:00+00:00", True, True),
    ],
)
def test_first_moment_of_a_date_without_zone(moment: str, strict: bool, compat: bool) -> None:
    validity = Validity(CatalogueTime.of(date(2026, 3, 10)), None)
    assert (validity.window(STOCKHOLM)[0] <= at(moment)) is strict
    assert (validity.window(None)[0] <= at(moment)) is compat


def test_traces_are_those_of_the_platform() -> None:
    found = table(Catalogue((route("*"),), (Permission("S", "SE", CONTRACT),)))
    assert found.find_routes("X", CONTRACT, ANY_TIME).trace == "X,(parent),SE,(default),*"
    assert found.find_permissions("S", "X", CONTRACT, ANY_TIME).trace == "X,(default),*,(parent),SE"


def test_expired_rows_on_one_level_do_not_stop_the_climb() -> None:
    old = Validity(None, CatalogueTime.of(date(2020, 1, 1)))
    catalogue = Catalogue(
        (route("WARD", validity=old), route("REGION", "https://region.test/")), (), (HsaUnit("WARD", parent="REGION"),)
    )
    found = table(catalogue).find_routes("WARD", CONTRACT, ANY_TIME)
    assert [row.address for row in found.rows] == ["https://region.test/"]


def test_explanation_names_each_level_and_why_a_row_does_not_count() -> None:
    old, new = Validity(None, CatalogueTime.of(date(2020, 1, 1))), Validity(CatalogueTime.of(date(2120, 1, 1)), None)
    catalogue = Catalogue(
        (route("A", validity=old), route("*", "https://all.test/")),
        (Permission("S", "A", CONTRACT, new), Permission("S", "*", CONTRACT)),
    )
    found = explain(table(catalogue), "s", "a", CONTRACT, ANY_TIME)
    assert found.fault is None
    assert found.meaning == "goes to https://all.test/"
    assert [(level.receiver, level.marker, [row.verdict for row in level.rows]) for level in found.route_levels] == [
        ("a", "", ["expired"]),
        ("SE", "(parent)", []),
        ("*", "(default)", ["valid"]),
    ]
    assert [(level.receiver, [row.verdict for row in level.rows]) for level in found.permission_levels] == [
        ("a", ["not valid yet"]),
        ("*", ["valid"]),
    ]


@pytest.mark.parametrize(
    ("catalogue", "receiver", "fault"),
    [
        (Catalogue(), " ", "VP003"),
        (Catalogue(), "A", "VP004"),
        (Catalogue((route("A"), route("A"))), "A", "VP006"),
        (Catalogue((route("A", ""),)), "A", "VP010"),
        (Catalogue((route("A"),)), "A", "VP007"),
    ],
)
def test_explanation_gives_the_fault_of_the_call(catalogue: Catalogue, receiver: str, fault: str) -> None:
    found = explain(table(catalogue), "S", receiver, CONTRACT, ANY_TIME)
    assert found.fault == fault
    assert fault in found.meaning


def test_check_names_the_fault_that_a_row_leads_to() -> None:
    old = Validity(None, CatalogueTime.of(date(2020, 1, 1)))
    catalogue = Catalogue(
        (
            route("A"),
            route("A", "https://other.test/"),
            route("B", ""),
            route("C", "ftp://x/"),
            route("D", "https://[x/"),
            Route("E", CONTRACT, "RIVTABP22", "https://e.test/"),
            route("Å Ä", validity=old),
        ),
        (Permission("sender with blank", "*", "urn:other"),),
    )
    told = [f"{remark.where}: {remark.text}" for remark in check_catalogue(catalogue, STOCKHOLM, ANY_TIME)]
    for part in ("VP006", "VP010", "must begin with http", "is no URL", "VP005", "not valid any more", "no HSA-id has"):
        assert any(part in line for line in told), part
    assert check_catalogue(Catalogue(), STOCKHOLM, ANY_TIME)[0].where == "catalogue"


# --- imports ------------------------------------------------------------------------------------


def order(tmp_path: Path, **parts: object) -> Path:
    vagval = {
        "adress": "https://producer.test/x",
        "logiskAdress": "SE9990001112-A",
        "tjanstekontrakt": CONTRACT,
        "rivtaprofil": "RIVTABP21",
        "tjanstekomponent": "SE9990001112-P",
    }
    permission = {
        "logiskAdress": "SE9990001112-A",
        "tjanstekontrakt": CONTRACT,
        "tjanstekonsument": "SE9990001112-C",
    }
    body = {
        "plattform": "NTJP-TEST",
        "utforare": "test",
        "bestallningsTidpunkt": "2026-01-15",
        "genomforandeTidpunkt": "2026-02-01",
        "inkludera": {"vagval": [vagval], "anropsbehorigheter": [permission]},
        "exkludera": {},
        **parts,
    }
    path = tmp_path / "order.json"
    path.write_text(json.dumps(body), encoding="utf-8")
    return path


def test_order_adds_from_its_date_and_is_idempotent(tmp_path: Path) -> None:
    path = order(tmp_path)
    first = apply_order(path, Catalogue())
    assert (first.added, first.ended) == (2, 0)
    assert first.catalogue.routes == (
        Route(
            "SE9990001112-A",
            CONTRACT,
            "RIVTABP21",
            "https://producer.test/x",
            Validity(CatalogueTime(datetime(2026, 2, 1), is_date=True)),  # noqa: DTZ001
        ),
    )
    again = apply_order(path, first.catalogue)
    assert again.catalogue == first.catalogue
    assert again.remarks == ("2 row(s) to include are there already",)


def test_order_ends_what_it_excludes(tmp_path: Path) -> None:
    before = apply_order(order(tmp_path), Catalogue()).catalogue
    body = json.loads((tmp_path / "order.json").read_text(encoding="utf-8"))
    path = order(tmp_path, inkludera={}, exkludera=body["inkludera"], genomforandeTidpunkt="2026-09-01")
    outcome = apply_order(path, before)
    assert outcome.ended == 2
    assert str(outcome.catalogue.routes[0].validity.valid_to) == "2026-08-31"
    assert table(outcome.catalogue).find_routes("SE9990001112-A", CONTRACT, at("2026-09-01T00:00:01+02:00")).rows == ()
    assert apply_order(path, Catalogue()).remarks == ("2 row(s) to exclude are not in the catalogue",)


def test_order_problems_are_told_at_once(tmp_path: Path) -> None:
    path = order(
        tmp_path,
        plattform=None,
        genomforandeTidpunkt="soon",
        inkludera={"vagval": [{"adress": "x"}], "anropsbehorigheter": "no list", "extra": []},
        exkludera=[],
    )
    with pytest.raises(DataError) as caught:
        apply_order(path, Catalogue())
    for part in (
        "plattform is missing",
        "genomforandeTidpunkt must be a date",
        "inkludera.vagval number 1 lacks logiskAdress, tjanstekontrakt, rivtaprofil, tjanstekomponent",
        "inkludera.anropsbehorigheter must be a list",
        "inkludera.extra is no part",
        "exkludera must be an object",
    ):
        assert part in caught.value.message


@pytest.mark.parametrize("text", ["{", "[]", '"x"'])
def test_order_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "o.json").write_text(text, encoding="utf-8")
    with pytest.raises(DataError):
        apply_order(tmp_path / "o.json", Catalogue())


DUMP = """<?xml version="1.0"?>
<persistentCache>
  <virtualiseringsInfo><virtualiseringsInfoId>1</virtualiseringsInfoId><receiverId>A</receiverId>
    <rivProfil>RIVTABP21</rivProfil><tjansteKontrakt>urn:c</tjansteKontrakt>
    <fromTidpunkt>2013-01-01T00:00:00.000</fromTidpunkt><tomTidpunkt>2123-01-01T00:00:00.000+01:00</tomTidpunkt>
    <adress>https://a.test/</adress></virtualiseringsInfo>
  <anropsBehorighetsInfo><anropsBehorighetsInfoId>2</anropsBehorighetsInfoId><receiverId>A</receiverId>
    <senderId>S</senderId><tjansteKontrakt>urn:c</tjansteKontrakt></anropsBehorighetsInfo>
</persistentCache>"""
SOAP_DUMP = DUMP.replace("<persistentCache>", '<s:E xmlns:s="urn:s"><v:R xmlns:v="urn:v" xmlns="urn:v">').replace(
    "</persistentCache>", "</v:R></s:E>"
)


@pytest.mark.parametrize("text", [DUMP, SOAP_DUMP])
def test_dump_becomes_a_catalogue(tmp_path: Path, text: str) -> None:
    (tmp_path / "d.xml").write_text(text, encoding="utf-8")
    catalogue = read_dump([tmp_path / "d.xml"])
    assert [(row.receiver, row.profile, row.address) for row in catalogue.routes] == [
        ("A", "RIVTABP21", "https://a.test/")
    ]
    assert catalogue.permissions == (Permission("S", "A", "urn:c"),)
    validity = catalogue.routes[0].validity
    assert validity.valid_from is not None
    assert validity.valid_to is not None
    assert validity.valid_from.value.tzinfo is None
    assert validity.valid_to.value.utcoffset() is not None


@pytest.mark.parametrize(
    ("text", "part"),
    [
        (DUMP.replace("<receiverId>A</receiverId>", "", 1), "virtualiseringsInfo 1: receiverId is missing"),
        (DUMP.replace("2013-01-01T00:00:00.000", "long ago"), "fromTidpunkt is no date with time"),
        ("<empty/>", "no virtualiseringsInfo"),
        ("<broken", "not readable XML"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "not readable XML"),
    ],
)
def test_dump_with_problems_is_refused(tmp_path: Path, text: str, part: str) -> None:
    (tmp_path / "d.xml").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=part):
        read_dump([tmp_path / "d.xml"])


def hsa_file(path: Path, *units: tuple[str, str, str]) -> Path:
    rows = "".join(
        f"<hsaUnit><hsaIdentity>{hsa_id}</hsaIdentity><DN>{dn}</DN><name>{name}</name></hsaUnit>"
        for hsa_id, dn, name in units
    )
    path.write_text(f'<f xmlns="urn:riv:hsa:HsaWsResponder:3">{rows}</f>', encoding="utf-8")
    return path


def test_hsa_files_give_the_nearest_existing_ancestor(tmp_path: Path) -> None:
    first = hsa_file(
        tmp_path / "1.xml",
        ("REGION", "o=Region,c=SE", "Region"),
        ("WARD", "ou=Ward,ou=Clinic,o=Region,c=SE", "Ward"),
        ("NAMELESS", "ou=X,o=Region,c=SE", ""),
    )
    second = hsa_file(tmp_path / "2.xml", ("WARD2", "OU=Ward, OU=Clinic, O=Region, C=SE", "Ward, newer"))
    tree = HsaTree(read_hsa_files([first, second]))
    assert list(tree.ancestors("WARD2")) == ["REGION", "SE"]
    assert tree.parent_of("REGION") == "SE"
    assert tree.parent_of("ward2") == "SE"  # letter by letter
    assert len(tree) == 2


def test_catalogue_reads_hsa_files_beside_it(tmp_path: Path) -> None:
    hsa_file(tmp_path / "tree.xml", ("REGION", "o=Region,c=SE", "Region"), ("WARD", "ou=Ward,o=Region,c=SE", "Ward"))
    (tmp_path / "c.toml").write_text('hsa_files = ["tree.xml"]\n[[hsa_units]]\nhsa_id = "OWN"\n', encoding="utf-8")
    units = {unit.hsa_id: unit.parent for unit in read_catalogue(tmp_path / "c.toml").units}
    assert units == {"REGION": None, "WARD": "REGION", "OWN": None}


def test_dn_twice_in_one_file_is_refused(tmp_path: Path) -> None:
    path = hsa_file(tmp_path / "1.xml", ("A", "o=R,c=SE", "A"), ("B", "o=R,c=SE", "B"))
    with pytest.raises(DataError, match="twice"):
        read_hsa_files([path])


# --- life cycle ---------------------------------------------------------------------------------


def store(tmp_path: Path) -> CatalogueStore:
    return CatalogueStore(
        tmp_path / "c.toml",
        tmp_path / "kept.toml",
        routing=RoutingSettings(),
        zone=STOCKHOLM,
        all_or_nothing=True,
    )


def good_catalogue(address: str = "https://producer.test/x") -> Catalogue:
    return Catalogue((route("A", address),), (Permission("S", "A", CONTRACT),))


def test_change_of_the_file_is_taken_and_a_broken_one_is_not(tmp_path: Path) -> None:
    write_catalogue(tmp_path / "c.toml", good_catalogue())
    one = store(tmp_path)
    assert one.last_refresh.status is RefreshStatus.REFRESH_OK
    assert one.refresh_if_changed() is None
    write_catalogue(tmp_path / "c.toml", good_catalogue("https://new.test/"))
    changed = one.refresh_if_changed()
    assert changed is not None
    assert changed.status is RefreshStatus.REFRESH_OK
    (tmp_path / "c.toml").write_text("broken [", encoding="utf-8")
    broken = one.refresh_if_changed()
    assert broken is not None
    assert broken.status is RefreshStatus.REUSING_EXISTING_CACHE
    assert "not valid TOML" in broken.problem
    assert one.table is not None
    assert one.table.catalogue.routes[0].address == "https://new.test/"
    restored = store(tmp_path)
    assert restored.last_refresh.status is RefreshStatus.RESTORED_FROM_LOCAL_CACHE
    assert restored.table is not None
    assert restored.table.catalogue.routes[0].address == "https://new.test/"


def test_no_source_and_no_copy_is_not_initialised(tmp_path: Path) -> None:
    one = store(tmp_path)
    assert one.last_refresh.status is RefreshStatus.REFRESH_FAILED
    assert not one.last_refresh.is_initialised
    assert one.table is None


def test_copy_that_cannot_be_written_is_told_and_does_no_harm(tmp_path: Path) -> None:
    write_catalogue(tmp_path / "c.toml", good_catalogue())
    (tmp_path / "file").write_text("", encoding="utf-8")
    one = CatalogueStore(
        tmp_path / "c.toml", tmp_path / "file" / "kept.toml", routing=RoutingSettings(), zone=None, all_or_nothing=True
    )
    assert one.last_refresh.status is RefreshStatus.REFRESH_OK
    assert "No copy could be kept" in one.last_refresh.problem
