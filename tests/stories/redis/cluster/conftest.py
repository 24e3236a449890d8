from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.harness.network import users
from tests.harness.sharded.nodes import Nodes


@pytest.fixture(scope="session")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    """Three primaries, each with a replica. Who does something to one leaves them whole."""
    with Nodes.start(tmp_path_factory.mktemp("nodes"), config=users.config) as nodes:
        yield nodes
