"""Of the Python client."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

_KEEPSTREAM = "app/clients/python/keepstream"

ROWS = (
    Mutation(
        "a reading goes on from where it began, and not from where it was cut",
        f"{_KEEPSTREAM}/core/resuming.py",
        "            self.last_id = event.id\n",
        "            pass\n",
    ),
    Mutation(
        "a place that is void is asked for again",
        f"{_KEEPSTREAM}/core/resuming.py",
        "if event.id or isinstance(event, Reset):",
        "if event.id:",
    ),
    Mutation(
        "a lost stream is waited for by the Python client",
        f"{_KEEPSTREAM}/core/resuming.py",
        'if isinstance(event, Reset) and event.reason == "lost":',
        'if event.type == "lost":',
    ),
    Mutation(
        "a token that ran out in the middle is the end of a reading",
        f"{_KEEPSTREAM}/core/credentials.py",
        "return status == httpx.codes.UNAUTHORIZED and credentials.renewed",
        "return False",
    ),
    Mutation(
        "a key that cannot be sent is quoted where it fails",
        f"{_KEEPSTREAM}/core/request.py",
        "    if not (value.isascii() and value.isprintable()):\n",
        "    if False:\n",
    ),
    Mutation(
        "what did not arrive carries the key along in its cause",
        f"{_KEEPSTREAM}/core/request.py",
        '        error.request = httpx.Request(asked.method, asked.url.copy_with(query=None, userinfo=b""))\n',
        "        pass\n",
    ),
    Mutation(
        "another server's events_url is given our key",
        f"{_KEEPSTREAM}/core/request.py",
        "    if (there.scheme, there.hostname, there.port) != (here.scheme, here.hostname, here.port):\n",
        "    if not there.scheme:\n",
    ),
    Mutation(
        "a proxy is asked for what runs on this machine",
        f"{_KEEPSTREAM}/wire/outgoing.py",
        "return dict.fromkeys(THIS_MACHINE)",
        "return {}",
    ),
    Mutation(
        "a turn that breaks takes those before it along in Python",
        "app/clients/python/keepstream/amounting.py",
        "event.turn - 1 if event.turn else 0",
        "0",
    ),
)
