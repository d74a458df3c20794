"""GetDistributedQualityReport over mutual TLS: beside 2.0, fetched and kept; off unless allowed (domain 4)."""

from __future__ import annotations

import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from server_process import ServerFiles, ServerProcess
from serving_parties import SETTINGS, SYSTEM, Pki
from sqlalchemy import select, update

from certs.tls import TlsFiles
from consumer.client import ProducerClient
from consumer.distributed import DistributedStore, fetch_distributed
from consumer.distributed.tables import NAMES
from consumer.question import Question
from consumer.settings import ProducerConnection
from contracts.checksum import SliceKey
from contracts.codes import OID_MEASURE
from contracts.distributed_model import DistributedMeasurement, DistributedReportRequest, OrganizationFilter
from contracts.errors import ConfigurationError, FaultReceived, RemoteError
from contracts.model import II, DatePeriod, ReportingParty
from contracts.registry import GET_DISTRIBUTED_QUALITY_REPORT_3, GET_QUALITY_INDICATORS_2, ServiceContract
from gateway.demo_data import DemoFile
from gateway.distributed_demo import INDICATORS, write_distributed_demo
from producer.admission import Places
from producer.cutting import CutSlices
from producer.register import DatabaseRepository, Register, open_register, publish
from producer.register.distributed.importer import import_distributed
from producer.register.importer import import_vis
from producer.register.tables import measure, measurement_group, publication_slice, slice_
from producer.repository import Selection, SliceEntry
from producer.service import ReportService
from producer.settings import ContractChoice

CONTRACT = GET_DISTRIBUTED_QUALITY_REPORT_3
BOTH = (GET_QUALITY_INDICATORS_2, CONTRACT)
UNITS, YEARS = 7, (2024, 2025)
PERIOD = DatePeriod("20240101", "20251231")
QUESTION = Question(SYSTEM, tuple(sorted(one.measure_id for one in INDICATORS)), PERIOD, CONTRACT.id)
SOURCE = ReportingParty("SE9990001112-DEMOREG", "Demoregistret")


@dataclass(frozen=True, slots=True)
class Served:
    """A server of both contracts, the register behind it, and how to reach it."""

    server: ServerProcess
    register_url: str
    connect: Callable[[ServiceContract], ProducerClient]


@pytest.fixture(scope="module")
def served(pki: Pki, demo: DemoFile, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("distributed")
    url = f"sqlite:///{folder / 'register.db'}"
    write_distributed_demo(folder / "results.csv", units=UNITS, years=YEARS)
    with open_register(url, create=True) as register:
        import_vis(register, demo.path)
        import_distributed(register, folder / "results.csv", SOURCE)
        publish(register, BOTH)
    producer = pki.producer
    trust, crl = pki.authority.trust_anchor_path, pki.authority.crl_path
    files = ServerFiles(folder, url, producer.certificate, producer.private_key, trust, crl)
    names = [contract.id for contract in BOTH]
    server = files.start(**{**SETTINGS, "contracts": names, "allow_reconstructions": True})
    clients: list[ProducerClient] = []

    def connect(contract: ServiceContract) -> ProducerClient:
        tls = TlsFiles(pki.consumer.certificate, pki.consumer.private_key, trust, crl=crl)
        endpoint = f"https://localhost:{server.port}{contract.path}"
        clients.append(ProducerClient(ProducerConnection(endpoint, SYSTEM, tls, contract)))
        return clients[-1]

    yield Served(server, url, connect)
    for client in clients:
        client.close()
    server.stop()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[DistributedStore]:
    with DistributedStore(f"sqlite:///{tmp_path / 'store.db'}") as opened:
        yield opened


def ask(served: Served, **options: object) -> tuple[list[DistributedMeasurement], int, str]:
    """Ask for everything of the first indicator, with filters."""
    ids = (II(OID_MEASURE, INDICATORS[0].measure_id),)
    compared = []
    client = served.connect(CONTRACT)
    request = DistributedReportRequest(ids, PERIOD, **options)  # type: ignore[arg-type]
    with client.ask(request, on_reference=compared.append) as answer:
        measured = [one for one in answer if isinstance(one, DistributedMeasurement)]
    return measured, len(compared), answer.head.measurement_checksum


def test_a_report_is_fetched_kept_and_then_only_asked_for(served: Served, store: DistributedStore) -> None:
    client = served.connect(CONTRACT)
    first = fetch_distributed(store, client, QUESTION)
    assert first.is_changed
    assert first.measurements == len(INDICATORS) * UNITS * len(YEARS)
    assert first.reference_values == len(INDICATORS) * len(YEARS)
    again = fetch_distributed(store, client, QUESTION)
    assert (again.is_changed, again.head) == (False, first.head)
    rows = [dict(zip(NAMES, row, strict=True)) for row in store.rows()]
    assert {row["part"] for row in rows} == {"value", "class", "percentile"}
    assert {row["scope"] for row in rows} == {"unit", "reference"}
    totals = [(row["scope"], row["part"], row["sex"], row["age_band"]) for row in rows]
    assert totals.count(("unit", "value", None, None)) == first.measurements
    assert fetch_distributed(store, client, QUESTION, force=True).is_changed
    assert len(list(store.rows())) == len(rows)


def test_only_questions_that_share_something_are_looked_at_again(served: Served, store: DistributedStore) -> None:
    client = served.connect(CONTRACT)
    first, second = (replace(QUESTION, measure_ids=(one.measure_id,)) for one in INDICATORS[:2])
    last_year = replace(first, period=DatePeriod("20240101", "20241231"))
    for question in (last_year, second, first):
        assert fetch_distributed(store, client, question).is_changed
    assert not fetch_distributed(store, client, second).is_changed
    assert not fetch_distributed(store, client, first).is_changed
    assert fetch_distributed(store, client, last_year).is_changed
    assert fetch_distributed(store, client, first).is_changed


def test_a_question_gets_what_it_asks_for_and_no_more(served: Served) -> None:
    plain, _, checksum = ask(served)
    assert len(plain) == UNITS * len(YEARS)
    assert not any(one.subgroups for one in plain)
    assert any(one.distribution for one in plain)
    wanted = plain[0].performing_organization
    one_unit = (OrganizationFilter(wanted.hsa_id),)
    few, references, other = ask(
        served,
        performing_organizations=one_unit,
        stratifications=("SEX",),
        include_distribution=False,
        include_reference_values=True,
    )
    assert {one.performing_organization for one in few} == {wanted}
    assert {part.stratification for one in few for part in one.subgroups} == {"SEX"}
    assert not any(one.distribution for one in few)
    assert references == len(YEARS)
    assert other != checksum


@pytest.mark.parametrize("stratifications", [(), ("SEX",), ("SEX", "AGE", "SEX_AGE")])
def test_the_checksum_is_the_same_without_measurements(served: Served, stratifications: tuple[str, ...]) -> None:
    options = {"stratifications": stratifications, "include_reference_values": True}
    _, references, checksum = ask(served, **options)
    assert references == len(YEARS)
    assert ask(served, include_measurements=False, **options) == ([], 0, checksum)


FILTERS: dict[str, dict[str, object]] = {
    "no sub-groups": {},
    "one stratification": {"stratifications": ("SEX",), "include_reference_values": True},
    "one unit": {"performing_organizations": (OrganizationFilter("SE9990001112-D0001"),)},
    "nobody": {"performing_organizations": (OrganizationFilter("SE9990001112-NOBODY"),)},
    "checksum alone": {"stratifications": ("AGE",), "include_measurements": False},
}


@pytest.mark.parametrize("filters", FILTERS.values(), ids=FILTERS)
def test_a_filtered_answer_is_compressed_as_one_member(served: Served, filters: dict[str, object]) -> None:
    repository = DatabaseRepository(served.register_url)
    party = ReportingParty(SYSTEM)
    service = ReportService(CONTRACT, repository, system=party, organization=party, large_answers=Places(2))
    ids = tuple(II(OID_MEASURE, one.measure_id) for one in INDICATORS)
    request = DistributedReportRequest(ids, PERIOD, **filters)  # type: ignore[arg-type]
    plain, packed = (service.answer(SYSTEM, request, allow_gzip=allowed) for allowed in (False, True))
    text, sent = (b"".join(answer.body) for answer in (plain, packed))
    for answer in (plain, packed):
        answer.body.close()
    repository.close()
    assert (packed.checksum, packed.measurement_count) == (plain.checksum, plain.measurement_count)
    assert packed.is_gzip == (plain.measurement_count > 0)
    if packed.is_gzip:
        member = zlib.decompressobj(zlib.MAX_WBITS | 16)
        assert member.decompress(sent) == text
        assert (member.eof, member.unused_data) == (True, b"")
        assert len(sent) < len(text) / 2


class _Endless:
    """A repository whose only slice is ``count`` elements long, given in pieces that end within elements."""

    element = b"<c:distributedMeasurement>%s</c:distributedMeasurement>" % (b"0123456789" * 100)

    def __init__(self, count: int) -> None:
        self.count = count

    def content(self, _selection: Selection) -> Iterator[bytes]:
        for _ in range(self.count // 10):
            tenth = self.element * 10
            yield tenth[:777]
            yield tenth[777:]


def test_memory_does_not_grow_with_a_filtered_answer() -> None:
    def peak(count: int) -> tuple[int, int]:
        slices = CutSlices(_Endless(count), CONTRACT.codec.tags, lambda element: element)  # type: ignore[arg-type]
        entry = SliceEntry(SliceKey("a", 1, PERIOD), 1, "", 0, 0, 0, 0)
        tracemalloc.start()
        selection = slices.cut(Selection(1, (entry,)), compresses=True)
        sent = sum(map(len, slices.compressed_content(selection)))
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert sent == selection.slices[0].compressed_length
        assert selection.slices[0].byte_length == count * len(_Endless.element)
        return found, sent

    (small, _), (large, sent) = peak(500), peak(10_000)
    assert large < small + 500_000
    assert sent > 10_000


def test_a_filtered_answer_comes_compressed_over_the_wire(served: Served) -> None:
    client = served.connect(CONTRACT)
    request = DistributedReportRequest((II(OID_MEASURE, INDICATORS[0].measure_id),), PERIOD, stratifications=("SEX",))
    with client.ask(request) as answer:
        assert answer.head.measurement_checksum
        assert answer.measurement_count == UNITS * len(YEARS)
        assert answer.bytes_received < answer.bytes_read / 5


def test_a_unit_that_is_not_there_gives_an_empty_report(served: Served) -> None:
    assert ask(served, performing_organizations=(OrganizationFilter("SE9990001112-NOBODY"),))[0] == []


def test_version_2_is_served_beside_it(served: Served, demo: DemoFile) -> None:
    start, end = demo.period
    period = Question.of(SYSTEM, [demo.measures[0].measure_id], f"{start}", f"{end}").period
    with served.connect(GET_QUALITY_INDICATORS_2).fetch([demo.measures[0].measure_id], period) as answer:
        assert sum(1 for _ in answer) > 0


@pytest.mark.parametrize("accepts", ["gzip", "identity"])
def test_a_damaged_part_is_never_answered_and_the_rest_is(served: Served, demo: DemoFile, accepts: str) -> None:
    damaged, sound = sorted(measure.measure_id for measure in demo.measures)[:2]
    period = DatePeriod("20000101", "20991231")
    client = served.connect(GET_QUALITY_INDICATORS_2)
    client._https._session.headers["Accept-Encoding"] = accepts

    def fetch(*measure_ids: str) -> int:
        with client.fetch(measure_ids, period) as answer:
            return sum(1 for _ in answer)

    whole = fetch(damaged, sound)
    with open_register(served.register_url) as register:
        _damage_last(register, damaged)
        for ids in ([damaged], [sound, damaged]):
            with pytest.raises(RemoteError):
                fetch(*ids)
        answers = []
        for _ in range(4):  # Each of the processes finds out by itself.
            with pytest.raises(RemoteError) as refused:
                fetch(damaged)
            answers.append(refused.value)
        assert any(isinstance(one, FaultReceived) and "must repair it" in one.message for one in answers)
        assert fetch(sound) > 0
        assert publish(register, BOTH, repair=True).changed_slices == 1
    assert fetch(damaged, sound) == whole


def _damage_last(register: Register, measure_id: str) -> None:
    """Change a byte of the last stored slice of an indicator."""
    with register.writing("damage", "tester") as (connection, _):
        number, content = connection.execute(
            select(slice_.c.id, slice_.c.content)
            .join(publication_slice, publication_slice.c.slice_id == slice_.c.id)
            .join(measurement_group, measurement_group.c.id == publication_slice.c.group_id)
            .join(measure, measure.c.id == measurement_group.c.measure_key)
            .where(measure.c.measure_id == measure_id, slice_.c.rendering == GET_QUALITY_INDICATORS_2.rendering)
            .order_by(measurement_group.c.period_start.desc())
        ).first() or (0, b"")
        changed = bytearray(content)
        changed[len(changed) // 2] ^= 0x10
        connection.execute(update(slice_).where(slice_.c.id == number).values(content=bytes(changed)))


def test_a_request_of_another_version_is_refused(served: Served, pki: Pki) -> None:
    client = served.connect(GET_QUALITY_INDICATORS_2)
    object.__setattr__(client.connection, "endpoint", f"https://localhost:{served.server.port}{CONTRACT.path}")
    with pytest.raises(FaultReceived, match=r"GetDistributedQualityReport 3\.0"):
        client.checksum([INDICATORS[0].measure_id], PERIOD)


def test_a_producer_that_does_not_say_so_does_not_serve_it(server: ServerProcess, pki: Pki) -> None:
    tls = TlsFiles(pki.consumer.certificate, pki.consumer.private_key, pki.authority.trust_anchor_path)
    connection = ProducerConnection(f"https://localhost:{server.port}{CONTRACT.path}", SYSTEM, tls, CONTRACT)
    with ProducerClient(connection) as client, pytest.raises(RemoteError, match=r"404|no service"):
        client.checksum([INDICATORS[0].measure_id], PERIOD)


def test_a_reconstruction_must_be_allowed() -> None:
    with pytest.raises(ConfigurationError, match="allow_reconstructions"):
        ContractChoice(contracts=(CONTRACT.id,))
    assert ContractChoice(contracts=(CONTRACT.id,), allow_reconstructions=True).served_contracts == (CONTRACT,)
