"""The events of one stream, one after the other, and where one stands in them.

The rule: leaving ends the connection and lets the stream run on. A `for` that was left closes it at once; an
`async for` as soon as the loop gets to it, or at once with `async with`.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator
from typing import Self

from .core.resuming import Reading
from .events import End, Event


class _Standing:
    """Where one stands."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading

    @property
    def last_id(self) -> str:
        """The place behind the last event that was handed out, to go on from with `after=`."""
        return self._reading.last_id

    @property
    def end(self) -> End | None:
        """The stream's ending, once it was handed out."""
        return self._reading.end


class Events(_Standing, Iterator[Event]):
    """What `Client.events` gives. It is used by one thread."""

    def __init__(self, found: Generator[Event], reading: Reading) -> None:
        super().__init__(reading)
        self._found = found

    def __next__(self) -> Event:
        return next(self._found)

    def close(self) -> None:
        """Closes the connection, if there is one; nothing more comes."""
        self._found.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class AsyncEvents(_Standing, AsyncIterator[Event]):
    """What `AsyncClient.events` gives. It is used by one task."""

    def __init__(self, found: AsyncGenerator[Event], reading: Reading) -> None:
        super().__init__(reading)
        self._found = found

    async def __anext__(self) -> Event:
        return await anext(self._found)

    async def aclose(self) -> None:
        """Closes the connection, if there is one; nothing more comes."""
        await self._found.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()
