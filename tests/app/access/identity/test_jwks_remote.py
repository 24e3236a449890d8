"""Keys from an issuer's address: one that answers, one that is away, and one that means harm."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from app.access.caller import Caller, Refused
from app.access.identity import jwks_remote
from app.access.identity.jwks_remote import RemoteKeys
from app.access.identity.tokens import tokens_of
from app.settings import Settings, SettingsError
from app.watch.events.of_processes import TokenKeysReloaded
from tests.harness.heard import heard
from tests.harness.identity.issuer import Issuer
from tests.harness.identity.tokens import ec_key, public, rsa_key, token
from tests.patience import PATIENCE


@pytest.fixture
async def issuer() -> AsyncIterator[Issuer]:
    async with Issuer() as issuer:
        yield issuer


@asynccontextmanager
async def keys_at(url: str) -> AsyncIterator[RemoteKeys]:
    keys = RemoteKeys(url)
    try:
        yield keys
    finally:
        await keys.aclose()


async def known(keys: RemoteKeys, kid: str | None) -> bool:
    return bool(await keys.fitting(kid, "ES256"))


async def test_keys_are_asked_for_once_and_kept(issuer: Issuer) -> None:
    async with keys_at(issuer.url) as keys:
        assert [await known(keys, kid) for kid in ("e", "e", None)] == [True] * 3
    assert issuer.asked == 1


async def test_those_who_want_to_know_at_once_share_one_question(issuer: Issuer) -> None:
    async with keys_at(issuer.url) as keys:
        assert (
            await asyncio.gather(*(known(keys, kid) for kid in ["e"] * 50 + ["x"] * 50)) == [True] * 50 + [False] * 50
        )
    assert issuer.asked == 1


async def test_an_unknown_key_is_asked_for_now_and_then(issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    async with keys_at(issuer.url) as keys:
        assert await known(keys, "e")
        issuer.shows(public(ec_key(), "f"))
        assert [await known(keys, kid) for kid in ("f", "g", "h")] == [False] * 3
        assert issuer.asked == 1
        monkeypatch.setattr(jwks_remote, "ANEW_SECONDS", 0.0)
        assert await known(keys, "f")
        assert not await known(keys, "e")  # its issuer has taken it back
    assert issuer.asked == len(("e", "f", "e"))


async def test_a_known_key_that_does_not_fit_is_not_asked_for(issuer: Issuer) -> None:
    async with keys_at(issuer.url) as keys:
        assert await known(keys, "e")
        assert await keys.fitting("e", "RS256") == []
    assert issuer.asked == 1


async def stalled(writer: asyncio.StreamWriter) -> None:
    while not writer.transport.is_closing():  # the client has had enough
        await asyncio.sleep(0.005)


async def endless(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        writer.write(b" " * 65_536)
        await writer.drain()


async def test_while_there_is_no_answer_known_keys_go_on(issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jwks_remote, "ANEW_SECONDS", 0.0)
    monkeypatch.setattr(jwks_remote, "FETCH_SECONDS", 20.0)  # a busy machine is no issuer that says nothing
    async with keys_at(issuer.url) as keys:
        assert await known(keys, "e")
        with heard() as told:
            with monkeypatch.context() as soon:
                soon.setattr(jwks_remote, "FETCH_SECONDS", 0.1)
                issuer.answer = stalled
                assert not await known(keys, "unknown")
            issuer.answer = endless
            assert not await known(keys, "unknown")
            for status in ("500 No", "302 Elsewhere", "204 Nothing"):
                issuer.says(b"", status, location="http://127.0.0.1/")
                assert not await known(keys, "unknown")
            issuer.says(b" " * 10_000_000)
            assert not await known(keys, "unknown")
            issuer.says(gzip.compress(b" " * 10_000_000), content_encoding="gzip")
            assert not await known(keys, "unknown")
            for body in (b"<html>", b'{"keys": []}', b"\xff"):
                issuer.says(body)
                assert not await known(keys, "unknown")
        assert await known(keys, "e")
    whys = [
        (event.outcome, event.keys, event.why.partition(": ")[2])
        for event in told
        if isinstance(event, TokenKeysReloaded)
    ]
    assert whys == [
        ("unreadable", 1, "no answer within 0.1 s"),
        ("unreadable", 1, "the answer is larger than 1048576 bytes"),
        *[("unreadable", 1, f"the answer has status {status}") for status in (500, 302, 204)],
        ("unreadable", 1, "the answer is larger than 1048576 bytes"),
        ("unreadable", 1, "the answer is packed, which was not asked for"),
        ("malformed", 1, 'KEEPSTREAM_JWT_JWKS: must hold a JWK Set: {"keys": [...]}, with 1000 keys at the most'),
        (
            "malformed",
            1,
            "KEEPSTREAM_JWT_JWKS: holds no public key of RSA, EC or Ed25519 that tokens can be checked with",
        ),
        ("malformed", 1, 'KEEPSTREAM_JWT_JWKS: must hold a JWK Set: {"keys": [...]}, with 1000 keys at the most'),
    ]


async def test_who_asked_first_and_left_takes_the_answer_from_nobody(issuer: Issuer) -> None:
    release = asyncio.Event()
    answer = issuer.answer

    async def late(writer: asyncio.StreamWriter) -> None:
        await release.wait()
        await answer(writer)

    issuer.answer = late
    async with keys_at(issuer.url) as keys:
        first, second = (asyncio.create_task(known(keys, "e")) for _ in range(2))
        async with asyncio.timeout(PATIENCE):
            while not issuer.asked:
                await asyncio.sleep(0.005)
        first.cancel()
        release.set()
        assert await second


async def test_an_issuer_that_is_away_at_the_start_is_told_then(issuer: Issuer) -> None:
    issuer.says(b"", "503 Away")
    async with keys_at(issuer.url) as keys:
        with pytest.raises(SettingsError, match=r"KEEPSTREAM_JWT_JWKS: there are no keys to be had: .*status 503"):
            await keys.look()


async def test_who_has_looked_does_not_ask_at_once_again(issuer: Issuer) -> None:
    async with keys_at(issuer.url) as keys:
        await keys.look()
        async with keys.tasks[0]:
            assert await known(keys, "e")
    assert issuer.asked == 1


async def test_while_there_are_no_keys_they_are_asked_for_now_and_then(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jwks_remote, "ANEW_SECONDS", 0.02)
    issuer.says(b"", "503 Away")
    tokens = tokens_of(Settings(jwt_jwks=issuer.url))
    assert tokens is not None
    (task,) = tokens.tasks
    async with task, asyncio.timeout(PATIENCE):
        assert isinstance(await tokens.caller_of(token(ec_key(), "ES256", "e")), Refused)
        issuer.shows(public(ec_key(), "e"))
        while not isinstance(await tokens.caller_of(token(ec_key(), "ES256", "e")), Caller):
            await asyncio.sleep(0.005)
    await tokens.aclose()


async def test_a_set_whose_key_changed_and_names_none_is_asked_for_anew(issuer: Issuer) -> None:
    """Some issuers give their keys no names."""
    issuer.shows(public(rsa_key()))
    tokens = tokens_of(Settings(jwt_jwks=issuer.url))
    assert tokens is not None
    async with tokens.tasks[0], asyncio.timeout(PATIENCE):
        while not issuer.asked:
            await asyncio.sleep(0.005)
        issuer.shows(public(rsa_key(2050)))
        while not isinstance(await tokens.caller_of(token(rsa_key(2050), "RS256")), Caller):
            await asyncio.sleep(0.005)
        assert isinstance(await tokens.caller_of(token(rsa_key(), "RS256")), Refused)
    await tokens.aclose()
