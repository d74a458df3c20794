"""What ``brygga doctor`` looks at: program, settings, certificates, register, ports. Each finding says what to do."""

from __future__ import annotations

import shutil
import socket
import ssl
import sys
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Literal

from lxml import etree

from certs.inspection import inspect_file
from certs.tls import TlsFiles, client_context, server_context
from contracts.errors import BryggaError, ConfigurationError
from gateway.sections import (
    SECTIONS,
    consumer_settings,
    producer_settings,
    register_of,
    register_settings,
    router_settings,
    served_contracts,
)
from gateway.settings import Settings
from producer.register import DamagedSlice, damaged_slices, open_register, register_status
from producer.register.checking import REPAIR
from producer.register.publication import Publication, publications
from producer.settings import ProducerSettings

State = Literal["ok", "warning", "error"]
_LEAST_FREE_BYTES = 1024**3
_SHOWN_DAMAGE = 10
#: libxml2 from here on has the guards that contracts.safe_xml relies on as its outer wall.
_LEAST_LIBXML2 = (2, 11, 0)


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at: ``about`` what, how it is, and for anything but ok what to do."""

    about: str
    state: State
    text: str
    mend: str = ""


def run_checks(settings: Settings) -> Iterator[Check]:
    """Look at everything that the settings name; nothing is changed."""
    yield from _program()
    yield from _sections(settings)
    if settings.has("register") or settings.has("producer"):
        yield from _register(settings)
    if settings.has("producer"):
        yield from _producer(settings)
    if settings.has("consumer"):
        yield from _consumer(settings)
    if settings.has("router"):
        yield from _router(settings)
    yield from _disk(settings.base)


def _program() -> Iterator[Check]:
    python = ".".join(map(str, sys.version_info[:3]))
    libxml2 = ".".join(map(str, etree.LIBXML_VERSION))
    text = f"Python {python}, {ssl.OPENSSL_VERSION}, libxml2 {libxml2}, spyne {version('spyne')}"
    if etree.LIBXML_VERSION < _LEAST_LIBXML2:
        yield Check("program", "warning", text, "Install a newer lxml: this libxml2 has weaker limits.")
    else:
        yield Check("program", "ok", text)


def _sections(settings: Settings) -> Iterator[Check]:
    for problem in settings.unknown_sections(frozenset(SECTIONS)):
        yield Check("settings", "warning", problem, "Correct or remove it; it has no effect.")
    yield Check("settings", "ok", f"read from {settings.source}")


def _register(settings: Settings) -> Iterator[Check]:
    try:
        register_settings(settings)
        with register_of(settings) as register:
            register.check_integrity()
            status = register_status(register)
            damaged = damaged_slices(register, is_thorough=True)
    except BryggaError as error:
        yield _failed("register", error)
        return
    text = f"{status.measurements} measurements of {status.measures} indicators"
    if status.distributed.measurements:
        text += f", {status.distributed.measurements} distributed of {status.distributed.measures}"
    yield Check("register", "ok", text)
    if status.current is None:
        is_empty = not (status.measurements or status.distributed.measurements)
        first = "brygga register import FILE, then " if is_empty else ""
        yield Check("publication", "warning", "nothing is published", f"{first}brygga register publish")
    elif status.unpublished_groups:
        text = f"publication {status.current.id} is current; {status.unpublished_groups} groups changed since"
        yield Check("publication", "warning", text, "brygga register publish")
    else:
        yield Check("publication", "ok", f"publication {status.current.id} holds everything imported")
    yield from _damage(damaged)
    yield from _read_database(settings, status.current)
    if status.current is not None and settings.has("producer"):
        yield from _versions(settings, {part.rendering for part in status.current.contracts})


def _read_database(settings: Settings, current: Publication | None) -> Iterator[Check]:
    """Look at the database that the producer reads from where it is another one, such as a replica."""
    section = register_settings(settings)
    if section.read_url is None:
        return
    try:
        with open_register(section.read_url_from(settings.base)) as register:
            read = next((one for one in publications(register) if one.is_current), None)
    except BryggaError as error:
        yield _failed("read_url", error)
        return
    if read == current:
        yield Check("read_url", "ok", "the producer reads the same publication there")
    else:
        there = "nothing is published" if read is None else f"publication {read.id} is current"
        mend = "Look at the replication, and that it is of the same register."
        yield Check("read_url", "warning", f"{there} in the database that the producer reads", mend)


def _damage(damaged: Sequence[DamagedSlice]) -> Iterator[Check]:
    """Tell of the stored slices, every one of which has been read."""
    if not damaged:
        yield Check("stored slices", "ok", "each is what was stored")
    for one in damaged[:_SHOWN_DAMAGE]:
        if one.is_current:
            mend = f"Answers with it are refused; others are given. {REPAIR} makes it anew. Look at the disk."
            yield Check("stored slices", "error", str(one), mend)
        else:
            mend = "It is of an earlier publication only: do not go back to that one. It goes when that is removed."
            yield Check("stored slices", "warning", str(one), mend)
    if len(damaged) > _SHOWN_DAMAGE:
        yield Check("stored slices", "error", f"{len(damaged) - _SHOWN_DAMAGE} more are damaged", REPAIR)


def _versions(settings: Settings, published: Collection[str]) -> Iterator[Check]:
    """Compare the contract versions that are served with those that are published, and tell what they rest on."""
    try:
        served = served_contracts(settings)
    except BryggaError:
        return  # The producer's own check tells.
    for contract in served:
        if contract.rendering not in published:
            text = f"{contract.id} is served but not in the current publication, so its callers get a fault"
            yield Check("contracts", "warning", text, "brygga register publish")
        elif contract.is_reconstruction:
            text = f"{contract.id} is a reconstruction: not the message that others speak"
            yield Check(
                "contracts", "warning", text, "Serve it only to try it; brygga contracts add takes the official."
            )
        else:
            yield Check("contracts", "ok", f"{contract.id} is served")


def _producer(settings: Settings) -> Iterator[Check]:
    try:
        producer = producer_settings(settings)
    except BryggaError as error:
        yield _failed("producer", error)
        return
    if producer.tls is not None:
        yield from _certificate("producer certificate", producer.tls, is_server=True)
        yield from _own_address(producer)
    if producer.allowed_callers:
        yield Check("allowed callers", "ok", ", ".join(producer.allowed_callers))
    else:
        yield Check(
            "allowed callers", "warning", "the list is empty, so nobody may call", "Name HSA-ids in allowed_callers."
        )
    yield _port("producer port", producer.host, producer.port)


def _own_address(producer: ProducerSettings) -> Iterator[Check]:
    """Compare the certificate's HSA-id with the logical address; they differ in some installations, rightly."""
    assert producer.tls is not None
    facts = inspect_file(producer.tls.certificate).items[0].facts
    hsa_id = str(facts.get("hsa_id") or "")
    if hsa_id.casefold() not in {address.casefold() for address in producer.served_addresses}:
        text = f"the certificate is {hsa_id or 'without HSA-id'}, the service answers for "
        yield Check(
            "logical address",
            "warning",
            text + ", ".join(producer.served_addresses),
            "That is right where one system answers for another; else correct system.hsa_id.",
        )


def _consumer(settings: Settings) -> Iterator[Check]:
    try:
        consumer = consumer_settings(settings)
    except BryggaError as error:
        yield _failed("consumer", error)
        return
    if consumer.tls is not None:
        yield from _certificate("consumer certificate", consumer.tls, is_server=False)
    yield Check("consumer", "ok", f"asks {consumer.logical_address or '-'} at {consumer.endpoint or '-'}")


def _router(settings: Settings) -> Iterator[Check]:
    try:
        router = router_settings(settings)
    except BryggaError as error:
        yield _failed("router", error)
        return
    if router.tls is not None:
        yield from _certificate("router certificate", router.tls, is_server=True)
        yield _port("router port", router.host, router.https_port)
    state: State = "ok" if router.catalogue.exists() else "error"
    mend = "" if state == "ok" else "Write one, or import an order: brygga router catalogue import"
    yield Check("routing catalogue", state, str(router.catalogue), mend)


def _certificate(about: str, files: TlsFiles, *, is_server: bool) -> Iterator[Check]:
    try:
        (server_context if is_server else client_context)(files)
        found = inspect_file(files.certificate, ca=files.ca, crl=files.crl, key=files.private_key)
    except BryggaError as error:
        yield _failed(about, error)
        return
    yield Check(about, "ok", found.items[0].summary)
    for problem in found.problems:
        if problem.severity != "note":
            yield Check(about, problem.severity, f"{problem.where}: {problem.message}", problem.mend)


def _port(about: str, host: str, port: int) -> Check:
    if port == 0 or host.startswith("unix:"):
        return Check(about, "ok", "chosen at start" if port == 0 else host)
    try:
        socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET).close()
    except OSError as error:
        text = f"{host}:{port} cannot be had: {error.strerror}"
        return Check(about, "warning", text, "It is in use (by the running service?), or choose another port.")
    return Check(about, "ok", f"{host}:{port} is free")


def _disk(folder: Path) -> Iterator[Check]:
    free = shutil.disk_usage(folder).free
    text = f"{free / 1024**3:.1f} GiB free at {folder}, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    if free < _LEAST_FREE_BYTES:
        yield Check("disk and clock", "warning", text, "Make room: imports and publications need it.")
    else:
        yield Check("disk and clock", "ok", text)


def _failed(about: str, error: BryggaError) -> Check:
    problems = error.problems if isinstance(error, ConfigurationError) else ()
    return Check(about, "error", error.message, "; ".join(problems))
