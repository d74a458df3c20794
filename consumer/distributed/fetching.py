"""Fetches a distributed report: the checksum first, and everything of the question only when it is another one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from consumer.client import ProducerClient
from consumer.distributed.rows import Row, measurement_rows, reference_rows
from consumer.distributed.store import DistributedStore, Replacing
from consumer.question import Question
from contracts.codes import OID_MEASURE
from contracts.distributed_model import DistributedMeasurement, DistributedReportRequest, ReferenceMeasurement
from contracts.errors import ContractViolation
from contracts.model import II, Measurement, ReportHead

STRATIFICATIONS = ("SEX", "AGE", "SEX_AGE")
_KEPT_REFERENCES = 200


@dataclass(frozen=True, slots=True)
class DistributedFetch:
    """What came of a question; ``is_changed`` false: the store has it already, and nothing more was fetched."""

    question: Question
    head: ReportHead
    is_changed: bool
    measurements: int = 0
    reference_values: int = 0
    bytes_received: int = 0


def fetch_distributed(
    store: DistributedStore,
    client: ProducerClient,
    question: Question,
    *,
    force: bool = False,
    progress: Callable[[int], None] | None = None,
) -> DistributedFetch:
    """Bring what is stored of a question up to date, with every sub-group, distribution and reference value.

    ``force`` fetches also what has not changed; ``progress`` is told of measurements as they come. Raises RemoteError,
    ConfigurationError; then nothing is changed.
    """
    request = DistributedReportRequest(
        tuple(II(OID_MEASURE, id_) for id_ in question.measure_ids),
        question.period,
        include_measurements=False,
        stratifications=STRATIFICATIONS,
        include_reference_values=True,
    )
    with client.ask(request) as polled:
        head = polled.head
    if not force and head.measurement_checksum == store.checksum(question):
        return DistributedFetch(question, head, is_changed=False)
    with store.replacing(question) as replacing:
        references = _References(replacing)
        with client.ask(replace(request, include_measurements=True), on_reference=references.add) as answer:
            replacing.add(_rows(answer, progress))
            head = answer.head
        references.flush()
        replacing.finish(head, answer.measurement_count, references.count)
    return DistributedFetch(question, head, True, answer.measurement_count, references.count, answer.bytes_received)


class _References:
    """Stores reference values some at a time."""

    def __init__(self, replacing: Replacing) -> None:
        self.count = 0
        self._replacing = replacing
        self._waiting: list[Row] = []

    def add(self, reference: ReferenceMeasurement) -> None:
        self.count += 1
        self._waiting += reference_rows(reference)
        if self.count % _KEPT_REFERENCES == 0:
            self.flush()

    def flush(self) -> None:
        self._replacing.add(self._waiting)
        self._waiting = []


def _rows(answer: Iterable[Measurement], progress: Callable[[int], None] | None) -> Iterator[Row]:
    for measurement in answer:
        if not isinstance(measurement, DistributedMeasurement):
            raise ContractViolation("The answer is of another contract.", path="DistributedQualityReport")
        yield from measurement_rows(measurement)
        if progress is not None:
            progress(1)
