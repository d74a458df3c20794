"""Distributed reports at the consumer: fetched directly, kept as tidy rows, exported (domain reference 4)."""

from __future__ import annotations

from consumer.distributed.fetching import DistributedFetch, fetch_distributed
from consumer.distributed.store import DistributedStore

__all__ = ["DistributedFetch", "DistributedStore", "fetch_distributed"]
