"""A cluster as one client of redis-py's: each command goes to the node that has its key.

The rule: who asks the wrong node is sent to the right one; a slot that is on its way or has nobody, and a node that is
not reached, are asked again, and learnt anew, for `PATIENCE_SECONDS`, and are away then. What is asked without a key is
answered by any node. Channels are sharded: what scripts publish is heard where their keys are.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.commands.core import AsyncScript
from redis.exceptions import NoScriptError

from app.stream.redis.cluster.nodes import Node, Nodes
from app.stream.redis.cluster.patience import NoNodeError, Patience
from app.stream.redis.cluster.slots import Answer, Place, redirection_of, slot_of
from app.stream.redis.refusals import NO_ANSWER, Kind, refusal_of
from app.stream.scripts import sharded

# How often a pipeline is put together anew for what went to the wrong node.
ROUNDS = 3
_WITH_KEYS_BEHIND = ("EVAL", "EVALSHA", "EVAL_RO", "EVALSHA_RO", "FCALL")
_KEYLESS = frozenset(
    {"PING", "TIME", "INFO", "CLUSTER", "ROLE", "SCRIPT", "PUBSUB", "CONFIG", "CLIENT", "ACL", "DBSIZE"}
)

NOWHERE: Place = ("", 0)

Command = tuple[tuple[Any, ...], Mapping[str, Any]]


class Sharded(Redis):
    """`nodes` are its own, and closed with it; `first` lends what is asked of a client that asks nobody."""

    def __init__(self, nodes: Nodes, first: Redis) -> None:
        super().__init__(connection_pool=first.connection_pool)
        self.nodes = nodes
        self.known = nodes.known
        self._texts: dict[str, str] = {}

    def register_script(self, script: Any) -> AsyncScript:  # type: ignore[override]  # redis-py's types mix both clients
        made = super().register_script(sharded(script))
        self._texts[made.sha] = str(made.script)
        return made

    def pipeline(self, transaction: bool = True, _shard_hint: str | None = None) -> Pipeline:  # noqa: FBT001, FBT002  # redis-py's
        if transaction:
            raise NotImplementedError("nothing spans the nodes of a cluster")
        return _Pipeline(self)

    async def aclose(self, close_connection_pool: bool | None = None) -> None:  # noqa: FBT001  # redis-py's
        await self.nodes.aclose()
        await super().aclose(close_connection_pool)

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        command = _of_shards(args)
        slot = _slot_of(command)
        return await (self._of_any(command, options) if slot is None else self._of_slot(slot, command, options))

    async def pubsub_numsub(self, *args: Any, **options: Any) -> list[tuple[bytes, int]]:
        """Each asked of the node that has it."""
        names = [name.encode() if isinstance(name, str) else name for name in args]
        sent: dict[Node, list[bytes]] = {}
        for name in names:
            sent.setdefault(await self._owner(slot_of(name)), []).append(name)
        asked = (node.client.pubsub_shardnumsub(*own, **options) for node, own in sent.items())
        found = dict(pair for pairs in await asyncio.gather(*asked) for pair in pairs)
        return [(name, found[name]) for name in names]

    async def execute_all(self, commands: Sequence[Command]) -> list[Any]:
        """The answers of all, and errors in the place of some: one trip to each node that has a key of them."""
        made = [(_of_shards(args), options) for args, options in commands]
        answers: list[Any] = [None] * len(made)
        waiting: list[int] = list(range(len(made)))
        for _ in range(ROUNDS):
            if waiting:
                waiting = await self._round(made, answers, waiting)
        # What is left is on its way from one node to another, or to be brought its script; or nobody has it, for now.
        alone = [number for number, answer in enumerate(answers) if _is_on_its_way(answer)]
        for number, answer in enumerate(answers):
            if number not in alone and isinstance(answer, Exception) and redirection_of(answer, NOWHERE) is not None:
                answers[number] = NoNodeError(refusal_of(answer).words)
        asked = (self.execute_command(*made[number][0], **made[number][1]) for number in alone)
        for number, answer in zip(alone, await asyncio.gather(*asked, return_exceptions=True), strict=True):
            if isinstance(answer, BaseException) and not isinstance(answer, NO_ANSWER):
                raise answer
            answers[number] = answer
        return answers

    async def _round(self, made: Sequence[Command], answers: list[Any], waiting: Iterable[int]) -> list[int]:
        """Sends these; returns those that are to be sent to another node than they were."""
        sent = await self._shared_out(made, answers, waiting)
        away = await asyncio.gather(*(self._together(node, made, answers, numbers) for node, numbers in sent.items()))
        for node in (doubted := [node for node, is_away in zip(sent, away, strict=True) if is_away]):
            self.nodes.doubt(node)
        if doubted:
            await self.nodes.learn()
        again = [
            number
            for node, numbers in sent.items()
            for number in numbers
            if isinstance(answers[number], Exception)
            and self._is_elsewhere(node, _slot_of(made[number][0]), answers[number])
        ]
        return sorted(again)

    async def _shared_out(
        self, made: Sequence[Command], answers: list[Any], waiting: Iterable[int]
    ) -> dict[Node, list[int]]:
        """Which are whose; those of nobody are answered by that."""
        sent: dict[Node, list[int]] = {}
        for number in waiting:
            slot = _slot_of(made[number][0])
            try:
                node = await self._owner(slot) if slot is not None else (await self._there())[0]
            except NoNodeError as error:
                answers[number] = error
            else:
                sent.setdefault(node, []).append(number)
        return sent

    def _is_elsewhere(self, node: Node, slot: int | None, error: Exception) -> bool:
        """Whether what `node` did not answer is another one's by now."""
        said = redirection_of(error, node.place)
        if said is not None and said.answer is Answer.MOVED:
            self.nodes.moved(said.slot, said.place)
        is_owners = slot is None or self.nodes.of_slot(slot) is node
        return not is_owners and (said is not None or _is_away(error))

    @staticmethod
    async def _together(node: Node, made: Sequence[Command], answers: list[Any], numbers: Sequence[int]) -> bool:
        """Sends these to a node; returns whether it was not reached."""
        async with node.client.pipeline(transaction=False) as pipe:
            for number in numbers:
                args, options = made[number]
                pipe.execute_command(*args, **options)
            try:
                found = await pipe.execute(raise_on_error=False)
            except NO_ANSWER as error:
                found = [error] * len(numbers)
        for number, answer in zip(numbers, found, strict=True):
            answers[number] = answer
        return isinstance(found[0], Exception) and _is_away(found[0])

    async def _of_slot(self, slot: int, command: tuple[Any, ...], options: Mapping[str, Any]) -> Any:
        patience, there = Patience(), None
        while True:
            node = self.nodes.of_slot(slot) if there is None else self.nodes.at(there)
            try:
                if node is None:
                    raise NoNodeError(f"CLUSTERDOWN nobody has slot {slot}")
                return await self._sent(node, command, options, asking=there is not None)
            except NO_ANSWER as error:
                there = await self._next(error, slot, node, patience)

    async def _next(self, error: Exception, slot: int, node: Node | None, patience: Patience) -> Place | None:
        """Where it is to be asked for this once; None for who has the slot by now. Raises what is for who asked."""
        said = None if node is None else redirection_of(error, node.place)
        if said is None and not _is_away(error):
            raise error
        if said is not None and said.answer is not Answer.LATER and patience.hops():
            if said.answer is Answer.ASK:
                return said.place
            self.nodes.moved(said.slot, said.place)
            return None
        if node is not None:
            self.nodes.doubt(node)
        await self.nodes.learn()
        if self.nodes.of_slot(slot) is node or not patience.hops():
            await patience.wait(error)
        return None

    async def _sent(
        self, node: Node, command: tuple[Any, ...], options: Mapping[str, Any], *, asking: bool = False
    ) -> Any:
        try:
            return await _asked(node, command, options, asking=asking)
        except NoScriptError:
            text = self._texts.get(str(command[1]))
            if text is None:
                raise
            await node.client.script_load(text)
            return await _asked(node, command, options, asking=asking)

    async def _of_any(self, command: tuple[Any, ...], options: Mapping[str, Any]) -> Any:
        for node in (nodes := await self._there()):
            try:
                return await _asked(node, command, options)
            except NO_ANSWER as error:
                if node is nodes[-1] or not _is_away(error):
                    raise
        raise AssertionError

    async def _owner(self, slot: int) -> Node:
        """Raises `NoNodeError`."""
        node = self.nodes.of_slot(slot)
        if node is None:
            await self.nodes.learn()
            node = self.nodes.of_slot(slot)
        if node is None:
            raise NoNodeError(f"CLUSTERDOWN nobody has slot {slot}")
        return node

    async def _there(self) -> list[Node]:
        """All primaries, in any order. Raises `NoNodeError` where none is known."""
        if not self.nodes.primaries:
            await self.nodes.learn()
        if not (nodes := self.nodes.primaries):
            raise NoNodeError("CLUSTERDOWN no node is known")
        random.shuffle(nodes)
        return nodes


class _Pipeline(Pipeline):
    """Commands without a transaction, whichever nodes have their keys."""

    def __init__(self, client: Sharded) -> None:
        super().__init__(client.connection_pool, client.response_callbacks, transaction=False, shard_hint=None)
        self._client = client

    async def execute(self, raise_on_error: bool = True) -> list[Any]:  # noqa: FBT001, FBT002  # redis-py's
        commands, self.command_stack = self.command_stack, []
        answers = await self._client.execute_all(commands)
        for answer in answers if raise_on_error else ():
            if isinstance(answer, Exception):
                raise answer
        return answers


async def _asked(node: Node, command: tuple[Any, ...], options: Mapping[str, Any], *, asking: bool = False) -> Any:
    if not asking:
        return await node.client.execute_command(*command, **options)  # type: ignore[no-untyped-call]
    async with node.client.pipeline(transaction=False) as pipe:
        pipe.execute_command("ASKING")
        pipe.execute_command(*command, **options)
        _, answer = await pipe.execute(raise_on_error=False)
    if isinstance(answer, Exception):
        raise answer
    return answer


def _of_shards(command: tuple[Any, ...]) -> tuple[Any, ...]:
    """What is published is heard where its channel's keys are."""
    return ("SPUBLISH", *command[1:]) if command[0] == "PUBLISH" else command


def _slot_of(command: Sequence[Any]) -> int | None:
    """None for what any node may answer."""
    name = str(command[0]).partition(" ")[0]
    if name in _KEYLESS:
        return None
    place = 3 if name in _WITH_KEYS_BEHIND else 1
    return slot_of(command[place]) if len(command) > place else None


def _is_away(error: BaseException) -> bool:
    return refusal_of(error).kind in (Kind.AWAY, Kind.ELSEWHERE)


def _is_on_its_way(answer: Any) -> bool:
    """Whether it is to be asked by itself."""
    if not isinstance(answer, Exception):
        return False
    said = redirection_of(answer, NOWHERE)
    return isinstance(answer, NoScriptError) or (said is not None and (said.answer is not Answer.LATER or said.passes))
