"""Each key stands in one slot: a stream's in its own, the queue's in the queue's, whatever clients call things."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.stream import keys

ROOT = Path(__file__).parents[3]
OF_A_STREAM: list[Callable[[str], str]] = [
    keys.log,
    keys.meta,
    keys.tomb,
    keys.home,
    keys.wait,
    keys.channel,
    keys.control,
]
OF_THE_QUEUE: list[Callable[[str], str]] = [
    *(
        keys.replay,
        keys.gate,
        keys.gate_line,
        keys.alive,
        keys.accord,
        keys.arq_id,
        keys.arq_job,
        keys.arq_retry,
        keys.rated,
    ),
    *(lambda word: keys.idempotency("me", word), lambda word: keys.chat("me", word)),
    *(lambda word: keys.idempotency(word, "key"), lambda word: keys.chat_before(word, "chat")),
]
# Who may hold anything is never part of a key as it is.
OF_STRANGERS = [keys.gate, keys.conversations, *OF_THE_QUEUE[-4:]]
ids = st.from_regex(r"st_[a-z0-9]{1,20}", fullmatch=True)


def slot(key: str) -> str:
    """As Redis finds it: what stands in the first braces."""
    found = re.search(r"\{([^}]+)\}", key)
    return found[1] if found else key


@given(ids)
def test_all_of_a_stream_stands_in_one_slot(stream_id: str) -> None:
    assert {slot(key(stream_id)) for key in OF_A_STREAM} == {stream_id}
    assert len({key(stream_id) for key in OF_A_STREAM}) == len(OF_A_STREAM)


@given(ids)
def test_all_of_the_queue_stands_in_the_queue_s(word: str) -> None:
    named = [value for name, value in vars(keys).items() if name.isupper() and isinstance(value, str)]
    assert {slot(key) for key in [*named, *(key(word) for key in OF_THE_QUEUE)]} == {"queue"}


@pytest.mark.parametrize("key", OF_STRANGERS)
@given(st.text())
def test_what_strangers_call_their_things_names_no_key(key: Callable[[str], str], word: str) -> None:
    assert re.fullmatch(r"ks:\{(queue|[0-9a-f]{64})\}:[a-z0-9:]+", key(word))
    assert key(word) != key(word + "x")


def test_an_owner_and_a_key_are_told_apart() -> None:
    assert keys.idempotency("ab", "c") != keys.idempotency("a", "bc")
    assert keys.chat("ab", "c") != keys.chat("a", "bc")


@given(ids)
def test_arq_s_id_names_the_stream(stream_id: str) -> None:
    assert keys.stream_id_of(keys.arq_id(stream_id)) == stream_id


def test_no_other_module_makes_one_up() -> None:
    """`fitness` asks, with keys that are nobody's, what a server lets us do."""
    made = {
        str(path.relative_to(ROOT))
        for top in ("app", "worker")
        for path in (ROOT / top).rglob("*.py")
        if re.search(r"""f?["']ks:""", path.read_text())
    }
    assert made == {"app/stream/keys.py", "app/stream/redis/fitness.py"}
