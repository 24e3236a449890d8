from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.harness.network import users
from tests.harness.sharded import moves
from tests.harness.sharded.nodes import Nodes


@pytest.fixture(scope="session")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    """Three primaries, each with a replica."""
    with Nodes.start(tmp_path_factory.mktemp("nodes"), config=users.config) as nodes:
        yield nodes


@pytest.fixture(autouse=True)
def healed(nodes: Nodes) -> Iterator[None]:
    """What a test has done to one of them is over for the next test, whatever became of the first."""
    yield
    moves.heal(nodes)
