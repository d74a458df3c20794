"""The register team's use of the indicator catalogue: fetching it, and holding imports against it (domain reference 2).

What an indicator is, and the files that say so, is in `contracts.catalogue`.
"""

from __future__ import annotations

from producer.catalogue.settings import CatalogueSettings

__all__ = ["CatalogueSettings"]
