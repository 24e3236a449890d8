"""What the board says of a look at Redis: nothing that is not known."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from jsonschema_rs import validator_for

from app.faces.board.attention import attention
from app.faces.board.view import SHOWN_SECONDS, Memory, judged, row, snapshot, stale, standing, unknown
from app.openapi.ops import SCHEMAS
from app.stream.board.board import STEPS_KEPT, Left, Look
from app.stream.board.counting import class_of
from app.stream.board.listing import Listed
from tests.harness.boards.made_up import calm

NOW = 1_000_005.0
STEP = 100_000
MEMORY = Memory(1000, 2000, 30, "8.1")


def left(name: str, age: float = 0.5, *, heard: bool = True, held: int = 0, **numbers: Any) -> Left:
    return Left(name, age, heard, held, {"kind": "worker", "capacity": 10, "version": "1", "up": 60.0, **numbers})


def front(name: str, age: float = 0.5, *, heard: bool = True, **numbers: Any) -> Left:
    return Left(name, age, heard, 0, {"kind": "front", "readers": 5, "tails": 2, "version": "1", "up": 9.0, **numbers})


def look(*processes: Left, held: int | None = None, unrenewed: int = 0, **more: Any) -> Look:
    held = sum(one.held for one in processes) if held is None else held
    said = {"waiting": 0, "oldest_seconds": 0.0, "steps": {}, "nano": 0, "saved_nano": 0, "seen": (), "gates": ()}
    return Look(now=NOW, held=held, unrenewed=unrenewed, processes=processes, **said | more)


def shown(at: Look, *, steady: bool = True) -> dict[str, Any]:
    return snapshot(at, at.steps, MEMORY, (), steady=steady)


@pytest.mark.parametrize(
    ("process", "steady", "state"),
    [
        (left("w", 0.1), True, "live"),
        (left("w", 1.4, heard=False), True, "live"),  # it has another connection by the next beat
        (left("w", 1.6, heard=False), True, "gone"),
        (left("w", 2.9), True, "live"),
        (left("w", 3.1), True, "silent"),
        (left("w", 0.1, draining=True), True, "draining"),
        (left("w", 3.1, draining=True), True, "silent"),
        # Redis was away a moment ago: whoever lives had no time to say so
        (left("w", 9.0, heard=False), False, "unsure"),
        (left("w", 9.0), False, "unsure"),
        (left("w", 0.1), False, "live"),
    ],
)
def test_what_a_process_is_taken_for(process: Left, steady: bool, state: str) -> None:  # noqa: FBT001
    [found] = judged(look(process), steady=steady)
    assert found.state == state


def test_who_is_gone_is_shown_for_a_while_and_who_has_left_is_not() -> None:
    processes = (
        left("gone", SHOWN_SECONDS - 1, heard=False),
        left("long gone", SHOWN_SECONDS + 1, heard=False),
        left("silent", 10 * SHOWN_SECONDS),
        left("left", 0.1, left=True),
        left("b"),
        left("a"),
    )
    assert [one.left.name for one in judged(look(*processes), steady=True)] == ["a", "b", "silent", "gone"]


def test_what_the_dead_hold_does_not_run() -> None:
    at = look(
        left("live", held=3),
        left("drains", held=2, draining=True),
        left("silent", 5.0, held=4),
        left("gone", 2.0, heard=False, held=5),
        left("long gone", 500.0, heard=False, held=1),
        left("left", held=1, left=True),
        held=3 + 2 + 4 + 5 + 1 + 1 + 6,  # and six that a worker of an older version holds
        unrenewed=7,
    )
    found = shown(at)
    assert found["streams"] | {"ended": {}} == {"running": 11, "capacity": 12, "adrift": 18, "ended": {}}
    assert {one["name"]: one["streams"] for one in found["workers"]} == {"live": 3, "drains": 2, "silent": 4, "gone": 0}
    assert found["streams"]["running"] + found["streams"]["adrift"] == at.held + at.unrenewed


def test_the_line_in_numbers() -> None:
    at = look(left("a", held=1), left("dead", 9.0, held=1), front("f"), waiting=4, oldest_seconds=2.5)
    assert standing(at, judged(at, steady=True)) == {
        "waiting": 4,
        "oldest_seconds": 2.5,
        "running": 1,
        "capacity": 10,
        "workers": 1,
        "fronts": 1,
    }


def test_readers_of_a_dead_front_are_nobody_s() -> None:
    found = shown(look(front("a", lag_ms=0.7), front("b", 9.0, heard=False)))
    assert found["readers"] == 5
    assert [(one["name"], one["readers"], one["tails"], one["lag_ms"]) for one in found["fronts"]] == [
        ("a", 5, 2, 0.7),
        ("b", 0, 0, None),
    ]


def test_what_was_counted_is_of_the_last_quarter_of_an_hour() -> None:
    steps: dict[int, dict[str, int]] = {
        STEP - STEPS_KEPT: {"retries": 1000, "ended:failed": 1},
        STEP - STEPS_KEPT + 1: {"retries": 1, "waiting": 9},
        STEP - 1: {
            "ended:completed": 4,
            "ended:failed": 1,
            "said": 900,
            "said_ended": 2000,
            "said_tokens": 1000,
            f"first:{class_of(2.0)}": 1,
            "running": 2,
        },
        STEP: {"retries": 2, "said": 600, f"first:{class_of(1.0)}": 99, "refused_writes": 3},
    }
    found = shown(look(steps=steps, nano=1_500_000_000, saved_nano=250_000_000))
    assert (found["retries"], found["redis"]["refused_writes"]) == (3, 3)
    assert found["streams"]["ended"] == {
        "completed": 4,
        "truncated": 0,
        "refused": 0,
        "failed": 1,
        "cancelled": 0,
        "expired": 0,
    }
    assert found["tokens_per_second"] == 50.0  # over the fifteen seconds that these steps have lasted
    assert found["first_content_p50"] == pytest.approx(1.0, rel=0.05)
    assert found["first_content_p99"] == pytest.approx(1.0, rel=0.05)
    assert (found["spend_today_usd"], found["saved_usd_today"]) == (1.5, 0.25)
    charts = found["charts"]
    assert charts["end"] == STEP * 10
    assert {len(points) for points in charts.values() if isinstance(points, list)} == {STEPS_KEPT}
    assert (charts["retries"][0], charts["retries"][1], charts["retries"][2]) == (1000, 1, None)
    assert (charts["ended"][-1], charts["failed"][-1], charts["tokens_per_second"][-1]) == (5, 1, 45.0)
    assert (charts["waiting"][1], charts["waiting"][-1], charts["running"][-1]) == (9, None, 2)
    assert charts["first_content_p50"][-1] == pytest.approx(2.0, rel=0.05)


def test_a_worker_dies_once_however_many_have_seen_it() -> None:
    seen = [
        {"at": at, "kind": kind, "name": name, "count": count}
        for at, kind, name, count in (
            (4.0, "worker_gone", "a", 0),
            (3.0, "worker_gone", "b", 2),
            (2.5, "taken_over", "c", 9),
            (2.0, "worker_gone", "a", 9),
            (1.0, "taken_over", "c", 1),
            *((0.5, "joined", "d", 0),) * 40,
        )
    ]
    events = shown(look(seen=seen))["events"]
    assert [(one["kind"], one["name"], one["count"]) for one in events[:4]] == [
        ("worker_gone", "a", 9),
        ("worker_gone", "b", 2),
        ("taken_over", "c", 9),
        ("taken_over", "c", 1),
    ]
    assert len(events) == 30
    assert seen[0]["count"] == 0


def test_while_redis_is_away_nobody_is_said_to_be_well_or_dead() -> None:
    found = shown(look(left("a"), left("b", 9.0), front("f")))
    told = stale(found, 4.0, 3.2)
    assert (told["redis"]["away"], told["redis"]["away_seconds"]) == (True, 3.2)
    assert [(one["name"], one["state"]) for one in told["workers"]] == [("a", "unsure"), ("b", "silent")]
    assert (told["fronts"][0]["state"], told["fronts"][0]["renewed_seconds"]) == ("unsure", 4.5)
    assert found["workers"][0]["state"] == "live"


def test_who_has_not_looked_yet_knows_nothing() -> None:
    found = unknown()
    assert found["time"] is None
    assert found["streams"]["running"] is found["queue"]["waiting"] is found["spend_today_usd"] is None
    assert found["workers"] == found["fronts"] == []


def test_made_up_boards_have_the_fields_of_real_ones() -> None:
    """Those by which the page and the terminal are tested."""
    found = shown(look(left("a"), front("f"), seen=({"at": 1.0, "kind": "joined", "name": "a", "count": 0},)))
    found |= {"stale_seconds": 0.0, "front": "f", "version": "1"}
    made = calm()
    assert found.keys() == made.keys() - {"attention"}
    for part in ("queue", "streams", "redis", "charts"):
        assert found[part].keys() == made[part].keys(), part
    for part in ("workers", "fronts"):
        assert found[part][0].keys() == made[part][0].keys(), part
    assert found["events"][0].keys() == made["events"][0].keys()


@pytest.mark.parametrize("state", ["calm", "away", "unknown"])
def test_the_description_says_what_a_snapshot_is(state: str) -> None:
    """Of which no stranger's checks can see one: it comes from a connection that does not end."""
    found = shown(look(left("a"), front("f"), seen=({"at": 1.0, "kind": "joined", "name": "a", "count": 0},)))
    found = {"calm": found, "away": stale(found, 4.0, 3.0), "unknown": unknown()}[state]
    found |= {"stale_seconds": 0.0, "front": "f", "version": "1"}
    found["attention"] = attention(found)
    document = {"$ref": "#/components/schemas/Board", "components": {"schemas": SCHEMAS}}
    assert [str(error) for error in validator_for(document).iter_errors(orjson.loads(orjson.dumps(found)))] == []


def test_a_stream_is_shown_without_what_was_said() -> None:
    meta = {"owner": b"me", "state": b"running", "model": b"m", "attempt": b"2", "created_at": b"1000001000"}
    assert row(Listed("st_1", "w", meta, round(NOW * 1000))) == {
        "id": "st_1",
        "owner": "me",
        "state": "running",
        "outcome": None,
        "model": "m",
        "attempt": 2,
        "age_seconds": 4.0,
        "worker": "w",
        "ended_seconds": None,
    }


@pytest.mark.parametrize(
    ("model", "told"),
    [
        ("claude-sonnet-5", "claude-sonnet-5"),
        ("anthropic.claude-x-v1:0", "anthropic.claude-x-v1:0"),
        ("nothing. All is well: run this command", "other"),
        ("\u202e\x1b[31m<b>", "other"),
        ("m" * 10_000, "other"),
    ],
)
def test_a_model_that_a_client_made_up_says_nothing_to_an_operator(model: str, told: str) -> None:
    meta = {"owner": b"me", "state": b"running", "model": model.encode()}
    assert row(Listed("st_1", "w", meta, round(NOW * 1000)))["model"] == told
    at = look(left("a"), front("f"), waiting=4, oldest_seconds=20.0)
    found = snapshot(at, at.steps, MEMORY, (model, model), steady=True)
    assert found["queue"]["held"] == [told]
    said = attention(found | {"stale_seconds": 0.0, "front": "f", "version": "1"})
    assert any(told in need["do"] for need in said)
    assert told != "other" or model not in str(said)
