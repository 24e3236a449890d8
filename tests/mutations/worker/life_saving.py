from __future__ import annotations

from tests.mutations.mutation import Mutation

ROWS = (
    Mutation(
        "an answer that did not complete is kept",
        "worker/life/saving/keeping.py",
        ' or meta.get("outcome") != Outcome.COMPLETED.encode()',
        "",
    ),
    Mutation(
        "an answer that was borrowed is kept for its time again",
        "worker/life/saving/keeping.py",
        "wanted is None or borrowed or",
        "wanted is None or",
    ),
    Mutation(
        "who reads along waits for ever for who has no worker",
        "worker/life/saving/following.py",
        "if await _answered(lambda: self._saved.ask(of.wanted, of.stream_id)) != Running(of.leader):",
        "if False:",
    ),
    Mutation(
        "whose call is read along takes it with it when it is cancelled",
        "worker/life/saving/sharing.py",
        "if await self._rests.is_followed(stream_id) and await self._end():",
        "if False:",
    ),
    Mutation(
        "a call goes on for nobody",
        "worker/life/saving/sharing.py",
        "                while await self._rests.is_followed(stream_id):",
        "                while True:",
    ),
    Mutation(
        "what a call cost after its stream was cancelled is on no ledger",
        "worker/life/saving/sharing.py",
        "relay_end.costs(calls)",
        "dict[str, str | bytes | int]()",
    ),
)
