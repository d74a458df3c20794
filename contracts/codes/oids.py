"""Object identifiers (OID) of the identifier systems that the contracts use as ``root``.

Source of each: contract reference 4, domain reference 5.1; which document says so stands with the constant.
"""

from __future__ import annotations

from typing import Final

OID_MEASURE: Final = "1.2.826.0.1.3680043.9.4672.7"
"""Indicator id in Kvalitetsindikatorkatalogen (service contract description of GetQualityIndicators)."""

OID_HOSPITAL: Final = "1.2.826.0.1.3680043.9.4672.5"
"""Hospital code of Socialstyrelsen, for hospitals without HSA-id (service contract description)."""

OID_KOMMUN: Final = "1.2.752.129.2.2.1.17"
"""Municipality, four digits of SCB; the same as municipalityCode in HSA (service contract description)."""

OID_LAN: Final = "1.2.752.129.2.2.1.18"
"""County, two digits of SCB; the same as countyCode in HSA (service contract description)."""

OID_LAND: Final = "1.2.752.129.2.2.1.19"
"""Nation, ISO 3166-1 letters; only ``SE`` is used (service contract description)."""

OID_SEX: Final = "1.2.752.129.2.2.1.1"
"""Sex (KV kön): 1 man, 2 woman (published schemas and catalogue answers)."""

OID_HSA_ID: Final = "1.2.752.129.2.1.4.1"
"""The extension is an HSA-id (RIV-TA)."""

OID_LOCAL_ID: Final = "1.2.752.129.2.1.2.1"
"""The extension is locally unique, prefixed with the organisation's HSA-id (RIV-TA)."""

COUNTRY_CODE: Final = "SE"
"""The only extension under `OID_LAND`."""

COUNTRY_NAME: Final = "Riket"
"""organizationName of the nation (service contract description)."""
