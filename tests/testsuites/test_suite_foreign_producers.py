"""The suites on producers of other makes: node-soap and PHP's SoapServer, and the faults that each is known for.

Slow, and skipped with the reason where Node, npm's package or PHP is missing.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from suite_runs import Ran, run_target, target_of

from certs import Authority
from certs.tls import TlsFiles
from contracts.model import DatePeriod
from contracts.registry import GET_QUALITY_INDICATORS_2 as CONTRACT
from gateway.processes import free_port
from testsuites.endpoint import Access
from testsuites.model import Status

pytestmark = pytest.mark.slow

FOREIGN = Path(__file__).parent / "foreign"
NODE_SOAP = "soap@1.13.0"
START_S = 20.0


@pytest.fixture(scope="session")
def node_modules(request: pytest.FixtureRequest) -> Path:
    """Install node-soap once with npm; BRYGGA_TEST_NODE_MODULES names a folder that has it already."""
    if given := os.environ.get("BRYGGA_TEST_NODE_MODULES"):
        return Path(given)
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("Node and npm are needed for node-soap")
    folder = Path(request.config.cache.mkdir("node-soap"))  # type: ignore[union-attr]
    if not (folder / "node_modules" / "soap").exists():
        command = [npm, "install", "--no-audit", "--no-fund", "--prefix", str(folder), NODE_SOAP]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
        if done.returncode:
            pytest.skip(f"npm could not install {NODE_SOAP}: {done.stderr.strip()[-200:]}")
    return folder / "node_modules"


@pytest.fixture(scope="session")
def tls(tmp_path_factory: pytest.TempPathFactory) -> TlsFiles:
    folder = tmp_path_factory.mktemp("pki")
    authority = Authority.create(folder / "authority", key_size=2048)
    files = authority.issue(
        "SE9990001112-FOREIGN",
        "foreign.brygga.test",
        organization="Testorganisation",
        locality="Teststad",
        ip_addresses=["127.0.0.1"],
        key_size=2048,
    ).write(folder, "foreign")
    return TlsFiles(Path(files.certificate), Path(files.private_key), Path(authority.trust_anchor_path))


@contextmanager
def node_producer(node_modules: Path, wsdl: Path, style: str, tls: TlsFiles | None = None) -> Iterator[str]:
    files = [] if tls is None else [str(tls.certificate), str(tls.private_key), str(tls.ca)]
    environment = {**os.environ, "NODE_PATH": str(node_modules), "SUITE_STYLE": style}
    command = ["node", str(FOREIGN / "node_producer.js"), str(wsdl), *files]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            port = process.stdout.readline().strip()
            assert port, "node did not start"
            yield f"{'http' if tls is None else 'https'}://127.0.0.1:{port}/producer"
        finally:
            process.terminate()


@contextmanager
def php_producer(style: str) -> Iterator[str]:
    php = shutil.which("php")
    if php is None or "soap" not in subprocess.run([php, "-m"], capture_output=True, text=True, check=True).stdout:
        pytest.skip("PHP with its soap extension is needed")
    port = free_port()
    environment = {**os.environ, "SUITE_STYLE": style, "SUITE_WSDL": str(CONTRACT.wsdl)}
    command = [php, "-S", f"127.0.0.1:{port}", str(FOREIGN / "php_producer.php")]
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            url = f"http://127.0.0.1:{port}/producer"
            wait_for(url)
            yield url
        finally:
            process.terminate()


def wait_for(url: str) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        try:
            httpx.get(url, trust_env=False, timeout=1)
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError(f"{url} did not start")


def judged(url: str, tls: TlsFiles | None = None) -> Ran:
    period = DatePeriod("20240101", "20241231")
    target = target_of(url, ("known-1", "known-2"), period=period, access=Access(url, tls), is_own_endpoint=True)
    return run_target(target)


def body_first_wsdl() -> Path:
    """The second WSDL, whose first message part is the body: node-soap takes the first part for the body."""
    return next(CONTRACT.wsdl.parent.glob("*body-first.wsdl"))


def test_node_soap_with_the_published_wsdl_cannot_answer_and_its_fault_is_named(node_modules: Path) -> None:
    with node_producer(node_modules, CONTRACT.wsdl, "careful") as url:
        ran = judged(url)
    assert ran.status("protocol.2.1") is Status.FAILED
    assert "SOAP fault" in ran.outcome("protocol.2.1").summary.en
    faults = ran.outcome("wire.fault-schema").of_status(Status.FAILED)
    assert any("SOAP 1.2" in check.text.en for check in faults)


def test_node_soap_puts_elements_in_the_wrong_namespace_which_is_named(node_modules: Path, tls: TlsFiles) -> None:
    with node_producer(node_modules, body_first_wsdl(), "careful", tls) as url:
        ran = judged(url, tls)
    (check,) = ran.outcome("schema.complete").of_status(Status.FAILED)
    assert check.rule == "schema.namespace"
    assert check.where == "AggregatedQualityReport/measurementChecksum"
    assert CONTRACT.domain_namespace in str(check.mend)
    assert ran.status("wire.mutual-tls") is Status.PASSED
    assert ran.totals.exit_code == 1


def test_node_soap_writes_null_as_nil_which_is_named(node_modules: Path) -> None:
    with node_producer(node_modules, body_first_wsdl(), "careless") as url:
        ran = judged(url)
    assert ("schema.nil", "/Envelope") in ran.failed_checks()
    assert "undefined instead" in str(ran.finished.to_mend())


def test_careful_php_producer_passes_but_for_validation() -> None:
    with php_producer("careful") as url:
        ran = judged(url)
    assert [outcome.case.id for outcome in ran.finished.of_status(Status.FAILED)] == ["wire.fault-schema"]
    assert ran.totals.passed > 35


def test_careless_php_producer_sends_empty_elements_and_references_which_are_named() -> None:
    with php_producer("careless") as url:
        ran = judged(url)
    named = set(ran.failed_checks())
    assert ("schema.empty", "measurement[1]/firstServiceEncounter") in named
    assert any(rule == "schema.reference" for rule, _ in named)
    assert "SoapServer" in str(ran.finished.to_mend())
