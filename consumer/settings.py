"""Settings of the consumer: section ``[consumer]``, its certificate and the producers that it asks (design 4).

Frozen, secure defaults, every problem told at once (style 7); each field says what it breaks.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from certs.tls import TlsFiles
from contracts.codes import hsa_id_problem
from contracts.errors import ConfigurationError, UsageError
from contracts.registry import CONTRACTS, GET_QUALITY_INDICATORS_2, ServiceContract

#: First and last day that the contract's dates can name.
FIRST_DAY, LAST_DAY = "19000101", "20991231"
#: The platform gives a producer 29 s and sends its own fault after 30 (35 as deployed); shorter cuts that off.
PLATFORM_TIMEOUT_S = 35.0

_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+: [\x20-\x7e]+")


@dataclass(frozen=True, slots=True)
class PolledProducer:
    """One entry of ``[[consumer.producers]]``: a producer and what `poll` asks it for."""

    logical_address: str = field(metadata={"help": "HSA-id of the producing system."})
    name: str = field(default="", metadata={"help": "Name in reports [default: the logical address]."})
    endpoint: str = field(default="", metadata={"help": "Its https URL [default: consumer.endpoint]."})
    measure_ids: tuple[str, ...] = field(
        default=(), metadata={"help": "Indicators to poll, by their id in the catalogue."}
    )
    start: str = field(
        default=FIRST_DAY, metadata={"help": "First day of the measure periods asked for, YYYY-MM-DD or YYYYMMDD."}
    )
    end: str = field(
        default=LAST_DAY,
        metadata={"help": "Last day asked for. A fixed day far ahead keeps the question, so its checksum, the same."},
    )
    measures_per_call: int = field(
        default=1,
        metadata={"help": "Indicators asked for together. 1 fetches only those that changed; more makes fewer calls."},
    )
    parallel: int = field(default=2, metadata={"help": "Calls to this producer at the same time."})

    @property
    def label(self) -> str:
        """What reports call it."""
        return self.name or self.logical_address

    def problems(self) -> Iterator[str]:
        """Say what cannot work; the defaults of ``[consumer]`` are not known here."""
        if problem := hsa_id_problem(self.logical_address):
            yield f"logical_address {self.logical_address!r} {problem}"
        if self.endpoint:
            yield from endpoint_problems(self.endpoint)
        for name in ("parallel", "measures_per_call"):
            if getattr(self, name) < 1:
                yield f"{name} of {self.label} must be at least 1"
        for day in (self.start, self.end):
            if len(day.replace("-", "")) != 8 or not day.replace("-", "").isdigit():
                yield f"{day!r} of {self.label} is no day; write YYYY-MM-DD"
        if len(set(self.measure_ids)) != len(self.measure_ids):
            yield f"measure_ids of {self.label} names an indicator twice"


@dataclass(frozen=True, slots=True)
class ProducerConnection:
    """All that a `ProducerClient` needs to know to ask one producer."""

    endpoint: str
    logical_address: str
    tls: TlsFiles
    contract: ServiceContract = GET_QUALITY_INDICATORS_2
    connect_timeout_s: float = 10.0
    read_timeout_s: float = 45.0
    answer_timeout_s: float = 3600.0
    max_answer_bytes: int = 4 * 1024**3
    headers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ConsumerSettings:
    """Everything the consumer is told; raises ConfigurationError that lists every value that cannot work."""

    endpoint: str = field(
        default="",
        metadata={"help": "https URL of the producer, or of the platform for this contract."},
    )
    logical_address: str = field(default="", metadata={"help": "HSA-id of the producing system that is asked."})
    store: str = field(
        default="sqlite:///observations.sqlite",
        metadata={"help": "Database: sqlite:///FILE (relative to the settings file) or postgresql+psycopg://..."},
    )
    tls: TlsFiles | None = field(
        default=None, metadata={"help": "Own certificate and key, and the authority that is trusted."}
    )
    contract: str = field(
        default=GET_QUALITY_INDICATORS_2.id,
        metadata={"help": "Contract version spoken, such as GetQualityIndicators:2."},
    )
    known_contracts: Mapping[str, ServiceContract] = field(
        default_factory=lambda: CONTRACTS,
        metadata={"help": "No setting: the contract versions of this program, with the packages that were added."},
    )
    producers: tuple[PolledProducer, ...] = field(
        default=(), metadata={"help": "[[consumer.producers]]: the producers that poll asks, and for what."}
    )
    connect_timeout_s: float = field(default=10.0, metadata={"help": "A connection must be made within."})
    read_timeout_s: float = field(
        default=45.0,
        metadata={
            "help": f"Each piece must come within; under {PLATFORM_TIMEOUT_S:g} the platform's own faults are lost."
        },
    )
    answer_timeout_s: float = field(default=3600.0, metadata={"help": "A whole answer must have come within."})
    max_answer_bytes: int = field(
        default=4 * 1024**3,
        metadata={"help": "Largest answer read, uncompressed. poll splits a question whose answer is larger."},
    )
    headers: tuple[str, ...] = field(
        default=(),
        metadata={"help": "HTTP headers sent along, such as 'x-rivta-original-serviceconsumer-hsaid: SE...'."},
    )
    parallel: int = field(default=8, metadata={"help": "Calls of one poll at the same time, over all producers."})
    attempts: int = field(
        default=4, metadata={"help": "Times a call is made when its failure may pass (VP008, VP009, no connection)."}
    )
    retry_budget: int = field(
        default=20, metadata={"help": "Repeated calls per producer and poll; then its failures are taken as they are."}
    )

    def __post_init__(self) -> None:
        problems = list(self._problems())
        if problems:
            raise ConfigurationError(
                "The settings of the consumer cannot work: " + "; ".join(problems) + ".", problems=problems
            )

    def connection(self, *, logical_address: str | None = None, endpoint: str | None = None) -> ProducerConnection:
        """Give what a client needs, with the arguments before the settings. Raises ConfigurationError."""
        address = logical_address or self.logical_address
        url = endpoint or self.endpoint
        missing = [name for name, value in (("endpoint", url), ("logical_address", address)) if not value]
        problems = [f"consumer.{name} is missing" for name in missing]
        if url:
            problems += endpoint_problems(url)
        if self.tls is None:
            problems.append("[consumer.tls] is missing; the contract's calls are made over mutual TLS")
        if problems or self.tls is None:
            raise ConfigurationError("The consumer does not know whom to ask, or how.", problems=problems)
        return ProducerConnection(
            endpoint=url,
            logical_address=address,
            tls=self.tls,
            contract=self.known_contracts[self.contract],
            connect_timeout_s=self.connect_timeout_s,
            read_timeout_s=self.read_timeout_s,
            answer_timeout_s=self.answer_timeout_s,
            max_answer_bytes=self.max_answer_bytes,
            headers=self.headers,
        )

    def producer_named(self, name: str) -> PolledProducer:
        """Find an entry of ``producers`` by its name or logical address. Raises UsageError."""
        for producer in self.producers:
            if name in (producer.name, producer.logical_address):
                return producer
        known = ", ".join(producer.label for producer in self.producers) or "none"
        raise UsageError(f"The settings have no producer {name!r} (known: {known}).")

    def store_url(self, base: Path) -> str:
        """Give ``store`` with a relative SQLite file counted from ``base``."""
        url = make_url(self.store)
        if url.get_backend_name() != "sqlite" or not url.database:
            return self.store
        return url.set(database=str((base / Path(url.database).expanduser()).absolute())).render_as_string(False)

    def _problems(self) -> Iterator[str]:
        if self.endpoint:
            yield from endpoint_problems(self.endpoint)
        if self.logical_address and (problem := hsa_id_problem(self.logical_address)):
            yield f"logical_address {problem}"
        try:
            make_url(self.store)
        except ArgumentError:
            yield "store must be sqlite:///FILE or postgresql+psycopg://USER@HOST/NAME"
        if self.contract not in self.known_contracts:
            yield f"contract {self.contract!r} is not known (known: {', '.join(self.known_contracts)})"
        elif self.known_contracts[self.contract].interaction != GET_QUALITY_INDICATORS_2.interaction:
            yield f"contract {self.contract!r} cannot be stored; only {GET_QUALITY_INDICATORS_2.interaction} can"
        least = {
            "connect_timeout_s": 0.1,
            "read_timeout_s": 0.1,
            "answer_timeout_s": 0.1,
            "max_answer_bytes": 1024,
            "parallel": 1,
            "attempts": 1,
            "retry_budget": 0,
        }
        yield from (f"{name} must be at least {value}" for name, value in least.items() if getattr(self, name) < value)
        yield from (f"headers: {line!r} is not 'Name: value'" for line in self.headers if not _HEADER.fullmatch(line))
        for producer in self.producers:
            yield from producer.problems()
        names = Counter(producer.label for producer in self.producers)
        yield from (f"two producers are called {name!r}" for name, count in names.items() if count > 1)


def endpoint_problems(endpoint: str) -> list[str]:
    """Say why a URL cannot be an endpoint; the calls are made over TLS only (RIV-TA Basic Profile 2.1 rule 6)."""
    try:
        parts = urlsplit(endpoint)
        is_url = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        is_url = False
    if not is_url or parts.scheme != "https":
        return [f"endpoint {endpoint!r} must be like https://host:port/path"]
    return ["endpoint must not hold a user name or password"] if parts.username or parts.password else []
