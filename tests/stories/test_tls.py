"""Fronts that have a certificate themselves: all that is promised holds over TLS as well."""

from __future__ import annotations

import asyncio
import functools
import random
import shutil
import signal
import ssl
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from app.dev.simulator import answer_for
from tests.harness.network.tls import certificate
from tests.harness.reader import Manner, Sight, watch
from tests.harness.relay import Relay
from tests.harness.running import keepstream
from tests.patience import PATIENCE

PROMPT = "[[sim: tokens=200 rate=400 first=0]]"
ANSWER = answer_for([{"role": "user", "content": PROMPT}])
MODEL = {"model": "claude-sonnet-5", "max_tokens": 1000}


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return certificate(tmp_path_factory.mktemp("pair"), "127.0.0.1")


@pytest.fixture(scope="module")
def relay(pair: tuple[Path, Path]) -> Iterator[Relay]:
    with Relay(KEEPSTREAM_TLS_CERT=str(pair[0]), KEEPSTREAM_TLS_KEY=str(pair[1]), KEEPSTREAM_DRAIN_SECONDS="3") as made:
        assert made.url.startswith("https://")
        yield made


@pytest.fixture
def trusting(pair: tuple[Path, Path]) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=pair[0])


async def submitted(http: httpx.AsyncClient, text: str) -> str:
    answer = await http.post("/v1/streams", json={"prompt": text})
    assert answer.status_code == 202
    stream_id: str = answer.json()["id"]
    return stream_id


def port_of(url: str) -> int:
    return int(url.rsplit(":", 1)[1])


async def test_readers_that_come_and_go_see_every_byte(relay: Relay, trusting: ssl.SSLContext) -> None:
    async with httpx.AsyncClient(base_url=relay.url, verify=trusting, timeout=PATIENCE) as http:
        stream_id = await submitted(http, PROMPT)
        large = await submitted(http, "[[sim: big-delta=3000000 tokens=20 rate=0 first=0]]")
        patient = Manner(tls=trusting)
        slow = Manner(pause=functools.partial(asyncio.sleep, 0.001), narrow=True, tls=trusting)
        sights = [Sight(stream_id) for _ in range(6)] + [Sight(large), Sight(large)]
        leaving = functools.partial(random.uniform, 0.05, 0.3)
        port = functools.partial(port_of, relay.url)
        await asyncio.gather(
            *(watch(sight, port, leave_after=leaving, manner=patient) for sight in sights[:5]),
            *(watch(sight, port, manner=patient) for sight in sights[5:7]),
            watch(sights[7], port, manner=slow),
        )
        assert {sight.text() for sight in sights[:6]} == {ANSWER}
        assert sights[6].seen == sights[7].seen
        assert len(sights[7].seen) > 3_000_000
        assert any(sight.reconnects > 1 for sight in sights[:5])


async def test_every_face_streams(relay: Relay, trusting: ssl.SSLContext) -> None:
    said = [{"role": "user", "content": PROMPT}]
    parts = [{"type": "text", "text": PROMPT}]
    chat = {"id": "tls", "trigger": "submit-message", "messages": [{"id": "1", "role": "user", "parts": parts}]}
    async with httpx.AsyncClient(base_url=relay.url, verify=trusting, timeout=PATIENCE) as http:
        for path, body, ends in (
            ("/v1/messages", {**MODEL, "messages": said, "stream": True}, '{"type":"message_stop"}\n\n'),
            ("/api/chat", chat, "data: [DONE]\n\n"),
        ):
            answer = await http.post(path, json=body)
            assert answer.status_code == 200
            assert answer.text.endswith(ends)
            assert "strict-transport-security" in answer.headers
        kept = await http.post("/v1/messages", json={**MODEL, "messages": said})
        assert kept.json()["content"][0]["text"] == ANSWER
        page = await http.get("/")
        assert page.text.startswith("<!doctype html>")
        assert "strict-transport-security" in page.headers


async def test_the_pages_session_is_https_alone_s(relay: Relay, trusting: ssl.SSLContext) -> None:
    async with httpx.AsyncClient(base_url=relay.url, verify=trusting) as http:
        said = (await http.post("/session", headers={"x-api-key": "any"})).headers["set-cookie"]
    assert said.startswith("__Host-keepstream=")
    assert {"HttpOnly", "SameSite=Strict", "Secure", "Path=/"} <= set(said.split("; "))


async def test_a_front_that_drains_sends_its_readers_to_another(relay: Relay, trusting: ssl.SSLContext) -> None:
    front, url = relay.another_front()
    async with httpx.AsyncClient(base_url=url, verify=trusting, timeout=PATIENCE) as http:
        sight = Sight(await submitted(http, "[[sim: tokens=60 rate=30 first=0]]"))
        at = [url]
        reading = asyncio.create_task(watch(sight, lambda: port_of(at[0]), manner=Manner(tls=trusting)))
        while not sight.frames:
            await asyncio.sleep(0.01)
        silent = await asyncio.open_connection("127.0.0.1", port_of(url))  # has not even begun to speak TLS
        at[0] = relay.url
        front.send(signal.SIGTERM)
        assert await asyncio.to_thread(front.wait) == 0, front.output
        silent[1].close()
        assert "Traceback" not in front.output
        await reading
        assert sight.end is not None
        assert sight.end["outcome"] == "completed"
        assert sight.reconnects


async def test_a_renewed_certificate_is_taken_by_a_front_that_runs(relay: Relay, tmp_path: Path) -> None:
    files = tmp_path / "cert.pem", tmp_path / "key.pem"
    pairs = []
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
        pairs.append(certificate(tmp_path / name, "127.0.0.1"))
    for source, target in zip(pairs[0], files, strict=True):
        shutil.copy(source, target)
    front, url = relay.another_front(KEEPSTREAM_TLS_CERT=str(files[0]), KEEPSTREAM_TLS_KEY=str(files[1]))
    for source, target in zip(pairs[1], files, strict=True):
        shutil.copy(source, target)
    await asyncio.to_thread(front.line, '"event":"certificate.read".*"taken":true')
    async with httpx.AsyncClient(verify=ssl.create_default_context(cafile=pairs[1][0]), timeout=PATIENCE) as http:
        assert (await http.get(f"{url}/healthz")).status_code == 200


def test_a_certificate_that_cannot_be_used_is_exit_code_2(pair: tuple[Path, Path]) -> None:
    with keepstream(
        "front", KEEPSTREAM_PORT="0", KEEPSTREAM_TLS_CERT=str(pair[1]), KEEPSTREAM_TLS_KEY=str(pair[1])
    ) as front:
        assert front.wait() == 2
        assert "are no certificate and its key" in front.output
        assert "Traceback" not in front.output
