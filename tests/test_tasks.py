"""No task and no thread of a front or of a worker is anybody's business but its keeper's.

What lives as long as its process is a `Supervised`, `Rounds` or `SupervisedThread`: told when it falls, counted, begun
again. Every other task is short, and stands here with who waits for it or ends it; what one of them raises and nobody
catches is told by `app/watch/strays.py`.

A new line fails here: make it a supervised one, or add it with its keeper. A line that is gone fails as well.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Whatever begins something that goes on beside who began it.
BEGINS = {"create_task", "ensure_future", "TaskGroup", "Thread", "Timer", "ThreadPoolExecutor"}
BEGINS |= {"run_coroutine_threadsafe", "run_in_executor"}
# Commands, which end with what they were asked for, and the parent of `keepstream dev`, which keeps processes.
COMMANDS = ("app/dev", "app/doctor", "app/terminal")

SUPERVISION = {
    "app/stream/concurrency/tasks.py Supervised.start",
    "app/stream/concurrency/threads.py SupervisedThread.__init__",
}
KEPT = {
    "app/access/identity/jwks_remote.py RemoteKeys._ask": "one question; awaited by all who ask, ended by `aclose`",
    "app/access/screening/asking.py Screening._ask": "one prompt; awaited for its time, and then cancelled",
    "app/clients/python/keepstream/testing.py _said": "the lines of a process of a test; over when that is",
    "app/faces/board/gathering.py Gathering._gather": "one look; awaited by the beat, ended with the front",
    "app/faces/board/gathering.py Gathering.streams": "one look; awaited by all who ask, ended with the front",
    "app/faces/base/answer.py FollowingAnswer.__call__": "one client's connection; ended with its answer",
    "app/faces/native/push.py PushReader._start": "one reader's way to the end; catches all, and sends the reader away",
    "app/fanout/hub.py Hub.join": "one tail's beginning; awaited by its readers, ended with the last of them",
    "app/fanout/repair.py Repair.ask": "one repair; catches all, ended with its tail",
    "app/fanout/shaping/shape.py Shape._read_on": "one reading; catches all, ended with the last reader who wants it",
    "app/fanout/shared_log.py SharedLog._shared": "one reading; awaited by all who want it",
    "app/http/bulk.py Bulk._made": "one large body; awaited by all who want it",
    "app/http/connection/tls/handshakes.py Handshakes._accept": "one greeting; bounded in time, ended by `stop`",
    "app/http/health.py Readiness.missing": "one question; bounded in time, awaited by all who ask",
    "app/intake/owed.py Owed.add": "what is owed; `_try` catches all, and it ends when all is paid",
    "app/intake/streams.py Streams._look": "one look at a stream that nobody reads; tells what it leaves to a worker",
    "app/main.py serve": "the server and the check of Redis; awaited by `until_stopped` and at the end",
    "app/signals.py until_stopped": "the signal; awaited right there",
    "app/stream/redis/cluster/subscribed.py ShardedChannel._settle": "one connection's end; ended with the channel",
    "app/stream/redis/cluster/nodes.py Nodes._first": "one question; awaited right there, and ended",
    "app/stream/redis/cluster/nodes.py Nodes._learn": "one look; awaited by all who ask, ended by `aclose`",
    "app/stream/redis/cluster/wholeness.py anybody_serves": "one question to each node; ended right there",
    "app/stream/redis/servers.py Servers.until_fit": "the checks of both servers; awaited right there, and ended",
    "app/watch/traces/sending.py Batches.leave": "the last spans; waited for right there, for a bounded time",
    "worker/claims/cancels.py _Receiver.start": "one stream's channel; ended by `stop`, looked after by `watch`",
    "worker/claims/cancels.py _Receiver.gap": "one look; what it misses is found by `watch`",
    "worker/claims/pool.py Pool._take": "one stream's life; held in its lease, awaited by `empty`",
    "worker/drain.py _race": "awaited right there, and ended",
    "worker/life/calling/announce.py Announcer.announce": "one aside; ended by `close`",
    "worker/life/calling/announce.py Announcer.withdraw": "one aside; ended by `close`",
    "worker/life/life.py Life.prepare": "a stream's beginning; awaited by `live`, and heard if it is not",
    "worker/life/tooling/running.py Tools._answer": "the calls of one turn; awaited right there, ended by `close`",
    "worker/life/saving/sharing.py Share.cancel": "one farewell; ended by `close`",
    "worker/log/lanes.py Lanes.sent_elsewhere": "one append that is half on its way; ended with the lanes",
    "worker/process.py _serve": "the entering; awaited right there",
    "worker/tools/running/threads.py Threads.run": "one plain function; left to itself where it hangs, and counted",
    "worker/tools/toolbox.py Toolbox._outcome": "one call of a tool; bounded in time, then cancelled, and counted",
    "worker/tools/toolbox.py Toolbox._wrong": "one call of a tool; bounded in time, then cancelled, and counted",
    "worker/upstream/claude.py Claude.call": "the last bytes of one answer; bounded in time, ended by `close`",
    "worker/upstream/gate.py _Model.stir": "one model's gate; catches all, and opens where it fails",
}


def begun(tops: tuple[str, ...] = ("app", "worker")) -> Iterator[str]:
    for top in tops:
        for path in sorted((ROOT / top).rglob("*.py")):
            name = path.relative_to(ROOT).as_posix()
            if not name.startswith(COMMANDS):
                yield from (f"{name} {where}" for where in begun_in(ast.parse(path.read_text())))


def begun_in(node: ast.AST, inside: tuple[str, ...] = ()) -> Iterator[str]:
    """The functions in which something is begun."""
    for child in ast.iter_child_nodes(node):
        within = inside
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            within = (*inside, child.name)
        elif isinstance(child, ast.Call):
            called = child.func
            name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
            if name in BEGINS:
                yield ".".join(inside)
        yield from begun_in(child, within)


def test_every_task_and_thread_has_its_keeper() -> None:
    found = set(begun())
    assert found - SUPERVISION - KEPT.keys() == set()
    assert (SUPERVISION | KEPT.keys()) - found == set()


def test_what_is_begun_is_found() -> None:
    text = "class A:\n  async def b(self):\n    x = [asyncio.create_task(c()) for c in d]\nThread(target=e).start()\n"
    assert list(begun_in(ast.parse(text))) == ["A.b", ""]
