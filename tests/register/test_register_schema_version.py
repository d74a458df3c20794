"""The schema version that the program says it knows is that of its last migration."""

from __future__ import annotations

from pathlib import Path

from alembic.script import ScriptDirectory

from producer.register import schema


def test_the_known_version_is_alembics_head() -> None:
    scripts = ScriptDirectory(str(Path(schema.__file__).parent / "migrations"))
    assert schema.known_version() == scripts.get_current_head()
    assert [script.revision for script in scripts.walk_revisions()] == sorted(
        (script.revision for script in scripts.walk_revisions()), reverse=True
    )
