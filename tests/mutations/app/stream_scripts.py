from __future__ import annotations

from tests.mutations.mutation import Mutation

ROWS = (
    Mutation(
        "a chat is taken whether or not its stream was",
        "app/stream/scripts/conversations/chat_take.lua",
        "if KEYS[3] ~= KEYS[1] and redis.call('EXISTS', KEYS[3]) == 0 then",
        "if false then",
    ),
    Mutation(
        "what a refusal says of the rate is not learnt",
        "app/stream/scripts/gate/rate.lua",
        "gate.rate = math.max(high * RATE_FACTOR, gate.rate * least)",
        "gate.rate = gate.rate * RATE_FACTOR",
    ),
    Mutation(
        "what an upstream has saved up is taken for its rate",
        "app/stream/scripts/gate/rate.lua",
        "return math.max(1, gate.first - rate * gate.first_ms / 1000)",
        "return 1",
    ),
    Mutation(
        "what comes back in a silence doubles with every question",
        "app/stream/scripts/gate/law.lua",
        "returns = gate.silences > 0 and gate.before / GATE_RETURN_MS or 0",
        "returns = 2 * math.max(GATE_RETURN, gate.given) / 1000",
    ),
    Mutation(
        "a clock that is set back holds a model until it has caught up",
        "app/stream/scripts/gate/law.lua",
        "  if back > 0 then",
        "  if false then",
    ),
    Mutation(
        "a volley of refusals counts as many",
        "app/stream/scripts/gate/law.lua",
        "if told.era >= gate.era or gate.era == 1 then",
        "if true then",
    ),
    Mutation(
        "calls of a worker that died in them make a limit smaller for ever",
        "app/stream/scripts/gate/gate.lua",
        "if now - said[2] > GATE_SAID_MS then",
        "if false then",
    ),
    Mutation(
        "calls that are under way are not taken off what is left",
        "app/stream/scripts/gate/law.lua",
        "known.left = left - known.cost * told.open",
        "known.left = left",
    ),
    Mutation(
        "nothing runs on a full Redis: no cancel, no ending, no drain",
        "app/stream/scripts/__init__.py",
        '"#!lua flags=allow-oom\\n" + source(*names)',
        '"-- full\\n" + source(*names)',
    ),
    Mutation(
        "an answer of any age is given again",
        "app/stream/scripts/saved/ask.lua",
        "if kept[1] and tonumber(kept[2]) + ARGV[2] > now then",
        "if kept[1] then",
    ),
    Mutation(
        "who has no worker keeps its place before those that ask the same",
        "app/stream/scripts/saved/ask.lua",
        "if ends and tonumber(ends) > ended then",
        "if ends then",
    ),
    Mutation(
        "the kept answers have no bound",
        "app/stream/scripts/saved/keep.lua",
        "or '0') + size > most do",
        "or '0') < 0 do",
    ),
    Mutation(
        "a kept answer that is used is as old as one that is not",
        "app/stream/scripts/saved/ask.lua",
        "redis.call('ZADD', KEYS[3], 'XX', now, ARGV[3])",
        "",
    ),
    Mutation(
        "who has lost its claim takes a place at the gate from who waits there",
        "app/stream/scripts/gate/leave.lua",
        "if tonumber(redis.call('ZSCORE', KEYS[1], ARGV[1]) or 0) < 0 then",
        "if true then",
    ),
    Mutation(
        "what a process left twice under one number counts twice",
        "app/stream/scripts/board/leave.lua",
        "if tonumber(ARGV[2]) > tonumber(number or 0) then",
        "if true then",
    ),
    Mutation(
        "what a front is about to end runs",
        "app/stream/scripts/board/look.lua",
        "  if redis.call('ZSCORE', KEYS[10], name) then",
        "  if true then",
    ),
    Mutation(
        "what is spent in all is not what is spent by each",
        "app/stream/scripts/board/step.lua",
        "    step_add(day, 'nano', nano)\n",
        "",
    ),
    Mutation(
        "who was dead when the clock was set back lives until it comes there again",
        "app/stream/scripts/board/leave.lua",
        "if before and tonumber(before) > now then",
        "if false then",
    ),
    Mutation(
        "what has lost its lease is held as long as others have theirs",
        "app/stream/scripts/board/held.lua",
        "if late == 0 and redis.call('HLEN', claims) == all then",
        "if true then",
    ),
    Mutation(
        "what an edit takes the place of is lost",
        "app/stream/scripts/conversations/change.lua",
        "if put ~= '' then",
        "if false then",
    ),
    Mutation(
        "a deleted conversation leaves its versions behind",
        "app/stream/scripts/conversations/change.lua",
        "  redis.call('DEL', messages, KEYS[4], versions)",
        "  redis.call('DEL', messages, KEYS[4])",
    ),
    Mutation(
        "on a cluster all nodes hear of each token",
        "app/stream/scripts/__init__.py",
        """text.replace("'PUBLISH'", "'SPUBLISH'")""",
        "text",
    ),
)
