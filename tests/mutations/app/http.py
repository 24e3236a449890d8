from __future__ import annotations

from tests.mutations.mutation import Mutation

ROWS = (
    Mutation(
        "what stands around a body is not counted",
        "app/http/connection/protocol.py",
        "        if self._around > bounds.AROUND_BYTES:",
        "        if False:",
    ),
    Mutation(
        "trailers and heads that come whole are not counted",
        "app/http/connection/protocol.py",
        "        if self._head > bounds.AROUND_BYTES:",
        "        if False:",
    ),
    Mutation(
        "a stray byte after an answer ends its time",
        "app/http/connection/protocol.py",
        "            self._fresh = True  # a stray line end, say",
        "            self._deadline.set(None)",
    ),
    Mutation(
        "a body's whole time counts, not its silence",
        "app/http/connection/protocol.py",
        "(phase is Phase.BODY and self._fed)",
        "False",
    ),
    Mutation(
        "the rest of a body that nobody reads may take for ever",
        "app/http/connection/bounds.py",
        "            return REST_SECONDS",
        "            return None",
    ),
    Mutation(
        "an offered upgrade ends the request",
        "app/http/connection/protocol.py",
        "                self.parser.feed_data(head)",
        "                return",
    ),
    Mutation(
        "who has closed its side is let go",
        "app/http/connection/protocol.py",
        "        self.cycle.keep_alive = False\n",
        "        return False\n",
    ),
    Mutation(
        "a refusal does not wait for its turn",
        "app/http/connection/protocol.py",
        "        if not self._answering():\n            self._say_last()",
        "        self._say_last()",
    ),
    Mutation(
        "pages of foreign origins may do anything",
        "app/http/envelope.py",
        'if origins.foreign_page(scope["method"], asked, self._origins, door.own_hosts):',
        "if False:",
    ),
    Mutation(
        "any name is ours",
        "app/http/envelope.py",
        "if door.hosts is not None and scope",
        "if False and scope",
    ),
    Mutation(
        "a path's methods are those of its first route",
        "app/http/errors.py",
        "    if isinstance(error, HTTPException) and error.status_code == METHOD_NOT_ALLOWED:\n",
        "    if False:\n",
    ),
    Mutation(
        "a root path is taken from paths that are ours as they are",
        "app/http/envelope.py",
        ' and not self._is_ours(scope["path"])',
        "",
    ),
    Mutation(
        "a body without a type is JSON",
        "app/http/body.py",
        'headers.get("content-type", "").partition',
        'headers.get("content-type", "application/json").partition',
    ),
    Mutation(
        "a connection that its head has filled is taken over as if it had room",
        "app/http/connection/takeover.py",
        "    if old.flow.write_paused:",
        "    if False:",
    ),
    Mutation(
        "one connection's chunks are worked on until there are none",
        "app/http/connection/protocol.py",
        "if self._chunks > bounds.CHUNKS_A_TURN:",
        "if False:",
    ),
    Mutation(
        "a body in small parts is kept in them",
        "app/http/body.py",
        "            body += part",
        '            body += part\n            request.scope.setdefault("parts", []).append(part)',
    ),
    Mutation(
        "a front whose task has fallen says that it is ready",
        "app/http/health.py",
        "            if not work.alive:",
        "            if False:",
    ),
    Mutation(
        "a probe waits for as long as Redis is silent",
        "app/http/health.py",
        "timeout=READY_SECONDS)",
        "timeout=None)",
    ),
    Mutation(
        "takeover: a connection is taken while its request's body is still to come",
        "app/http/connection/takeover.py",
        "cycle.disconnected or cycle.more_body or cycle",
        "cycle.disconnected or cycle",
    ),
    Mutation(
        "takeover: a connection is taken although the next request has begun",
        "app/http/connection/takeover.py",
        "    return not protocol.pipeline and protocol.scope is cycle.scope",
        "    return not protocol.pipeline",
    ),
    Mutation(
        "large conversations are all held at once",
        "app/http/bulk.py",
        "                while self._free < taken:",
        "                while False:",
    ),
    Mutation(
        "a client that has closed its half is poked behind a part of an event",
        "app/http/envelope.py",
        'message["body"].endswith(b"\\n\\n")',
        "True",
    ),
    Mutation(
        "what many clients ask for is held for each of them",
        "app/http/bulk.py",
        "held = self._held.get(key)\n            if",
        "held = None\n            if",
    ),
    Mutation(
        "a client that takes nothing holds up who waits",
        "app/http/bulk.py",
        "                taker.cut()",
        "                pass",
    ),
    Mutation(
        "who is patient is told to come back by who is not",
        "app/http/bulk.py",
        "if not (patient and isinstance(error, BusyError)):",
        "if True:",
    ),
    Mutation(
        "a large answer goes out at once",
        "app/http/whole.py",
        "for at in range(0, len(piece), PART_BYTES):\n            yield piece[at : at + PART_BYTES]",
        "yield piece",
    ),
    Mutation(
        "what a proxy heard counts as heard by its client",
        "app/http/connection/heard.py",
        "_is_passed_on(scope) or ",
        "",
    ),
)
