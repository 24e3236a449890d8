"""As much of Redis' data as the queue's scripts use, in plain Python and at the simulation's own time.

The rule: what the scripts may see is what a Redis would show them; lifetimes are not kept, for nothing simulated lasts
as long as the shortest.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from sortedcontainers import SortedList

from app.stream import keys

Reply = bytes | int | list[Any] | None


class Zset:
    """A sorted set: its members by score, and by name where scores are the same."""

    __slots__ = ("order", "scores")

    def __init__(self) -> None:
        self.scores: dict[bytes, float] = {}
        self.order: SortedList = SortedList()

    def add(self, member: bytes, score: float) -> bool:
        """Returns whether it is new."""
        old = self.scores.get(member)
        if old == score:
            return False
        if old is not None:
            self.order.remove((old, member))
        self.scores[member] = score
        self.order.add((score, member))
        return old is None

    def remove(self, member: bytes) -> bool:
        old = self.scores.pop(member, None)
        if old is None:
            return False
        self.order.remove((old, member))
        return True

    def between(self, low: bytes, high: bytes) -> Iterator[tuple[float, bytes]]:
        """In order; a bound that begins with `(` is not in it."""
        (least, open_below), (most, open_above) = _bound(low), _bound(high)
        start = self.order.bisect_right((least, _LAST)) if open_below else self.order.bisect_left((least, b""))
        for score, member in self.order.islice(start):
            if score > most or (open_above and score == most):
                return
            yield score, member


class Renewed(Zset):
    """One whose scores change again and again, and of which only the lowest are asked for: of those that have ended."""

    __slots__ = ("heap",)

    def __init__(self) -> None:
        super().__init__()
        self.heap: list[tuple[float, bytes]] = []

    def add(self, member: bytes, score: float) -> bool:
        new = member not in self.scores
        self.scores[member] = score
        heapq.heappush(self.heap, (score, member))
        return new

    def remove(self, member: bytes) -> bool:
        return self.scores.pop(member, None) is not None

    def between(self, low: bytes, high: bytes) -> Iterator[tuple[float, bytes]]:
        """From the lowest on."""
        assert low == b"-inf"
        most, _ = _bound(high)
        there: list[tuple[float, bytes]] = []
        try:
            while self.heap and self.heap[0][0] <= most:
                score, member = heapq.heappop(self.heap)
                if self.scores.get(member) == score and (score, member) not in there[-1:]:
                    there.append((score, member))
                    yield score, member
        finally:  # whoever asked for some of them asks for no more
            for one in there:
                heapq.heappush(self.heap, one)


# Behind every member that has the same score.
_LAST = b"\xff" * 8
_LEASES = keys.LEASES.encode()


def _bound(text: bytes) -> tuple[float, bool]:
    outside = text.startswith(b"(")
    return float(text[1:] if outside else text), outside


def shown(score: float) -> bytes:
    """As Redis writes a score: whole numbers as such, the largest of them too."""
    if math.isinf(score):
        return b"inf" if score > 0 else b"-inf"
    return b"%d" % score if score == int(score) else repr(score).encode()


class Keyspace:
    """The data of one Redis. `now`: the time in seconds. `listeners`: how many hear a channel; `tell` publishes."""

    def __init__(
        self,
        now: Callable[[], float],
        listeners: Callable[[bytes], int],
        tell: Callable[[bytes, bytes], int],
    ) -> None:
        self.data: dict[bytes, Any] = {}
        self._now = now
        self._listeners = listeners
        self._tell = tell
        self._commands: Mapping[bytes, Callable[..., Reply]] = {
            name.removeprefix("do_").upper().encode(): getattr(self, name) for name in dir(self) if name[:3] == "do_"
        }

    def run(self, name: bytes, *arguments: Any) -> Reply:
        """A command; raises `KeyError` for one that no script of the queue uses."""
        return self._commands[name](*[one if type(one) is bytes else _words(one) for one in arguments])

    def zset(self, key: bytes) -> Zset:
        found = self.data.get(key)
        if found is None:
            found = self.data[key] = Renewed() if key == _LEASES else Zset()
        return found  # type: ignore[no-any-return]

    def hash(self, key: bytes) -> dict[bytes, bytes]:
        return self.data.setdefault(key, {})  # type: ignore[no-any-return]

    # --- keys

    def do_time(self) -> Reply:
        seconds = self._now()
        return [b"%d" % int(seconds), b"%d" % int(seconds % 1 * 1e6)]

    def do_exists(self, key: bytes) -> Reply:
        return int(bool(self._there(key)))

    def do_del(self, *names: bytes) -> Reply:
        return sum(self.data.pop(name, None) is not None for name in names)

    def do_expire(self, *_: bytes) -> Reply:
        return 1

    do_pexpire = do_expire

    def do_get(self, key: bytes) -> Reply:
        return self.data.get(key)

    def do_getrange(self, key: bytes, first: bytes, last: bytes) -> Reply:
        return self.data.get(key, b"")[int(first) : int(last) + 1]

    def do_getex(self, key: bytes, *_: bytes) -> Reply:
        return self.data.get(key)

    def do_set(self, key: bytes, value: bytes, *_: bytes) -> Reply:
        self.data[key] = value
        return b"OK"

    def do_incr(self, key: bytes) -> Reply:
        number = int(self.data.get(key, b"0")) + 1
        self.data[key] = b"%d" % number
        return number

    # --- hashes

    def do_hget(self, key: bytes, field: bytes) -> Reply:
        return self._fields(key).get(field)

    def do_hmget(self, key: bytes, *fields: bytes) -> Reply:
        there = self._fields(key)
        return [there.get(field) for field in fields]

    def do_hgetall(self, key: bytes) -> Reply:
        return [part for pair in self._fields(key).items() for part in pair]

    def do_hvals(self, key: bytes) -> Reply:
        return list(self._fields(key).values())

    def do_hlen(self, key: bytes) -> Reply:
        return len(self._fields(key))

    def do_hset(self, key: bytes, *pairs: bytes) -> Reply:
        self.hash(key).update(zip(pairs[::2], pairs[1::2], strict=True))
        return len(pairs) // 2

    def do_hincrby(self, key: bytes, field: bytes, more: bytes) -> Reply:
        number = int(self._fields(key).get(field, b"0")) + int(more)
        self.hash(key)[field] = b"%d" % number
        return number

    def do_hdel(self, key: bytes, *fields: bytes) -> Reply:
        there = self._fields(key)
        gone = sum(there.pop(field, None) is not None for field in fields)
        if not there:
            self.data.pop(key, None)
        return gone

    # --- sorted sets

    def do_zadd(self, key: bytes, *arguments: bytes) -> Reply:
        only_known = changed = False
        first = 0
        while (word := arguments[first].upper()) in (b"XX", b"CH"):
            only_known, changed, first = only_known or word == b"XX", changed or word == b"CH", first + 1
        there, count = self.zset(key), 0
        for score, member in zip(arguments[first::2], arguments[first + 1 :: 2], strict=True):
            before = there.scores.get(member)
            if before is None and only_known:
                continue
            new = there.add(member, float(score))
            count += new or (changed and before != float(score))
        return count

    def do_zrem(self, key: bytes, *members: bytes) -> Reply:
        there = self.data.get(key)
        gone = sum(there.remove(member) for member in members) if there else 0
        if there is not None and not there.scores:
            del self.data[key]
        return gone

    def do_zcard(self, key: bytes) -> Reply:
        return len(self._scores(key))

    def do_zscore(self, key: bytes, member: bytes) -> Reply:
        score = self._scores(key).get(member)
        return None if score is None else shown(score)

    def do_zmscore(self, key: bytes, *members: bytes) -> Reply:
        return [self.do_zscore(key, member) for member in members]

    def do_zcount(self, key: bytes, low: bytes, high: bytes) -> Reply:
        there = self.data.get(key)
        return sum(1 for _ in there.between(low, high)) if there else 0

    def do_zrank(self, key: bytes, member: bytes) -> Reply:
        score = self._scores(key).get(member)
        return None if score is None else self.zset(key).order.index((score, member))

    def do_zremrangebyscore(self, key: bytes, low: bytes, high: bytes) -> Reply:
        there = self.data.get(key)
        return self.do_zrem(key, *[member for _, member in there.between(low, high)]) if there else 0

    def do_zrangebyscore(self, key: bytes, low: bytes, high: bytes, *more: bytes) -> Reply:
        return self.do_zrange(key, low, high, b"BYSCORE", *more)

    def do_zrange(self, key: bytes, low: bytes, high: bytes, *more: bytes) -> Reply:
        there = self.data.get(key)
        if not there:
            return []
        words = [word.upper() for word in more]
        if b"BYSCORE" in words:
            at = words.index(b"LIMIT") if b"LIMIT" in words else -1
            most = int(words[at + 2]) if at >= 0 else len(there.order)
            found = [pair for pair, _ in zip(there.between(low, high), range(most), strict=False)]
        else:
            last = int(high)
            found = list(there.order[int(low) : last + 1 or None])
        if b"WITHSCORES" in words:
            return [part for score, member in found for part in (member, shown(score))]
        return [member for _, member in found]

    # --- what is said

    def do_publish(self, channel: bytes, payload: bytes) -> Reply:
        return self._tell(channel, payload)

    def do_pubsub(self, _word: bytes, *channels: bytes) -> Reply:
        return [part for channel in channels for part in (channel, self._listeners(channel))]

    def do_xadd(self, *_: bytes) -> Reply:
        return b"1-0"

    def _there(self, key: bytes) -> Any:
        found = self.data.get(key)
        return found.scores if isinstance(found, Zset) else found

    def _fields(self, key: bytes) -> dict[bytes, bytes]:
        return self.data.get(key) or {}

    def _scores(self, key: bytes) -> dict[bytes, float]:
        there = self.data.get(key)
        return there.scores if there else {}


def _words(one: Any) -> bytes:
    """A number as Lua 5.1 hands it to Redis: 17 digits that count."""
    if isinstance(one, float):
        return b"%d" % one if one == int(one) and abs(one) < 1e17 else f"{one:.17g}".encode()
    return str(one).encode() if not isinstance(one, str) else one.encode()
