"""Causes are told apart: what stands between us and the Claude API, over real sockets, in the ending and in the log."""

from __future__ import annotations

import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from app.dev.embedded import EmbeddedValkey
from app.settings import SettingsError
from app.upstream import Upstream
from tests.harness.running import keepstream
from tests.worker.plain_upstream import EVENT_STREAM, PlainUpstream
from tests.worker.workshop import Stream, Workshop
from worker.upstream.claude import Claude

SECRET_PROMPT = "a prompt that nobody may see in a log"
HTML = b"<html><body>Not here</body></html>"


def page(status: str, kind: bytes = b"text/html; charset=utf-8", body: bytes = HTML) -> bytes:
    head = b"HTTP/1.1 %b\r\ncontent-type: %b\r\ncontent-length: %d\r\nconnection: close\r\n\r\n"
    return head % (status.encode(), kind, len(body)) + body


def error(kind: str, message: str = "invalid x-api-key") -> bytes:
    return b'{"type":"error","error":{"type":"%b","message":"%b"},"request_id":"req_1"}' % (
        kind.encode(),
        message.encode(),
    )


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One that nobody signed, with its key."""
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    how = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    made = ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(path), "-out", f"{path}.crt"]
    subprocess.run(["openssl", *how.split(), *made], check=True, capture_output=True)  # noqa: S607
    path.write_text(path.read_text() + Path(f"{path}.crt").read_text())
    return path


@contextmanager
def answering(answer: bytes, *, hear: bool = True) -> Iterator[str]:
    with PlainUpstream(answer, hear=hear) as upstream:
        yield upstream.url


async def failed(shop: Workshop, url: str) -> Stream:
    async with shop.worker(anthropic_base_url=url, max_attempts=1):
        stream = await shop.run(SECRET_PROMPT)
    assert stream.outcome == "failed"
    return stream


def told(stream: Stream) -> dict[str, Any]:
    end = stream.data("relay.end")[0]
    assert end["error"] == stream.json("error")
    return dict(end["error"])


@contextmanager
def standing(where: str, claude: str, certificate: Path) -> Iterator[str]:
    """Something that stands in the Claude API's place, or in a proxy's; its address."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    there = {
        "closed": "http://127.0.0.1:1",
        "name": "http://does-not-exist.invalid",
        "no TLS": claude.replace("http:", "https:"),
        "proxy away": "http://user:s3cret@127.0.0.1:1",
    }
    answers = {
        "no HTTP": b"SSH-2.0-OpenSSH_9.6\r\n",
        "html 404": page("404 Not Found"),
        "html 400": page("400 Bad Request"),
        "json 404": page("404 Not Found", b"application/json", b'{"detail":"Not Found"}'),
        "html 200": page("200 OK"),
        "json 200": page("200 OK", b"application/json", b'{"type":"message","content":[]}'),
        "proxy login": page("407 Proxy Authentication Required"),
        "proxy refuses": page("403 Forbidden"),
        "cut": EVENT_STREAM + b"content-length: 100\r\n\r\n: x\n",
    }
    if where in there:
        yield there[where]
    else:
        with PlainUpstream(answers.get(where), None if where in answers else tls) as upstream:
            yield upstream.url


CAUSES = {
    "closed": ("refuses the connection", "ConnectionRefusedError 127.0.0.1:1"),
    "name": ("name of the Claude API's address cannot be resolved", "gaierror does-not-exist.invalid:80"),
    "self-signed": ("certificate of the Claude API's address is not trusted: self", "SSLCertVerificationError"),
    "wrong name": ("not trusted: IP address mismatch", "SSLCertVerificationError"),
    "no TLS": ("does not speak TLS", "SSLError"),
    "no HTTP": ("does not speak HTTP", "BadStatusLine"),
    "html 404": ("is not the Claude API (status 404, text/html)", "it said 404"),
    "html 400": ("is not the Claude API (status 400, text/html)", "it said 400"),
    "json 404": ("is not the Claude API (status 404, application/json)", "it said 404"),
    "html 200": ("is not the Claude API (status 200, text/html)", "it said 200"),
    "json 200": ("is not the Claude API (status 200, application/json)", "it said 200"),
    "proxy away": ("the proxy on the way to the Claude API cannot be reached", "ConnectionRefusedError 127.0.0.1:1"),
    "proxy login": ("the proxy on the way to the Claude API wants a login", "it said 407"),
    "proxy refuses": ("the proxy on the way to the Claude API refuses (status 403)", "ClientHttpProxyError"),
    "cut": ("the connection to the Claude API was lost", "ContentLengthError"),
}


@pytest.mark.filterwarnings("ignore::DeprecationWarning:anthropic")  # the transport's, for a proxy with a password
@pytest.mark.parametrize("where", list(CAUSES))
async def test_each_cause_has_its_words(
    shop: Workshop, certificate: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, where: str
) -> None:
    words, detail = CAUSES[where]
    if where == "wrong name":
        monkeypatch.setenv("SSL_CERT_FILE", f"{certificate}.crt")
    with standing(where, shop.claude, certificate) as there:
        url = there
        if where.startswith("proxy"):
            monkeypatch.setenv("HTTP_PROXY", there)
            monkeypatch.setenv("HTTPS_PROXY", there)
            url = "https://claude.invalid" if where == "proxy refuses" else "http://claude.invalid"
        stream = await failed(shop, url)
    assert told(stream)["type"] == "api_error"
    assert words in told(stream)["message"]
    assert not [host for host in ("127.0.0.1:", "invalid:", "s3cret") if host in told(stream)["message"]]
    line = next(line for line in caplog.messages if "stream.ended" in line and " attempts=1 " in line)
    assert detail in line
    assert SECRET_PROMPT not in caplog.text
    assert "s3cret" not in caplog.text


@pytest.mark.parametrize("status", ["401 Unauthorized", "403 Forbidden"])
@pytest.mark.parametrize("shape", ["the API's", "a gateway's"])
async def test_a_refused_key_is_never_told_as_if_it_were_the_user_s(
    shop: Workshop, caplog: pytest.LogCaptureFixture, status: str, shape: str
) -> None:
    kind = "authentication_error" if status.startswith("401") else "permission_error"
    body = page(status, b"application/json", error(kind)) if shape == "the API's" else page(status)
    with answering(body) as url:
        stream = await failed(shop, url)
    assert told(stream) == {
        "type": "api_error",
        "message": "the relay's own key was refused by the Claude API; its operator has to look at it",
    }
    # What the Messages face and the log go by.
    assert stream.json("failure")["status"] == int(status[:3])
    assert any(f"key_refused, status {status[:3]}" in record.getMessage() for record in caplog.records)


async def test_nor_is_one_that_is_refused_within_an_answer(shop: Workshop) -> None:
    event = b"event: error\ndata: " + error("authentication_error") + b"\n\n"
    with answering(page("200 OK", b"text/event-stream", event)) as url:
        stream = await failed(shop, url)
    assert told(stream)["type"] == "api_error"
    assert "own key" in told(stream)["message"]


async def test_the_upstream_s_own_words_are_the_user_s_and_not_the_log_s(
    shop: Workshop, caplog: pytest.LogCaptureFixture
) -> None:
    words = f"messages.0.content: {SECRET_PROMPT}"
    with answering(page("400 Bad Request", b"application/json", error("invalid_request_error", words))) as url:
        stream = await failed(shop, url)
    assert told(stream) == {"type": "invalid_request_error", "message": words}
    assert any("invalid_request_error, status 400, req_1" in record.getMessage() for record in caplog.records)
    assert SECRET_PROMPT not in caplog.text


@pytest.mark.parametrize("status", ["413 Too Large", "502 Bad Gateway", "503 Unavailable"])
async def test_a_gateway_s_page_is_no_other_service(shop: Workshop, status: str) -> None:
    too_long = b"text/html\r\nretry-after: 3600"  # or the stream would wait for a 429 to pass
    with answering(page(status, too_long)) as url:
        stream = await failed(shop, url)
    assert stream.json("failure")["status"] == int(status[:3])
    assert "ANTHROPIC_BASE_URL" not in told(stream)["message"]


async def test_a_gateway_s_429_is_a_call_too_many(shop: Workshop) -> None:
    """Which is no failure, and waits until there is room."""
    with answering(page("429 Too Many")) as url:
        async with shop.worker(anthropic_base_url=url):
            stream_id = await shop.submit("hello")
            stream = await shop.until(stream_id, lambda stream: "relay.retry" in stream.names)
            assert stream.data("relay.retry")[0]["reason"] == "rate_limit_error"


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("SSL_CERT_FILE", "/nowhere/ca.pem", "SSL_CERT_FILE"),
        ("SSL_CERT_FILE", __file__, "SSL_CERT_FILE"),
        ("HTTPS_PROXY", "gopher://me:s3cret@proxy", "HTTPS_PROXY"),
        ("ALL_PROXY", "http://me:s3cret@proxy:port", "ALL_PROXY"),
    ],
)
async def test_what_is_known_at_the_start_is_told_there(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=words) as caught:
        Claude("key", "https://claude.invalid")
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("process", ["worker", "front"])
def test_and_ends_the_process_with_its_words(valkey: EmbeddedValkey, process: str) -> None:
    settings = {"REDIS_URL": valkey.url, "ANTHROPIC_API_KEY": "key", "SSL_CERT_FILE": "/nowhere/ca.pem"}
    with keepstream(process, *(["--port", "0"] if process == "front" else []), warm=True, **settings) as made:
        assert made.wait() == 2
        assert ": SSL_CERT_FILE and SSL_CERT_DIR must name certificates that can be read" in made.output
        assert "Traceback" not in made.output


@pytest.mark.parametrize("proxy", ["gopher://me:s3cret@proxy", "socks5://127.0.0.1:1", "http://me:s3cret@proxy:port"])
def test_a_front_says_so_of_a_proxy_too(monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    monkeypatch.setenv("ALL_PROXY", proxy)
    with pytest.raises(SettingsError, match="ALL_PROXY") as caught:
        Upstream("key", None)
    assert "s3cret" not in str(caught.value)
