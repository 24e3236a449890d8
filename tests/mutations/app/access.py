from __future__ import annotations

from tests.mutations.mutation import Mutation

ROWS = (
    Mutation(
        "a front that asks nobody listens to the world",
        "app/access/closed.py",
        'if settings.asks_nobody and not is_loopback(address) and settings.auth != "none":',
        "if False:",
    ),
    Mutation(
        "a stranger's X-Forwarded-For is believed",
        "app/access/addresses.py",
        "    if not trusted or not _is_trusted(address, trusted):\n        return _Seen(str(address)",
        "    if not trusted:\n        return _Seen(str(address)",
    ),
    Mutation(
        "X-Forwarded-For is read from its beginning",
        "app/access/addresses.py",
        "        for entry in reversed(line.rsplit(",
        "        for entry in list(line.rsplit(",
    ),
    Mutation(
        "who comes through a proxy is on this machine",
        "app/access/addresses.py",
        "certain=not is_passed_on(scope))",
        "certain=True)",
    ),
    Mutation(
        "a stranger's X-Forwarded-Proto is believed",
        "app/access/addresses.py",
        "    if not trusted or not _is_trusted(_parsed(_peer(scope)), trusted):",
        "    if not trusted:",
    ),
    Mutation(
        "a ticket's seal is not looked at",
        "app/access/passes/tickets.py",
        "    if not hmac.compare_digest(seal, _seal(secret, facts)):",
        "    if False:",
    ),
    Mutation(
        "a ticket that has ended opens what it opened",
        "app/access/passes/tickets.py",
        " if now_ms < expires_ms else None",
        "",
    ),
    Mutation(
        "a ticket lives as long as it was asked to",
        "app/access/passes/office.py",
        "self._seconds if seconds is None else min(seconds, self._seconds)",
        "self._seconds if seconds is None else seconds",
    ),
    Mutation(
        "fronts that begin at once do not agree on a secret",
        "app/access/passes/office.py",
        "ours, nx=True, ex=",
        "ours, ex=",
    ),
    Mutation(
        "a secret that is known is not enough while Redis is away",
        "app/access/passes/office.py",
        "            if self._secret is None:\n                self._known_at = before\n                raise",
        "            raise",
    ),
)
