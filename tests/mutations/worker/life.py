from __future__ import annotations

from tests.mutations.mutation import Mutation

ROWS = (
    Mutation(
        "a wait that is over is told on",
        "worker/life/calling/admission.py",
        "            self._announcer.withdraw(self._claim.stream_id)",
        "            pass",
    ),
    Mutation(
        "what goes wrong after a stream was parked writes its ending",
        "worker/life/life.py",
        "                self.leave()  # whatever else happens here, its ending is not ours to write\n",
        "",
    ),
    Mutation(
        "a refused ending is tried again without a pause and for ever",
        "worker/life/ending/writing.py",
        "        if self._refusals > REFUSALS_MAX:\n",
        "        if False:\n",
    ),
    Mutation(
        "an ending that the log takes no more is tried with its frame again",
        "worker/life/ending/writing.py",
        "self._bare = self._bare or status is Status.REFUSED",
        "self._bare = False",
    ),
    Mutation(
        "what people saw of a failed stream is dropped",
        "worker/life/ending/relay_end.py",
        "and (brought.whole or content) and (whole",
        "and brought.whole and (whole",
    ),
    Mutation(
        "who takes over and ends a stream does not look what stands",
        "worker/life/ending/writing.py",
        "        if account.message is None and account.content:",
        "        if False:",
    ),
    Mutation(
        "a web page is an answer that was cut",
        "worker/life/calling/call.py",
        "if not answer.is_stream and not reading.begun:",
        "if False:",
    ),
    Mutation(
        "a failed stream's line in the log has no reason",
        "worker/life/chronicle.py",
        "why=end.why,",
        'why="",',
    ),
    Mutation(
        "a worker that stood still calls it the upstream's silence",
        "worker/life/calling/call.py",
        "if now - self._due > liveness.LATE_SECONDS:",
        "if False:",
    ),
    Mutation(
        "nobody looks at the line that a stream has joined alone",
        "worker/life/life.py",
        "                self._services.gate.parked(model)\n",
        "",
    ),
    Mutation(
        "pings for ever are life",
        "worker/life/calling/liveness.py",
        "if now >= heard + timeouts.silent:",
        "if False:",
    ),
    Mutation(
        "nobody is told that the upstream thinks",
        "worker/life/calling/call.py",
        "if found.told is not None:",
        "if False:",
    ),
    Mutation(
        "a third call is paid for an upstream that was silent twice",
        "worker/life/decide.py",
        "if failure == SILENT and progress.silences >= SILENCES_MAX:",
        "if False:",
    ),
    Mutation(
        "a call that was refused counts as an attempt",
        "worker/life/record.py",
        "attempts=self.progress.attempts + chosen.charge)",
        "attempts=self.progress.attempts)",
    ),
    Mutation(
        "who is cancelled on the way to the line waits all the same",
        "worker/life/release.py",
        "            await self._services.queue.hurry(stream_id)",
        "            pass",
    ),
    Mutation(
        "a worker that stands still uses up its streams' attempts",
        "worker/life/record.py",
        "if claim.stalled and self.stage is Stage.LOST:",
        "if False:",
    ),
    Mutation(
        "a call that was counted and never made is an attempt",
        "worker/life/record.py",
        "if self._counting:",
        "if False:",
    ),
    Mutation(
        "who has come back from the line counts as held for ever",
        "worker/life/record.py",
        "            if self.checkpoint.held:  # which `begin` does not take back\n",
        "            if False:\n",
    ),
    Mutation(
        "a stream's stage moves by any way",
        "worker/life/record.py",
        "        if self.stage not in chosen.at:\n",
        "        if False:\n",
    ),
    Mutation(
        "what a library makes of a cancellation counts more than its reason",
        "worker/life/interrupt.py",
        "except (Exception, asyncio.CancelledError):",
        "except asyncio.CancelledError:",
    ),
    Mutation(
        "a call whose count was lost with the log is made uncounted",
        "worker/life/record.py",
        "self._counted = found.progress.attempts > self.progress.attempts",
        "self._counted = self._counted",
    ),
    Mutation(
        "the call of a lost worker stays open until the end",
        "worker/life/life.py",
        "        await self._settle(record)\n",
        "",
    ),
    Mutation(
        "a call that is left otherwise than by its end is on no ledger",
        "worker/life/calling/ledger.py",
        "            self._close(state, reading)\n",
        "            if state is CallState.COMPLETE:\n                self._close(state, reading)\n",
    ),
    Mutation(
        "a call is named with its end, which its worker may not live to see",
        "worker/life/calling/call.py",
        '{"content": "1", **self._ledger.field}',
        '{"content": "1"}',
    ),
    Mutation(
        "a call that was not made stays on the ledger",
        "worker/life/record.py",
        "            self.ledger.withdraw()\n",
        "",
    ),
    Mutation(
        "what a log has lost of the ledger is not written again",
        "worker/life/record.py",
        "            self.writer.mark(self.ledger.field)\n",
        "            pass\n",
    ),
    Mutation(
        "a stream that has ended is not billed",
        "worker/life/release.py",
        "queue.done(self._claim, entry, bill_of(meta))",
        "queue.done(self._claim, entry)",
    ),
    Mutation(
        "a further call is not reserved",
        "worker/life/attempts.py",
        "if (unpaid := await self._unpaid()) is not None:",
        "if (unpaid := None) is not None:",
    ),
)
