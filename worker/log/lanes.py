"""Group commit on a cluster: a lane for each node, and each append in that of the node that has its stream.

The rule: an append is in one lane at a time. What a node sends elsewhere goes to the lane there, and what lay in the
lane of a node that has nothing any more goes to those that have it now; `append.lua` recognises what stood by then. A
slot that is half on its way is asked for by itself, until it is answered; nothing here gives an append up.
"""

from __future__ import annotations

import asyncio
from typing import Self

from redis.asyncio import Redis

from app.stream import keys
from app.stream.concurrency.tasks import Pause, Supervised, end
from app.stream.counts.distribution import Distribution
from app.stream.log import appended
from app.stream.redis.cluster.nodes import Node
from app.stream.redis.cluster.sharded import Sharded
from app.stream.redis.cluster.slots import Answer, redirection_of, slot_of
from app.stream.redis.refusals import NO_ANSWER, tell_refusal
from worker.log.commit import (
    BATCH_FRAMES,
    FULL_SECONDS,
    RECONNECT_SECONDS,
    RECONNECT_SECONDS_MAX,
    Committer,
    Item,
    refuse,
)
from worker.log.sending import Scripts
from worker.log.writer import Append, Writer


class Lanes:
    """As a `Committer`, of a cluster. Its nodes are learnt by `redis`, which is to be watched."""

    def __init__(self, redis: Sharded) -> None:
        self._redis = redis
        self._nodes = redis.nodes
        self.scripts = Scripts.of(cluster=True)
        for text in self.scripts.texts:
            redis.register_script(text)
        self.batch_frames = Distribution(BATCH_FRAMES)
        self._lanes: dict[Node, Lane] = {}
        # Those whose slot nobody has.
        self._nowhere: list[Item] = []
        self._waiting: list[Writer] = []
        self._errands: set[asyncio.Task[None]] = set()
        self._troubled = asyncio.Event()
        self._work = Supervised("commit-nodes", self._mend)

    async def __aenter__(self) -> Self:
        self._nodes.tell(self._troubled.set)
        self._work.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._work.stop()
        await asyncio.gather(*(lane.stop() for lane in self._lanes.values()))
        await end(*self._errands)

    @property
    def broken_for(self) -> float:
        """As a `Committer`'s: of the lane that is worst off."""
        return max((lane.broken_for for lane in self._lanes.values()), default=0.0)

    def ready(self, writer: Writer) -> None:
        """The writer is asked for its append with the next batch."""
        lane = self._lane_of(writer)
        if lane is not None:
            lane.ready(writer)
        else:
            self._waiting.append(writer)
            self._troubled.set()

    def sent_elsewhere(self, node: Node, item: Item, error: Exception) -> bool:
        """Whether an append that `node` did not take is somebody else's to send."""
        said = redirection_of(error, node.place)
        if said is None:
            return False
        if said.answer is Answer.LATER:
            self.trouble(node)
            return False
        if said.answer is Answer.ASK:
            task = asyncio.create_task(self._run_errand(*item), name="commit-errand")
            self._errands.add(task)
            task.add_done_callback(self._errands.discard)
            return True
        self._nodes.moved(said.slot, said.place)
        self._give(item)
        return True

    def trouble(self, node: Node) -> None:
        """It does not take what it should."""
        self._nodes.doubt(node)
        self._troubled.set()

    def _lane_of(self, writer: Writer) -> Lane | None:
        node = self._nodes.of_slot(slot_of(keys.log(writer.claim.stream_id)))
        if node is None:
            return None
        if node not in self._lanes:
            self._lanes[node] = Lane(node, self).start()
        return self._lanes[node]

    def _give(self, item: Item) -> None:
        lane = self._lane_of(item[0])
        if lane is not None:
            lane.give(item)
        else:
            self._nowhere.append(item)
            self._troubled.set()

    async def _run_errand(self, writer: Writer, append: Append) -> None:
        """One append by itself, wherever that leads."""
        names, args = writer.arguments(append)
        sha = self.scripts.sha_of(writer, append).decode()
        reply = None
        while reply is None and writer.refusal is None:
            try:
                reply = await self._redis.execute_command("EVALSHA", sha, len(names), *names, *args)
            except NO_ANSWER as error:
                if tell_refusal("appends", error).passes:
                    await asyncio.sleep(FULL_SECONDS)
                else:
                    refuse(writer, error)
        if reply is not None:
            writer.settle(appended(reply))

    async def _mend(self) -> None:
        """Learns who has what, and lets nothing lie where nobody sends it."""
        pause = Pause(RECONNECT_SECONDS, RECONNECT_SECONDS_MAX)
        while True:
            if not self._troubled.is_set():
                pause.reset()
            await self._troubled.wait()
            self._troubled.clear()
            await self._nodes.learn()
            await self._settle()
            if self._nowhere or self._waiting:
                self._troubled.set()
            await pause.wait()

    async def _settle(self) -> None:
        primaries = set(self._nodes.primaries)
        items, self._nowhere = self._nowhere, []
        writers, self._waiting = self._waiting, []
        for node in primaries and self._lanes.keys() - primaries:
            lane = self._lanes.pop(node)
            await lane.stop()
            items += lane.left
            writers += lane.unasked
        for item in items:
            self._give(item)
        for writer in writers:
            self.ready(writer)


class Lane(Committer):
    """The appends of one node's streams."""

    def __init__(self, node: Node, of: Lanes) -> None:
        super().__init__(node.client, of.scripts, of.batch_frames)
        self._node = node
        self._of = of
        self._given: list[Item] = []

    def give(self, item: Item) -> None:
        """An append that was under way in another lane."""
        self._given.append(item)
        self._stir()

    @property
    def left(self) -> list[Item]:
        """What was taken from its writers, and has no answer."""
        return [*self._unanswered, *self._refused, *self._given]

    @property
    def unasked(self) -> list[Writer]:
        """Who was to be asked."""
        return self._ready

    def _gather(self) -> list[Item]:
        given, self._given = self._given, []
        self._unanswered = [*self._unanswered, *given]
        return super()._gather()

    async def _session(self) -> None:
        try:
            await super()._session()
        finally:
            self._of.trouble(self._node)

    def _is_kept(self, item: Item, error: Exception) -> bool:
        return not self._of.sent_elsewhere(self._node, item, error) and super()._is_kept(item, error)


def committing(redis: Redis) -> Committer | Lanes:
    """What carries appends to the streams' server."""
    return Lanes(redis) if isinstance(redis, Sharded) else Committer(redis)
