"""Asks a person at the terminal whether a tool may run: one key, y or n.

The rule: what was typed before the question is no answer to it. Somebody else may answer it elsewhere. Where nobody
sits here the question stands on stderr, once: a script that waits for a day says what for.
"""

from __future__ import annotations

import asyncio
import os
import sys
import termios

from app.clients.python.keepstream import AsyncClient, KeepstreamError
from app.terminal.options import complain

AGAIN_SECONDS = 1.0
_ANSWERS = {"y": True, "n": False}


class Allowing:
    """The questions of one stream, one after the other. `can`: whether somebody sits here who may answer."""

    def __init__(self, client: AsyncClient, stream_id: str, *, can: bool) -> None:
        self._client = client
        self._stream_id = stream_id
        self._can = can and sys.stdin.isatty()
        self._asking: str | None = None
        self._decided: set[str] = set()
        self._told: set[str] = set()
        self._saying: set[asyncio.Task[None]] = set()

    def question(self, asked: dict[str, str]) -> str:
        """What is asked now, of the calls that wait: `asked` has their lines by their ids. Empty where nothing is."""
        left = [call for call in asked if call not in self._decided]
        if not left:
            self._stop()
            return ""
        if not self._can and not sys.stderr.isatty():
            self._tell(asked)
        if self._can and self._asking != left[0]:
            self._listen(left[0])
        line = asked[left[0]].strip("`")
        return f"may it run? {line}" + (" (y/n)" if self._can else "; approve it on the page")

    def close(self) -> None:
        self._stop()
        for task in self._saying:
            task.cancel()

    def _tell(self, asked: dict[str, str]) -> None:
        for call, line in asked.items():
            if call in self._told:
                continue
            self._told.add(call)
            where = f"/v1/streams/{self._stream_id}/tools/{call}"
            complain(f"waits for a person: {line.strip('`')}; approve it on the page, or at {where}")

    def _listen(self, call: str) -> None:
        self._asking = call
        termios.tcflush(sys.stdin.fileno(), termios.TCIFLUSH)
        asyncio.get_running_loop().add_reader(sys.stdin.fileno(), self._key)

    def _stop(self) -> None:
        if self._asking is not None:
            asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
        self._asking = None

    def _key(self) -> None:
        typed = os.read(sys.stdin.fileno(), 1).decode(errors="replace").lower()
        call, answer = self._asking, _ANSWERS.get(typed)
        if call is None or answer is None:
            return
        self._decided.add(call)
        self._stop()
        task = asyncio.create_task(self._say(call, approve=answer))
        self._saying.add(task)
        task.add_done_callback(self._saying.discard)

    async def _say(self, call: str, *, approve: bool) -> None:
        """Until the server has heard it; a call that somebody else has answered wants no answer."""
        while True:
            try:
                await self._client.approve(self._stream_id, call, approve=approve)
            except KeepstreamError as error:
                if error.final:
                    return
            else:
                return
            await asyncio.sleep(AGAIN_SECONDS)
