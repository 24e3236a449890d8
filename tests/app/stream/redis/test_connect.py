from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio import Redis
from redis.asyncio.connection import SSLConnection
from redis.asyncio.sentinel import SentinelConnectionPool, SentinelManagedSSLConnection

from app.dev.embedded import EmbeddedValkey
from app.stream.errors import UnfitServerError
from app.stream.redis.address import parse, shown
from app.stream.redis.cluster.sharded import Sharded
from app.stream.redis.connect import connect
from app.stream.redis.fitness import check_server


def test_a_url_with_sentinels_names_them_and_the_service() -> None:
    pool = connect("redis+sentinel://me:p%40ss@one:1,two:2,three/prime/3", "test").connection_pool
    assert isinstance(pool, SentinelConnectionPool)
    addresses = [
        (sentinel.connection_pool.connection_kwargs["host"], sentinel.connection_pool.connection_kwargs["port"])
        for sentinel in pool.sentinel_manager.sentinels
    ]
    assert addresses == [("one", 1), ("two", 2), ("three", 26379)]
    assert pool.service_name == "prime"
    assert pool.connection_kwargs["db"] == 3
    assert (pool.connection_kwargs["username"], pool.connection_kwargs["password"]) == ("me", "p@ss")


@pytest.mark.parametrize("url", ["redis+sentinel://one:1", "redis+sentinel:///prime"])
def test_a_url_that_lacks_a_part_is_refused(url: str) -> None:
    with pytest.raises(UnfitServerError, match="redis\\+sentinel"):
        connect(url, "test")


@pytest.mark.parametrize(
    "url",
    [
        "redis://127.0.0.1:port",
        "redis://127.0.0.1:99999",
        "redis://[::1",
        "redis://127.0.0.1/first",
        "redis://127.0.0.1?socket_timeout=soon",
        "redis://127.0.0.1?no_such_option=1",
        "rediss://127.0.0.1?ssl_cert_reqs=perhaps",
        "redis+sentinel://one:port/prime",
        "redis+sentinel://one/prime/first",
        "redis://:hush/hush@127.0.0.1",
        "unix://",
        "redis://:12#hush@127.0.0.1:6379/hush",
        "redis://:12?hush@127.0.0.1",
        "redis://:hush?hush=hush@127.0.0.1",
        "redis://me:12?hush@127.0.0.1",
        "redis://127.0.0.1/0#hush",
        "redis://127.0.0.1?retry=5",
        "redis+sentinel://one/prime?no_such_option=1",
    ],
)
def test_a_url_that_cannot_be_one_is_refused_and_not_quoted(url: str) -> None:
    with pytest.raises(UnfitServerError, match="REDIS_URL cannot be read") as refused:
        connect(url, "test")
    assert "hush" not in str(refused.value)


async def test_a_socket_of_this_machine_will_do(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    with EmbeddedValkey.start(tmp_path, extra_config=[("unixsocket", str(path))]):
        redis: Redis = connect(f"unix://{path}?db=1", "test")
        await check_server(redis)
        await redis.aclose()


def test_a_name_that_redis_would_not_take_is_made_to_fit() -> None:
    pool = connect("redis://127.0.0.1:1", "front on my machine\n").connection_pool
    assert pool.connection_kwargs["client_name"] == "front-on-my-machine-"


@pytest.mark.parametrize(
    "password", ["p#w", "12#34", "p@ss@", "a:b:c", "100%", "%zz", "pässwörd", "℀", "密码", "a b", "'\"&=+"]
)
@pytest.mark.parametrize("user", ["", "me", "m@x#1"])
def test_a_password_may_hold_anything_that_ends_no_host(user: str, password: str) -> None:
    for url in (f"redis://{user}:{password}@127.0.0.1:7000/2", f"redis+sentinel://{user}:{password}@one:1/prime/2"):
        options = connect(url, "test").connection_pool.connection_kwargs
        assert (options["password"], options.get("username", ""), options["db"]) == (password, user, 2)
    direct = connect(f"redis://{user}:{password}@127.0.0.1:7000/2", "test").connection_pool.connection_kwargs
    assert (direct["host"], direct["port"]) == ("127.0.0.1", 7000)


@given(st.text(), st.text(min_size=1))
def test_a_password_in_hex_is_the_password(user: str, password: str) -> None:
    credentials = f"{quote(user, safe='')}:{quote(password, safe='')}"
    options = connect(f"redis://{credentials}@host", "test").connection_pool.connection_kwargs
    assert (options.get("username", ""), options["password"]) == (user, password)


def test_sentinels_over_tls_are_asked_over_tls_and_with_their_own_credentials() -> None:
    url = (
        "rediss+sentinel://me:pw@one:1,two:2/prime/3?sentinel_username=s&sentinel_password=a%23b&ssl_check_hostname=no"
    )
    pool = connect(url, "test").connection_pool
    assert issubclass(pool.connection_class, SentinelManagedSSLConnection)
    assert isinstance(pool, SentinelConnectionPool)
    assert not {"sentinel_username", "sentinel_password"} & pool.connection_kwargs.keys()
    for sentinel in pool.sentinel_manager.sentinels:
        asked = sentinel.connection_pool
        assert issubclass(asked.connection_class, SSLConnection)
        assert (asked.connection_kwargs["username"], asked.connection_kwargs["password"]) == ("s", "a#b")
        assert asked.connection_kwargs["ssl_check_hostname"] is False


def test_sentinels_are_not_told_the_password_of_redis() -> None:
    pool = connect("redis+sentinel://me:pw@one:1/prime", "test").connection_pool
    assert isinstance(pool, SentinelConnectionPool)
    [sentinel] = pool.sentinel_manager.sentinels
    assert sentinel.connection_pool.connection_kwargs["password"] is None


def test_a_certificate_must_be_this_hosts_unless_none_is_asked_for(tmp_path: Path) -> None:
    assert connect("rediss://h", "t").connection_pool.connection_kwargs["ssl_check_hostname"] is True
    assert (
        connect("rediss://h?ssl_cert_reqs=none", "t").connection_pool.connection_kwargs["ssl_check_hostname"] is False
    )
    (tmp_path / "ca.pem").write_text("no certificate")
    for ca in ("absent.pem", "ca.pem"):
        with pytest.raises(UnfitServerError, match="cannot be used: "):
            connect("rediss://h", "t", ca=str(tmp_path / ca))


@pytest.mark.parametrize(
    ("url", "nodes"),
    [
        ("redis+cluster://one:7001,two:7002", (("one", 7001), ("two", 7002))),
        ("rediss+cluster://me:p%2Fss#w@rd@one,[fd00::1]:7002/0?socket_timeout=1", (("one", 6379), ("fd00::1", 7002))),
    ],
)
def test_some_nodes_of_a_cluster(url: str, nodes: tuple[tuple[str, int], ...]) -> None:
    address = parse(url)
    assert address.nodes == nodes
    assert address.tls is url.startswith("rediss")
    if address.tls:
        assert (address.options["password"], address.options["socket_timeout"]) == ("p/ss#w@rd", 1.0)
    client: Redis = connect(url, "tests", setting="STREAMS_REDIS_URL")
    assert isinstance(client, Sharded)
    assert client.nodes.known.shown == f"STREAMS_REDIS_URL={shown(url)}"


@pytest.mark.parametrize(
    "url",
    [
        "redis+cluster://",
        "redis+cluster://one:1,,two:2",
        "redis+cluster://one:7001/1",
        "redis+cluster://one:seven",
        "redis+cluster://one:7001,two/x",
    ],
)
def test_what_is_no_address_of_a_cluster_is_refused(url: str) -> None:
    with pytest.raises(UnfitServerError, match="STREAMS_REDIS_URL cannot be read"):
        connect(url, "tests", setting="STREAMS_REDIS_URL")


def test_what_is_shown_of_an_address_has_no_password_and_no_options() -> None:
    for url in ("redis+cluster://me:hu@sh@one:1,two:2/0?password=hush", "redis://:hush@one:1/0", "unix:///run/redis"):
        assert "hu" not in shown(url)
    assert shown("redis+cluster://me:hu@sh@one:1,two:2/0?x=1") == "redis+cluster://one:1,two:2/0"
