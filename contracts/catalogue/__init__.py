"""The indicator catalogue (Kvalitetsindikatorkatalogen, KIK) as data and as files (domain reference 2).

Read from the catalogue's own JSON answers or from a form of the project's own, kept as one file in the working folder.
"""

from __future__ import annotations

from contracts.catalogue.files import load_catalogue, read_document, save_catalogue
from contracts.catalogue.model import Catalogue, CatalogueMeasure, Frequency

__all__ = ["Catalogue", "CatalogueMeasure", "Frequency", "load_catalogue", "read_document", "save_catalogue"]
