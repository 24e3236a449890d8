"""A prompt of our own for a Keepstream: whether it costs anything, and the stream that answers it.

The rule: nobody pays who did not say so. A Keepstream whose Claude is simulated says it on `GET /v1/models`.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from uuid import uuid4

import httpx
import orjson

from app.terminal.exits import Exit

SIMULATED = "x-keepstream-simulated"
# Some seconds of a stream, with letters that a cut may go through.
WORDS = 100

ANSWER_BYTES_MAX = 64 * 1024
ANSWER_SECONDS = 30.0
_STREAM_ID = re.compile(r"st_[0-9a-f]{32}", re.ASCII)
_ERROR_TYPE = re.compile(r"[a-z_]{1,40}", re.ASCII)


class NotAskedError(Exception):
    """Nothing was read, and why; `code` is what the command exits with."""

    def __init__(self, why: str, code: Exit) -> None:
        super().__init__(why)
        self.code = code


@dataclass(frozen=True, slots=True)
class Short:
    """A short answer. `body` is cut off where nobody should hold more."""

    status: int
    simulated: bool
    body: bytes

    def field(self, name: str) -> str:
        try:
            return str(orjson.loads(self.body)[name])
        except (ValueError, LookupError, TypeError):
            return ""

    @property
    def kind(self) -> str:
        """An error's type, where it is one."""
        try:
            kind = str(orjson.loads(self.body)["error"]["type"])
        except (ValueError, LookupError, TypeError):
            return ""
        return kind if _ERROR_TYPE.fullmatch(kind) else ""


async def ask(http: httpx.AsyncClient, method: str, url: str, *, body: object = None, key: str = "") -> Short:
    """One call with a short answer. Raises `NotAskedError` where there is none."""
    headers = {"accept": "application/json", **({"idempotency-key": key} if key else {})}
    content = None if body is None else orjson.dumps(body)
    if content is not None:
        headers["content-type"] = "application/json"
    told = bytearray()
    try:
        async with (
            asyncio.timeout(ANSWER_SECONDS),
            http.stream(method, url, headers=headers, content=content, timeout=ANSWER_SECONDS) as answer,
        ):
            async for piece in answer.aiter_raw():
                told += piece
                if len(told) > ANSWER_BYTES_MAX:
                    break
    except (TimeoutError, httpx.HTTPError) as error:
        raise NotAskedError(f"cannot be reached ({type(error).__name__})", Exit.UNREACHABLE) from None
    return Short(answer.status_code, answer.headers.get(SIMULATED) == "1", bytes(told[:ANSWER_BYTES_MAX]))


async def is_simulated(http: httpx.AsyncClient, base: str) -> bool:
    """Whether a front's Claude is the simulated one. Raises `NotAskedError` where it refuses us."""
    answer = await ask(http, "GET", f"{base}/v1/models")
    if answer.status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
        raise NotAskedError(refused(answer), Exit.FAILED)
    return answer.simulated


async def submit(http: httpx.AsyncClient, base: str, prompt: str) -> str:
    """Submits a prompt; returns its stream's id. Raises `NotAskedError`."""
    answer = await ask(http, "POST", f"{base}/v1/streams", body={"prompt": prompt}, key=uuid4().hex)
    stream_id = answer.field("id")
    if answer.status != httpx.codes.ACCEPTED or not _STREAM_ID.fullmatch(stream_id):
        raise NotAskedError(refused(answer), Exit.FAILED)
    return stream_id


def refused(answer: Short) -> str:
    what = f"refused it with status {answer.status}" + (f" ({answer.kind})" if answer.kind else "")
    return what + ("; set --key or KEEPSTREAM_KEY" if answer.status == httpx.codes.UNAUTHORIZED else "")


def text_of(words: int) -> str:
    """So many words, each of them another."""
    return " ".join(f"{word}-{number:04d}" for number, word in zip(range(words), _letters(words), strict=True))


def prompt_of(text: str, directives: str = "rate=60 first=0") -> str:
    """A prompt that the simulated Claude answers with this text."""
    quoted = orjson.dumps(text).decode()
    return f"A canary of `keepstream`. [[sim: {directives} text={quoted}]]"


def _letters(words: int) -> list[str]:
    kinds = ("word", "wört", "слово", "語", "\N{WAVING HAND SIGN}")
    return [kinds[number % len(kinds)] for number in range(words)]
