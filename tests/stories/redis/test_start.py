"""Both processes at their start: a Redis that was reached and is unfit is exit 2, with its own words."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest
from redis.asyncio import Redis

from app.dev.embedded import EmbeddedValkey, binary
from app.dev.ports import free_port
from app.stream.errors import UnfitServerError
from app.stream.redis.connect import connect
from app.stream.redis.fitness import until_fit
from tests.harness.network import users
from tests.harness.network.tls import TlsProxy, certificate
from tests.harness.running import Running, keepstream
from tests.long import some_of

SECRET = "hush#hush@1"


@pytest.fixture(params=some_of(["front", "worker"], 1))
def start(request: pytest.FixtureRequest) -> Callable[..., Running]:
    def begin(url: str, **settings: str) -> Running:
        given = {"REDIS_URL": url, "ANTHROPIC_API_KEY": "x", "KEEPSTREAM_PORT": "0"}
        return keepstream(request.param, warm=True, **given, **settings)

    return begin


async def refused(process: Running) -> str:
    """What a process said that ended with 2."""
    with process:
        assert await asyncio.to_thread(process.wait) == 2, process.output
        assert "Traceback" not in process.output
        assert "hush" not in process.output
        return process.output


async def unfit(url: str, ca: Path | None = None) -> str:
    """What both processes say at their start, and end with 2."""
    with pytest.raises(UnfitServerError) as told:
        await fit(url, ca)
    assert "hush" not in str(told.value)
    return str(told.value)


async def fit(url: str, ca: Path | None = None) -> None:
    redis: Redis = connect(url, "tests", ca=str(ca) if ca else None)
    try:
        await until_fit(redis)
    finally:
        await redis.aclose()


async def test_a_process_ends_with_2_and_says_what_redis_says(
    valkey: EmbeddedValkey, redis: Redis, start: Callable[..., Running]
) -> None:
    await redis.execute_command("ACL", "SETUSER", "ours", "reset", "on", f">{SECRET}", "~ks:*", "~arq:*", "+@all")
    said = await refused(start(valkey.url.replace("//", f"//ours:{SECRET}@")))
    assert "NOPERM No permissions to access a channel" in said
    assert len(said.splitlines()) < 10


async def test_a_process_trusts_the_certificates_it_is_told_to(
    valkey: EmbeddedValkey, redis: Redis, tmp_path: Path, start: Callable[..., Running]
) -> None:
    """And says who it is behind them."""
    _, may = users.USERS.read_text().splitlines()
    rules = may.partition(" on ")[2].split()
    users.refused(valkey.url, "ours")  # in other tests
    await redis.execute_command("ACL", "SETUSER", "ours", "reset", "on", f">{SECRET}", *rules)
    made, key = certificate(tmp_path, "127.0.0.1")
    async with TlsProxy("127.0.0.1", valkey.port, made, key) as tls:
        url = f"rediss://ours:{quote(SECRET)}@127.0.0.1:{tls.port}/0"
        with start(url, KEEPSTREAM_REDIS_CA=str(made)) as process:
            await asyncio.to_thread(process.line, "^ready$|keepstream front on")
        assert not users.refused(valkey.url, "ours")
        assert "certificate is refused" in await refused(start(url))


@pytest.mark.parametrize(
    "rules",
    some_of(
        [
            "~ks:* ~arq:* &ks:* +@all -@scripting",
            "~ks:{queue}* ~arq:* &ks:* +@all",
            "~ks:* ~arq:* &ks:* +@read +@connection +@pubsub +@transaction +info",
        ],
        1,
    ),
)
async def test_a_user_who_lacks_something(valkey: EmbeddedValkey, redis: Redis, rules: str) -> None:
    await redis.execute_command("ACL", "SETUSER", "ours", "reset", "on", f">{SECRET}", *rules.split())
    assert "NOPERM" in await unfit(valkey.url.replace("//", f"//ours:{SECRET}@"))


@pytest.mark.parametrize(
    ("url", "says"),
    some_of(
        [
            ("redis://ours:hush@{place}/0", "WRONGPASS"),
            ("redis://{place}/99", "DB index is out of range"),
            ("redis://:hush/hush@{place}/0", "REDIS_URL cannot be read"),
        ],
        1,
    ),
)
async def test_a_url_that_leads_nowhere(valkey: EmbeddedValkey, url: str, says: str) -> None:
    assert says in await unfit(url.format(place=f"127.0.0.1:{valkey.port}"))


async def test_a_node_of_a_cluster(tmp_path: Path) -> None:
    with EmbeddedValkey.start(tmp_path, extra_config=(("cluster-enabled", "yes"),)) as node:
        assert "cluster" in await unfit(node.url)


async def test_a_certificate_of_another_host_and_a_server_without_tls(valkey: EmbeddedValkey, tmp_path: Path) -> None:
    made, key = certificate(tmp_path, "127.0.0.2")
    async with TlsProxy("127.0.0.1", valkey.port, made, key) as tls:
        url = f"rediss://127.0.0.1:{tls.port}/0"
        assert "IP address mismatch" in await unfit(url, made)
        await fit(f"{url}?ssl_check_hostname=no", made)


async def test_sentinels_that_refuse_and_a_service_that_none_knows(valkey: EmbeddedValkey, tmp_path: Path) -> None:
    port = free_port()
    config = tmp_path / "sentinel.conf"
    config.write_text(
        f"port {port}\ndir {tmp_path}\nrequirepass {SECRET}\nsentinel monitor prime 127.0.0.1 {valkey.port} 1\n"
    )
    word = SECRET.replace("#", "%23")
    with Running([binary(), str(config), "--sentinel"]) as sentinel:
        await asyncio.to_thread(sentinel.line, r"\+monitor")
        url = f"redis+sentinel://127.0.0.1:{port}"
        assert "NOAUTH" in await unfit(f"{url}/prime/0")
        assert "no Sentinel knows" in await unfit(f"{url}/other/0?sentinel_password={word}")
        await fit(f"{url}/prime/0?sentinel_password={word}")
        made, key = certificate(tmp_path, "127.0.0.1")
        async with TlsProxy("127.0.0.1", port, made, key) as tls:  # TLS is with the Sentinels, too
            assert "certificate is refused" in await unfit(
                f"rediss+sentinel://127.0.0.1:{tls.port}/prime/0?sentinel_password={word}"
            )
