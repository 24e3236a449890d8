"""What KEDA does: it counts, starts the first ones, and ends the last ones when nothing was asked for long enough.

Between that the autoscaler has its own way with the same number. Pure, but for `count`, which asks Redis just what
KEDA's redis scaler asks it: by the kind of the key, in a script, as a user of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

from redis.asyncio import Redis

from tests.bench.scaling.rule import Rule

# Whichever kind of key it is; one that is not there is taken for an empty list.
LENGTH = """
local kind = redis.call('type', KEYS[1]).ok
if kind == 'zset' then
  return redis.call('zcard', KEYS[1])
elseif kind == 'set' then
  return redis.call('scard', KEYS[1])
elseif kind == 'hash' then
  return redis.call('hlen', KEYS[1])
elseif kind == 'list' or kind == 'none' then
  return redis.call('llen', KEYS[1])
end
return redis.error_reply('ERR unsupported key type: ' .. kind)
"""


async def count(redis: Redis, rule: Rule) -> float:
    """The formula's value. Raises `RedisError`."""
    return rule.value({name: await redis.eval(LENGTH, 1, key) for name, key in rule.lists.items()})


@dataclass(slots=True)
class Keda:
    rule: Rule
    _active_at: float | None = None

    def poll(self, now: float, asked: int, value: float | None) -> int:
        """How many there are to be, where `asked` are asked for now; `value` is None where Redis did not answer."""
        if value is None:
            return asked
        if value > self.rule.activation:
            self._active_at = now
            return max(asked, self.rule.least, 1)
        if asked > self.rule.idle and (self._active_at is None or now - self._active_at > self.rule.cooldown):
            return self.rule.idle
        return asked
