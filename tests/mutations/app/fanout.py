from __future__ import annotations

from tests.mutations.mutation import Mutation

ROWS = (
    Mutation(
        "who comes first to a stream that waits already is not told",
        "app/fanout/hub.py",
        "elif tail.state is State.RUNNING and (held",
        "elif False and (held",
    ),
    Mutation(
        "chain off: a message that starts at the right byte is believed",
        "app/fanout/splice.py",
        "        position = follow(data, *self.end)\n        if position is None:\n            return None\n",
        "        position = (self.end.offset + len(data), int(data[-10:-2], 16))\n",
    ),
    Mutation(
        "repair off: a gap is left open",
        "app/fanout/tail.py",
        "        self._repair.ask(cause)\n",
        "        if not self.owner:\n            self._repair.ask(cause)\n",
    ),
    Mutation(
        "slow beat off: only the channel tells",
        "app/fanout/beat.py",
        "        tails = [tail for tail in self._hub.tails if self._hub.is_open(tail.stream_id)]",
        "        tails = list[Tail]()",
    ),
    Mutation(
        "one reader's failure keeps a piece from the next",
        "app/fanout/audience.py",
        "                reader.feed(piece)\n            except Exception as error:",
        "                reader.feed(piece)\n            except SystemExit as error:",
    ),
    Mutation(
        "what came before a repair is handed on after it",
        "app/fanout/tail.py",
        "            self._fresh.append(added)\n            self.settle()\n",
        "            self._hand(added)\n",
    ),
    Mutation(
        "who reads up to the end is fed it once more",
        "app/fanout/tail.py",
        "        self.settle()  # what stands before the end was read by whoever stands at it\n",
        "",
    ),
    Mutation(
        "an event that is called so ends the readers",
        "app/fanout/tail.py",
        '        if self.told_all:\n            self.repair("ending")',
        "        if self.told_all:\n            self._end()",
    ),
    Mutation(
        "a reader that knows more than the tail asks again at once",
        "app/fanout/catchup.py",
        "                await tail.changed(seen)\n",
        "                pass\n",
    ),
    Mutation(
        "each look at a log wakes all who look",
        "app/fanout/tail.py",
        "        if self._unplaced:  # what could",
        "        if True:  # what could",
    ),
    Mutation(
        "a log that starts over is waited for as one that was lost",
        "app/fanout/tail.py",
        "        return None if known else restart",
        "        return None",
    ),
    Mutation(
        "the beat takes any log of the same length for the same",
        "app/fanout/tail.py",
        '        if last != (end.proof if end.offset else b""):',
        "        if last[:13] != end.proof[: 13 if end.offset else 0]:",
    ),
    Mutation(
        "one stream's odd key stops the beat of all",
        "app/fanout/beat.py",
        "pipe.execute(raise_on_error=False)",
        "pipe.execute()",
    ),
    Mutation(
        "who joins a front that drains is not told",
        "app/fanout/hub.py",
        "        if self.draining:  # the drain tells those that it found",
        "        if False:",
    ),
    Mutation(
        "who comes back to what was lost joins what is gone",
        "app/fanout/hub.py",
        "if tail is None or tail.gone:",
        "if tail is None:",
    ),
    Mutation(
        "readers take every connection there is",
        "app/fanout/shared_log.py",
        "        self._readers = asyncio.Semaphore(READS_AT_ONCE)",
        "        self._readers = asyncio.Semaphore(1000)",
    ),
    Mutation(
        "each reader of a herd reads for itself",
        "app/fanout/shared_log.py",
        "        flight = self._flights.get(key)",
        "        flight = None",
    ),
    Mutation(
        "pieces of two histories make one frame",
        "app/fanout/shared_log.py",
        "        if follow(data, *start) is None:",
        "        if not data:",
    ),
    Mutation(
        "a tail takes a read that began before it listened",
        "app/fanout/shared_log.py",
        "        return await self._whole(self._tails, stream_id, after, READ_BYTES)",
        "        return await self.read(stream_id, after, READ_BYTES)",
    ),
    Mutation(
        "what is said beside a log is taken for a piece of it",
        "app/fanout/tail.py",
        "        elif asides.is_aside(payload):",
        "        elif False:",
    ),
    Mutation(
        "reader: a large frame's parts are not proven together",
        "app/fanout/parts.py",
        "            raise AnotherHistoryError\n",
        "            pass\n",
    ),
    Mutation(
        "who catches up takes no turn",
        "app/fanout/catchup.py",
        "    if isinstance(step, bytes) and len(step) > MUCH_BYTES:",
        "    if False:",
    ),
)
