"""Work on many bytes, beside the loop: a thread does it, so that others have their turns meanwhile.

The rule: they have them only while Python runs there; within one call of C (one text parsed, one value written) they
wait all the same, so what is large is to be done in many calls.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

# Below, a thread costs more than it spares.
LARGE_BYTES = 256 * 1024


async def beside(size: int, work: Callable[[], T], large: int = LARGE_BYTES) -> T:
    """What `work` makes of `size` bytes: in a thread where these are more than `large`."""
    return work() if size <= large else await asyncio.to_thread(work)
