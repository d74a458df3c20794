"""The HSA tree: who is whose parent, from catalogue units or from the platform's HSA files.

Implements the tree rules of platform reference 3.2; HSA-ids are compared letter by letter here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from lxml import etree

from contracts.errors import BryggaError, DataError
from contracts.safe_xml import XmlLimits, parse_message
from router.catalogue.model import ROOT, HsaUnit

#: A national tree has some hundred thousand units.
_FILE_LIMITS = XmlLimits(max_elements=20_000_000)


class HsaTree:
    """Parents of units. Whoever is unknown, or has no known parent, stands right below the root."""

    def __init__(self, units: Sequence[HsaUnit]) -> None:
        self._parents = {unit.hsa_id: unit.parent for unit in units}

    def __len__(self) -> int:
        return len(self._parents)

    def parent_of(self, hsa_id: str) -> str | None:
        """Give the parent's HSA-id; the root has none."""
        if hsa_id == ROOT:
            return None
        return self._parents.get(hsa_id) or ROOT

    def ancestors(self, hsa_id: str) -> Iterator[str]:
        """Give parent, grandparent and so on, up to and including the root; a circle ends at the root."""
        seen = {hsa_id}
        parent = self.parent_of(hsa_id)
        while parent is not None:
            if parent in seen:
                yield ROOT
                return
            yield parent
            seen.add(parent)
            parent = self.parent_of(parent)


def read_hsa_files(paths: Sequence[Path]) -> tuple[HsaUnit, ...]:
    """Read HSA files of the platform's form; in a later file a unit replaces the one with the same DN.

    The files are XML with ``hsaUnit`` {``hsaIdentity``, ``DN``, ``name``}; a unit without all three is left out.
    The parent is the nearest ancestor DN that exists. Raises DataError naming the file, also for a DN that one
    file holds twice.
    """
    by_dn: dict[tuple[str, ...], tuple[str, str]] = {}
    for path in paths:
        by_dn.update(_read_file(path))
    units = []
    for dn, (hsa_id, name) in by_dn.items():
        above = (by_dn[dn[start:]][0] for start in range(1, len(dn)) if dn[start:] in by_dn)
        units.append(HsaUnit(hsa_id, name, next(above, None)))
    return tuple(units)


def _read_file(path: Path) -> dict[tuple[str, ...], tuple[str, str]]:
    try:
        root = parse_message(path.read_bytes(), limits=_FILE_LIMITS)
    except OSError as error:
        raise DataError(f"The HSA file {path} cannot be read: {error.strerror}.") from None
    except BryggaError as error:
        raise DataError(f"The HSA file {path} is not readable XML. {error.message}") from None
    found: dict[tuple[str, ...], tuple[str, str]] = {}
    for element in root.iter("{*}hsaUnit"):
        dn_text, hsa_id, name = (_child_text(element, child) for child in ("DN", "hsaIdentity", "name"))
        if not (dn_text and hsa_id and name):
            continue
        dn = tuple(part.strip().lower() for part in dn_text.split(","))
        if dn in found:
            raise DataError(f"The HSA file {path} holds the DN {dn_text!r} twice; nothing of it was taken.")
        found[dn] = (hsa_id, name)
    return found


def _child_text(element: etree._Element, name: str) -> str:
    child = element.find(f"{{*}}{name}")
    return "" if child is None or child.text is None else child.text.strip()
