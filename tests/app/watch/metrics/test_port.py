"""A port for the metrics alone: what it answers, what it does not bear, and that a process goes on without it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import httpx
import pytest

from app.watch.events import of_processes
from app.watch.metrics import port as ports
from app.watch.metrics.exposition import Page
from app.watch.metrics.port import CONNECTIONS_MAX, MetricsPort
from tests.app.served import until
from tests.harness.heard import heard
from tests.patience import PATIENCE

HERE = "127.0.0.1"


def page(accept: str) -> Page:
    if accept == "broken":
        raise ValueError("SECRET")
    return Page(f"asked for {accept}\n".encode(), "text/plain")


@pytest.fixture
async def served() -> AsyncIterator[MetricsPort]:
    async with MetricsPort(HERE, 0, page) as made:
        yield made


async def ask(served: MetricsPort, method: str = "GET", path: str = "/metrics", **headers: str) -> httpx.Response:
    assert served.address is not None
    async with httpx.AsyncClient(base_url=served.address.removesuffix("/metrics"), timeout=20) as http:
        return await http.request(method, path, headers=headers)


def port_of(served: MetricsPort) -> int:
    assert served.address is not None
    return int(served.address.split(":")[2].split("/")[0])


async def connection(served: MetricsPort) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection(HERE, port_of(served))


async def say(served: MetricsPort, data: bytes) -> bytes:
    """All that comes back for these bytes."""
    reader, writer = await connection(served)
    writer.write(data)
    try:
        async with asyncio.timeout(PATIENCE):
            return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()


async def test_it_serves_the_page_and_nothing_else(served: MetricsPort) -> None:
    found = await ask(served, accept="this")
    assert (found.status_code, found.text, found.headers["connection"]) == (200, "asked for this\n", "close")
    assert found.headers["cache-control"] == "no-store"
    assert (await ask(served, path="/metrics?name[]=x")).status_code == 200
    assert (await ask(served, path="/")).status_code == 404
    assert (await ask(served, path="/healthz")).status_code == 404


async def test_a_process_without_another_port_has_its_probes_here() -> None:
    lacks: list[str] = []
    async with MetricsPort(HERE, 0, page, lambda: lacks[0] if lacks else None) as made:
        for path, status in (("/healthz", "ok"), ("/readyz?x", "ready")):
            found = await ask(made, path=path)
            assert (found.status_code, found.json()) == (200, {"status": status})
        lacks.append("its leases are late")
        assert (await ask(made, path="/healthz")).status_code == 200
        found = await ask(made, path="/readyz")
        assert (found.status_code, found.json()["error"]["message"]) == (503, "its leases are late")
        assert (await ask(made, "HEAD", "/readyz")).status_code == 503
        assert (await ask(made)).status_code == 200


async def test_it_is_only_looked_at(served: MetricsPort) -> None:
    head = await ask(served, "HEAD")
    assert (head.status_code, head.text) == (200, "")
    assert int(head.headers["content-length"]) > 0
    found = await ask(served, "POST")
    assert (found.status_code, found.headers["allow"]) == (405, "GET, HEAD")


async def test_who_asks_in_pieces_is_answered(served: MetricsPort) -> None:
    reader, writer = await connection(served)
    for piece in (b"GET /met", b"rics HTTP/1.0\r\n", b"\r\n"):
        writer.write(piece)
        await writer.drain()
    assert b"asked for" in await reader.read()
    writer.close()


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", b" 400 "),
        (b"GET /metrics HTTP/1.1\r\n" + b"a: " + b"x" * 20_000, b" 431 "),
    ],
    ids=["noise", "a head without end"],
)
async def test_what_is_no_request_is_refused(served: MetricsPort, data: bytes, status: bytes) -> None:
    assert status in await say(served, data)


async def test_a_page_that_cannot_be_made_costs_nobody_but_who_asks(served: MetricsPort) -> None:
    with heard() as events:
        assert (await ask(served, accept="broken")).status_code == 500
        assert (await ask(served)).status_code == 200
    [fault] = [event for event in events if isinstance(event, of_processes.Fault)]
    assert (fault.doing, fault.error) == ("metrics", "ValueError")


async def test_who_says_nothing_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "SECONDS", 0.05)
    async with MetricsPort(HERE, 0, page) as served:
        assert await say(served, b"GET /metrics") == b""


async def test_there_are_never_more_than_so_many_at_once(served: MetricsPort) -> None:
    idle = [await connection(served) for _ in range(CONNECTIONS_MAX)]
    await until(lambda: len(served._open) == CONNECTIONS_MAX)
    assert await say(served, b"GET /metrics HTTP/1.0\r\n\r\n") == b""
    for _, writer in idle:
        writer.close()
    await until(lambda: not served._open)
    assert (await ask(served)).status_code == 200


async def test_a_port_in_use_is_told_once_and_had_when_it_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "AGAIN_SECONDS", 0.01)
    with socket.create_server((HERE, 0)) as taken, heard() as events:
        number = taken.getsockname()[1]
        async with MetricsPort(HERE, number, page) as served:
            assert served.address is None
            await until(lambda: served.tries > 3)
            taken.close()
            await until(lambda: served.address)
            assert (await ask(served)).status_code == 200
    told = [event for event in events if isinstance(event, of_processes.MetricsServed | of_processes.MetricsUnserved)]
    assert told == [
        of_processes.MetricsUnserved(HERE, number, "OSError"),
        of_processes.MetricsServed(f"http://{HERE}:{number}/metrics"),
    ]


async def test_a_host_that_is_none_is_told_too() -> None:
    with heard() as events:
        async with MetricsPort("no.such.host.invalid", 0, page) as served:
            assert served.address is None
    assert [type(event) for event in events] == [of_processes.MetricsUnserved]


async def test_nobody_is_served_any_more_when_it_ends() -> None:
    async with MetricsPort(HERE, 0, page) as served:
        reader, writer = await connection(served)
        await until(lambda: served._open)
        number = port_of(served)
    with contextlib.suppress(ConnectionError):
        assert await reader.read() == b""
    writer.close()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(HERE, number)


async def test_a_page_that_has_pointed_its_own_name_here_reads_nothing() -> None:
    async with MetricsPort(HERE, 0, page, lambda: None, ("metrics.example",)) as made:
        for host in ("evil.example", f"evil.example:{port_of(made)}", "localhost.evil.example", "[::"):
            assert (await ask(made, host=host)).status_code == 403, host
            assert (await ask(made, path="/readyz", host=host)).status_code == 200
        for host in ("localhost", f"127.0.0.1:{port_of(made)}", "[::1]:1", "metrics.example:9464"):
            assert (await ask(made, host=host)).status_code == 200, host


async def test_where_others_reach_it_it_has_any_name() -> None:
    async with MetricsPort("0.0.0.0", 0, page) as made:  # noqa: S104  # as in a container
        assert (await ask(made, host="worker-1:9464")).status_code == 200
