from __future__ import annotations

from tests.mutations.mutation import Mutation

ROWS = (
    Mutation(
        "fence off: whoever appends may",
        "app/stream/scripts/log/append.lua",
        "if fence < held or (fence == held and facts[2] ~= ARGV[3]) then",
        "if false then",
    ),
    Mutation(
        "the same fence under another name counts as ours",
        "app/stream/scripts/log/append.lua",
        "if fence < held or (fence == held and facts[2] ~= ARGV[3]) then",
        "if fence < held then",
    ),
    Mutation(
        "idempotent append off: a repeated append is not recognised",
        "app/stream/scripts/log/append.lua",
        "if length > at and length <= at + #frames then",
        "if false then",
    ),
    Mutation(
        "an append may follow the ending",
        "app/stream/scripts/log/append.lua",
        "if facts[3] == 'ended' then",
        "if false then",
    ),
    Mutation(
        "id proof off: any offset is honoured",
        "app/stream/scripts/log/read.lua",
        "if bytes:sub(1, #ARGV[2]) == ARGV[2] then",
        "if true then",
    ),
    Mutation(
        "who asks again forgets that another was told",
        "app/stream/scripts/log/keep.lua",
        "shared and 'shared' or ARGV[2]",
        "ARGV[2]",
    ),
    Mutation(
        "a retry is given the stream that is being withdrawn",
        "app/stream/scripts/log/withdraw.lua",
        "'cancel', '1', 'withdrawn', ARGV[3])",
        "'cancel', '1')",
    ),
    Mutation(
        "what the line refused lives on with its front",
        "app/stream/scripts/log/open.lua",
        "redis.call('PEXPIRE', KEYS[1], ARGV[1])",
        "redis.call('PEXPIRE', KEYS[1], ARGV[1] * 60)",
    ),
    Mutation(
        "a withdrawal leaves no mark",
        "app/stream/scripts/log/withdraw.lua",
        "redis.call('HSET', KEYS[1], 'state', 'ended', 'withdrawn', ARGV[3], 'outcome', 'cancelled', 'ended_at', now)",
        "redis.call('DEL', KEYS[1])",
    ),
    Mutation(
        "a withdrawal takes what another request was told of",
        "app/stream/scripts/log/withdraw.lua",
        "if facts[3] and facts[3] ~= ARGV[1] then",
        "if false then",
    ),
    Mutation(
        "a chat is taken whether or not its stream was",
        "app/stream/scripts/conversations/chat_take.lua",
        "if KEYS[3] ~= KEYS[1] and redis.call('EXISTS', KEYS[3]) == 0 then",
        "if false then",
    ),
    Mutation(
        "an answer's time ends before its conversation has it",
        "app/stream/scripts/log/append.lua",
        "    life = ARGV[7]\n",
        "",
    ),
    Mutation(
        "an answer that its conversation has is kept for a day more",
        "app/stream/scripts/log/release.lua",
        "if not at then",
        "if true then",
    ),
    Mutation(
        "an ended stream without a log is an empty one for ever",
        "app/stream/scripts/log/read.lua",
        "if facts[1] == 'ended' and length == 0 then",
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
        'return "#!lua flags=allow-oom\\n" + source(*names)',
        'return "-- full\\n" + source(*names)',
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
)
