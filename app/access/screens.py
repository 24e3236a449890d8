"""For who writes a screen: what it is shown of a prompt, what it may say, and the one that is built in.

    from app.access.screens import Metadata, Refusal, ScreenedPrompt

    async def screen(prompt: ScreenedPrompt) -> None | Refusal | Metadata: ...

`KEEPSTREAM_SCREEN=package.module:screen` has it asked about each prompt before anything is stored. What it raises, and
what it takes too long for, closes the door (503). The rule: what stands here is what others' code relies on.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import orjson

from app.access.screening.patterns import Patterns
from app.access.screening.texts import texts_in
from app.settings import Settings

MESSAGE_MAX = 500
METADATA_BYTES = 4096
DEFAULT_REFUSAL = "this prompt holds something that is not allowed here"


@dataclass(frozen=True)
class ScreenedPrompt:
    """What was asked, by whom: `owner` is whose stream it would be, `tenant` whose key it is, `user` for whom it acts.

    `route` is the path that was asked, such as `/v1/messages`; `request` the JSON that would go upstream, as bytes.
    """

    owner: str
    tenant: str
    user: str | None
    route: str
    model: str
    request: bytes = field(repr=False)

    @cached_property
    def body(self) -> dict[str, Any]:
        """The parameters of the Messages API, with the whole of a conversation's messages."""
        try:
            found = orjson.loads(self.request)
        except orjson.JSONDecodeError:
            found = json.loads(self.request)  # lone surrogates are JSON, too
        return dict(found)

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """Every text in it, wherever it stands, but what is bytes in base64: pictures and files."""
        return tuple(texts_in(self.body))


@dataclass(frozen=True, slots=True)
class Refusal:
    """The prompt is not taken: 403 with this message, which is not to quote it. `reason` is a word for the log."""

    message: str = DEFAULT_REFUSAL
    reason: str = ""

    def __post_init__(self) -> None:
        if not self.message or len(self.message) > MESSAGE_MAX:
            raise ValueError(f"a refusal says something, in {MESSAGE_MAX} characters at the most")


@dataclass(frozen=True, slots=True)
class Metadata:
    """The prompt is taken, and this is kept with its stream and shown by `GET /v1/streams/{id}`: JSON, and small."""

    values: Mapping[str, Any]

    def __post_init__(self) -> None:
        if len(self.encoded) > METADATA_BYTES:
            raise ValueError(f"what is kept of a screening is {METADATA_BYTES} bytes of JSON at the most")

    @property
    def encoded(self) -> bytes:
        return orjson.dumps(dict(self.values))


Screen = Callable[[ScreenedPrompt], Awaitable[Refusal | Metadata | None]]


def patterns(settings: Settings) -> Screen:
    """The built-in screen: refuses a prompt that a pattern of the file is found in. Raises `SettingsError`."""
    found = Patterns.of(settings)

    async def screen(prompt: ScreenedPrompt) -> Refusal | None:
        line = found.first_in(prompt.texts)
        return None if line is None else Refusal(reason=f"line_{line}")

    return screen
