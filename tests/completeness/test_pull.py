"""Counts from the register's own database: read-only, mapped, all or nothing."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import polars as pl
import pytest

from contracts.errors import ConfigurationError, DataError
from producer.register.pull import pull
from producer.register.sources import Source, SourceQuery

QUERY = (
    "SELECT hsaid AS unit, date(day, 'start of month') AS period_start, "
    "date(day, 'start of month', '+1 month', '-1 day') AS period_end, sum(ok) AS numerator, count(*) AS denominator "
    "FROM visits GROUP BY 1, 2, 3 ORDER BY 1, 2"
)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    file = tmp_path / "own.db"
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("CREATE TABLE visits (hsaid TEXT, day TEXT, ok INTEGER)")
        rows = [("SE9990001112-E1", f"2025-0{month}-{day:02}", day % 2) for month in (1, 2) for day in range(1, 29)]
        connection.executemany("INSERT INTO visits VALUES (?, ?, ?)", rows)
        connection.execute(
            "CREATE VIEW waits AS SELECT 'w' AS measure_id, hsaid AS enhet, '2025-01-01' AS period_start, "
            "'2025-12-31' AS period_end, 12.25 AS value, count(*) AS n FROM visits GROUP BY hsaid"
        )
    connection.close()
    return file


def test_queries_and_views_become_one_table(database: Path, tmp_path: Path) -> None:
    queries = (SourceQuery(QUERY, measure_id="m"), SourceQuery("waits", columns=("unit=enhet",)))
    rows = pull((Source("sqlite:///own.db", queries),), tmp_path, tmp_path / "counts.csv")
    table = pl.read_csv(tmp_path / "counts.csv", separator=";", infer_schema=False)
    assert rows == 3
    assert table["measure_id"].to_list() == ["m", "m", "w"]
    assert table["denominator"].to_list() == ["28", "28", None]
    assert table["value"].to_list() == [None, None, "12.25"]
    assert table["period_end"].to_list() == ["2025-01-31", "2025-02-28", "2025-12-31"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (SourceQuery("DELETE FROM visits"), "no single SELECT"),
        (SourceQuery("SELECT 1; DROP TABLE visits"), "no single SELECT"),
        (SourceQuery("WITH x AS (SELECT 1) DELETE FROM visits"), "refused"),
        (SourceQuery("SELECT nothing FROM nowhere"), "refused"),
        (SourceQuery("nowhere"), "refused"),
        (SourceQuery(QUERY), "lacks measure_id"),
        (SourceQuery("waits", columns=("unit=enheten",)), "no column enheten"),
    ],
)
def test_query_that_does_not_fit_changes_nothing(
    query: SourceQuery, expected: str, database: Path, tmp_path: Path
) -> None:
    target = tmp_path / "counts.csv"
    target.write_text("before", encoding="utf-8")
    before = database.read_bytes()
    with pytest.raises((ConfigurationError, DataError), match=expected):
        pull((Source(f"sqlite:///{database}", (query,)),), tmp_path, target)
    assert (target.read_text(encoding="utf-8"), database.read_bytes()) == ("before", before)


def test_database_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no database file"):
        pull((Source("sqlite:///gone.db", (SourceQuery("x"),)),), tmp_path, tmp_path / "counts.csv")
    assert not (tmp_path / "gone.db").exists()


def test_postgresql_is_read_only(postgresql_schema_url: str, tmp_path: Path) -> None:
    queries = (SourceQuery("SELECT lo_create(0) AS unit", measure_id="m"),)
    from sqlalchemy import create_engine, text

    engine = create_engine(postgresql_schema_url)
    with engine.begin() as connection:
        connection.execute(
            text(
                "CREATE VIEW v AS SELECT 'u' AS unit, date '2025-01-01' AS period_start, "
                "date '2025-01-31' AS period_end, 3 AS numerator"
            )
        )
    engine.dispose()
    with pytest.raises(ConfigurationError, match="read-only"):
        pull((Source(postgresql_schema_url, queries),), tmp_path, tmp_path / "counts.csv")
    assert (
        pull((Source(postgresql_schema_url, (SourceQuery("v", measure_id="m"),)),), tmp_path, tmp_path / "c.csv") == 1
    )
