"""What passes straight through: the client's words go up, the answers come down, and only the key is ours."""

from __future__ import annotations

import asyncio
import gzip
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
from redis.asyncio import Redis

from app import upstream
from app.settings import Settings
from tests.app.served import served
from tests.patience import PATIENCE

JSON = ("content-type", "application/json")
KEY = "the-key-of-the-relay"


@dataclass
class FakeClaude:
    """Answers every call with the same, and notes what was asked."""

    url: str = ""
    status: int = 200
    headers: list[tuple[str, str]] = field(default_factory=lambda: [JSON])
    body: bytes = b'{"input_tokens": 3}'
    asked: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)
    waits: threading.Event = field(default_factory=threading.Event)


@pytest.fixture
def claude() -> Iterator[FakeClaude]:
    fake = FakeClaude()
    fake.waits.set()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            fake.asked.append((self.command, self.path, headers, body))
            fake.waits.wait(20)
            self.send_response(fake.status)
            for name, value in fake.headers:
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(fake.body)

        do_POST = do_GET  # noqa: N815 - http.server's way

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    fake.url = f"http://127.0.0.1:{server.server_port}"
    yield fake
    fake.waits.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
async def http(redis: Redis, claude: FakeClaude) -> AsyncIterator[httpx.AsyncClient]:
    settings = Settings(anthropic_base_url=f"{claude.url}/gateway", anthropic_api_key=KEY, max_prompt_bytes=1000)
    async with served(redis, settings) as front, httpx.AsyncClient(base_url=front.url, timeout=PATIENCE) as http:
        yield http


def error_of(response: httpx.Response) -> dict[str, str]:
    body = response.json()
    assert body["type"] == "error"
    assert body["request_id"] == response.headers["request-id"]
    error: dict[str, str] = body["error"]
    return error


class TestGoingUp:
    async def test_the_body_goes_up_byte_for_byte(self, http: httpx.AsyncClient, claude: FakeClaude) -> None:
        body = b'{ "model" : "m", "novel": 1.0, "messages":[] }'
        response = await http.post("/v1/messages/count_tokens?beta=true&x=%2F", content=body, headers=dict([JSON]))
        assert response.content == claude.body
        [(method, path, _, sent)] = claude.asked
        assert (method, path, sent) == ("POST", "/gateway/v1/messages/count_tokens?beta=true&x=%2F", body)

    async def test_with_the_clients_version_and_betas_and_our_key(
        self, http: httpx.AsyncClient, claude: FakeClaude
    ) -> None:
        headers = [
            ("anthropic-version", "2023-06-01"),
            ("anthropic-beta", "one"),
            ("anthropic-beta", "two"),
            ("x-api-key", "the-clients"),
            ("authorization", "Bearer the-clients"),
            ("cookie", "the-clients"),
        ]
        await http.get("/v1/models", headers=headers)
        [(_, _, sent, _)] = claude.asked
        assert sent["anthropic-version"] == "2023-06-01"
        assert sent["anthropic-beta"] == "one, two"
        assert sent["authorization"] == f"Bearer {KEY}"
        assert not any("the-clients" in value for value in sent.values())

    async def test_models_are_asked_by_name_and_page(self, http: httpx.AsyncClient, claude: FakeClaude) -> None:
        await http.get("/v1/models?limit=2&after_id=a")
        await http.get("/v1/models/claude-opus-5@20260601")
        paths = [path for _, path, _, _ in claude.asked]
        assert paths == ["/gateway/v1/models?limit=2&after_id=a", "/gateway/v1/models/claude-opus-5@20260601"]

    @pytest.mark.parametrize("name", ["..", ".", "%2e%2e", "..%2ffiles", "a%20b", "a%3Fx=1", "a%23", "%00"])
    async def test_no_name_of_a_model_reaches_another_path(
        self, http: httpx.AsyncClient, claude: FakeClaude, name: str
    ) -> None:
        # Written by hand: a client would tidy the path up.
        url = httpx.URL(str(http.base_url))
        with socket.create_connection((url.host, url.port or 0), timeout=20) as connection:
            connection.sendall(f"GET /v1/models/{name} HTTP/1.1\r\nhost: [::1]\r\nconnection: close\r\n\r\n".encode())
            answered = b""
            while b"\r\n" not in answered:
                answered += await read_some(connection)
        assert answered.startswith(b"HTTP/1.1 404 ")
        assert claude.asked == []

    @pytest.mark.parametrize(
        ("body", "status"), [(b"{", 400), (b"[]", 400), (b"", 400), (b'"%b"' % (b"x" * 1000), 413)]
    )
    async def test_what_is_known_to_be_wrong_is_not_asked(
        self, http: httpx.AsyncClient, claude: FakeClaude, body: bytes, status: int
    ) -> None:
        response = await http.post("/v1/messages/count_tokens", content=body, headers=dict([JSON]))
        assert response.status_code == status
        assert error_of(response)["type"] == ("invalid_request_error" if status == 400 else "request_too_large")
        assert claude.asked == []


class TestComingDown:
    async def test_status_body_and_the_headers_that_clients_act_upon(
        self, http: httpx.AsyncClient, claude: FakeClaude
    ) -> None:
        claude.status = 429
        claude.body = b'{"type":"error", "error":{"type":"rate_limit_error","message":"no"},"request_id":"req_up"}'
        told = {
            "request-id": "req_up",
            "retry-after": "7",
            "retry-after-ms": "6500",
            "x-should-retry": "true",
            "x-keepstream-simulated": "1",
            "anthropic-ratelimit-requests-remaining": "0",
        }
        claude.headers += [*told.items(), ("anthropic-organization-id", "ours"), ("set-cookie", "ours=1")]
        response = await http.get("/v1/models")
        assert response.status_code == 429
        assert response.content == claude.body
        assert told.items() <= dict(response.headers).items()
        assert "ours" not in str(response.headers)

    @pytest.mark.parametrize("status", [401, 403])
    async def test_a_refused_key_is_ours_and_not_the_clients(
        self, http: httpx.AsyncClient, claude: FakeClaude, status: int
    ) -> None:
        claude.status = status
        response = await http.get("/v1/models")
        assert response.status_code == 500
        assert response.headers["x-should-retry"] == "false"
        assert error_of(response)["type"] == "api_error"

    @pytest.mark.parametrize("packed", [False, True])
    async def test_an_answer_without_end_is_none(
        self,
        http: httpx.AsyncClient,
        claude: FakeClaude,
        packed: bool,  # noqa: FBT001
    ) -> None:
        large = b'{"data":"' + b"x" * (2 * upstream.REPLY_BYTES) + b'"}'
        claude.body = gzip.compress(large) if packed else large
        claude.headers += [("content-encoding", "gzip")] if packed else []
        response = await http.get("/v1/models")
        assert response.status_code == 502
        assert "larger" in error_of(response)["message"]
        assert claude.asked[0][2]["accept-encoding"] == "identity"
        claude.headers, claude.body = [JSON], b'{"data":"' + b"x" * (upstream.REPLY_BYTES - 11) + b'"}'
        assert (await http.get("/v1/models")).content == claude.body

    async def test_what_is_no_json_is_told_in_the_apis_shape(self, http: httpx.AsyncClient, claude: FakeClaude) -> None:
        claude.status, claude.headers, claude.body = (
            503,
            [("content-type", "text/html"), ("retry-after", "9")],
            b"<html>",
        )
        response = await http.get("/v1/models")
        assert response.status_code == 503
        assert response.headers["retry-after"] == "9"
        assert error_of(response)["type"] == "api_error"

    async def test_the_key_is_sent_nowhere_else(self, http: httpx.AsyncClient, claude: FakeClaude) -> None:
        claude.status, claude.headers, claude.body = 307, [("location", f"{claude.url}/elsewhere")], b""
        response = await http.get("/v1/models")
        assert response.status_code == 502
        assert len(claude.asked) == 1

    async def test_an_upstream_that_cannot_be_reached_may_be_tried_again(self, redis: Redis) -> None:
        with socket.socket() as nobody:
            nobody.bind(("127.0.0.1", 0))  # bound and not listening: nobody else can have it meanwhile
            settings = Settings(anthropic_base_url=f"http://127.0.0.1:{nobody.getsockname()[1]}")
            async with served(redis, settings) as front, httpx.AsyncClient(base_url=front.url) as http:
                response = await http.get("/v1/models")
        assert response.status_code == 502
        assert response.headers["retry-after"] == "1"
        assert "x-should-retry" not in response.headers
        assert error_of(response)["type"] == "api_error"

    async def test_an_upstream_that_says_nothing_is_left_in_time(
        self, http: httpx.AsyncClient, claude: FakeClaude, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(upstream, "CALL_SECONDS", 0.2)
        claude.waits.clear()
        response = await http.get("/v1/models")
        assert response.status_code == 504
        assert error_of(response)["type"] == "timeout_error"


async def test_who_has_no_key_is_let_in_nowhere(redis: Redis, claude: FakeClaude, tmp_path: Any) -> None:
    keys_file = tmp_path / "keys"
    keys_file.write_text("alice " + "0" * 64 + "\n")
    settings = Settings(anthropic_base_url=claude.url, anthropic_api_key=KEY, api_keys_file=str(keys_file))
    async with served(redis, settings) as front, httpx.AsyncClient(base_url=front.url) as http:
        answers = [
            await http.get("/v1/models"),
            await http.get("/v1/models/m"),
            await http.post("/v1/messages/count_tokens", json={}),
            await http.post("/v1/messages", json={}),
        ]
    assert [answer.status_code for answer in answers] == [401] * 4
    assert {error_of(answer)["type"] for answer in answers} == {"authentication_error"}
    assert claude.asked == []


async def read_some(connection: socket.socket) -> bytes:
    return await asyncio.to_thread(connection.recv, 4096)
