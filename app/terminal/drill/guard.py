"""A process that does something, waits, and undoes it, though whoever asked for it is killed meanwhile.

It is run with the words `SECONDS DO… -- UNDO…`, in a session of its own, and hears no signal that a terminal sends. It
undoes at the end of its time, or as soon as its stdin ends, which is when its parent does. It says `done` when it has
done it; its exit code is 0 when all is undone, and 3 where nothing was done.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress

from app.terminal.drill.actions import Action, NotDoneError, do, of_words

NOT_DONE = 3
NOT_UNDONE = 1
DONE = "done"
# To undo is tried so often, a second apart: nothing else will.
TRIES = 10
_DEAF = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE, signal.SIGQUIT)


def main(argv: Sequence[str]) -> int:
    for number in _DEAF:
        signal.signal(number, signal.SIG_IGN)
    words = list(argv[1:])
    middle = words.index("--")
    return asyncio.run(_guard(float(argv[0]), of_words(words[:middle]), of_words(words[middle + 1 :])))


async def _guard(seconds: float, deed: Action, undo: Action) -> int:
    orphaned = await _orphaned()
    try:
        await do(deed)
    except NotDoneError as error:
        _say(str(error))
        # What was refused may have happened all the same, as where a command took too long: undoing does no harm.
        await _undo(undo, tries=1)
        return NOT_DONE
    _say(DONE)
    await asyncio.wait({orphaned}, timeout=seconds)
    return await _undo(undo, tries=TRIES)


async def _undo(undo: Action, *, tries: int) -> int:
    for _ in range(tries):
        try:
            await do(undo)
        except NotDoneError as error:
            _say(str(error))
            await asyncio.sleep(1)
        else:
            return 0
    return NOT_UNDONE


async def _orphaned() -> asyncio.Task[bytes]:
    """Done when our stdin has ended."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    return asyncio.create_task(reader.read())


def _say(what: str) -> None:
    with suppress(OSError):  # nobody listens any more
        sys.stdout.write(what + "\n")
        sys.stdout.flush()
