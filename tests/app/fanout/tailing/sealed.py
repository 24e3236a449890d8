"""What the tests of answers that are shown whole or not at all share: what their clients were told so far."""

from __future__ import annotations

import orjson

from tests.app.following import Client
from tests.app.served import until

SECRET = "a secret"


def states(client: Client) -> list[str]:
    """What it was told beside the log, in a word each."""
    return [orjson.loads(data)["state"] for name, data in client.beside if name == "relay.status"]


async def told_running(*clients: Client, times: int = 2) -> None:
    await until(lambda: all(states(client).count("running") >= times for client in clients))
