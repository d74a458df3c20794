"""A working folder: settings file, test certificates and an empty register, ready to serve and fetch on one machine.

Used by ``brygga init`` and by the demo. The certificates are a test authority's (see `certs`).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from string import Template

from certs import Authority
from contracts.errors import ConfigurationError
from contracts.registry import CONTRACTS, GET_QUALITY_INDICATORS_2
from gateway.settings import DEFAULT_FILE
from router.catalogue import Catalogue, write_catalogue
from router.catalogue.model import Permission, Route

_ROLES = ("producer", "consumer", "router")
_LOOPBACK = ("127.0.0.1", "::1")
_TEMPLATE = Template("""\
# Settings of Indikatorbryggan. `brygga settings` shows what is in force, `brygga doctor` what is wrong.
# Every value can be overridden by a variable, such as BRYGGA_PRODUCER_PORT. Paths count from this file's folder.

[system]                     # the producing system: its HSA-id is the logical address
hsa_id = "$hsa_id"
name = "$name"

[organization]               # responsible for the information (reportingOrganization)
hsa_id = "$organization_hsa_id"   # the RegisterHSAID of the files that are imported
name = "$name"

[register]
url = "sqlite:///register.db"   # or postgresql+psycopg://user@host/database

[producer]
host = "127.0.0.1"
port = $producer_port
allowed_callers = ["$consumer_hsa_id", "$router_hsa_id"]   # HSA-ids that may call; empty = nobody
contracts = ["GetQualityIndicators:2"]   # versions served and published; `brygga contracts list` shows them

[producer.tls]
certificate = "certs/producer.pem"
private_key = "certs/producer.key"
ca = "certs/authority/trust.pem"
crl = "certs/authority/crl.pem"

[consumer]
endpoint = "https://localhost:$producer_port$path"
logical_address = "$hsa_id"
store = "sqlite:///consumer.db"

# Through the platform simulator instead: endpoint = "https://localhost:$router_port/vp$path"

[consumer.tls]
certificate = "certs/consumer.pem"
private_key = "certs/consumer.key"
ca = "certs/authority/trust.pem"
crl = "certs/authority/crl.pem"

[router]                     # the national platform on this machine: `brygga router serve`
catalogue = "routing.toml"
https_port = $router_port

[router.tls]
certificate = "certs/router.pem"
private_key = "certs/router.key"
ca = "certs/authority/trust.pem"
crl = "certs/authority/crl.pem"
""")


@dataclass(frozen=True, slots=True)
class Workspace:
    """What `create` made: the folder, its settings file, and the HSA-ids of the test parties."""

    directory: Path
    settings_file: Path
    authority: Authority
    system_hsa_id: str
    consumer_hsa_id: str
    router_hsa_id: str


def create(
    directory: Path,
    *,
    hsa_id: str,
    name: str,
    organization_hsa_id: str | None = None,
    producer_port: int = 8443,
    router_port: int = 20000,
    key_size: int | None = None,
) -> Workspace:
    """Make a working folder with a test authority and one certificate each for producer, consumer and router.

    ``hsa_id`` is the producing system's, ``organization_hsa_id`` the register's (the same unless given); the test
    parties get ids below the same organisation number. Raises ConfigurationError when the folder already holds
    settings or certificates; nothing is overwritten.
    """
    settings_file = directory / DEFAULT_FILE
    for existing in (settings_file, directory / "certs"):
        if existing.exists():
            raise ConfigurationError(
                f"{existing} exists already. Choose another folder, or move it away first; nothing was changed."
            )
    prefix = hsa_id.rsplit("-", 1)[0]
    ids = {"producer": hsa_id, "consumer": f"{prefix}-TESTCONSUMER", "router": f"{prefix}-TESTROUTER"}
    directory.mkdir(parents=True, exist_ok=True)
    authority = _issue_certificates(directory / "certs", ids, organization=name, key_size=key_size)
    text = _TEMPLATE.substitute(
        hsa_id=hsa_id,
        name=name.replace("\\", "\\\\").replace('"', '\\"'),
        organization_hsa_id=organization_hsa_id or hsa_id,
        producer_port=producer_port,
        router_port=router_port,
        consumer_hsa_id=ids["consumer"],
        router_hsa_id=ids["router"],
        path=GET_QUALITY_INDICATORS_2.path,
    )
    write_catalogue(directory / "routing.toml", _routing(ids, producer_port))
    with settings_file.open("x", encoding="utf-8") as file:
        file.write(text)
    return Workspace(directory, settings_file, authority, hsa_id, ids["consumer"], ids["router"])


def _routing(ids: dict[str, str], producer_port: int) -> Catalogue:
    """Give a routing catalogue in which the test consumer may call the producer, for every contract version."""
    receiver = ids["producer"]
    routes, permissions = [], []
    for contract in CONTRACTS.values():
        namespace = contract.responder_namespace
        address = f"https://localhost:{producer_port}{contract.path}"
        routes.append(Route(receiver, namespace, "RIVTABP21", address))
        permissions.append(Permission(ids["consumer"], receiver, namespace))
    return Catalogue(tuple(routes), tuple(permissions))


def _issue_certificates(directory: Path, ids: dict[str, str], *, organization: str, key_size: int | None) -> Authority:
    authority = (
        Authority.create(directory / "authority", name="Indikatorbryggan")
        if key_size is None
        else Authority.create(directory / "authority", name="Indikatorbryggan", key_size=key_size)
    )
    for role in _ROLES:
        issued = authority.issue(
            ids[role],
            f"{role}.brygga.test",
            organization=organization,
            locality="Test",
            extra_dns=("localhost",),
            ip_addresses=_LOOPBACK,
            key_size=key_size,
        )
        issued.write(directory, role)
    return authority
