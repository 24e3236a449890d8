from __future__ import annotations

import pytest

from app.stream.redis.cluster.slots import SLOTS, Answer, Map, Redirection, map_of, redirection_of, slot_of

HERE = ("10.0.0.1", 7000)


def test_a_map_says_who_has_each_slot() -> None:
    reply = [
        [0, 8191, [b"10.0.0.2", 7001, b"id"], [b"10.0.0.3", 7002, b"a replica"]],
        [8192, 16382, [b"", 7003, b"id"]],
    ]
    found = map_of(reply, HERE)
    assert (found.owners[0], found.owners[8191], found.owners[8192]) == (
        ("10.0.0.2", 7001), ("10.0.0.2", 7001), ("10.0.0.1", 7003),
    )  # fmt: skip
    assert (found.owners[SLOTS - 1], found.missing) == (None, 1)
    assert found.primaries == (("10.0.0.1", 7003), ("10.0.0.2", 7001))
    assert found.moved(1, HERE).owners[:3] == (("10.0.0.2", 7001), HERE, ("10.0.0.2", 7001))
    assert Map().missing == SLOTS


@pytest.mark.parametrize("host", [None, b"", b"?"])
def test_a_node_that_does_not_know_its_name_has_the_one_that_was_asked(host: bytes | None) -> None:
    assert map_of([[0, 0, [host, 7009, b"id"]]], HERE).owners[0] == ("10.0.0.1", 7009)


@pytest.mark.parametrize(
    ("said", "means"),
    [
        ("MOVED 7 10.0.0.2:7001", Redirection(Answer.MOVED, "MOVED", 7, ("10.0.0.2", 7001))),
        ("MOVED 7 :7001", Redirection(Answer.MOVED, "MOVED", 7, ("10.0.0.1", 7001))),
        ("ASK 7 fd00::1:7001", Redirection(Answer.ASK, "ASK", 7, ("fd00::1", 7001))),
        ("ASK seven", Redirection(Answer.LATER, "ASK")),
        ("TRYAGAIN Multiple keys request during rehashing", Redirection(Answer.LATER, "TRYAGAIN")),
        ("CLUSTERDOWN The cluster is down", Redirection(Answer.LATER, "CLUSTERDOWN")),
        ("WRONGTYPE Operation", None),
    ],
)
def test_what_a_node_says_to_who_asks_the_wrong_one(said: str, means: Redirection | None) -> None:
    assert redirection_of(Exception(said), HERE) == means


def test_all_of_a_stream_is_in_one_slot() -> None:
    assert len({slot_of(f"ks:{{st_1}}{rest}") for rest in ("", ":log", ":meta", ":ctl")}) == 1
    assert slot_of(b"ks:{st_1}") == slot_of("ks:{st_1}")
