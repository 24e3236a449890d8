from __future__ import annotations

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from app.stream.redis.cluster import patience as room
from app.stream.redis.cluster.patience import HOPS, NoNodeError, Patience
from app.stream.redis.refusals import Kind, refusal_of


async def test_from_node_to_node_one_goes_at_once_and_not_for_ever() -> None:
    patience = Patience()
    assert [patience.hops() for _ in range(HOPS + 1)] == [True] * HOPS + [False]


async def test_what_is_asked_for_long_enough_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    refused = ResponseError("CLUSTERDOWN The cluster is down")
    await Patience().wait(refused)
    monkeypatch.setattr(room, "PATIENCE_SECONDS", 0.0)
    with pytest.raises(NoNodeError, match="CLUSTERDOWN") as away:
        await Patience().wait(refused)
    assert refusal_of(away.value).kind is Kind.AWAY
    lost = RedisConnectionError("gone")
    with pytest.raises(RedisConnectionError) as raised:
        await Patience().wait(lost)
    assert raised.value is lost
