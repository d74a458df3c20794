"""An empty database of an engine for longer than one test; for one test there is the fixture ``register_url``."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import create_engine, text


@contextmanager
def new_database(folder: Path, server: str | None) -> Iterator[str]:
    """Give the URL of a new SQLite file in ``folder``, or of a new schema on a PostgreSQL ``server``."""
    if server is None:
        yield f"sqlite:///{folder / 'register.sqlite'}"
        return
    schema = f"test_{uuid.uuid4().hex}"
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE SCHEMA {schema}"))
        yield f"{server}{'&' if '?' in server else '?'}options=-csearch_path%3D{schema}"
        connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))
    engine.dispose()
