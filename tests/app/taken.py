"""What the tests of readers on their own connections share: one stream, who asks for it, and how."""

from __future__ import annotations

import httpx

from app.faces.native.push import PushReader
from tests.app.served import Author, Served
from tests.patience import PATIENCE


def path(author: Author) -> str:
    return f"/v1/streams/{author.stream_id}/events"


def taken_over(front: Served) -> list[PushReader]:
    return [reader for reader in front.hub.readers if isinstance(reader, PushReader)]


async def said(author: Author, *texts: str) -> None:
    await author.write(*(("content_block_delta", {"text": text}) for text in texts))


async def get(front: Served, author: Author, after: str, *, plain: bool) -> httpx.Response:
    headers = {"x-plain": "1"} if plain else {}
    async with httpx.AsyncClient(timeout=PATIENCE) as client:
        return await client.get(f"{front.url}{path(author)}", params={"after": after}, headers=headers)


def dechunked(body: bytes) -> bytes:
    parts = []
    while (size := int(body.partition(b"\r\n")[0], 16)) > 0:
        start = body.index(b"\r\n") + 2
        parts.append(body[start : start + size])
        body = body[start + size + 2 :]
    return b"".join(parts)
