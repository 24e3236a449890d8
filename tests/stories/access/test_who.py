"""Who may come in, on every front alike: keys that come and go, tokens, and a backend that acts for its users."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from app.clients.python.keepstream import AsyncClient
from tests.harness.cluster import Cluster
from tests.harness.identity.issuer import Issuer
from tests.harness.identity.tokens import ec_key, public, rsa_key, token
from tests.harness.running import KEEPSTREAM, clean_environment
from tests.patience import PATIENCE

pytestmark = pytest.mark.asyncio(loop_scope="module")

QUICK = {"prompt": "[[sim: tokens=3 rate=0 first=0]]"}


@dataclass(frozen=True)
class House:
    cluster: Cluster
    keys: Path
    issuer: Issuer

    def command(self, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*KEEPSTREAM, *arguments],
            env=clean_environment(KEEPSTREAM_API_KEYS_FILE=str(self.keys), **settings),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=True,
        )

    async def add(self, *arguments: str) -> str:
        """A new key, as whoever runs the fronts makes it."""
        return (await asyncio.to_thread(self.command, "keys", "add", *arguments)).stdout.strip()

    def fronts(self) -> list[str]:
        return [f"http://127.0.0.1:{proxy.port}" for proxy in self.cluster.front_proxies]

    async def everywhere(self, status: int, **headers: str) -> None:
        """Returns when every front answers so."""
        async with httpx.AsyncClient(timeout=PATIENCE) as http, asyncio.timeout(PATIENCE):
            for url in self.fronts():
                while (await http.get(f"{url}/v1/conversations", headers=headers)).status_code != status:
                    await asyncio.sleep(0.02)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    keys, issuer = tmp_path_factory.mktemp("keys") / "keys", Issuer()
    keys.write_text("# of this machine\nfirst " + "0" * 64 + "\n")
    async with (
        issuer,
        Cluster(
            fronts=2, log_level="debug", api_keys_file=str(keys), jwt_jwks=issuer.url, jwt_audience="keepstream"
        ) as cluster,
    ):
        yield House(cluster, keys, issuer)


async def test_a_key_opens_every_front_from_when_it_is_made_until_it_is_revoked(house: House) -> None:
    key = await house.add("alice", "--label", "story")
    await house.everywhere(200, **{"x-api-key": key})
    listed = (await asyncio.to_thread(house.command, "keys", "list")).stdout
    (digits,) = [line.split()[1] for line in listed.splitlines() if "story" in line]
    await asyncio.to_thread(house.command, "keys", "revoke", digits)
    await house.everywhere(401, **{"x-api-key": key})
    assert house.keys.read_text().startswith("# of this machine\n")


async def test_a_file_that_makes_no_sense_takes_nobody_s_key_away_and_one_without_a_key_everybody_s(
    house: House,
) -> None:
    key, before = await house.add("bob"), house.keys.read_text()
    await house.everywhere(200, **{"x-api-key": key})
    house.keys.write_text("bob\n")
    for front in house.cluster.fronts:
        while "line 1 must be an owner" not in front.errors.read_text():  # a file tells no event
            await asyncio.sleep(0.02)
    await house.everywhere(200, **{"x-api-key": key})
    house.keys.write_text("# nobody\n")
    await house.everywhere(401, **{"x-api-key": key})
    house.keys.write_text(before)
    await house.everywhere(200, **{"x-api-key": key})


async def test_a_backend_acts_for_its_users_and_each_reads_its_own_on_any_front(house: House) -> None:
    backend = token(ec_key(), "ES256", "e", sub="acme", aud="keepstream", ks={"delegate": True})
    headers = {"authorization": f"Bearer {backend}"}
    one, other = house.fronts()
    async with httpx.AsyncClient(headers=headers, timeout=PATIENCE) as http:
        async with AsyncClient(one, api_key=backend, user="bob") as client:
            made = await client.submit(QUICK)
        where = f"{other}{made['events_url']}"
        read = await http.get(where, headers={"x-keepstream-user": "bob"})
        assert "event: relay.end" in read.text
        for user in ({}, {"x-keepstream-user": "eve"}):
            assert (await http.get(where, headers=user)).status_code == 404
        without = token(ec_key(), "ES256", "e", sub="acme", aud="keepstream")
        refused = await http.get(where, headers={"authorization": f"Bearer {without}", "x-keepstream-user": "bob"})
        assert (refused.status_code, refused.json()["error"]["type"]) == (403, "permission_error")


async def test_tokens_are_what_a_key_is_to_our_clients(house: House) -> None:
    carol = token(ec_key(), "ES256", "e", sub="carol", aud="keepstream")
    one, other = house.fronts()
    async with AsyncClient(one, api_key=carol) as client:
        made = await client.submit(QUICK)
    sent = await asyncio.to_thread(house.command, "watch", made["id"], KEEPSTREAM_URL=other, KEEPSTREAM_KEY=carol)
    assert sent.stdout


async def test_an_issuer_may_change_its_keys_and_be_away(house: House) -> None:
    """Each front asks it anew for a key that it does not know, and goes on with those that it knows."""

    def bearer(key: object, algorithm: str, kid: str) -> str:
        return f"Bearer {token(key, algorithm, kid, aud='keepstream')}"

    known = bearer(ec_key(), "ES256", "e")
    await house.everywhere(200, authorization=known)
    house.issuer.shows(public(ec_key(), "e"), public(rsa_key(), "r"))
    new = bearer(rsa_key(), "RS256", "r")
    await house.everywhere(200, authorization=new)
    house.issuer.says(b"", "503 Away")
    await house.everywhere(401, authorization=bearer(rsa_key(), "RS256", "unknown"))
    for token_ in (known, new):
        await house.everywhere(200, authorization=token_)


async def test_what_one_front_hands_out_opens_at_every_other_and_a_session_ends_with_its_key(house: House) -> None:
    key = await house.add("erin", "--label", "hers")
    await house.everywhere(200, **{"x-api-key": key})
    one, other = house.fronts()
    async with httpx.AsyncClient(headers={"x-api-key": key}, timeout=PATIENCE) as http:
        made = (await http.post(f"{one}/v1/streams", json=QUICK | {"relay": {"ticket": True}})).json()
        cookie = (await http.post(f"{one}/session")).headers["set-cookie"].partition(";")[0]
    async with httpx.AsyncClient(timeout=PATIENCE) as http:
        assert "event: relay.end" in (await http.get(other + made["events_url"])).text
        await house.everywhere(200, cookie=cookie)
        posted = await http.post(f"{other}/v1/streams", json=QUICK, headers={"cookie": cookie, "origin": other})
        assert posted.status_code == 202
        listed = (await asyncio.to_thread(house.command, "keys", "list")).stdout
        (digits,) = [line.split()[1] for line in listed.splitlines() if "hers" in line]
        await asyncio.to_thread(house.command, "keys", "revoke", digits)
        await house.everywhere(401, cookie=cookie)
        for url in (one, other):  # what was handed out for one stream ends by itself
            assert (await http.head(url + made["events_url"])).status_code == 200
            assert (await http.get(f"{url}/v1/streams?ticket={made['ticket']}")).status_code == 405
            assert (await http.post(f"{url}/v1/messages?ticket={made['ticket']}")).status_code == 401
    said = "".join(front.errors.read_text() for front in house.cluster.fronts)
    for secret in (key, made["ticket"], cookie.partition("=")[2]):
        assert secret not in said


async def test_what_was_sent_stands_in_no_log(house: House) -> None:
    key = await house.add("dave")
    bearer = token(ec_key(), "ES256", "e", aud="keepstream")
    await house.everywhere(200, **{"x-api-key": key})
    await house.everywhere(200, authorization=f"Bearer {bearer}")
    await house.everywhere(401, **{"x-api-key": "ks_never-was"})
    said = "".join(front.errors.read_text() for front in house.cluster.fronts)
    assert "caller.refused" in said
    for secret in (key, bearer, bearer.split(".")[2], "ks_never-was"):
        assert secret not in said
