"""The routing catalogue (tjänsteadresseringskatalog): model, file, imports, lookup and the copy in use.

Implements platform reference 3 (matching, algorithm, cache life cycle, order format, dump).
"""

from router.catalogue.model import Catalogue, CatalogueTime, FaultRule, HsaUnit, Permission, Route, Validity
from router.catalogue.store import CatalogueStore, RefreshStatus
from router.catalogue.table import Lookup, RoutingTable
from router.catalogue.toml_file import read_catalogue, write_catalogue

__all__ = [
    "Catalogue",
    "CatalogueStore",
    "CatalogueTime",
    "FaultRule",
    "HsaUnit",
    "Lookup",
    "Permission",
    "RefreshStatus",
    "Route",
    "RoutingTable",
    "Validity",
    "read_catalogue",
    "write_catalogue",
]
