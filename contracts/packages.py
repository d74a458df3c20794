"""Official contract packages: compared with what is built in, and put in its place (contract reference 2).

A package is laid out as rivta.se publishes it: ``schemas/core_components`` and ``schemas/interactions/...`` below any
folder. Contract versions in it are found by their namespaces, files by the imports from the WSDL on.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from types import MappingProxyType

from lxml import etree

from contracts.comparison import Difference, compare
from contracts.errors import CallerError, ConfigurationError, DataError
from contracts.package_files import PackageFiles, read_package
from contracts.registry import CONTRACTS, ServiceContract
from contracts.safe_xml import parse_message
from contracts.structure import WSDL, XS, read_structure, structure_of

_BODY_FIRST = "_body-first"
_NOTE = "added.json"
_IMPORTS = (f"{XS}import", f"{XS}include", f"{XS}redefine")


@dataclass(frozen=True, slots=True)
class PackagedContract:
    """One contract version as a package holds it.

    ``files``: the WSDL, the message schema, and the schemas that they use. ``differences`` against ``contract``, the
    built-in one; what is missing from the package is among them.
    """

    contract: ServiceContract
    files: Mapping[PurePosixPath, bytes]
    differences: tuple[Difference, ...]

    @property
    def is_equal(self) -> bool:
        """Whether it has the built-in structure."""
        return not self.differences

    @property
    def is_compatible(self) -> bool:
        """Whether it may stand in for the built-in one: nothing but additions."""
        return not any(difference.is_breaking for difference in self.differences)


def verify_package(path: Path, known: Mapping[str, ServiceContract] = CONTRACTS) -> list[PackagedContract]:
    """Compare every contract version of the package at ``path`` (untrusted) that is ``known``.

    Raises DataError for what is no package, or holds no known contract version.
    """
    package = _Package(read_package(path))
    found = [packaged for contract in known.values() if (packaged := package.contract(contract)) is not None]
    if not found:
        listed = ", ".join(sorted(package.namespaces)) or "none"
        raise DataError(f"{path} holds no contract version that is known here. Its namespaces: {listed}.")
    return found


def add_package(path: Path, folder: Path, known: Mapping[str, ServiceContract] = CONTRACTS) -> list[PackagedContract]:
    """Keep the files of every compatible contract version of a package below ``folder``, where `with_added` finds them.

    An earlier package of the same version is replaced in one step. Gives all that was found, compatible or not.
    Raises DataError as `verify_package`, ConfigurationError when ``folder`` cannot be written.
    """
    found = verify_package(path, known)
    for packaged in found:
        if packaged.is_compatible:
            try:
                _store(packaged, path, folder)
            except OSError as error:
                raise ConfigurationError(f"The package cannot be kept in {folder}: {error.strerror}.") from error
    return found


def with_added(folder: Path, known: Mapping[str, ServiceContract] = CONTRACTS) -> Mapping[str, ServiceContract]:
    """Give the contract versions, each with the files of its added package where ``folder`` has one.

    The files are compared again, because anything may have happened to them. Raises ConfigurationError.
    """
    if not folder.is_dir():
        return known
    return MappingProxyType({name: _with_added(contract, folder) for name, contract in known.items()})


def _place(contract: ServiceContract, folder: Path) -> Path:
    return folder / contract.interaction / contract.version


def _with_added(contract: ServiceContract, folder: Path) -> ServiceContract:
    place = _place(contract, folder)
    if not place.is_dir():
        return contract
    back = f"Add the package again, or delete {place} to go back to the built-in schema."
    try:
        packaged = _Package(read_package(place)).contract(contract)
        source = json.loads((place / _NOTE).read_text(encoding="utf-8"))["source"]
    except (DataError, OSError, ValueError, KeyError) as error:
        raise ConfigurationError(f"The added package of {contract.id} cannot be read. {back}") from error
    if packaged is None or not packaged.is_compatible:
        problems = [] if packaged is None else [f"{one.where} {one.what}" for one in packaged.differences]
        raise ConfigurationError(f"The added package of {contract.id} no longer fits. {back}", problems=problems)
    wsdl, responder, *used = (place / file for file in packaged.files)
    return replace(
        contract,
        basis="added",
        known=f"Schema and WSDL are those of the package {source}, which was added.",
        wsdl=wsdl,
        responder_xsd=responder,
        core_components=tuple(sorted(used)),
    )


def _store(packaged: PackagedContract, source: Path, folder: Path) -> None:
    place = _place(packaged.contract, folder)
    place.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=".new-", dir=place.parent))
    try:
        shared = PurePosixPath(os.path.commonpath([file.parent for file in packaged.files]))
        for file, content in packaged.files.items():
            target = made / "schemas" / file.relative_to(shared)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        (wsdl, content), (responder, _), *_ = packaged.files.items()
        _check_compiles(made / "schemas" / responder.relative_to(shared))
        target = made / "schemas" / wsdl.relative_to(shared)
        target.with_name(f"{wsdl.stem}{_BODY_FIRST}{wsdl.suffix}").write_bytes(_body_first(content))
        (made / _NOTE).write_text(json.dumps(_note(packaged, source), indent=2) + "\n", encoding="utf-8")
        made.chmod(0o755)
        old = place.with_name(f".old-{made.name}")
        if place.exists():
            place.rename(old)
        made.rename(place)
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _check_compiles(schema: Path) -> None:
    try:
        etree.XMLSchema(etree.parse(schema))
    except etree.XMLSchemaParseError as error:
        raise DataError(f"The schema {schema.name} of the package cannot be used: {error}.") from error


def _note(packaged: PackagedContract, source: Path) -> dict[str, str]:
    content = hashlib.sha256(b"".join(packaged.files.values())).hexdigest()
    return {"source": source.name, "sha256": content, "added_at": datetime.now(UTC).isoformat(timespec="seconds")}


def _body_first(wsdl: bytes) -> bytes:
    """Put the body part first in every message: the marked variant that one kind of client needs."""
    root = parse_message(wsdl)
    header_parts = {node.get("part") for node in root.iter("{http://schemas.xmlsoap.org/wsdl/soap/}header")}
    for message in root.iterchildren(f"{WSDL}message"):
        for part in message.findall(f"{WSDL}part"):
            if part.get("name") in header_parts:
                message.append(part)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


class _Package:
    """The files of a package, parsed, and the search for contract versions in them."""

    def __init__(self, package: PackageFiles) -> None:
        self._files = {path: content for path, content in package.files.items() if not path.stem.endswith(_BODY_FIRST)}
        self._roots = {path: _parsed(path, content, package.name) for path, content in self._files.items()}
        self.namespaces = {root.get("targetNamespace", "") for root in self._roots.values()}

    def contract(self, contract: ServiceContract) -> PackagedContract | None:
        """Give ``contract`` as this package has it; None when the package has nothing of it."""
        problems: list[Difference] = []
        wsdl = self._only(f"{WSDL}definitions", contract.wsdl_namespace, problems)
        responder = self._only(f"{XS}schema", contract.responder_namespace, problems)
        if wsdl is None and responder is None:
            return None
        if wsdl is None:
            problems.append(Difference(f"WSDL {contract.wsdl_namespace}", "is missing from the package", True))
        used = self._used([path for path in (wsdl, responder) if path is not None], problems)
        names = [path.name for path in used]
        problems += [
            Difference(f"file {name}", "is used from two folders; its callers ask for it by name alone", True)
            for name in sorted({name for name in names if names.count(name) > 1})
        ]
        known = structure_of(contract)
        if wsdl is None:
            known = replace(known, wsdl={})
        try:
            found = read_structure(self._roots[path] for path in used)
        except ValueError:
            problems.append(Difference("schema", "has a minOccurs or maxOccurs that is no number", True))
        else:
            problems += compare(known, found)
        return PackagedContract(contract, {path: self._files[path] for path in used}, tuple(problems))

    def _only(self, tag: str, namespace: str, problems: list[Difference]) -> PurePosixPath | None:
        """Find the file of a namespace, of several the one among the interactions; copies elsewhere are common."""
        found = [
            path for path, root in self._roots.items() if root.tag == tag and root.get("targetNamespace") == namespace
        ]
        found = [path for path in found if "interactions" in path.parts] or found
        if len({self._files[path] for path in found}) > 1:
            listed = ", ".join(map(str, found))
            problems.append(Difference(f"namespace {namespace}", f"is in different files: {listed}", True))
        return found[0] if found else None

    def _used(self, begin: Sequence[PurePosixPath], problems: list[Difference]) -> list[PurePosixPath]:
        """Follow imports and includes by their relative locations, as validators and clients will."""
        used = list(begin)
        for path in used:
            for node in self._roots[path].iter(*_IMPORTS):
                location = node.get("schemaLocation")
                if location is None:
                    what = f"uses {node.get('namespace')} without saying where it is"
                    problems.append(Difference(f"file {path}", what, True))
                    continue
                target = PurePosixPath(os.path.normpath(path.parent / location))
                if target not in self._files:
                    what = f"uses {location}, which the package does not hold"
                    problems.append(Difference(f"file {path}", what, True))
                elif target not in used:
                    used.append(target)
        return used


def _parsed(path: PurePosixPath, content: bytes, package: str) -> etree._Element:
    try:
        return parse_message(content)
    except CallerError as error:
        raise DataError(f"{path} in {package} cannot be read as WSDL or schema: {error.message}") from error
