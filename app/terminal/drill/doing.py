"""Does a deed and sees to it that it is undone: by a guard, which outlives us, and by us where the guard does not.

The rule: every step is shown before it is done.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import cast

from app.terminal.drill.actions import COMMAND_SECONDS, Action, NotDoneError, as_words, do
from app.terminal.drill.deeds import Deed
from app.terminal.drill.guard import DONE, NOT_DONE

Show = Callable[[str], None]
# Of the code that runs here, whatever is called `app` where a person stands.
_ROOT = str(Path(__file__).resolve().parents[3])
_GUARD = f"""\
import sys
sys.path.insert(0, {_ROOT!r})
from app.terminal.drill.guard import main
sys.exit(main(sys.argv[1:]))
"""


async def perform(deed: Deed, show: Show) -> None:
    """Returns when it is undone, and what was killed is told to come back. Raises `NotDoneError`."""
    await (_guarded(deed, deed.undo, show) if deed.undo is not None else _done(deed, show))


async def _done(deed: Deed, show: Show) -> None:
    show(f"$ {deed.do}")
    try:
        await do(deed.do)
    except NotDoneError as error:
        if deed.instead is None:
            raise
        show(f"  {error}")
        show(f"$ {deed.instead}")
        await do(deed.instead)
    await asyncio.sleep(deed.seconds)


async def _guarded(deed: Deed, undo: Action, show: Show) -> None:
    show(f"$ {deed.do}")
    later = f"{deed.seconds:.0f} s later" if deed.seconds else "then"
    show(f"  ({later}, or when this ends in any way: {undo})")
    words = [f"{deed.seconds}", *as_words(deed.do), "--", *as_words(undo)]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-c", _GUARD, *words),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    stdin, stdout = cast("asyncio.StreamWriter", process.stdin), cast("asyncio.StreamReader", process.stdout)
    said = ""
    try:
        async with asyncio.timeout(2 * COMMAND_SECONDS + deed.seconds):
            said = (await stdout.readline()).decode("utf-8", "replace").strip()
            rest = (await stdout.read()).decode("utf-8", "replace")
            status = await process.wait()
    except BaseException:
        stdin.close()  # by which it undoes at once
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(process.wait()), COMMAND_SECONDS)
        if process.returncode not in (0, NOT_DONE):
            await do(undo)
        raise
    if status not in (0, NOT_DONE):  # somebody has killed the guard, whatever it had done by then; or it was refused
        show(f"  {rest.strip() or 'the guard is gone'}")
        show(f"$ {undo}")
        await do(undo)
    if said != DONE:
        raise NotDoneError(said or "the guard was killed")
