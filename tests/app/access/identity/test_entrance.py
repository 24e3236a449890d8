from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from app.access.caller import Caller, Refused, Why
from app.access.identity.entrance import ANONYMOUS, Entrance, Tokens, acting_for, keys_in
from app.access.identity.keys_file import Keys, digest_of, keys_of
from app.access.reloading import Reloading
from app.settings import Settings, SettingsError
from app.watch.events.of_fronts import CallerRefused
from tests.harness.heard import heard

TEXT = f"""
alice {digest_of("a-key")}
bob   {digest_of("b-key")} delegate admin
old   {digest_of("o-key")} expires=2026-01-31
"""


def entrance(text: str = TEXT, tokens: Tokens | None = None) -> Entrance:
    keys = cast("Reloading[Keys]", SimpleNamespace(value=keys_of(text)))
    return Entrance(keys, tokens)


async def test_where_nobody_is_asked_every_key_or_none_is_anonymous() -> None:
    asked = Entrance.of(Settings())
    assert asked.asks_nobody
    assert await asked.caller_of({"x-api-key": "anything.at.all"}) == Caller(ANONYMOUS)
    assert await asked.caller_of({}) == Caller(ANONYMOUS)


@pytest.mark.parametrize(
    "headers",
    [
        {"x-api-key": "b-key"},
        {"authorization": "Bearer b-key"},
        {"authorization": "bearer  b-key "},
        {"x-api-key": "b-key", "authorization": "Bearer a-key"},
    ],
)
async def test_a_key_opens_as_either_header(headers: dict[str, str]) -> None:
    assert await entrance().caller_of(headers) == Caller("bob", delegate=True, admin=True)


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({}, "no_credential"),
        ({"authorization": "Basic b-key"}, "no_credential"),
        ({"x-api-key": ""}, "unknown_key"),
        ({"x-api-key": "c-key"}, "unknown_key"),
        ({"x-api-key": "a.b.c"}, "unknown_key"),
        ({"x-api-key": digest_of("b-key")}, "unknown_key"),
        ({"authorization": "Bearer"}, "unknown_key"),
        ({"x-api-key": "o-key"}, "expired_key"),
    ],
)
async def test_everybody_else_is_nobody_and_it_is_told(headers: dict[str, str], reason: str) -> None:
    with heard() as told:
        found = await entrance().caller_of(headers)
    assert isinstance(found, Refused)
    assert (found.why, found.reason) == (Why.UNKNOWN, reason)
    assert told == [CallerRefused(reason)]


async def test_what_has_two_dots_is_a_token_where_tokens_are_read() -> None:
    class Echo:
        async def caller_of(self, token: str) -> Caller:
            return Caller(f"token {token}")

    both = entrance(tokens=cast("Tokens", Echo()))
    assert await both.known("a.b.c") == Caller("token a.b.c")
    assert await both.known("a-key") == Caller("alice")
    assert await both.known("a.b") == await both.known("a.b.c.d") == await both.known("c-key")


async def test_a_key_that_is_gone_opens_nothing_it_opened_before() -> None:
    keys = SimpleNamespace(value=keys_of(TEXT))
    asked = Entrance(cast("Reloading[Keys]", keys))
    assert asked.of_key(digest_of("a-key")) == Caller("alice")
    keys.value = {}
    assert isinstance(asked.of_key(digest_of("a-key")), Refused)


class TestActingForUsers:
    def test_a_delegate_is_the_user_that_it_names_and_without_its_own_rights(self) -> None:
        assert acting_for(Caller("acme", delegate=True, admin=True), ["bob"]) == Caller("acme", user="bob")
        assert acting_for(Caller("acme", delegate=True), ["a b~!"]) == Caller("acme", user="a b~!")

    def test_who_names_nobody_acts_for_itself(self) -> None:
        assert acting_for(Caller("acme", delegate=True), []) == Caller("acme", delegate=True)

    @pytest.mark.parametrize("users", [["bob"], [""], ["a/b"]])
    def test_without_the_right_it_is_not_allowed(self, users: list[str]) -> None:
        found = acting_for(Caller("acme", admin=True), users)
        assert isinstance(found, Refused)
        assert found.why is Why.NOT_ALLOWED

    @pytest.mark.parametrize("users", [[""], ["a/b"], ["x" * 65], ["bób"], ["a\tb"], ["a\x7f"], ["a", "a"]])
    def test_a_name_that_is_none_is_refused(self, users: list[str]) -> None:
        found = acting_for(Caller("acme", delegate=True), users)
        assert isinstance(found, Refused)
        assert found.why is Why.MALFORMED


class TestTheFile:
    def test_one_without_a_key_is_refused_because_nobody_could_come_in(self, tmp_path: Path) -> None:
        (tmp_path / "keys").write_text("# nobody yet\n")
        with pytest.raises(SettingsError, match=r"^KEEPSTREAM_API_KEYS_FILE: .*keys names no key$"):
            keys_in(str(tmp_path / "keys"))

    async def test_its_changes_are_heard_of(self, tmp_path: Path) -> None:
        (tmp_path / "keys").write_text(TEXT)
        asked = Entrance.of(Settings(api_keys_file=str(tmp_path / "keys")))
        async with AsyncExitStack() as stack:
            assert [(task.name, task.alive) for task in await asked.open(stack)] == [("keys", True)]
