from __future__ import annotations

from tests.mutations.mutation import Mutation

ROWS = (
    Mutation(
        "a limit that is full again is as near as it was",
        "worker/upstream/limits.py",
        "limit if now < full_at else",
        "limit if True else",
    ),
    Mutation(
        "blocks stand as they came, not by their index",
        "worker/upstream/message.py",
        "blocks = sorted(self._blocks, key=lambda block: block.index)",
        "blocks = self._blocks",
    ),
    Mutation(
        "a tool's input is told in Python's numbers",
        "worker/upstream/message.py",
        "        orjson.loads(data)\n    except orjson",
        "        return orjson.dumps(orjson.loads(data))\n    except orjson",
    ),
    Mutation(
        "a worker walks the prompt before it sends it",
        "worker/upstream/request.py",
        'return _OPENING.match(body) is not None and body.rstrip().endswith(b"}")',
        'return len(re.sub(rb"[{},]", lambda each: each[0], body)) > 1 and body.strip()[-1:] == b"}"',
    ),
    Mutation(
        "what the client says of `stream` is left beside ours",
        "worker/upstream/request.py",
        'if members.pop("stream", None) is not None:',
        "if False:",
    ),
    Mutation(
        "a refused key of ours is told to a user as if it were his",
        "worker/upstream/failure.py",
        "    if failure.status not in _KEY_STATUSES and failure.type not in _KEY_TYPES:",
        "    if failure:",
    ),
    Mutation(
        "what an error says for the SDK of the API's is not passed on",
        "worker/upstream/failure.py",
        "return found if isinstance(found, dict) and found and",
        "return found if False and",
    ),
    Mutation(
        "causes are not told apart: every way that fails is a lost connection",
        "worker/upstream/causes.py",
        "_sentence(chain, host) or LOST.message",
        "LOST.message",
    ),
    Mutation(
        "pings are silence: an upstream that thinks is called dead",
        "worker/upstream/reading.py",
        "        self.stirred = self._clock()\n        return self._take",
        "        return self._take",
    ),
    Mutation(
        "an upstream may name its events as ours are",
        "worker/upstream/reading.py",
        "if name.decode().strip().startswith(OURS):",
        "if name.decode() == OURS:",
    ),
    Mutation(
        "who waits at the gate keeps its slot",
        "worker/upstream/gate.py",
        "if wait > PARK_SECONDS and waiter.patient:",
        "if False:",
    ),
    Mutation(
        "who is cancelled as the gate answers ends the gate's questions for all",
        "worker/upstream/gate.py",
        "deque([waiter for waiter in self.waiters if not waiter.answer.done()])",
        "deque(self.waiters)",
    ),
    Mutation(
        "what came of calls is gathered at the gate for ever",
        "worker/upstream/gate.py",
        "while self._heard and self._heard[0][0] < now - FRESH_SECONDS:",
        "while False:",
    ),
    Mutation(
        "half of a tool's input is completed and run",
        "worker/upstream/message.py",
        'if readable and self.kind == "tool_use" and not _is_object(told):',
        "if False:",
    ),
)
