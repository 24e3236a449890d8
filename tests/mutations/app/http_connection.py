from __future__ import annotations

from tests.mutations.mutation import Mutation

ROWS = (
    Mutation(
        "the second piece of an answer waits for the client's acknowledgement",
        "app/http/connection/server.py",
        "socket.SOCK_STREAM, socket.IPPROTO_TCP)",
        "socket.SOCK_STREAM)",
    ),
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
        "        self._poker = self._poker or Poker(",
        "        return False\n        self._poker = self._poker or Poker(",
    ),
    Mutation(
        "a refusal does not wait for its turn",
        "app/http/connection/protocol.py",
        "        if not self._answering():\n            self._say_last()",
        "        self._say_last()",
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
        "what a proxy heard counts as heard by its client",
        "app/http/connection/heard.py",
        "is_passed_on(scope) or ",
        "",
    ),
    Mutation(
        "connections are not bounded",
        "app/http/connection/crowd.py",
        "surplus=self._here > self._most)",
        "surplus=False)",
    ),
    Mutation(
        "who is told that there is no room is not bounded",
        "app/http/connection/crowd.py",
        "        if self._here >= self._most + SURPLUS:",
        "        if False:",
    ),
    Mutation(
        "who does not speak TLS is never counted out",
        "app/http/connection/tls/handshakes.py",
        "        except OSError:  # what is no TLS, takes too long or is gone\n            seat.leave()",
        "        except OSError:  # what is no TLS, takes too long or is gone\n            pass",
    ),
    Mutation(
        "who says nothing where TLS is spoken is waited for",
        "app/http/connection/tls/handshakes.py",
        "ssl_handshake_timeout=bounds.HEAD_SECONDS",
        "ssl_handshake_timeout=3600.0",
    ),
    Mutation(
        "a renewed certificate is not taken",
        "app/http/connection/tls/certificate.py",
        "            self.context = _context(*self._files)",
        "            _context(*self._files)",
    ),
    Mutation(
        "an answer that is the last one closes the connection under what its client still sends",
        "app/http/connection/cycle.py",
        "    if cycle is None or not cycle.more_body:",
        "    if True:",
    ),
    Mutation(
        "a certificate that has expired is told by nobody",
        "app/http/connection/tls/certificate.py",
        "if begins <= now < ends:",
        "if begins <= now:",
    ),
)
