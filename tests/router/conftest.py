"""One desk for all router tests of a session."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from router_lab import Lab


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with Lab(tmp_path_factory.mktemp("router-lab")) as desk:
        yield desk
