"""Settings of the router: the platform's configuration keys under plain names (platform reference 1, 3.2, 5).

Every default is the platform's own default unless the help says otherwise; bad values are told all at once.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from certs.tls import TlsFiles
from contracts.errors import ConfigurationError

Mode = Literal["strict", "compat"]

#: The platform's default cap on one message, in either direction; its deployment has 52 428 800.
DEFAULT_MAX_MESSAGE_BYTES = 15_728_640
_INSTANCE_ID = re.compile(r"[\x21\x22\x24-\x7e]{1,200}")


@dataclass(frozen=True, slots=True)
class ContractTimeout:
    """How long producers of one service contract may stay silent (the platform's timeoutconfig.json)."""

    contract: str = field(metadata={"help": "Responder namespace; compared letter by letter."})
    producer_timeout_s: float = field(metadata={"help": "Seconds without a byte before the call gets VP009."})


@dataclass(frozen=True, slots=True)
class TlsOverride:
    """TLS towards some producers (vp.tls.overrides): the first one whose host and port match is used."""

    name: str = field(metadata={"help": "Name in messages; unique."})
    domain_name: str | None = field(default=None, metadata={"help": "Whole host name, letter case ignored."})
    domain_suffix: str | None = field(default=None, metadata={"help": "End of the host name."})
    port: int | None = field(default=None, metadata={"help": "Port. Alone it matches nothing: a domain is needed."})
    minimum_version: Literal["TLSv1.2", "TLSv1.3"] = field(
        default="TLSv1.2", metadata={"help": "Older producers fail below it."}
    )
    maximum_version: Literal["TLSv1.2", "TLSv1.3"] = field(
        default="TLSv1.3", metadata={"help": "For producers that cannot speak a newer one."}
    )
    ciphers: str | None = field(
        default=None, metadata={"help": "OpenSSL cipher list for TLS 1.2. Unset: the project's."}
    )
    tls: TlsFiles | None = field(
        default=None, metadata={"help": "Another certificate, key and CA. Unset: [router.producer_tls]."}
    )


@dataclass(frozen=True, slots=True)
class RoutingSettings:
    """The switches of lookup (platform reference 3.2)."""

    delimiter: str = field(
        default="#", metadata={"help": "Separator of old-style addresses A#B. Empty: such addresses are plain text."}
    )
    delimited_contracts: tuple[str, ...] = field(
        default=(), metadata={"help": "Contracts that old-style addresses may use. Empty: all."}
    )
    delimited_senders: tuple[str, ...] = field(
        default=(), metadata={"help": "Senders that may use old-style addresses. Empty: all."}
    )
    tree_for_routes: bool = field(default=True, metadata={"help": "Routes are also sought up the HSA tree."})
    tree_for_routes_except: tuple[str, ...] = field(
        default=(), metadata={"help": "Beginnings of contract namespaces for which tree_for_routes is inverted."}
    )
    tree_for_permissions: bool = field(default=True, metadata={"help": "Permissions are also sought up the tree."})
    tree_for_permissions_except: tuple[str, ...] = field(
        default=(), metadata={"help": "Beginnings of contract namespaces for which tree_for_permissions is inverted."}
    )


@dataclass(frozen=True, slots=True)
class RouterSettings:
    """Everything the router is told; raises ConfigurationError that lists every value that cannot work."""

    catalogue: Path = field(metadata={"help": "Routing catalogue (TOML); followed while running."})
    tls: TlsFiles | None = field(
        default=None, metadata={"help": "Towards consumers: certificate, key, CA, CRL. Unset: no HTTPS entry."}
    )
    producer_tls: TlsFiles | None = field(
        default=None, metadata={"help": "Towards producers. Unset: the same files as [router.tls]."}
    )
    mode: Mode = field(
        default="strict",
        metadata={"help": "strict closes the platform's known holes; compat imitates them to the letter."},
    )
    host: str = field(default="127.0.0.1", metadata={"help": "Address to listen on."})
    https_port: int = field(default=20000, metadata={"help": "HTTPS entry; 0 lets the system choose."})
    http_port: int | None = field(
        default=None,
        metadata={"help": "HTTP entry, for a TLS proxy or another platform in front. Unset: closed."},
    )
    admin_port: int | None = field(
        default=20080, metadata={"help": "Status, reset and health pages, on 127.0.0.1 only. Unset: closed."}
    )
    workers: int = field(default=1, metadata={"help": "Processes that share the entries."})
    instance_id: str = field(
        default="INDIKATORBRYGGAN-TEST", metadata={"help": "vp.instance.id: who we are to other platforms."}
    )
    instance_name: str = field(
        default="Indikatorbryggan", metadata={"help": "vp.instance.name: stands in every fault the router makes."}
    )
    kept_catalogue: Path | None = field(
        default=None,
        metadata={"help": "Copy of the last good catalogue, used at start when it is broken. Unset: beside it."},
    )
    reload_interval_s: float = field(
        default=1.0, metadata={"help": "How often the catalogue is looked at. 0: only on /resetcache and SIGHUP."}
    )
    time_zone: str = field(
        default="Europe/Stockholm", metadata={"help": "Zone of catalogue times without one (strict mode)."}
    )
    whitelist: tuple[str, ...] = field(
        default=(),
        metadata={"help": "Who may use the HTTP entry: addresses or networks (compat: beginnings). Empty: nobody."},
    )
    certificate_header: str = field(
        default="x-vp-auth-cert", metadata={"help": "Header in which the proxy hands over the caller's certificate."}
    )
    original_consumer_senders: tuple[str, ...] = field(
        default=(),
        metadata={"help": "HSA-ids that may name another original consumer in its header (compat: empty = all)."},
    )
    refuse_original_consumer: bool | None = field(
        default=None, metadata={"help": "VP013 for the others, or a warning. Unset: true in strict, false in compat."}
    )
    use_routing_history: bool = field(default=True, metadata={"help": "Detect loops between platforms (VP014)."})
    correlation_id_over_https: bool = field(
        default=False, metadata={"help": "Send x-skltp-correlation-id to HTTPS producers too."}
    )
    allow_mtom: bool | None = field(
        default=None,
        metadata={"help": "Take the XML out of an MTOM message, losing attachments. Unset: only in compat."},
    )
    verify_hostname: bool | None = field(
        default=None, metadata={"help": "Producer certificates must name the host called. Unset: only in strict."}
    )
    user_agent: str = field(default="SKLTP VP/4.9 (Indikatorbryggan)", metadata={"help": "User-Agent to producers."})
    max_message_bytes: int = field(
        default=DEFAULT_MAX_MESSAGE_BYTES,
        metadata={"help": "Largest request (413 above) and answer (fault above), in bytes."},
    )
    request_timeout_s: float = field(default=30.0, metadata={"help": "A caller's request has to arrive in this time."})
    producer_timeout_s: float = field(
        default=29.0, metadata={"help": "A producer may be silent this long, then VP009. Consumers must wait longer."}
    )
    timeouts: tuple[ContractTimeout, ...] = field(
        default=(), metadata={"help": "Other values of producer_timeout_s for single contracts."}
    )
    answer_deadline_s: float = field(
        default=300.0, metadata={"help": "A whole answer has to pass in this time, or the call is cut."}
    )
    connect_timeout_s: float = field(default=2.0, metadata={"help": "Seconds to connect to a producer."})
    handshake_timeout_s: float = field(
        default=10.0, metadata={"help": "A TLS handshake may take this long, on either side."}
    )
    retry_attempts: int = field(default=1, metadata={"help": "New attempts after a socket error; 0: none."})
    retry_delay_s: float = field(default=2.0, metadata={"help": "Wait before each new attempt."})
    chunked_to_producer: bool = field(
        default=False, metadata={"help": "Send requests with Transfer-Encoding: chunked, without Content-Length."}
    )
    keep_alive_s: float = field(default=60.0, metadata={"help": "Idle callers' connections are closed after this."})
    producer_keep_alive_s: float = field(
        default=15.0, metadata={"help": "Idle connections to producers are closed after this; 0: none is kept."}
    )
    max_calls: int = field(
        default=2000, metadata={"help": "Calls at one time and process; more get 503 with Retry-After."}
    )
    call_log: Path | None = field(
        default=None,
        metadata={"help": "Folder of the traffic log that `brygga router log` shows. Unset: kept in memory only."},
    )
    show_calls: bool = field(default=False, metadata={"help": "Each call is also a line in the log on stderr."})
    call_log_bytes: int = field(
        default=5_000_000, metadata={"help": "Size of one traffic log file; two per process are kept."}
    )
    message_log: Path | None = field(
        default=None,
        metadata={"help": "File for the log points REQ-IN, REQ-OUT, RESP-IN, RESP-OUT and ERROR. Unset: not written."},
    )
    wsdl_directory: Path | None = field(
        default=None, metadata={"help": "Further WSDL files to serve, beside the project's contracts."}
    )
    faults_by_header: bool = field(
        default=False,
        metadata={"help": "Callers may ask for a fault with the header x-brygga-inject. For tests only."},
    )
    routing: RoutingSettings = field(default_factory=RoutingSettings, metadata={"help": "Switches of lookup."})
    tls_overrides: tuple[TlsOverride, ...] = field(
        default=(), metadata={"help": "Other TLS settings towards some producers; first match wins."}
    )

    def __post_init__(self) -> None:
        problems = [*self._entry_problems(), *self._number_problems(), *self._name_problems()]
        if problems:
            raise ConfigurationError("The router's settings cannot work: " + "; ".join(problems), problems=problems)

    @property
    def kept_copy(self) -> Path:
        """Where the last good catalogue is kept."""
        return self.kept_catalogue or self.catalogue.with_suffix(".kept.toml")

    def producer_timeout_for(self, contract: str) -> float:
        """Give the silence in seconds that a producer of ``contract`` (Responder namespace) is granted."""
        for timeout in self.timeouts:
            if timeout.contract == contract:
                return timeout.producer_timeout_s
        return self.producer_timeout_s

    def _entry_problems(self) -> list[str]:
        problems = []
        if self.tls is None and self.http_port is None:
            problems.append("neither [router.tls] nor http_port is given, so nobody could call")
        ports = {"https_port": self.https_port, "http_port": self.http_port, "admin_port": self.admin_port}
        problems += [
            f"{name} must be 0 to 65535" for name, port in ports.items() if port is not None and not 0 <= port <= 65535
        ]
        if self.mode == "strict":
            problems += [
                f"whitelist entry {entry} is no IP address or network (beginnings such as '10.' only in compat)"
                for entry in self.whitelist
                if not _is_network(entry)
            ]
        names = [override.name for override in self.tls_overrides]
        problems += [f"tls_overrides has {name} twice" for name in sorted({n for n in names if names.count(n) > 1})]
        return problems

    def _number_problems(self) -> list[str]:
        least: dict[str, float] = {
            "workers": 1,
            "max_message_bytes": 1024,
            "request_timeout_s": 0.1,
            "producer_timeout_s": 0.1,
            "answer_deadline_s": 0.1,
            "connect_timeout_s": 0.1,
            "handshake_timeout_s": 0.1,
            "retry_attempts": 0,
            "retry_delay_s": 0,
            "keep_alive_s": 0.1,
            "producer_keep_alive_s": 0,
            "max_calls": 1,
            "call_log_bytes": 10_000,
            "reload_interval_s": 0,
        }
        return [f"{name} must be at least {value}" for name, value in least.items() if getattr(self, name) < value]

    def _name_problems(self) -> list[str]:
        problems = []
        if not _INSTANCE_ID.fullmatch(self.instance_id):
            problems.append("instance_id must be 1-200 visible ASCII characters without # (it stands in headers)")
        if not self.instance_name.strip() or not self.instance_name.isprintable():
            problems.append("instance_name must be printable text")
        if not re.fullmatch(r"[A-Za-z0-9-]+", self.certificate_header):
            problems.append("certificate_header must be a header name")
        return problems


def _is_network(entry: str) -> bool:
    try:
        ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return False
    return True
