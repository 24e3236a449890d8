"""The processes of a test are the user of `deploy/redis/users.acl`, and may do what it says and nothing else.

The rule: the tests themselves come in as `default`, whom a deployment locks out; what the user was refused is found in
the server's own log.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

from redis import Redis

from app.dev.embedded import Config

USERS = Path(__file__).resolve().parents[3] / "deploy" / "redis" / "users.acl"
NAME, PASSWORD = "keepstream", "a-made-up-password"
_OURSELVES = "user default on nopass ~* &* +@all"


def config(directory: Path) -> Config:
    """For a server that has its data there, and knows the user by its password."""
    locked, user = USERS.read_text().splitlines()
    assert locked == "user default off resetpass resetkeys resetchannels -@all"
    digest = hashlib.sha256(PASSWORD.encode()).hexdigest()
    directory.mkdir(parents=True, exist_ok=True)
    file = directory / "users.acl"
    file.write_text(f"{_OURSELVES}\n{user.replace(f'user {NAME} on', f'user {NAME} on #{digest}')}\n")
    return (("aclfile", str(file)),)


def as_user(url: str) -> str:
    return re.sub(r"^(\w+(?:\+cluster)?://)", rf"\g<1>{NAME}:{PASSWORD}@", url)


def refused(url: str, name: str = NAME) -> list[str]:
    """What the user was refused since it was asked last."""
    with Redis.from_url(url) as redis:
        entries: list[dict[str, Any]] = redis.acl_log()
        redis.acl_log_reset()
    return [f"{one['reason']} {one['context']} {one['object']}" for one in entries if one["username"] == name]
