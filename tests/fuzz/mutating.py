"""Inputs that are changed as what they are: JSON stays JSON, and an event stream a stream of events.

The rule: a target that begins by refusing what is no JSON says here how its inputs are changed (`mutate`). Bytes alone
are refused at the door a hundred thousand times a second, and nothing behind it is ever tried.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from random import Random
from typing import Any

Bytewise = Callable[[bytes, int], bytes]

VALUES: list[Any] = [None, True, False, 0, -1, 1.5, 10**20, 1e300, "", " ", "x", "é", "\ud800", [], {}, [[]], {"": ""}]
SEPARATORS = [(",", ":"), (", ", ": "), (" ,\n", "\t: ")]
NAMING = [b"event:", b"event:  ", b"event: ping\nevent: ", b"event: relay.", b""]
# Of ten changes, how many know nothing of JSON; and how many leave it cut off.
OF_BYTES, CUT_OFF = 2, 1
NESTED_MAX = 250


def of_json(data: bytes, size: int, random: Random, bytewise: Bytewise) -> bytes:
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        return bytewise(data, size)
    if random.randrange(10) < OF_BYTES:
        return bytewise(data, size)
    try:
        for _ in range(random.randint(1, 3)):
            found = changed(found, random)
        text = json.dumps(found, ensure_ascii=random.random() < 0.5, separators=random.choice(SEPARATORS))
        made = text.encode(errors="surrogatepass")
    except RecursionError:
        return bytewise(data, size)
    return made[: random.randrange(len(made))] if random.randrange(10) < CUT_OFF else made[:size]


def of_events(data: bytes, size: int, random: Random, bytewise: Bytewise) -> bytes:
    """Of an event stream behind the bytes that say where it is cut."""
    head, start, rest = data.partition(b"event:")
    blocks = (start + rest).split(b"\n\n")
    if not start or random.randrange(10) < OF_BYTES:
        return bytewise(data, size)
    at = random.randrange(len(blocks))
    match random.randrange(4):
        case 0:
            del blocks[at]
        case 1:
            blocks.insert(random.randrange(len(blocks) + 1), blocks[at])
        case 2:
            blocks[at] = blocks[at].replace(b"event: ", random.choice(NAMING))
        case _:
            name, of, told = blocks[at].partition(b"data: ")
            blocks[at] = name + of + of_json(told, size, random, bytewise)
    return (head + b"\n\n".join(blocks))[:size]


def changed(value: Any, random: Random) -> Any:
    """With one place of it replaced, removed, doubled, wrapped, or called otherwise."""
    inside = list(places(value))
    if not inside:
        return deepcopy(random.choice(VALUES))
    where, key = random.choice(inside)
    match random.randrange(6):
        case 0:
            del where[key]
        case 1:
            where[key] = deepcopy(random.choice(VALUES))
        case 2:
            other, name = random.choice(inside)
            where[key] = deepcopy(other[name])
        case 3:
            for _ in range(random.choice([1, 1, 1, NESTED_MAX])):
                where[key] = [where[key]]
        case 4 if isinstance(where, dict):
            names = [name for one, name in inside if isinstance(one, dict)]
            where[random.choice([*names, "", "\ud800"])] = where.pop(key)
        case _ if isinstance(where, list):
            where.insert(key, deepcopy(where[key]))
        case _:
            where[f"{key}s"] = deepcopy(where[key])
    return value


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Each place in it: what holds it, and under which key."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        keys = list(one) if isinstance(one, dict) else range(len(one)) if isinstance(one, list) else ()
        for key in keys:
            yield one, key
            waiting.append(one[key])
