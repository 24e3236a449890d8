from __future__ import annotations

from tests.mutations.mutation import Mutation

ROWS = (
    Mutation(
        "a field that nobody knows is told again, whatever its name is",
        "app/intake/unknown.py",
        "if _SPELT.fullmatch(name) else",
        "if name else",
    ),
    Mutation(
        "a stream of which nobody was told is counted as one that was used",
        "app/intake/streams.py",
        'bill=bill_of(facts) if "attempts" in facts else None',
        "bill=bill_of(facts)",
    ),
    Mutation(
        "what is lost and may have been called did cost nothing",
        "app/intake/streams.py",
        "bill=lost_bill(claim.times)",
        "bill=None",
    ),
    Mutation(
        "an object may have any number of fields",
        "app/intake/raw_json.py",
        "        if self.fields > FIELDS_MAX:",
        "        if False:",
    ),
    Mutation(
        "what can never be done keeps all that is owed waiting",
        "app/intake/owed.py",
        "self._debts.extend(left)",
        "self._debts.extendleft(reversed(left))",
    ),
    Mutation(
        "what is built of a body may be made of anything",
        "app/intake/raw_json.py",
        "> WEIGHT_MAX and _is_heavy(text):",
        "< 0:",
    ),
    Mutation(
        "signs in a text weigh as those around it",
        "app/intake/raw_json.py",
        "> WEIGHT_MAX and _is_heavy(text):",
        "> WEIGHT_MAX:",
    ),
    Mutation(
        "a submit that was not answered is not withdrawn",
        "app/intake/submit.py",
        "await self._withdraw(now=not isinstance(error, AWAY))",
        "pass",
    ),
    Mutation(
        "a submit that was not answered is not asked again",
        "app/intake/submit.py",
        "if loop.time() + pause > until:",
        "if True:",
    ),
    Mutation(
        "of two cancels at once one leaves its stream in the line",
        "app/intake/streams.py",
        "claim(holder, 1, slots=1",
        "claim(self._front, int(holder.rpartition('.')[2]), slots=1",
    ),
    Mutation(
        "a cancel that stands is answered with an error",
        "app/intake/streams.py",
        "            return state\n        return State(meta",
        "            raise\n        return State(meta",
    ),
    Mutation(
        "a confirmation is taken for granted",
        "app/intake/submit.py",
        "if not await self._keep(self._id, submitted.waiting):",
        "if await self._keep(self._id, submitted.waiting) is None:",
    ),
    Mutation(
        "what a client calls its request may break a line of the log",
        "app/intake/prompt.py",
        "return given if _CLIENT_REQUEST_ID.fullmatch(given) else None",
        "return given or None",
    ),
    Mutation(
        "one look at a channel that was just replaced ends what is read",
        "app/intake/streams.py",
        "            elif looks > 1:",
        "            elif False:",
    ),
    Mutation(
        "a front does not look what a lost worker's call had brought",
        "app/intake/ending.py",
        "if under_way else Brought()",
        "if False else Brought()",
    ),
    Mutation(
        "a stream that a front ends is not billed",
        "app/intake/streams.py",
        "self.queue.done(claim, entry, bill_of(facts))",
        "self.queue.done(claim, entry)",
    ),
    Mutation(
        "who says the next thing at once is refused for what has just ended",
        "app/intake/submit.py",
        "if not promised or not await again(lambda: log.any_ended(promised)):",
        "if True:",
    ),
    Mutation(
        "a conversation is told of a message before its owner's limits are asked",
        "app/intake/submit.py",
        "await self._look_for_room()",
        "pass",
    ),
    Mutation(
        "a verdict whose wake-up was lost is never found",
        "app/intake/sweep.py",
        "            for stream_id in look.answered:\n                await approvals.wake(stream_id)\n",
        "",
    ),
    Mutation(
        "who was answered in time ends as expired",
        "app/intake/sweep.py",
        "if stream_id not in look.answered and not await approvals.is_answered(stream_id):",
        "if True:",
    ),
    Mutation(
        "a stream that may wait for a person is kept as long as any",
        "app/intake/submit.py",
        "streams.settings.waiting_life_ms if waits else streams.settings.stream_life_ms",
        "streams.settings.stream_life_ms",
    ),
    Mutation(
        "a result of a call that was never made is taken",
        "app/intake/calls/results.py",
        "if result.tool_use_id in ours or result.tool_use_id not in calls:",
        "if result.tool_use_id in ours:",
    ),
    Mutation(
        "a call may stay without its result",
        "app/intake/calls/results.py",
        "    if missing:\n",
        "    if False:\n",
    ),
    Mutation(
        "any number of results is built",
        "app/intake/calls/results.py",
        "    _check_number(value)\n",
        "",
    ),
    Mutation(
        "what is held against a schema is shown before",
        "app/intake/prompt.py",
        "(relay.validate and waits)",
        "(relay.validate and not waits)",
    ),
    Mutation(
        "a tool that nobody offers may be asked for",
        "app/intake/calls/offered.py",
        "                if name not in there:\n",
        "                if False:\n",
    ),
    Mutation(
        "another's tool may be asked for",
        "app/intake/calls/offered.py",
        "        return {offer.name for offer in await self._fresh(seconds) if offer.may(owner)}\n",
        "        return {offer.name for offer in await self._fresh(seconds)}\n",
    ),
    Mutation(
        "a client's tool has the name of one of ours",
        "app/intake/calls/offered.py",
        "            if name in theirs:\n",
        "            if False:\n",
    ),
)
