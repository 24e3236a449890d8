"""Each test here that asks for a Redis is run on the real one and on fakeredis, so that a difference is seen.

Who asks for the process itself (`valkey`) gets it alone; who needs what fakeredis lacks is marked so:
`tests/harness/servers.py`.
"""

from __future__ import annotations

import pytest

from tests.harness.servers import InMemoryServer, RealServer, Server, lacking


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "server" not in metafunc.fixturenames:
        return
    lacks = [lacking(word) for mark in metafunc.definition.iter_markers("lacks") for word in mark.args]
    kinds = [pytest.param("valkey"), pytest.param("fakeredis", marks=lacks)]
    metafunc.parametrize("server", kinds[:1] if "valkey" in metafunc.fixturenames else kinds, indirect=True)


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Server:
    return RealServer(request.getfixturevalue("valkey").url) if request.param == "valkey" else InMemoryServer()
