"""How an append goes to Redis: as which script, and as which bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import hiredis

from app.stream.log import APPEND
from app.stream.scripts import digest_of, sharded, source, source_on_full
from worker.log.writer import Append, Writer

# So much of a stream's last words is taken by a full Redis, too; a longer rest waits for room.
LAST_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Scripts:
    """The texts of the two, for what comes and for last words, and their digests."""

    texts: tuple[str, str]
    digest: str
    sha: bytes
    sha_last: bytes

    @classmethod
    def of(cls, *, cluster: bool = False) -> Self:
        usual, last = source(*APPEND), source_on_full(*APPEND)
        if cluster:
            usual, last = sharded(usual), sharded(last)
        return cls((usual, last), digest_of(usual), digest_of(usual).encode(), digest_of(last).encode())

    def sha_of(self, writer: Writer, append: Append) -> bytes:
        return self.sha_last if writer.closing and len(append.data) <= LAST_BYTES else self.sha

    def packed(self, writer: Writer, append: Append) -> bytes:
        keys, args = writer.arguments(append)
        packed: bytes = hiredis.pack_command((b"EVALSHA", self.sha_of(writer, append), len(keys), *keys, *args))
        return packed
