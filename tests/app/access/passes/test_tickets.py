"""A ticket opens what it was made for, until its time, and nothing that was changed is one."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.access.caller import Confined
from app.access.passes.tickets import Ticket, checked, made

SECRET = b"s" * 32
STREAM = "st_0123456789abcdef0123456789abcdef"
TICKET = made(SECRET, Ticket(Confined(STREAM), 2000))
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


@given(st.sampled_from(["st_", "cv_"]), st.binary(min_size=16, max_size=16), st.integers(1, 2**53))
def test_it_opens_what_it_was_made_for_until_it_ends(prefix: str, name: bytes, expires_ms: int) -> None:
    opens = Confined(prefix + name.hex())
    ticket = made(SECRET, Ticket(opens, expires_ms))
    assert checked(SECRET, ticket, expires_ms - 1) == opens
    assert checked(SECRET, ticket, expires_ms) is None
    assert checked(SECRET + b"s", ticket, expires_ms - 1) is None


@given(st.integers(0, len(TICKET) - 1), st.sampled_from(ALPHABET))
def test_a_ticket_with_any_other_character_is_none(at: int, character: str) -> None:
    changed = TICKET[:at] + character + TICKET[at + 1 :]
    assert checked(SECRET, changed, 0) == (Confined(STREAM) if changed == TICKET else None)


@given(st.one_of(st.text(max_size=100), st.text(ALPHABET, min_size=76, max_size=76)))
def test_what_was_never_made_opens_nothing(text: str) -> None:
    assert checked(SECRET, text, 0) is None


@pytest.mark.parametrize("text", [f"{TICKET}=", f" {TICKET}", f"{TICKET}\n", TICKET[:-1], TICKET * 2, TICKET.lower()])
def test_no_other_text_is_the_same_ticket(text: str) -> None:
    assert checked(SECRET, text, 0) is None


def test_it_goes_into_an_address_as_it_is_and_holds_a_log_s_id_a_time_and_a_seal() -> None:
    assert set(TICKET) <= set(ALPHABET)
    raw = base64.urlsafe_b64decode(TICKET)
    assert raw[1:17].hex() == STREAM.removeprefix("st_")
    assert len(raw) == 1 + 16 + 8 + 32


@pytest.mark.parametrize("log_id", ["", "st_1", "ba_0123456789abcdef0123456789abcdef", STREAM + "0", "st_" + "G" * 32])
def test_there_is_none_for_anything_else(log_id: str) -> None:
    with pytest.raises(ValueError, match="a stream or a conversation"):
        made(SECRET, Ticket(Confined(log_id), 1))
