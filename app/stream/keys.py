"""Every Redis key and channel, with its lifetime. No other module makes one up.

A stream's keys carry the hash tag `{id}`, the queue's the tag `{queue}`: the scripts never cross, so logs may live on
another server than the queue, or on a cluster.

`ks:{id}:log`, `ks:{id}:meta`
    `SUBMIT_SECONDS` until the submit is confirmed, and once it is withdrawn; else `STREAM_SECONDS_MAX` + `STREAM_TTL`
    and a margin; `STREAM_TTL` from the ending on, and as long as the tomb until a conversation has its answer
`ks:{id}:tomb`
    `TOMB_SECONDS` longer than the log: tells 410 from 404
`ks:{id}:rest`
    as long as its log, which is a cancelled stream's: what others are given of its call (scripts/log/rest.lua)
`ks:{id}:wait`
    stands for as long as the stream waits before a call, as it was told last
`ks:{id}:home`
    `CONVERSATION_TTL` after its answer was added to a conversation: which one, for who rates it when it is gone itself
`ks:{cv id}:log`, `ks:{cv id}:meta`, `ks:{cv id}:messages`, `ks:{cv id}:opinions`, `ks:{cv id}:versions`
    a conversation's: `CONVERSATION_TTL` after its last use; `DELETED_SECONDS` once it is deleted, and then a tomb. The
    last one holds what edits and regenerations took the place of, and is bounded with the messages
`ks:{owner's digest}:conversations`
    `CONVERSATION_TTL` after the last use of any; bounded by the number that an owner may keep
`ks:{queue}:jobs`, `…:since`, `…:owners`, `…:turns`, `…:newer`
    `QUEUE_SECONDS` after their last use; bounded by `QUEUE_LIMIT`, the turns also by who was just served. Beside
    each line, `…:<digest of a tenant's name>:ids`, `…:places`, `…:turns`, bounded by those of it that wait
`ks:{queue}:leases`, `…:claims`, `…:fence`, `…:workers`, `…:sizes`, `…:bytes`
    likewise; the sizes are bounded by the jobs that are not done
`ks:{queue}:clock`
    likewise: how long leases could be renewed, which is what they end by
`ks:{queue}:approvals`
    likewise: who waits for a person, by when that is over; bounded by the streams that have not ended
`ks:{queue}:account:<digest>`, `…:open`
    `QUEUE_SECONDS` after their last use; the second is bounded by the streams that have not ended, and by their life
`ks:{queue}:reserved:<id>`
    as long as its stream may live, or until it is done
`ks:{queue}:replay:<holder>`
    `REPLAY_SECONDS`: the last claim's answer, for the retry of a claim whose reply was lost
`ks:{queue}:idem:<digest>`
    as long as its stream may live
`ks:{queue}:gate:<digest>`, `…:line`, `…:turns`, `ks:{queue}:held`, `ks:{queue}:lines`
    `GATE_SECONDS` after the model's last call; lines and turns `QUEUE_SECONDS` after their last use, bounded by jobs
`ks:{queue}:chat:<digest>`, `…:before`
    as long as the stream it names may live; `SUBMIT_SECONDS`
`ks:{queue}:ticket-secret`
    `QUEUE_SECONDS` after a front last asked for it, which is longer than any ticket lives
`ks:{queue}:usage:<tenant's digest>:<day since 1970>`
    `USAGE_DAYS` after its last stream; bounded by the users and models of a tenant's day (queue/usage.lua)
`ks:{queue}:session:<digest>`
    as long as the session may live, and no longer than its key or token
`ks:{queue}:sessions:<owner's digest>`
    as long as any session may live, after the last was opened; bounded by how many an owner may have
`ks:{queue}:saved:<digest>`
    an answer, for as long as it was asked to be kept; with the others bounded by `CACHE_BYTES`
`ks:{queue}:saved-used`, `…:saved-until`, `…:saved-sizes`
    `SAVED_SECONDS` after the last answer was kept, which is longer than any is; bounded by the answers
`ks:{queue}:running:<digest>`
    as long as the stream it names may live
`ks:{queue}:tools`, `…:tool-texts`
    `QUEUE_SECONDS` after a worker last said what it offers; bounded by the workers that are there, and
    `OFFER_BYTES_MAX` for each that offers something else
`ks:{queue}:processes`, `ks:{queue}:seen`
    `STEP_LIFE` of `scripts/board/step.lua` after a process last left its numbers, or something was seen; bounded by the
    processes that lived within it, and by `SEEN_LENGTH`
`ks:{queue}:step:<ten seconds since 1970>`, `ks:{queue}:day:<day since 1970>`
    `STEP_LIFE` and `DAY_LIFE` of the same: what all processes together counted; bounded by our words for it
`ks:{queue}:rated:<id>`
    `QUEUE_SECONDS` after somebody last rated the answer of a stream; bounded by the streams
`ks:{queue}:outbox`
    about `OUTBOX_LENGTH` entries, `QUEUE_SECONDS` after the last
`arq:job:{queue}:<id>`, `arq:retry:{queue}:<id>`
    arq's own, made in its format and under its names; as long as the stream may live, and the first `SUBMIT_SECONDS`
    after its ending
"""

from __future__ import annotations

import hashlib

from arq.constants import job_key_prefix, retry_key_prefix

SUBMIT_SECONDS = 60
TOMB_SECONDS = 24 * 3600
# A deleted conversation's events stay for so long, to tell the readers that come back.
DELETED_SECONDS = 600
# Longer than any stream can live, so that none of these can vanish under a running one.
QUEUE_SECONDS = 60 * 24 * 3600
REPLAY_SECONDS = 60
OUTBOX_LENGTH = 10_000
SEEN_LENGTH = 60
# Longer than any answer may be kept.
SAVED_SECONDS = 184 * 24 * 3600
# What was learnt of an upstream's limits is forgotten after so long without a call.
GATE_SECONDS = 300

JOBS = "ks:{queue}:jobs"
SINCE = "ks:{queue}:since"
OWNERS = "ks:{queue}:owners"
TURNS = "ks:{queue}:turns"
NEWER = "ks:{queue}:newer"
LEASES = "ks:{queue}:leases"
CLAIMS = "ks:{queue}:claims"
FENCE = "ks:{queue}:fence"
SIZES = "ks:{queue}:sizes"
BYTES = "ks:{queue}:bytes"
WORKERS = "ks:{queue}:workers"
CLOCK = "ks:{queue}:clock"
APPROVALS = "ks:{queue}:approvals"
OUTBOX = "ks:{queue}:outbox"
# What each worker offers as tools, by the digest of its definitions, and those.
TOOLS = "ks:{queue}:tools"
TOOL_TEXTS = "ks:{queue}:tool-texts"
# What fronts and workers leave of themselves, what was counted in each step and on each day, and what was seen.
PROCESSES = "ks:{queue}:processes"
STEPS = "ks:{queue}:step:"
DAYS = "ks:{queue}:day:"
SEEN = "ks:{queue}:seen"
WAKE = "ks:{queue}:wake"  # channel
TICKET_SECRET = "ks:{queue}:ticket-secret"  # noqa: S105  # the name of a key
# Stands while any model is held or near its limits: who finds it missing need not ask for the first calls.
HELD = "ks:{queue}:held"
# The models in whose lines somebody may wait.
LINES = "ks:{queue}:lines"

# The line's: the first keys of every script that puts a stream into it or takes one out (`scripts/queue/line.lua`).
LINE = (JOBS, SINCE, OWNERS, TURNS, SIZES, BYTES)

# What is counted of an owner, by a digest of the name, for that may hold anything; with `:open` behind it, for which
# streams.
ACCOUNT = "ks:{queue}:account:"

# The answers that are kept, by a digest of their request; and of all of them when each was last used, when it ends, and
# how large it is.
SAVED = "ks:{queue}:saved:"
SAVED_USED = "ks:{queue}:saved-used"
SAVED_UNTIL = "ks:{queue}:saved-until"
SAVED_SIZES = "ks:{queue}:saved-sizes"

_ARQ_ID = "{queue}:"


def log(stream_id: str) -> str:
    return f"ks:{{{stream_id}}}:log"


def meta(stream_id: str) -> str:
    return f"ks:{{{stream_id}}}:meta"


def tomb(stream_id: str) -> str:
    return f"ks:{{{stream_id}}}:tomb"


def home(stream_id: str) -> str:
    return f"ks:{{{stream_id}}}:home"


def wait(stream_id: str) -> str:
    return f"ks:{{{stream_id}}}:wait"


def rest(stream_id: str) -> str:
    return f"ks:{{{stream_id}}}:rest"


def channel(stream_id: str) -> str:
    return f"ks:{{{stream_id}}}"


def followers(stream_id: str) -> str:
    """The channel to which those listen that read along."""
    return f"ks:{{{stream_id}}}:followers"


def control(stream_id: str) -> str:
    return f"ks:{{{stream_id}}}:ctl"


def messages(conversation_id: str) -> str:
    return f"ks:{{{conversation_id}}}:messages"


def opinions(conversation_id: str) -> str:
    return f"ks:{{{conversation_id}}}:opinions"


def versions(conversation_id: str) -> str:
    return f"ks:{{{conversation_id}}}:versions"


def conversations(owner: str) -> str:
    return f"ks:{{{digest(owner)}}}:conversations"


def idempotency(owner: str, key: str) -> str:
    """A digest, because a client's key may be of any length and hold anything."""
    return "ks:{queue}:idem:" + digest(f"{owner}\0{key}")


def chat(owner: str, chat_id: str) -> str:
    """A digest, because a chat's id is the client's word."""
    return "ks:{queue}:chat:" + digest(f"{owner}\0{chat_id}")


def chat_before(owner: str, chat_id: str) -> str:
    return chat(owner, chat_id) + ":before"


def account(name: str) -> str:
    return ACCOUNT + digest(name)


def account_open(name: str) -> str:
    """For which streams something of an account is promised, each with how much; the scripts make it of the other."""
    return account(name) + ":open"


def digest(name: str) -> str:
    """What stands in a key for a name that may be of any length and hold anything."""
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()


def rated(stream_id: str) -> str:
    """What was said of its answer last."""
    return f"ks:{{queue}}:rated:{stream_id}"


def reserved(stream_id: str) -> str:
    """What is promised to a stream of its owner's accounts."""
    return f"ks:{{queue}}:reserved:{stream_id}"


def usage(tenant: str) -> str:
    """What a tenant's streams did use: the number of a day follows. A digest, because its name may hold anything."""
    return f"ks:{{queue}}:usage:{digest(tenant)}:"


def saved(digest: str) -> str:
    return SAVED + digest


def running(digest: str) -> str:
    """Which stream is being given the answer to a request."""
    return f"ks:{{queue}}:running:{digest}"


def session(digest: str) -> str:
    """By the digest of its cookie's value, which stands nowhere."""
    return f"ks:{{queue}}:session:{digest}"


def sessions(owner: str) -> str:
    return "ks:{queue}:sessions:" + digest(owner)


def replay(holder: str) -> str:
    return f"ks:{{queue}}:replay:{holder}"


def gate(model: str) -> str:
    """What all workers know of the limits of `model`. A digest, because a model's name is the client's word."""
    return "ks:{queue}:gate:" + digest(model)


def gate_line(model: str) -> str:
    return gate(model) + ":line"


def gate_turns(model: str) -> str:
    return gate(model) + ":turns"


def alive(worker: str) -> str:
    """The channel to which a worker alone subscribes, for as long as it lives."""
    return f"ks:{{queue}}:alive:{worker}"


def accord(process: str) -> str:
    """The channel by which a process finds out whether it listens where it writes."""
    return f"ks:{{queue}}:accord:{process}"


def hearing(process: str) -> str:
    """The same of the streams' server, where that is another one."""
    return f"ks:{{{process}}}:accord"


def arq_id(stream_id: str) -> str:
    """A stream's id as arq's job id: the hash tag puts the keys arq makes from it into the queue's slot."""
    return _ARQ_ID + stream_id


def stream_id_of(arq_job_id: str) -> str:
    return arq_job_id.removeprefix(_ARQ_ID)


def arq_job(stream_id: str) -> str:
    return str(job_key_prefix) + arq_id(stream_id)


def arq_retry(stream_id: str) -> str:
    return str(retry_key_prefix) + arq_id(stream_id)
