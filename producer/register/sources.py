"""Settings of the register's own databases, from which counts are pulled: ``[[register.sources]]``."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class SourceQuery:
    """One query, or a view's name, whose columns are those of a table of counts."""

    query: str = field(metadata={"help": "A SELECT, or the name of a view or table."})
    measure_id: str | None = field(
        default=None, metadata={"help": "The indicator, when the query has no column measure_id."}
    )
    columns: tuple[str, ...] = field(
        default=(), metadata={"help": "Renamed columns as target=source, such as unit=enhet_hsaid."}
    )


@dataclass(frozen=True)
class Source:
    """A database of the register's own: ``[[register.sources]]``."""

    url: str = field(metadata={"help": "Database: sqlite:///FILE or postgresql+psycopg://USER@HOST/NAME."})
    queries: tuple[SourceQuery, ...] = field(metadata={"help": "What is pulled: [[register.sources.queries]]."})
    name: str = field(default="source", metadata={"help": "How messages call it."})
    kind: Literal["sql"] = field(default="sql", metadata={"help": "Kind of source."})
