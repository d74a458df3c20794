"""Registers on both engines."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest
from vis_file import Row, write_csv

from producer.register import Register, open_register
from producer.register.importer import ImportOutcome, import_vis

TODAY = date(2026, 6, 30)


@pytest.fixture
def register_url(database_url: str) -> str:
    """URL of an empty database of each engine."""
    return database_url


@pytest.fixture
def register(register_url: str) -> Iterator[Register]:
    with open_register(register_url, create=True, lock_wait_s=0.5) as opened:
        yield opened


@pytest.fixture
def import_rows(register: Register, tmp_path: Path) -> Callable[..., ImportOutcome]:
    """Import rows as a file; keywords go to `import_vis`, ``mode`` into the instruction row."""

    def run(rows: list[Row], mode: str = "DELETE", **options: object) -> ImportOutcome:
        path = write_csv(tmp_path / f"{uuid.uuid4().hex}.csv", rows, mode=mode)
        return import_vis(register, path, who="tester", today=TODAY, **options)  # type: ignore[arg-type]

    return run
