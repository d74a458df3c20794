"""A run of the suites against the mock, whole or broken, as the tests of this folder need it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from suite_runs import Ran, run_target, target_of

from contracts.model import MeasureDefinition
from testsuites.mock.faults import MockFault
from testsuites.mock.server import MockServer, running_mock


@pytest.fixture
def mock() -> Iterator[MockServer]:
    with running_mock() as server:
        yield server


@pytest.fixture
def run_mock() -> Callable[..., Ran]:
    """Run the suites against a mock with a fault of its own."""

    def run_it(
        fault: MockFault | None = None,
        catalogue: Mapping[str, MeasureDefinition] | None = None,
        only: tuple[str, ...] = (),
        skip: tuple[str, ...] = ("hostile", "sla.answer-time"),
        **options: Any,
    ) -> Ran:
        served = {} if fault is None else {"fault": fault}
        with running_mock(**served) as server:
            return run_target(target_of(server.url, catalogue=catalogue, **options), only=only, skip=skip)

    return run_it
