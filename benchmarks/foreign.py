"""Peers in other languages: gSOAP, node-soap, PHP SoapServer, and nginx with the bytes as a file.

Each gives the answer that the product gave a moment ago. Their code is generated from the project's WSDL, into a
temporary folder. A peer that is not installed raises `Missing`, which says what to install.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from string import Template
from typing import Any

from lxml import etree

from benchmarks.harness import Missing
from benchmarks.servers import Keys
from contracts.registry import GET_QUALITY_INDICATORS_2 as CONTRACT

_PEERS = Path(__file__).parent / "peers"
_GSOAP_CODE = ("soapC.c", "soapServer.c", "-lgsoapssl", "-lssl", "-lcrypto", "-lz")
NODE_MODULES = Path("benchmarks/out/peers")
"""Where `make bench-peers` installs node-soap."""

_NGINX = Template("""
worker_processes 1; daemon off; pid $folder/nginx.pid; error_log stderr crit; $user
events { worker_connections 64; }
http {
  access_log off; keepalive_requests 100000000; sendfile on;
  client_body_temp_path $folder/t1; proxy_temp_path $folder/t2; fastcgi_temp_path $folder/t3;
  uwsgi_temp_path $folder/t4; scgi_temp_path $folder/t5;
  server {
    listen 127.0.0.1:$port ssl; root $folder;
    ssl_certificate $certificate; ssl_certificate_key $private_key;
    ssl_client_certificate $ca; ssl_verify_client on; ssl_verify_depth 2;
    location / { $location }
  }
}
""")


@contextmanager
def gsoap(keys: Keys, folder: Path, answer: Path, *arguments: str) -> Iterator[int]:
    """Generate, compile and run the gSOAP server."""
    compiler = _program("cc", "gcc")
    _program("wsdl2h", "gsoap")
    _program("soapcpp2", "gsoap")
    made = folder / "-".join(("gsoap", *arguments))
    made.mkdir()
    source = _PEERS / "gsoap_server.c"
    try:
        for command in (
            ["wsdl2h", "-c", "-o", "service.h", str(CONTRACT.wsdl)],
            ["soapcpp2", "-c", "-S", "-L", "-x", "-Ec", "service.h"],
            [compiler, "-O2", "-DWITH_OPENSSL", "-I.", "-o", "server", str(source), *_GSOAP_CODE],
        ):
            subprocess.run(command, cwd=made, check=True, capture_output=True, timeout=300)
    except subprocess.CalledProcessError as error:
        raise Missing(f"gSOAP does not compile here: {error.stderr[-200:]!r} (apt: libgsoap-dev libssl-dev)") from None
    pem = made / "server.pem"
    pem.write_bytes(Path(keys.server.private_key or "").read_bytes() + keys.server.certificate.read_bytes())
    pem.chmod(0o600)
    with _running([str(made / "server"), str(answer), str(pem), str(keys.server.ca), *arguments]) as process:
        yield _listening(process)


def gsoap_kept(keys: Keys, folder: Path, answer: Path) -> AbstractContextManager[int]:
    """Run the gSOAP server with objects that are made once, before the first call."""
    return gsoap(keys, folder, answer, "kept")


@contextmanager
def node_soap(keys: Keys, folder: Path, answer: Path) -> Iterator[int]:
    """Run the node-soap server."""
    node = _program("node", "nodejs")
    if not (NODE_MODULES / "node_modules" / "soap").is_dir():
        raise Missing("node-soap is not installed (make bench-peers)")
    objects = _objects_file(folder, answer)
    # Of a message with several parts, node-soap takes the first for the body.
    arguments = [NODE_MODULES.absolute(), CONTRACT.path, CONTRACT.body_first_wsdl, objects]
    tls = [keys.server.private_key, keys.server.certificate, keys.server.ca]
    with _running([node, _PEERS / "node_soap_server.js", *arguments, *tls]) as process:
        yield _listening(process)


@contextmanager
def php_soap(keys: Keys, folder: Path, answer: Path) -> Iterator[int]:
    """Run PHP's SoapServer behind nginx, because PHP's own server does no TLS."""
    php = _program("php", "php-cli")
    if b"soap" not in subprocess.run([php, "-m"], capture_output=True, check=True).stdout.split():
        raise Missing("PHP has no SoapServer (apt: php-soap)")
    port = free_port()
    environment = {
        **os.environ,
        "BENCHMARK_WSDL": str(CONTRACT.wsdl),
        "BENCHMARK_ANSWER": str(_objects_file(folder, answer)),
    }
    options = ["-d", "memory_limit=1G", "-d", f"soap.wsdl_cache_dir={folder}"]
    command = [php, *options, "-S", f"127.0.0.1:{port}", str(_PEERS / "php_soap_server.php")]
    with (
        _running(command, env=environment, stderr=subprocess.DEVNULL),
        _nginx(keys, folder / "php", f"proxy_pass http://127.0.0.1:{port}; proxy_max_temp_file_size 0;") as proxy,
    ):
        wait_for(port)
        yield proxy


@contextmanager
def nginx_file(keys: Keys, folder: Path, answer: Path) -> Iterator[int]:
    """Run nginx with the answer as a file."""
    place = folder / "nginx"
    place.mkdir()
    shutil.copy(answer, place / "answer.xml")
    # A POST of a file is refused by default; the file is what is wanted here.
    with _nginx(keys, place, "error_page 405 =200 /answer.xml; rewrite ^ /answer.xml break;") as proxy:
        yield proxy


@contextmanager
def _nginx(keys: Keys, folder: Path, location: str) -> Iterator[int]:
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None:
        raise Missing("nginx is not installed (apt: nginx)")
    folder.mkdir(exist_ok=True)
    port = free_port()
    text = _NGINX.substitute(
        user="user root;" if os.geteuid() == 0 else "",
        folder=folder,
        port=port,
        certificate=keys.server.certificate,
        private_key=keys.server.private_key,
        ca=keys.server.ca,
        location=location,
    )
    (folder / "nginx.conf").write_text(text)
    with _running([program, "-c", folder / "nginx.conf", "-p", folder]):
        wait_for(port)
        yield port


def _objects_file(folder: Path, answer: Path) -> Path:
    """Write the answer as the plain objects that a scripting language would build."""
    file = folder / "answer.json"
    if not file.exists():
        response = etree.parse(str(answer)).getroot()[0][0]
        file.write_text(json.dumps(_object(response), ensure_ascii=False), encoding="utf-8")
    return file


def _object(element: etree._Element) -> Any:
    if not len(element):
        return element.text or ""
    content: dict[str, Any] = {}
    for child in element:
        name = etree.QName(child).localname
        if name == "measurement":
            content.setdefault(name, []).append(_object(child))
        else:
            content[name] = _object(child)
    return content


def _program(name: str, package: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise Missing(f"{name} is not installed (apt: {package})")
    return found


@contextmanager
def _running(command: list[Any], **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, **options)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(20)
        assert process.stdout is not None
        process.stdout.close()


def _listening(process: subprocess.Popen[bytes]) -> int:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line.strip().isdigit():
        raise Missing("it did not start")
    return int(line)


def free_port() -> int:
    """Give a port that was free a moment ago."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def wait_for(port: int) -> None:
    """Wait until something listens. Raises Missing after 20 s."""
    for _ in range(200):
        with socket.socket() as one:
            if one.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise Missing("it did not start")
