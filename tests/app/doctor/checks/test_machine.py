from __future__ import annotations

import resource

from app.doctor.checks.machine import descriptors
from app.doctor.finding import Level
from tests.app.doctor.checks.patients import found, troubles


async def test_too_few_file_descriptors_are_told() -> None:
    assert troubles(await found(descriptors, connections_max=10)) == []
    if resource.getrlimit(resource.RLIMIT_NOFILE)[1] != resource.RLIM_INFINITY:
        [(level, _)] = troubles(await found(descriptors, connections_max=10_000_000))
        assert level is Level.WARNING
