"""Where fetched observations are kept: SQLite by default, PostgreSQL by URL (design 3).

The only package of the consumer that knows SQL.
"""

from consumer.store.entries import FetchFacts, KnownQuestion, LogEntry, Selection
from consumer.store.staging import Changes
from consumer.store.store import Gathering, Store

__all__ = ["Changes", "FetchFacts", "Gathering", "KnownQuestion", "LogEntry", "Selection", "Store"]
