"""Hospitals and units of a register with their place in the tree, as it was at each time (contract reference 4)."""

from __future__ import annotations

from producer.organizations.model import Organizations, Place
from producer.organizations.reading import ORGANIZATION_RULES, read_organizations
from producer.organizations.settings import OrganizationsSettings

__all__ = ["ORGANIZATION_RULES", "Organizations", "OrganizationsSettings", "Place", "read_organizations"]
