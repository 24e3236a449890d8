from __future__ import annotations

from tests.mutations.mutation import Mutation

RUNNING = "worker/life/tooling/running.py"
LOOP = "worker/life/tooling/loop.py"
TURNING = "worker/life/tooling/turning.py"
PLAN = "worker/life/tooling/plan.py"
USES = "worker/life/tooling/uses.py"

ROWS = (
    Mutation(
        "what must not run twice runs before the log knows of it",
        RUNNING,
        "            await record.writer.flush()\n            self._interrupt.check()\n",
        "",
    ),
    Mutation(
        "a model may call what was not asked for",
        RUNNING,
        "        if use.name not in self._record.checkpoint.asked.tools or use.name not in offered:\n",
        "        if use.name not in offered:\n",
    ),
    Mutation(
        "a tool that was gone is run by what was known of it then",
        RUNNING,
        "        if use.name not in self._record.checkpoint.asked.tools or use.name not in offered:\n",
        "        if use.name not in self._record.checkpoint.asked.tools:\n",
    ),
    Mutation(
        "what is asked of a person is given away before the log knows of it",
        RUNNING,
        "                if asks:  #",
        "                if False:  #",
    ),
    Mutation(
        "a result that is told again is known to its holder alone",
        RUNNING,
        "                record.writer.mark(loop.again(use))\n",
        "",
    ),
    Mutation(
        "what a person was asked is run where its tool was gone for a moment",
        PLAN,
        "        if (known.approve or use.id in turns.asks) and",
        "        if known.approve and",
    ),
    Mutation(
        "what runs and must not run twice is known to its holder alone where the log lost it",
        LOOP,
        "        return {} if began == found.began else self.turns.begin(frozenset())[1]\n",
        "        return {}\n",
    ),
    Mutation(
        "what a person has said is forgotten with the log's last words",
        LOOP,
        "        verdicts = {**heard, **found.verdicts}\n",
        "        verdicts = found.verdicts\n",
    ),
    Mutation(
        "a tool outlives its stream",
        RUNNING,
        "            task.cancel()\n            task.add_done_callback(_heard)",
        "            task.add_done_callback(_heard)",
    ),
    Mutation(
        "a result that comes as its stream is given away is lost",
        RUNNING,
        "        if why is not Why.LEFT:\n            self._take_what_came()\n",
        "",
    ),
    Mutation(
        "what was about to run as its worker drained counts as running",
        RUNNING,
        "                record.writer.mark(record.loop.withdraw())\n",
        "",
    ),
    Mutation(
        "a tool whose log is begun anew is ended",
        RUNNING,
        "        if why is Why.LOST:  #",
        "        if why is Why.LOST:\n            await self.close()\n        if why is Why.LOST:  #",
    ),
    Mutation(
        "a result that the log has lost is not told again",
        RUNNING,
        "            if use.id in loop.turns.results and use.id not in loop.logged:\n",
        "            if False:\n",
    ),
    Mutation(
        "a person is asked again by each holder",
        RUNNING,
        "        if use.id not in loop.turns.asks:\n",
        "        if True:\n",
    ),
    Mutation(
        "a call of the client's is taken for one that is done",
        RUNNING,
        "theirs = any(use.theirs for use in loop.uses)",
        "theirs = False",
    ),
    Mutation(
        "what must not run twice is run by the next holder",
        PLAN,
        "                if use.id in turns.began:\n",
        "                if False:\n",
    ),
    Mutation(
        "what has its result is run again",
        PLAN,
        "        if use.theirs or use.id in turns.results:\n",
        "        if use.theirs:\n",
    ),
    Mutation(
        "what a person is to allow runs before the answer",
        PLAN,
        "        if (known.approve or use.id in turns.asks) and verdict is None and use.id not in turns.began:\n",
        "        if False:\n",
    ),
    Mutation(
        "what a person refused is run",
        PLAN,
        "        elif verdict is not None and not verdict.approve:\n",
        "        elif False:\n",
    ),
    Mutation(
        "a call that was cut is run",
        USES,
        "return (stop_reason == CALLS and any(not use.theirs for use in uses)) or stop_reason == PAUSED",
        "return any(not use.theirs for use in uses) or stop_reason == PAUSED",
    ),
    Mutation(
        "two calls with one id share a result",
        USES,
        '    if len(ids) < len(found) or "" in ids:\n',
        "    if False:\n",
    ),
    Mutation(
        "the calls of the turns before count against this one's attempts",
        TURNING,
        "content=False, free=attempts, before=attempts",
        "content=False, before=attempts",
    ),
    Mutation(
        "the workers that earlier turns have lost count against this one",
        TURNING,
        "    record.claims = record.claim.times - 1\n",
        "    record.claims = 0\n",
    ),
    Mutation(
        "results are forgotten where the log is begun anew",
        LOOP,
        "results={**kept, **found.results}",
        "results=found.results",
    ),
    Mutation(
        "a turn that Redis lost is asked for again although its tool ran, and must not twice",
        LOOP,
        "        self._forgotten = bool(self._once - known)\n",
        "",
    ),
    Mutation(
        "a tool that runs here is taken for one that was interrupted",
        LOOP,
        "if use.id not in self.running))",
        "))",
    ),
    Mutation(
        "a tool that is not offered any more may run twice",
        LOOP,
        "return Manners(repeatable=False) if tool is None",
        "return Manners(repeatable=True) if tool is None",
    ),
)
