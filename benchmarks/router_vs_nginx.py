"""The router against nginx as reverse proxy, both with mutual TLS on both legs, same producer, same callers, in turns.

nginx keeps connections to the producer (a plain configuration would shake hands anew for each call), and both have as
many worker processes as the machine has cores. Needs nginx (Debian: apt install nginx-light).
"""

from __future__ import annotations

import http.client
import multiprocessing
import os
import shutil
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from string import Template

import psutil

from benchmarks.harness import Figure, report
from certs import Authority
from certs.tls import TlsFiles, client_context
from contracts.soap import SOAP_NAMESPACE
from router import workers
from router.catalogue import Catalogue, Permission, Route, write_catalogue
from router.settings import RouterSettings

CONTRACT = "urn:riv:benchmark:group:GetBenchmarkResponder:1"
_SMALL_BYTES = 1024
_LARGE_BYTES = 10 * 1024 * 1024
_CALLERS = 8
_ROUNDS = 7
_ROUND_S = 1.5
_SLOW_CALLERS = 16
_SENDER, _SMALL, _LARGE = "SE9990001112-BENCHCALLER", "SE9990001112-SMALL", "SE9990001112-LARGE"
_ROLES = {"caller": _SENDER, "router": "SE9990001112-BENCHROUTER", "producer": "SE9990001112-BENCH"}

_NGINX = Template("""\
daemon off; worker_processes $workers; pid $folder/nginx.pid; error_log $folder/error.log crit;
events { worker_connections 4096; }
http {
  access_log off; keepalive_requests 100000000; sendfile on; client_max_body_size 50m; default_type text/xml;
  client_body_temp_path $folder/body; proxy_temp_path $folder/proxy; fastcgi_temp_path $folder/fastcgi;
  uwsgi_temp_path $folder/uwsgi; scgi_temp_path $folder/scgi;
  ssl_client_certificate $ca; ssl_verify_client on; ssl_verify_depth 2; ssl_session_cache shared:sessions:1m;
  server {
    listen 127.0.0.1:$producer_port ssl; ssl_certificate $producer_pem; ssl_certificate_key $producer_key;
    root $folder/answers; error_page 405 =200 $$uri;
  }
  upstream producer { server 127.0.0.1:$producer_port; keepalive 64; keepalive_requests 100000000; }
  server {
    listen 127.0.0.1:$proxy_port ssl; ssl_certificate $router_pem; ssl_certificate_key $router_key;
    location / {
      proxy_pass https://producer; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_ssl_certificate $router_pem; proxy_ssl_certificate_key $router_key; proxy_ssl_session_reuse on;
      proxy_ssl_trusted_certificate $ca; proxy_ssl_verify on; proxy_ssl_verify_depth 2; proxy_ssl_name localhost;
    }
  }
}
""")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a measured server listens."""

    port: int
    path: str


def figures() -> list[Figure]:
    """Measure calls of 1 KB, answers of 10 MB, and the memory that large answers add."""
    with tempfile.TemporaryDirectory() as directory, ExitStack() as stack:
        folder = Path(directory)
        keys = _make_keys(folder)
        producer_port, proxy_port = _free_port(), _free_port()
        stack.enter_context(_nginx(folder, keys, producer_port, proxy_port))
        router_port, router_pid = stack.enter_context(_router(folder, keys, producer_port))
        callers = stack.enter_context(_callers(keys["caller"]))
        found = []
        for kind, receiver, goal in (("1 KB calls", _SMALL, 0.2), ("10 MB answer", _LARGE, 0.5)):
            path = "/small" if receiver == _SMALL else "/large"
            places = [Place(router_port, "/vp"), Place(proxy_port, path), Place(producer_port, path)]
            found.append(_throughput(kind, callers, places, _message(receiver), goal))
        found.append(_memory(keys["caller"], router_port, router_pid))
    return found


def _throughput(kind: str, callers: list[Connection], places: list[Place], message: bytes, goal: float) -> Figure:
    rates: list[list[float]] = [[] for _ in places]
    for place in places:
        _measure(callers, place, message, 0.5)
    for _ in range(_ROUNDS):
        for position, place in enumerate(places):
            rates[position].append(_measure(callers, place, message, _ROUND_S))
    router, nginx, direct = (statistics.median(one) for one in rates)
    detail: dict[str, float | str] = {"router /s": router, "nginx /s": nginx, "producer alone /s": direct}
    return Figure(f"router / nginx, {kind}", router / nginx, goal, "at least", detail=detail)


def _measure(callers: list[Connection], place: Place, message: bytes, duration_s: float) -> float:
    for caller in callers:
        caller.send((place, message, duration_s))
    return sum(caller.recv() for caller in callers)


def _memory(caller: TlsFiles, port: int, pid: int) -> Figure:
    """Give what each of several large answers adds while slow callers hold them all in mid-way."""
    message, context = _message(_LARGE), client_context(caller)
    _read_slowly(context, port, message, threading.Barrier(1))
    before = _private_bytes(pid)
    barrier = threading.Barrier(_SLOW_CALLERS + 1)
    threads = [
        threading.Thread(target=_read_slowly, args=(context, port, message, barrier)) for _ in range(_SLOW_CALLERS)
    ]
    for thread in threads:
        thread.start()
    barrier.wait()
    time.sleep(0.5)
    growth = max(_private_bytes(pid) - before, 0) / _SLOW_CALLERS / 2**20
    barrier.wait()
    for thread in threads:
        thread.join()
    return Figure(
        "router memory added by one 10 MB answer", growth, 4.0, "at most", "MiB", {"answers at one time": _SLOW_CALLERS}
    )


def _read_slowly(context: ssl.SSLContext, port: int, message: bytes, barrier: threading.Barrier) -> None:
    connection = http.client.HTTPSConnection("localhost", port, context=context, timeout=60)
    connection.request("POST", "/vp", message, {"Content-Type": "text/xml; charset=UTF-8"})
    answer = connection.getresponse()
    answer.read(1_000_000)
    barrier.wait()
    barrier.wait()
    answer.read()
    connection.close()


def _private_bytes(pid: int) -> int:
    process = psutil.Process(pid)
    return sum(one.memory_full_info().uss for one in (process, *process.children(recursive=True)))


@contextmanager
def _callers(files: TlsFiles) -> Iterator[list[Connection]]:
    context = multiprocessing.get_context("spawn")
    pipes, processes = [], []
    for _ in range(_CALLERS):
        here, there = context.Pipe()
        process = context.Process(target=_call_on_demand, args=(there, files), daemon=True)
        process.start()
        pipes.append(here)
        processes.append(process)
    try:
        yield pipes
    finally:
        for process in processes:
            process.terminate()
            process.join()


def _call_on_demand(orders: Connection, files: TlsFiles) -> None:
    context = client_context(files)
    connections: dict[int, http.client.HTTPSConnection] = {}
    buffer = bytearray(1 << 18)
    while True:
        place, message, duration_s = orders.recv()
        connection = connections.setdefault(
            place.port, http.client.HTTPSConnection("localhost", place.port, context=context, timeout=60)
        )
        count, begun = 0, time.perf_counter()
        while time.perf_counter() - begun < duration_s:
            connection.request("POST", place.path, message, {"Content-Type": "text/xml; charset=UTF-8"})
            answer = connection.getresponse()
            if answer.status != 200:
                raise RuntimeError(f"status {answer.status}: {answer.read(500)!r}")
            while answer.readinto(buffer):
                pass
            count += 1
        orders.send(count / (time.perf_counter() - begun))


@contextmanager
def _nginx(folder: Path, keys: dict[str, TlsFiles], producer_port: int, proxy_port: int) -> Iterator[None]:
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    answers = folder / "answers"
    answers.mkdir()
    (answers / "small").write_bytes(_answer(_SMALL_BYTES))
    (answers / "large").write_bytes(_answer(_LARGE_BYTES))
    files = {
        f"{role}_{kind}": path
        for role in ("producer", "router")
        for kind, path in (("pem", keys[role].certificate), ("key", keys[role].private_key))
    }
    text = _NGINX.substitute(
        workers=os.cpu_count(),
        folder=folder,
        ca=keys["router"].ca,
        producer_port=producer_port,
        proxy_port=proxy_port,
        **files,
    )
    configuration = folder / "nginx.conf"
    configuration.write_text(("user root;\n" if os.geteuid() == 0 else "") + text)
    process = subprocess.Popen([program, "-c", str(configuration), "-p", str(folder)])
    try:
        _wait_for(proxy_port)
        yield
    finally:
        process.terminate()
        process.wait()


@contextmanager
def _router(folder: Path, keys: dict[str, TlsFiles], producer_port: int) -> Iterator[tuple[int, int]]:
    catalogue = folder / "catalogue.toml"
    base = f"https://localhost:{producer_port}"
    write_catalogue(
        catalogue,
        Catalogue(
            tuple(
                Route(receiver, CONTRACT, "RIVTABP21", f"{base}/{name}")
                for receiver, name in ((_SMALL, "small"), (_LARGE, "large"))
            ),
            (Permission(_SENDER, "*", CONTRACT),),
        ),
    )
    port = _free_port()
    settings = RouterSettings(
        catalogue=catalogue,
        tls=keys["router"],
        https_port=port,
        admin_port=None,
        workers=os.cpu_count() or 1,
        call_log=folder / "calls",
    )
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(settings,))
    process.start()
    try:
        _wait_for(port)
        yield port, process.pid or 0
    finally:
        process.terminate()
        process.join()


def _serve(settings: RouterSettings) -> None:
    import logging

    import structlog

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    workers.serve(settings, announce=lambda _: None)


def _make_keys(folder: Path) -> dict[str, TlsFiles]:
    authority = Authority.create(folder / "authority", key_size=2048)
    keys = {}
    for role, hsa_id in _ROLES.items():
        issued = authority.issue(
            hsa_id, "localhost", organization="Benchmark", locality="Test", ip_addresses=("127.0.0.1",), key_size=2048
        )
        files = issued.write(folder / "keys", role)
        keys[role] = TlsFiles(files.certificate, files.private_key, authority.trust_anchor_path)
    return keys


def _message(receiver: str) -> bytes:
    text = (
        f'<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="{SOAP_NAMESPACE}"><s:Header>'
        f'<r:LogicalAddress xmlns:r="urn:riv:itintegration:registry:1">{receiver}</r:LogicalAddress></s:Header>'
        f'<s:Body><b:GetBenchmark xmlns:b="{CONTRACT}"><b:id>%s</b:id></b:GetBenchmark></s:Body></s:Envelope>'
    )
    filler = "</b:id><b:id>".join(f"measure-{number:08}" for number in range(20))
    return (text % filler).encode()


def _answer(size: int) -> bytes:
    head = (
        f'<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="{SOAP_NAMESPACE}"><s:Body>'
        f'<b:GetBenchmarkResponse xmlns:b="{CONTRACT}">'
    ).encode()
    tail = b"</b:GetBenchmarkResponse></s:Body></s:Envelope>"
    row = b"<b:row>0123456789</b:row>"
    rows = row * ((size - len(head) - len(tail)) // len(row))
    return head + rows + b" " * (size - len(head) - len(rows) - len(tail)) + tail


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _wait_for(port: int) -> None:
    for _ in range(200):
        with socket.socket() as one:
            if one.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise RuntimeError("a server did not start")


if __name__ == "__main__":
    sys.exit(0 if report(figures(), Path("benchmarks/out/router.json")) else 1)
