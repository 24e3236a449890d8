from __future__ import annotations

from typing import Any

import orjson
import pytest

from app.intake.raw_json import InvalidPromptError
from app.intake.relay import CARRIED, MAX_TURNS, REPAIRS, Relay, carried, relay_of

ALL = {
    "on_interrupt": "fail",
    "abandon_after": 2.5,
    "ticket": True,
    "cache": 60,
    "tools": ["clock", "files__read"],
    "max_turns": 3,
    "delivery": "final",
    "validate": True,
    "repair": 0,
    "cache_prompt": "1h",
}


def test_every_field_is_a_value_and_null_is_as_if_it_were_not_there() -> None:
    assert relay_of(ALL) == Relay(**ALL | {"tools": ("clock", "files__read")})  # type: ignore[arg-type]
    assert relay_of(dict.fromkeys(ALL)) == relay_of({}) == relay_of(None) == Relay()


@pytest.mark.parametrize(("given", "kept"), [(True, "5m"), (False, ""), ("5m", "5m"), ("1h", "1h")])
def test_a_prompt_is_cached_for_as_long_as_it_says(given: object, kept: str) -> None:
    assert relay_of({"cache_prompt": given}).cache_prompt == kept


def test_the_meta_says_what_is_asked_for_and_nothing_of_what_is_not() -> None:
    fields = relay_of(ALL).fields()
    assert orjson.loads(fields.pop("tools")) == ALL["tools"]
    assert fields == {
        "abandon_after": "2.5",
        "max_turns": "3",
        "delivery": "final",
        "validate": "1",
        "repair": "0",
        "cache_prompt": "1h",
    }
    assert relay_of({"max_turns": MAX_TURNS, "repair": REPAIRS, "cache_prompt": False}).fields() == {}


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"on_interupt": "fail"}, "relay.on_interupt"),
        ({"on_interrupt": "maybe"}, "relay.on_interrupt"),
        ({"on_interrupt": ["fail"]}, "relay.on_interrupt"),
        ({"abandon_after": 0}, "relay.abandon_after"),
        ({"abandon_after": True}, "relay.abandon_after"),
        ({"abandon_after": "1"}, "relay.abandon_after"),
        ({"cache": -1}, "relay.cache"),
        ({"cache": True}, "relay.cache"),
        ({"cache": "1"}, "relay.cache"),
        ({"cache": 20_000_000}, "relay.cache"),
        ({"ticket": 1}, "relay.ticket"),
        ({"tools": "clock"}, "relay.tools"),
        ({"tools": [1]}, "relay.tools"),
        ({"tools": [""]}, "relay.tools"),
        ({"tools": ["my tool"]}, "relay.tools"),
        ({"tools": ["clock", "clock"]}, "relay.tools"),
        ({"tools": [f"t{n}" for n in range(129)]}, "relay.tools"),
        ({"max_turns": 0}, "relay.max_turns"),
        ({"max_turns": 101}, "relay.max_turns"),
        ({"max_turns": 1.0}, "relay.max_turns"),
        ({"max_turns": True}, "relay.max_turns"),
        ({"delivery": "late"}, "relay.delivery"),
        ({"validate": "yes"}, "relay.validate"),
        ({"repair": 4}, "relay.repair"),
        ({"repair": -1}, "relay.repair"),
        ({"cache_prompt": "2h"}, "relay.cache_prompt"),
        ({"cache_prompt": 5}, "relay.cache_prompt"),
    ],
)
def test_what_we_can_know_to_be_wrong_is_refused_by_its_name(given: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidPromptError, match=rf"\b{says}\b"):
        relay_of(given)


def test_what_goes_on_is_asked_as_what_it_goes_on_with_was() -> None:
    asked = {
        "on_interrupt": "fail",
        "abandon_after": 30.0,
        "tools": ["clock"],
        "max_turns": 4,
        "delivery": "final",
        "validate": True,
        "repair": 0,
        "cache_prompt": "1h",
    }
    relay = relay_of(asked)
    meta = {name: value if isinstance(value, bytes) else value.encode() for name, value in relay.fields().items()}
    assert carried(meta | {"on_interrupt": b"fail", "owner": b"x"}, 0) == asked
    assert set(asked) == set(CARRIED)
    assert relay_of(carried(meta, 1)).max_turns == 3
    assert relay_of(carried(meta, 9)).max_turns == 1
    assert carried({}, 1) == {}
