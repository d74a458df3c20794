"""The indicator catalogue (Kvalitetsindikatorkatalogen, KIK) as the register team needs it (domain reference 2).

Read from the catalogue's own JSON answers or from a form of the project's own, kept as one file in the working folder.
"""

from __future__ import annotations

from producer.catalogue.model import Catalogue, CatalogueMeasure, Frequency
from producer.catalogue.settings import CatalogueSettings

__all__ = ["Catalogue", "CatalogueMeasure", "CatalogueSettings", "Frequency"]
