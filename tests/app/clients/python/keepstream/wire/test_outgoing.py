"""Who asks and where: tokens are renewed when they run out, no secret is seen, and no key goes to a stranger."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from app.clients.python.keepstream import (
    AsyncClient,
    AuthenticationError,
    Client,
    UnreachableError,
)
from tests.app.clients.python.keepstream.either import Make
from tests.app.clients.python.keepstream.scripted import END, STREAM, Scripted, events, frame, refusal, whole

ONE, TWO = frame("Wörter ", 1), frame("東京 👋", 2)


@pytest.mark.parametrize("given", ["api_key", "ticket"])
async def test_a_token_that_ran_out_in_the_middle_is_renewed(make: Make, given: str) -> None:
    tokens = iter(["old", "old", "new", "new"])
    out = refusal("401 Unauthorized", "authentication_error", "it has run out")
    async with Scripted(events(ONE), out, events(TWO, END)) as server:
        read = await make(server.url, **{given: lambda: next(tokens)}).all(STREAM)
    assert "".join(event.text for event in read) == "Wörter 東京 👋"
    if given == "api_key":
        assert server.sent("x-api-key") == ["old", "old", "new"]
    assert server.sent("last-event-id") == [None, "1", "1"]


@pytest.mark.parametrize("key", ["the-same", lambda: "the-same"], ids=["by value", "by a function"])
async def test_a_token_that_stays_refused_is_final(make: Make, key: Any) -> None:
    out = refusal("401 Unauthorized", "authentication_error", "no")
    async with Scripted(events(ONE), out) as server:
        client = make(server.url, api_key=key)
        with pytest.raises(AuthenticationError) as refused:
            await client.all(STREAM)
        assert (refused.value.type, refused.value.request_id) == ("authentication_error", "req_1")
        with pytest.raises(AuthenticationError):
            await client("submit", "Hello")
    assert len(server.heads) == 3


async def test_a_key_may_be_awaited_and_each_request_has_the_one_of_now() -> None:
    asked = 0

    async def key() -> str:
        nonlocal asked
        asked += 1
        return f"key-{asked}"

    async with Scripted(whole("200 OK", "{}")) as server, AsyncClient(server.url, api_key=key) as client:
        await client.stream(STREAM)
        await client.acting_for("bob").stream(STREAM)
    assert server.sent("x-api-key") == ["key-1", "key-2"]
    assert server.sent("x-keepstream-user") == [None, "bob"]


async def test_a_coroutine_is_no_key_for_who_blocks() -> None:
    async def key() -> str:
        return "key"

    client = Client("http://127.0.0.1:1", api_key=key)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="AsyncClient"):
        client.stream(STREAM)


def secrets_of(error: BaseException) -> Iterator[str]:
    """All that somebody may see of an error who prints it, and what it came of."""
    for one in (error, error.__cause__, error.__context__):
        if one is not None:
            yield f"{one} {one!r} {vars(one)}"
            if isinstance(one, httpx.RequestError):
                yield f"{one.request!r} {one.request.url} {dict(one.request.headers)}"


async def test_no_secret_is_in_what_is_printed(make: Make) -> None:
    async with Scripted(b"") as server:
        address = server.url
    client = make(address.replace("//", "//user:s3cret@"), api_key="s3cret", ticket="s3cret")
    assert "s3cret" not in repr(client.client)
    with pytest.raises(UnreachableError) as unreachable:
        await client("stream", STREAM)
    assert not [told for told in secrets_of(unreachable.value) if "s3cret" in told]


@pytest.mark.parametrize("key", ["s3cret\r\nx: y", "schlüssel s3cret"])
async def test_a_key_that_cannot_be_sent_is_not_quoted(make: Make, key: str) -> None:
    with pytest.raises(ValueError, match="api_key: must be made of printable ASCII") as invalid:
        make("http://127.0.0.1:1", api_key=key)
    assert "s3cret" not in str(invalid.value)
    with pytest.raises(ValueError, match="printable ASCII") as invalid:
        await make("http://127.0.0.1:1", api_key=lambda: key)("stream", STREAM)
    assert "s3cret" not in str(invalid.value)


async def test_a_key_from_a_file_may_end_with_its_line(make: Make) -> None:
    async with Scripted(whole("200 OK", "{}")) as server:
        await make(server.url, api_key="key\n")("stream", STREAM)
    assert server.sent("x-api-key") == ["key"]


async def test_an_address_of_another_server_is_given_no_key(make: Make) -> None:
    client = make("http://here", api_key="key")
    for address in ("http://there/v1/streams/st_1/events", "https://here/x", "http://here:81/x", "//there/x", "x"):
        with pytest.raises(ValueError, match="not an address of the server"):
            client.client.follow(address)


async def test_an_events_url_carries_the_path_that_a_proxy_shows_us_under(make: Make) -> None:
    async with Scripted(events(ONE, END)) as server:
        read = await make(f"{server.url}/relay/").all("/relay/v1/streams/st_1/events?ticket=t", by="follow")
    assert len(read) == 2
    assert server.heads[0].startswith("GET /relay/v1/streams/st_1/events?ticket=t HTTP")


async def test_who_brings_the_connections_closes_them() -> None:
    async with Scripted(whole("200 OK", "{}")) as server, httpx.AsyncClient() as http:
        async with AsyncClient(server.url, http_client=http) as client:
            await client.stream(STREAM)
        assert not http.is_closed
        async with AsyncClient(server.url) as client:
            async with client.acting_for("bob") as bob:
                await bob.stream(STREAM)
            await client.stream(STREAM)
