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
)
