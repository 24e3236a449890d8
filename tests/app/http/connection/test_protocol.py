"""Whatever a client sends, in whatever pieces, it is answered in its turn or closed."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from starlette.types import Receive, Scope, Send

from app.http.connection import bounds
from tests.app.http.speaking import CHUNKED, GET, POST, SOON, Application, connected, refusal_of
from tests.app.served import listening
from tests.patience import PATIENCE

# --- odd and honest

H2C = b"connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAA\r\n"


@pytest.mark.parametrize(
    "offer", [H2C, b"connection: upgrade\r\nupgrade: websocket\r\n", b"Upgrade: TLS/1.2\r\nCONNECTION: Upgrade\r\n"]
)
@pytest.mark.parametrize("size", [1, 7, 60, 10_000])
async def test_who_offers_another_protocol_keeps_its_body(application: Application, offer: bytes, size: int) -> None:
    sent = (
        POST + offer + b"content-length: 5\r\n\r\nhello" + GET + offer + b"\r\n"
        + POST + offer + b"transfer-encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nt: r\r\n\r\n" + GET + b"\r\n"
    )  # fmt: skip
    async with listening(application) as port, connected(port) as one:
        for n in range(0, len(sent), size):
            one.send(sent[n : n + size])
            if size < 10:
                await asyncio.sleep(0)
        assert [await one.answer() for _ in range(4)] == [b"5", b"0", b"3", b"0"]


@pytest.mark.parametrize("method", [b"CONNECT x:1", b"CONNECT /", b"PRI *"])
async def test_what_no_server_is_asked_is_refused(application: Application, method: bytes) -> None:
    async with listening(application) as port, connected(port) as one:
        one.send(method + b" HTTP/1.1\r\nhost: x\r\n\r\n")
        assert refusal_of(await one.rest(), 400)


@pytest.mark.parametrize("requests", [1, 3])
async def test_who_has_closed_its_side_is_answered(application: Application, requests: int) -> None:
    application.may.clear()
    async with listening(application) as port, connected(port) as one:
        one.send((POST + b"content-length: 2\r\n\r\nhi") * requests)
        one.writer.write_eof()
        await application.asked.wait()
        await asyncio.sleep(SOON)
        application.may.set()
        assert (await one.rest()).count(b"HTTP/1.1 200 ") == requests


@pytest.mark.parametrize("cut", [b"GET /", POST, POST + b"content-length: 9\r\n\r\nhalf"])
async def test_what_was_not_sent_whole_is_no_request(application: Application, cut: bytes) -> None:
    async with listening(application) as port, connected(port) as one:
        one.send(cut)
        one.writer.write_eof()
        assert await one.rest() == b""
    assert not application.asked.is_set()


async def test_a_client_that_is_gone_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "POKES", (SOON,))
    gone = asyncio.Event()

    async def waiting(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001
        while (await receive())["type"] != "http.disconnect":
            pass
        gone.set()

    async with listening(waiting) as port:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(GET + b"\r\n")
        await asyncio.sleep(SOON)
        writer.close()
        async with asyncio.timeout(PATIENCE):
            await gone.wait()


async def test_a_refusal_waits_for_its_turn(application: Application) -> None:
    application.may.clear()
    async with listening(application) as port, connected(port) as one:
        one.send(POST + b"content-length: 2\r\n\r\nhi" + GET + b"\r\n" + b"GARBAGE\r\n\r\n")
        await application.asked.wait()
        await asyncio.sleep(SOON)
        application.may.set()
        assert [await one.answer(), await one.answer()] == [b"2", b"0"]
        assert refusal_of(await one.rest(), 400)


# --- in whatever pieces

REQUESTS = {
    GET + b"\r\n": b"0",
    POST + b"content-length: 3\r\n\r\nabc": b"3",
    POST + b"content-length: 0\r\n\r\n": b"0",
    CHUNKED + b"2\r\nab\r\n3;x=y\r\ncde\r\n0\r\n\r\n": b"5",
    CHUNKED + b"0\r\nsum: 1\r\n\r\n": b"0",
    POST + H2C + b"content-length: 4\r\n\r\nGET ": b"4",
    GET + H2C + b"\r\n": b"0",
    b"\r\n" + GET + b"\r\n": b"0",
}
ENDS = [b"", b"GARBAGE\r\n\r\n", b"GET /", POST + b"content-length: 9\r\n\r\nab", CHUNKED + b"x"]


@examples(max_examples=25)
@given(
    st.lists(st.sampled_from(list(REQUESTS)), min_size=1, max_size=6),
    st.sampled_from(ENDS),
    st.lists(st.integers(1, 90), max_size=12),
)
def test_requests_in_any_pieces_are_answered_in_their_order(sent: list[bytes], end: bytes, cuts: list[int]) -> None:
    async def talk() -> bytes:
        async with listening(Application()) as port, connected(port) as one:
            data, rest = b"".join(sent) + end, iter(cuts)
            while data:
                size = next(rest, len(data))
                one.send(data[:size])
                data = data[size:]
                await asyncio.sleep(0.0005)
            assert [await one.answer() for _ in sent] == [REQUESTS[one_sent] for one_sent in sent]
            one.writer.write_eof()
            return await one.rest()

    left = asyncio.run(talk())
    assert left.startswith(b"HTTP/1.1 400 ") if end in (ENDS[1], ENDS[4]) else left == b""
