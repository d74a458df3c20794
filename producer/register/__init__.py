"""The register: measurements in a database, imports into it, and publications made from it (design 3).

The only package of the producer that speaks SQL. Imports of files are in `producer.register.importer`, which a serving
process need not load.
"""

from __future__ import annotations

from producer.register.checking import DamagedSlice, damaged_slices
from producer.register.publication import (
    Publication,
    PublishedContract,
    PublishOutcome,
    publications,
    publish,
    rollback,
)
from producer.register.register import Register, open_register, upgrade_register
from producer.register.repository import DatabaseRepository
from producer.register.settings import RegisterSettings
from producer.register.status import DistributedStatus, ImportRecord, RegisterStatus, register_status

__all__ = [
    "DamagedSlice",
    "DatabaseRepository",
    "DistributedStatus",
    "ImportRecord",
    "Publication",
    "PublishOutcome",
    "PublishedContract",
    "Register",
    "RegisterSettings",
    "RegisterStatus",
    "damaged_slices",
    "open_register",
    "publications",
    "publish",
    "register_status",
    "rollback",
    "upgrade_register",
]
