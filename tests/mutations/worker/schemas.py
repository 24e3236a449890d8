from __future__ import annotations

from tests.mutations.mutation import Mutation

ROWS = (
    Mutation(
        "what looks at an answer is given the worker's keys",
        "worker/schemas/checker.py",
        "for name in _ENVIRONMENT if name in os.environ}",
        "for name in os.environ}",
    ),
    Mutation(
        "who gave up leaves an answer to the next",
        "worker/schemas/checker.py",
        "                    ended = await self._end()\n",
        "                    pass\n",
    ),
    Mutation(
        "nobody ends a look that takes too long",
        "worker/schemas/checker.py",
        "                async with asyncio.timeout(SECONDS):\n",
        "                if True:\n",
    ),
    Mutation(
        "an error quotes the answer that is for nobody",
        "worker/schemas/verdict.py",
        "validator_of(schema, mask=HIDDEN)",
        "validator_of(schema)",
    ),
)
