"""Somebody's screens: each by a name that a setting may have."""

from __future__ import annotations

import asyncio
import sys
import threading
from typing import Any

from app.access.screens import Metadata, Refusal, ScreenedPrompt

SECRET = "hush-hush"
may = threading.Event()  # what hangs goes on


async def passing(_prompt: ScreenedPrompt) -> None:
    """Says nothing against it."""


async def by_text(prompt: ScreenedPrompt) -> Refusal | Metadata | None:
    if SECRET in " ".join(prompt.texts):
        return Refusal("not here", reason="hush")
    if "keep" in prompt.texts:
        return Metadata({"route": prompt.route, "owner": prompt.owner, "model": prompt.model, "risk": 0.25})
    return None


async def raising(prompt: ScreenedPrompt) -> None:
    raise ValueError(f"it cannot be read: {prompt.texts}")


async def leaving(_prompt: ScreenedPrompt) -> None:
    raise SystemExit(3)


async def leaving_later(prompt: ScreenedPrompt) -> None:
    """Its own task asks for the exit of the process, and nobody awaits it."""
    if SECRET in prompt.texts:
        asyncio.get_running_loop().call_soon(sys.exit, 3)


async def slow(_prompt: ScreenedPrompt) -> None:
    await asyncio.sleep(3600)


async def stubborn(_prompt: ScreenedPrompt) -> None:
    """Is not to be cancelled."""
    while True:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            continue


async def hanging(prompt: ScreenedPrompt) -> None:
    if SECRET in prompt.texts:
        may.wait()


async def saying_yes(_prompt: ScreenedPrompt) -> Any:
    return True


class AnObject:
    async def __call__(self, _prompt: ScreenedPrompt) -> Refusal:
        return Refusal()


an_object = AnObject()


def not_async(_prompt: ScreenedPrompt) -> None:
    """Would hold up the loop."""


A_VALUE = 7
