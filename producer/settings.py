"""Settings of the producer's service: who it is, where it listens, whom it answers, and its limits.

Implements style 7: frozen, secure defaults, every problem told at once; each field says what it breaks.
"""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from certs.tls import TlsFiles
from contracts.errors import ConfigurationError
from contracts.model import ReportingParty
from contracts.registry import CONTRACTS, GET_QUALITY_INDICATORS_2, ServiceContract

#: Bodies up to this size are taken in without a thread; a question for 300 indicators fits.
BUFFERED_BODY_BYTES = 64 * 1024
#: Answers from this size on are streamed from a place of their own (see `producer.admission`).
LARGE_ANSWER_BYTES = 256 * 1024
#: The national platform's default cap on a message (15 MB); an answer above it only passes point to point.
PLATFORM_LIMIT_BYTES = 15 * 1024 * 1024
#: An in-flight answer may take this long after SIGTERM.
DRAIN_S = 30

_BASE_URL = re.compile(r"https?://(?:[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?")


def _default_workers() -> int:
    return os.cpu_count() or 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractChoice:
    """The contract versions that are served, and so those that publishing prepares."""

    contracts: tuple[str, ...] = field(
        default=(GET_QUALITY_INDICATORS_2.id,),
        metadata={"help": "Contract versions served, such as GetQualityIndicators:2. Publish after a change."},
    )
    allow_reconstructions: bool = field(
        default=False,
        metadata={"help": "Serve also versions whose message is a reconstruction: not the one that others speak."},
    )
    known_contracts: Mapping[str, ServiceContract] = field(
        default_factory=lambda: CONTRACTS,
        metadata={"help": "No setting: the contract versions of this program, with the packages that were added."},
    )

    def __post_init__(self) -> None:
        _refuse(self._contract_problems())

    @property
    def served_contracts(self) -> tuple[ServiceContract, ...]:
        """The contract versions served, in the order of the settings."""
        return tuple(self.known_contracts[name] for name in self.contracts)

    def _contract_problems(self) -> list[str]:
        problems = []
        for name in self.contracts:
            contract = self.known_contracts.get(name)
            if contract is None:
                problems.append(
                    f"contracts names {name}, which is not known (known: {', '.join(self.known_contracts)})"
                )
            elif contract.is_reconstruction and not self.allow_reconstructions:
                problems.append(
                    f"contracts names {name}, whose message is a reconstruction and not the published one; add the"
                    " official package (brygga contracts add), or set allow_reconstructions = true to try it"
                )
        if not self.contracts:
            problems.append("contracts is empty, so there would be nothing to serve")
        return problems


@dataclass(frozen=True, slots=True, kw_only=True)
class ProducerSettings(ContractChoice):
    """Everything the service is told; raises ConfigurationError that lists every value that cannot work."""

    system: ReportingParty
    organization: ReportingParty
    tls: TlsFiles | None = field(
        default=None,
        metadata={"help": "Certificate, key, CA and CRL. Required unless behind_proxy is true."},
    )
    host: str = field(
        default="127.0.0.1",
        metadata={"help": "Address to listen on. 0.0.0.0 makes the service reachable from other machines."},
    )
    port: int = field(default=8443, metadata={"help": "TCP port; 0 lets the system choose one."})
    workers: int = field(
        default_factory=_default_workers,
        metadata={"help": "Processes. More than the machine has cores gives no more throughput."},
    )
    threads: int = field(
        default=16,
        metadata={"help": "Threads per process. A quarter is kept free of large answers for small ones."},
    )
    allowed_callers: tuple[str, ...] = field(
        default=(),
        metadata={"help": "HSA-ids of certificates that may ask. Empty: nobody. Letter case does not matter."},
    )
    logical_addresses: tuple[str, ...] = field(
        default=(),
        metadata={"help": "Logical addresses answered for. Empty: the system's hsa_id."},
    )
    public_url: str | None = field(
        default=None,
        metadata={"help": "Scheme, host and port that the served WSDL names. Unset: those of the request."},
    )
    behind_proxy: bool = field(
        default=False,
        metadata={
            "help": "A reverse proxy on this machine does TLS and hands over the caller's certificate in a header."
            " True without such a proxy lets every local program be any caller."
        },
    )
    certificate_header: str = field(
        default="X-Client-Cert",
        metadata={"help": "Header with the URL-encoded PEM; the proxy must always set it. Read only behind_proxy."},
    )
    health_port: int | None = field(
        default=None,
        metadata={"help": "Port on 127.0.0.1 for /health/live and /health/ready. Unset: none."},
    )
    check_at_start: bool = field(
        default=True,
        metadata={
            "help": "Read every stored slice once before serving (0.1 s for 500 000 measurements) and tell of damaged"
            " ones. False: damage is found when it is asked for. Either way it is never sent, and the rest is served."
        },
    )
    max_request_bytes: int = field(
        default=16 * 1024**2,
        metadata={"help": "Largest request body. 10 000 measureIds need about 2 MiB."},
    )
    max_header_bytes: int = field(default=16 * 1024, metadata={"help": "Largest HTTP header block."})
    max_connections: int = field(
        default=8192,
        metadata={"help": "Open connections per process; when full, the longest idle one makes room."},
    )
    handshake_timeout_s: float = field(default=5.0, metadata={"help": "A TLS handshake must be done within."})
    header_timeout_s: float = field(default=10.0, metadata={"help": "A header block must be complete within."})
    body_timeout_s: float = field(default=15.0, metadata={"help": "A body must be complete within."})
    write_timeout_s: float = field(
        default=20.0,
        metadata={"help": "The caller must take each piece of 128 KiB within; lower cuts off slow networks."},
    )
    keep_alive_s: float = field(default=30.0, metadata={"help": "An idle connection is kept for."})
    max_wait_s: float = field(
        default=5.0,
        metadata={"help": "A request that waited longer for a thread is answered 503 with Retry-After."},
    )

    def __post_init__(self) -> None:
        _refuse(
            [
                *self._address_problems(),
                *self._limit_problems(),
                *self._contract_problems(),
                *self._party_problems(),
            ]
        )

    @property
    def served_addresses(self) -> tuple[str, ...]:
        """The logical addresses answered for, as written in the settings."""
        return self.logical_addresses or (self.system.hsa_id,)

    def _address_problems(self) -> list[str]:
        problems = []
        if not 0 <= self.port <= 65535:
            problems.append("port must be 0 to 65535")
        if self.health_port is not None and not 0 <= self.health_port <= 65535:
            problems.append("health_port must be 0 to 65535")
        if self.behind_proxy and self.tls is not None:
            problems.append("behind_proxy and [producer.tls] exclude each other: either one does TLS")
        if self.behind_proxy and not _is_local(self.host):
            problems.append("behind_proxy needs host 127.0.0.1, ::1 or unix:/path, so that only the proxy gets in")
        if not self.behind_proxy and self.host.startswith("unix:"):
            problems.append("host can be unix:/path only with behind_proxy")
        if not self.behind_proxy and self.tls is None:
            problems.append("[producer.tls] is missing; the service speaks mutual TLS or stands behind a proxy")
        if self.public_url is not None and not _BASE_URL.fullmatch(self.public_url.rstrip("/")):
            problems.append("public_url must be like https://host:port, without a path")
        return problems

    def _limit_problems(self) -> list[str]:
        least = {
            "workers": 1,
            "threads": 2,
            "max_request_bytes": 4096,
            "max_header_bytes": 1024,
            "max_connections": 16,
            "handshake_timeout_s": 0.1,
            "header_timeout_s": 0.1,
            "body_timeout_s": 0.1,
            "write_timeout_s": 0.1,
            "keep_alive_s": 0.0,
            "max_wait_s": 0.1,
        }
        return [f"{name} must be at least {value}" for name, value in least.items() if getattr(self, name) < value]

    def _party_problems(self) -> list[str]:
        problems = []
        for name in ("allowed_callers", "logical_addresses"):
            if any(not value.strip() or value != value.strip() for value in getattr(self, name)):
                problems.append(f"{name} holds an empty value or one with blanks around it")
        if not self.system.hsa_id.strip() or not self.organization.hsa_id.strip():
            problems.append("the hsa_id of [system] and [organization] must not be empty")
        return problems


def _refuse(problems: list[str]) -> None:
    if problems:
        raise ConfigurationError(
            "The settings of the producer cannot work: " + "; ".join(problems) + ".", problems=problems
        )


def _is_local(host: str) -> bool:
    if host.startswith("unix:"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
