"""The rules of an import that is held against the catalogue, with what each is about (contract rules 1.1, 1.6, 1.7).

They are checked by `producer.catalogue.checks`.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from contracts.codes import Bilingual

CATALOGUE_RULES: Final = MappingProxyType(
    {
        "KIK-01": Bilingual("The indicator is in the catalogue", "Indikatorn finns i katalogen"),
        "KIK-02": Bilingual("The indicator is published", "Indikatorn är publicerad"),
        "KIK-03": Bilingual("The period is within the indicator's validity", "Perioden ligger inom giltighetstiden"),
        "KIK-04": Bilingual("The kind of measure is the catalogue's", "Slaget av mått är katalogens"),
        "KIK-05": Bilingual("The catalogue asks for the level", "Katalogen efterfrågar nivån"),
        "KIK-06": Bilingual("The catalogue asks for the frequency", "Katalogen efterfrågar frekvensen"),
        "KIK-07": Bilingual("The version is the catalogue's", "Versionen är katalogens"),
        "KIK-08": Bilingual("Few are hidden", "Små tal döljs"),
    }
)
"""Title of each rule in English and Swedish."""
