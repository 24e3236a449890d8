"""Requests that nobody means well with, as the bytes that go over the wire. Pure: the same seed makes the same ones.

The rule: most of what stands in one is right, so that it comes as far as what is odd in it. Routes are those of the
description; keys, tokens, tickets, cookies, users, ids and addresses are right, changed a little, or nothing at all.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any
from urllib.parse import quote

from app.openapi import describe
from tests.fuzz.mutating import of_json

# Without the pages, which are many and of one kind.
PATHS = [path for path in describe()["paths"] if path.startswith(("/v1", "/api", "/session", "/healthz", "/docs/{"))]
OPERATIONS = [(verb.upper(), path) for path in PATHS for verb in describe()["paths"][path] if verb != "parameters"]
QUICK = "[[sim: tokens=1 rate=0 first=0]]"
USER = {"role": "user", "content": QUICK}
# By how the path ends that they are for.
BODIES: dict[str, Any] = {
    "/streams": {"prompt": QUICK, "relay": {"on_interrupt": "fail", "abandon_after": 1, "ticket": True}},
    "/v1/messages": {"model": "claude-haiku-5", "max_tokens": 5, "messages": [USER], "stream": True, "system": "x"},
    "/count_tokens": {"model": "claude-haiku-5", "messages": [USER]},
    "/chat": {"id": "c", "messages": [{"id": "u", "role": "user", "parts": [{"type": "text", "text": QUICK}]}]},
    "}/messages": {"content": QUICK},
    "/fork": {"at": "msg_" + "0" * 32},
    "/ticket": {"expires_in": 1},
    "/conversations": {"title": "x", "system": "y", "model": None},
    "": {"title": "x", "system": "y"},
}
METHODS = ["BREW", "get", "TRACE", "CONNECT", "OPTIONS", "HEAD", "PUT", "", "P\xd6ST", "A" * 400]
VERSIONS = ["HTTP/1.0", "HTTP/1.1 ", "HTTP/2.0", "HTTP/0.9", "HTTP/11", "ICY/1.1", ""]
WORDS = ["", " ", "x", "0", "-1", "1e999", "\xff\xfe", "null", "a" * 300, "a" * 9000, "%00", "%", "\t", "../..", "'\"<"]
WORDS += ["9" * 5000, "2026-01-01", "day"]
ADDRESSES = ["127.0.0.1", "::1", "[::1]:80", "1.2.3.4:99999", "unknown", "_hidden", "1.2.3.4%eth0", "::ffff:1.2.3.4"]
QUERIES = ["after", "lastEventId", "last_event_id", "limit", "before", "format", "unseen", "beta", "from", "to", "by"]
QUERIES += ["owner"]
TYPES = [
    "application/json",
    "application/json; charset=utf-16",
    "text/plain",
    "multipart/form-data",
    "",
    "a/" + "b" * 999,
]
LENGTHS = ["-1", "+5", "0x5", "5, 5", "5,6", "99999999999999999999", " ", "1_0", "٣", "1073741824"]
CODINGS = ["chunked", "gzip, chunked", "chunked, chunked", "identity", "xchunked", " chunked", ""]
CHUNKS = [
    b"2\r\n{}\r\n0\r\n\r\n",
    b"2;x=y\r\n{}\r\n0\r\nx: y\r\n\r\n",
    b"-2\r\n",
    b"f" * 16 + b"\r\n",
    b"2\n{}\n",
    b"zz",
]
FIELDS = (
    *("origin", "host", "expect", "upgrade", "connection", "range", "accept", "accept-encoding", "if-none-match"),
    *("idempotency-key", "last-event-id", "anthropic-version", "anthropic-beta", "x-request-id", "sec-fetch-site"),
    *("x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "forwarded", "x-real-ip", "via", "te", "trailer"),
    *("x-keepstream-user", "access-control-request-method", "content-encoding", "x-http-method-override", "referer"),
)


@dataclass(frozen=True)
class Known:
    """What opens something, as a client could have it; `names` are ids of things that are there."""

    host: str
    keys: list[str]
    tokens: list[str]
    tickets: list[str]
    cookies: list[str]
    names: list[str]


@dataclass(frozen=True)
class Asked:
    """`pieces` are sent one after the other; `pipelined`: there is more than one request in them."""

    pieces: list[bytes]
    pipelined: bool

    @property
    def whole(self) -> bytes:
        return b"".join(self.pieces)


def requests(seed: int, known: Known) -> Iterator[Asked]:
    """Without an end."""
    random = Random(seed)  # noqa: S311  # the same ones again
    while True:
        one = _request(random, known)
        pipelined = random.random() < 0.05
        if pipelined:
            one += _request(random, known)
        cuts = sorted(random.randrange(len(one) + 1) for _ in range(random.choice([0, 0, 0, 1, 3])))
        if random.random() < 0.03:
            cuts, one = [], one[: random.randrange(len(one))]
        yield Asked([one[a:b] for a, b in zip([0, *cuts], [*cuts, len(one)], strict=True)], pipelined)


def _request(random: Random, known: Known) -> bytes:
    method, path = random.choice(OPERATIONS)
    method = random.choice(METHODS) if random.random() < 0.05 else method
    version = random.choice(VERSIONS) if random.random() < 0.03 else "HTTP/1.1"
    head = [("host", known.host), *_credentials(random, known)]
    for _ in range(random.choice([0, 0, 1, 1, 2, 5])):
        name = random.choice(FIELDS)
        head.append((name, _value(random, name, known)))
    if random.random() < 0.01:
        head += [(f"x-{n}", "y" * 50) for n in range(random.choice([90, 2000]))]
    body = _body(random, path) if method not in ("GET", "HEAD", "DELETE") or random.random() < 0.1 else b""
    if body or random.random() < 0.1:
        head.append(("content-type", TYPES[0] if random.random() < 0.9 else random.choice(TYPES)))
    if random.random() < 0.05:
        head.append(("transfer-encoding", random.choice(CODINGS)))
        body = random.choice(CHUNKS)
    elif body:
        head.append(("content-length", str(len(body)) if random.random() < 0.95 else random.choice(LENGTHS)))
    if random.random() < 0.2:
        random.shuffle(head)
    lines = [f"{method} {_target(random, path, known)} {version}", *(f"{name}: {value}" for name, value in head)]
    end = "\n" if random.random() < 0.01 else "\r\n"
    return end.join([*lines, "", ""]).encode("latin-1", errors="replace") + body


def _target(random: Random, path: str, known: Known) -> str:
    name = random.choice(known.names) if random.random() < 0.8 else quote(_some(random), safe="")
    for which in ("id", "chat_id", "page"):
        path = path.replace(f"{{{which}}}", name)
    if random.random() < 0.03:
        path = random.choice(["*", "//x", f"http://x{path}", f"{path}%zz", f"{path}\xe9", "/" + "a" * 70_000, ""])
    query = [f"{random.choice(QUERIES)}={quote(_some(random))}" for _ in range(random.choice([0, 0, 0, 1, 3]))]
    if random.random() < 0.25:
        query.append(f"ticket={_changed(random, random.choice(known.tickets))}")
    return path + ("?" + "&".join(query) if query else "")


def _credentials(random: Random, known: Known) -> list[tuple[str, str]]:
    if random.random() < 0.6:
        return [("x-api-key", random.choice(known.keys + known.tokens[:2]))]
    found = []
    if random.random() < 0.6:
        found.append(("x-api-key", _changed(random, random.choice(known.keys + known.tokens))))
    if random.random() < 0.3:
        scheme = "Bearer " if random.random() < 0.9 else random.choice(["Basic ", "Bearer", "bearer  ", ""])
        found.append(("authorization", scheme + _changed(random, random.choice(known.tokens + known.keys))))
    if random.random() < 0.2:
        named = random.choice(["keepstream", "__Host-keepstream", "x"])
        jar = [f"{named}={_changed(random, cookie)}" for cookie in known.cookies]
        found.append(("cookie", "; ".join(jar * random.choice([1, 1, 1, 200]))))
        found.append(("origin", f"http://{known.host}" if random.random() < 0.7 else _some(random)))
    if random.random() < 0.2:
        found.append(("x-keepstream-user", random.choice(["bob", "b/b", "", "x" * 64, "x" * 65, "b\xf6b", " bob "])))
    return found


def _value(random: Random, name: str, known: Known) -> str:
    match name:
        case "x-forwarded-for" | "x-real-ip" | "forwarded":
            found = [random.choice(ADDRESSES) for _ in range(random.choice([1, 1, 2, 500]))]
            return ", ".join(f"for={one}" if name == "forwarded" else one for one in found)
        case "x-forwarded-proto":
            return random.choice(["http", "https", "HTTPS", "https,http", "ftp", ""])
        case "host" | "x-forwarded-host" | "origin":
            return random.choice([known.host, f"http://{known.host}", "null", "evil.example", "[", "a b", ":0", "@"])
        case "expect":
            return random.choice(["100-continue", "200-ok"])
        case "connection" | "upgrade":
            return random.choice(["close", "keep-alive", "upgrade", "websocket", "h2c", "close, close"])
        case "last-event-id":
            return random.choice(["000000001-00000000", "²", "000000412-9f3a1c22", _some(random)])
        case _:
            return _some(random)


def _body(random: Random, path: str) -> bytes:
    fitting = next(body for end, body in BODIES.items() if path.endswith(end))
    made = json.dumps(fitting if random.random() < 0.9 else random.choice(list(BODIES.values()))).encode()
    if random.random() < 0.5:
        made = of_json(made, 8000, random, lambda data, size: _bytes(random, data)[:size])
    odd = random.random()
    if odd < 0.02:
        return b"[" * random.choice([10, 100_000])
    return made * 2 if odd < 0.03 else b"\xef\xbb\xbf" + made if odd < 0.04 else made


def _bytes(random: Random, data: bytes) -> bytes:
    at = random.randrange(len(data) + 1)
    return data[:at] + random.randbytes(random.randrange(4)) + data[at + random.randrange(4) :]


def _changed(random: Random, word: str) -> str:
    """As it is, more often than not."""
    if random.random() < 0.7:
        return word
    at = random.randrange(len(word))
    other = word[:at] + random.choice("Aa0.-_=/\xff ") + word[at + 1 :]
    return random.choice([word[:at], other, word + word, word.upper(), _some(random)])


def _some(random: Random) -> str:
    return random.choice(WORDS).replace("\r", "").replace("\n", "")
