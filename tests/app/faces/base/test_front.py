"""Who comes in where: every route, with each way of being nobody, and each owner beside the others."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from redis.asyncio import Redis

from app.access.identity.keys_file import digest_of
from app.openapi import describe
from app.settings import Settings
from tests.app.faces.base.told import told_of
from tests.app.served import Served, served
from tests.harness.heard import heard
from tests.harness.identity.tokens import SECRET, raw, token
from tests.patience import PATIENCE

ALICE, ACME, OVER = "ks_alice-key", "ks_acme-key", "ks_over-key"
NEVER = {"id": "st_" + "0" * 32, "chat_id": "never", "tool_use_id": "never"}
CONVERSATION = "cv_" + "0" * 32


@asynccontextmanager
async def front(redis: Redis, folder: Path) -> AsyncIterator[tuple[Served, httpx.AsyncClient]]:
    """One that takes keys and tokens, and somebody who comes from elsewhere: who sits at its machine is an operator."""
    file = folder / "keys"
    file.write_text(
        f"alice {digest_of(ALICE)}\nacme {digest_of(ACME)} delegate\nover {digest_of(OVER)} expires=2026-01-01\n"
    )
    settings = Settings(api_keys_file=str(file), jwt_secret=SECRET)
    elsewhere = {"x-forwarded-for": "203.0.113.9"}
    async with (
        served(redis, settings) as running,
        httpx.AsyncClient(base_url=running.url, timeout=PATIENCE, headers=elsewhere) as http,
    ):
        yield running, http


# Whoever asks, there is no session afterwards.
FORGETS = ("delete", "/session")


def asking() -> Iterator[tuple[str, str]]:
    """Each method and address of the interface that is not for everybody."""
    for path, item in describe()["paths"].items():
        for method in ("get", "post", "patch", "delete"):
            if method in item and item[method].get("security") != [] and (method, path) != FORGETS:
                names = NEVER | ({"id": CONVERSATION} if "conversations" in path else {})
                yield method.upper(), path.format_map(names)


NOBODY: dict[str, dict[str, str]] = {
    "nothing": {},
    "an unknown key": {"x-api-key": "ks_unknown"},
    "a key that is over": {"x-api-key": OVER},
    "a digest": {"x-api-key": digest_of(ALICE)},
    "another scheme": {"authorization": f"Basic {ALICE}"},
    "a token of no issuer": {"authorization": "Bearer a.b.c"},
    "an unsigned token": {"authorization": f"Bearer {raw({'alg': 'none'}, {'sub': 'alice', 'exp': 2**33})}"},
    "a token that is over": {"authorization": f"Bearer {token(exp=1)}"},
    "a token of another owner's user": {"authorization": f"Bearer {token(sub='acme/bob')}"},
    "a huge token": {"authorization": f"Bearer {'a' * 20_000}.b.c"},
    "odd bytes": {"x-api-key": "\xe4\xff.\x80.\x81"},
}


async def test_nobody_comes_in_anywhere_and_nothing_of_what_was_sent_is_told(
    redis: Redis, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "keepstream")
    with heard() as told:
        async with front(redis, tmp_path) as (_, http):
            answers = [await http.request(method, path) for method, path in asking()]
            for who in NOBODY.values():
                headers = {name: value.encode("latin-1") for name, value in who.items()}
                answers.append(await http.post("/v1/streams", json={"prompt": "x"}, headers=headers))
    assert {answer.status_code for answer in answers} == {401}
    assert {answer.headers["www-authenticate"] for answer in answers} == {'Bearer realm="keepstream"'}
    assert {answer.json()["error"]["type"] for answer in answers} == {"authentication_error"}
    said = [*(repr(event) for event in told), caplog.text, *(answer.text for answer in answers)]
    secrets = [value.split()[-1] for who in NOBODY.values() for value in who.values()] + [ALICE, ACME, SECRET]
    assert [secret for secret in secrets if any(secret in words for words in said)] == []


@pytest.mark.parametrize(
    ("who", "user", "refused"),
    [
        (ALICE, "bob", (403, "permission_error")),
        (ACME, "", (400, "invalid_request_error")),
    ],
)
async def test_who_acts_for_nobody_it_may_comes_in_nowhere(
    redis: Redis, tmp_path: Path, who: str, user: str, refused: tuple[int, str]
) -> None:
    async with front(redis, tmp_path) as (_, http):
        headers = {"x-api-key": who, "x-keepstream-user": user}
        answers = [await http.request(method, path, headers=headers) for method, path in asking()]
    assert {(answer.status_code, answer.json()["error"]["type"]) for answer in answers} == {refused}


def whoever() -> list[dict[str, str]]:
    """Each a different owner."""
    delegate = token(sub="acme2", ks={"delegate": True})
    return [
        {"x-api-key": ALICE},
        {"x-api-key": ACME},
        {"x-api-key": ACME, "x-keepstream-user": "bob"},
        {"x-api-key": delegate, "x-keepstream-user": "bob"},
    ]


async def test_what_is_another_owner_s_never_was(redis: Redis, tmp_path: Path) -> None:
    async with front(redis, tmp_path) as (_, http):
        owners = whoever()
        for number, owner in enumerate(owners):
            body = {"prompt": f"of {number}"}
            # The same key of each: what is repeated is one's own.
            made = await http.post("/v1/streams", json=body, headers=owner | {"idempotency-key": "same"})
            assert made.status_code == 202
            stream_id = made.json()["id"]
            talk = (await http.post("/v1/conversations", json={"title": "mine"}, headers=owner)).json()["id"]
            for other in owners:
                seen = await http.get(f"/v1/streams/{stream_id}", headers=other)
                heard_of = await http.get(f"/v1/conversations/{talk}", headers=other)
                if other == owner:
                    assert (seen.status_code, heard_of.status_code) == (200, 200)
                    assert seen.json()["id"] == stream_id
                    continue
                never = await http.get(f"/v1/streams/{NEVER['id']}", headers=other)
                assert told_of(seen) == told_of(never)
                nowhere = await http.get(f"/v1/conversations/{CONVERSATION}", headers=other)
                assert told_of(heard_of) == told_of(nowhere)
            listed = await http.get("/v1/conversations", headers=owner)
            assert [one["id"] for one in listed.json()["data"]] == [talk]


async def test_a_stream_s_owner_is_who_submitted_it(redis: Redis, tmp_path: Path) -> None:
    async with front(redis, tmp_path) as (running, http):
        headers = {"x-api-key": ACME, "x-keepstream-user": "bob"}
        made = await http.post("/v1/streams", json={"prompt": "x"}, headers=headers)
        meta = await running.log.meta(made.json()["id"], "owner", "headers")
    assert meta is not None
    assert meta["owner"] == b"acme/bob"
    assert b"bob" not in meta.get("headers", b"")


async def test_a_revoked_key_is_nobody_s_and_a_new_one_opens_without_a_restart(redis: Redis, tmp_path: Path) -> None:
    async with front(redis, tmp_path) as (_, http):
        assert (await http.get("/v1/conversations", headers={"x-api-key": ALICE})).status_code == 200
        (tmp_path / "keys").write_text(f"carol {digest_of('ks_carol')}\n")
        ends = time.monotonic() + 20
        while (await http.get("/v1/conversations", headers={"x-api-key": "ks_carol"})).status_code == 401:
            assert time.monotonic() < ends
        assert (await http.get("/v1/conversations", headers={"x-api-key": ALICE})).status_code == 401
        (tmp_path / "keys").write_text("# nobody\n")
        while (await http.get("/v1/conversations", headers={"x-api-key": "ks_carol"})).status_code == 200:
            assert time.monotonic() < ends
