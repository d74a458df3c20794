"""Hospitals and units of a register with their place in the tree, as it was at each time (contract reference 4).

`producer.organizations.reading` reads them from a table; it needs the data-frame engine, which settings do without.
"""

from __future__ import annotations

from producer.organizations.settings import OrganizationsSettings

__all__ = ["OrganizationsSettings"]
