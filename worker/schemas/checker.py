"""Has answers looked at, in a process of its own that is begun with the first of them.

The rule: one at a time, and each within `SECONDS`; whatever happens to that process, who asked is told something, and
the next one has another.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process

from worker.schemas import child
from worker.schemas.verdict import Unusable, Verdict

# For a process that has to begin first, on a machine that has much to do.
SECONDS = 30.0
TOO_LONG = "to look at the answer by this schema takes too long"
FAILED = "the answer could not be looked at by this schema"
# What the process needs to begin with; of keys and passwords nothing.
_ENVIRONMENT = ("PATH", "PYTHONPATH", "PYTHONHOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "TMPDIR")


class Checker:
    """One worker's. `close` ends it."""

    def __init__(self) -> None:
        self._process: Process | None = None
        self._turn = asyncio.Lock()

    async def look(self, schema: bytes, text: bytes | None = None) -> Verdict:
        """What is to be said of `text`, or, without one, of the schema alone."""
        async with self._turn:
            verdict, late, ended = None, False, None
            try:
                async with asyncio.timeout(SECONDS):
                    verdict = await self._ask(schema, text)
            except TimeoutError:
                late = True
            except (OSError, ValueError):
                pass  # it has ended
            finally:
                if verdict is None:  # what it would still say is for nobody
                    ended = await self._end()
            return verdict or Unusable(TOO_LONG if late or ended == -signal.SIGALRM else FAILED)

    async def close(self) -> None:
        async with self._turn:
            await self._end()

    async def _ask(self, schema: bytes, text: bytes | None) -> Verdict:
        """Raises `OSError` and `ValueError` where the process has ended instead."""
        if self._process is None:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", child.__name__),
                stdin=PIPE,
                stdout=PIPE,
                stderr=DEVNULL,  # what it would say of a fault may quote an answer
                env=_environment(),
                start_new_session=True,  # a signal for its worker is none for it: it ends with who asks
            )
        asked, answers = self._process.stdin, self._process.stdout
        assert asked is not None  # noqa: S101  # for the type checker
        assert answers is not None  # noqa: S101  # likewise
        asked.write(b"%d %d\n%b%b" % (len(schema), -1 if text is None else len(text), schema, text or b""))
        await asked.drain()
        return child.decoded(await answers.readline())

    async def _end(self) -> int | None:
        """Ends the process; how it ended."""
        process, self._process = self._process, None
        if process is None:
            return None
        if process.returncode is None:
            # Not by its own `kill`: asyncio's looks first whether it has ended, and who waits is not told how any more.
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
        return await process.wait()


def _environment() -> dict[str, str]:
    return {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
