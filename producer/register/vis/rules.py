"""The rules of a VIS file by id, with what each is about (domain reference 1.3; contract reference 5).

VIS-01 to VIS-15 are the checks that the receiver's own tool makes, in its order; the rest keeps the contract.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from contracts.codes import Bilingual
from contracts.rules import RULES
from producer.catalogue.rules import CATALOGUE_RULES
from producer.register.distributed.columns import DISTRIBUTED_RULES

VIS_RULES: Final = MappingProxyType(
    {
        "VIS-01": Bilingual("The 30 columns", "De 30 kolumnerna"),
        "VIS-02": Bilingual("Instruction row", "Instruktionsraden"),
        "VIS-03": Bilingual("One register", "Ett register"),
        "VIS-04": Bilingual("Dates of the period", "Periodens datum"),
        "VIS-05": Bilingual("A value, or a reason why not", "Ett värde, eller en orsak till att det saknas"),
        "VIS-06": Bilingual("Both ends of the confidence interval", "Konfidensintervallets båda gränser"),
        "VIS-07": Bilingual("Share of missing values", "Andel saknade värden"),
        "VIS-08": Bilingual("Organisations agree in all rows", "Organisationerna stämmer i alla rader"),
        "VIS-09": Bilingual("No duplicates", "Inga dubbletter"),
        "VIS-10": Bilingual("Unit or hospital", "Enhet eller sjukhus"),
        "VIS-11": Bilingual("CountryName", "CountryName"),
        "VIS-12": Bilingual("Version", "Version"),
        "VIS-13": Bilingual("MeasureID", "MeasureID"),
        "VIS-14": Bilingual("ReasonCode", "ReasonCode"),
        "VIS-15": Bilingual("Missing values carry no numbers", "Saknade värden har inga tal"),
        "VIS-16": Bilingual("Form of numbers", "Talens form"),
        "VIS-17": Bilingual("One kind of measure in a row", "Ett slags mått per rad"),
        "VIS-18": Bilingual("What a reason code means", "Orsakskodens innebörd"),
        "VIS-19": Bilingual("Periods of equal length do not overlap", "Lika långa perioder överlappar inte"),
        "VIS-20": Bilingual("Value inside its confidence interval", "Värdet inom konfidensintervallet"),
        "VIS-21": Bilingual("Numbers in range", "Tal inom sina gränser"),
        "VIS-22": Bilingual("Ids of units and hospitals", "Enheters och sjukhus id"),
        "VIS-23": Bilingual("Numerator and denominator", "Täljare och nämnare"),
        "VIS-24": Bilingual("Rate is the quotient", "Andelen är kvoten"),
        "VIS-25": Bilingual("Symmetric confidence interval", "Symmetriskt konfidensintervall"),
        "VIS-26": Bilingual("Codes of län and kommun", "Koder för län och kommun"),
        "VIS-27": Bilingual("Readable text", "Läsbar text"),
        "VIS-28": Bilingual("Empty rows", "Tomma rader"),
        "VIS-29": Bilingual("One kind of measure for an indicator", "Ett slags mått per indikator"),
        "VIS-30": Bilingual("Agrees with what the register holds", "Stämmer med det som finns i registret"),
    }
)
"""Title of each rule in English and Swedish."""

RULE_TITLES: Final = MappingProxyType(
    {**VIS_RULES, **CATALOGUE_RULES, **DISTRIBUTED_RULES, **{rule.id: rule.title for rule in RULES.values()}}
)
"""Every rule that an import can break; those of the catalogue hold where a catalogue is known."""
