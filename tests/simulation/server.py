"""A Redis of the simulation: it runs the product's own scripts, one after the other, and each takes its time.

The rule: what a script decides is decided by its own text, and how long it takes is what was measured
(`tests/bench/sizing`); nothing here knows what a script is for. A client of it is used like redis-py's, as far as
`app.stream.queue` and `app.stream.workers.presence` do.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Sequence
from typing import Any, Self

import lupa.lua51
import orjson

from app.stream.scripts import NAMES, digest_of
from tests.simulation.keyspace import Keyspace

# From a client to a Redis of the same data centre, one way.
WAY_SECONDS = 0.00025
# When the simulation begins, by the server's clock.
EPOCH = 1_800_000_000
Cost = Callable[[str, Sequence[Any], Any], float]


class Server:
    """`cost`: the seconds that a script takes, by its name, its arguments and its reply; `told`: more of them, for each
    who hears what it publishes.
    """

    def __init__(self, cost: Cost, told: float = 0.0) -> None:
        self._loop = asyncio.get_running_loop()
        self._cost = cost
        self._each_told = told
        self._told = 0
        self._heard: dict[bytes, dict[object, Callable[[], None]]] = {}
        self.keyspace = Keyspace(
            lambda: EPOCH + self._loop.time(), lambda name: len(self._heard.get(name, ())), self._tell
        )
        self._lua = lupa.lua51.LuaRuntime(encoding=None, unpack_returned_tuples=True)
        self._table = self._lua.table_from
        self._given(b"redis", {b"call": self._call, b"pcall": self._call})
        self._given(b"cjson", {b"encode": _encode, b"decode": lambda text: self._table(orjson.loads(text))})
        self._scripts: dict[str, Script] = {}
        self._asked: deque[tuple[Callable[[], tuple[Any, float]], asyncio.Future[Any]]] = deque()
        self._busy = False
        self.clients: list[str] = []
        self.calls: Counter[str] = Counter()
        self.seconds: Counter[str] = Counter()
        self.busy_by_second: Counter[int] = Counter()

    def _given(self, name: bytes, functions: dict[bytes, Any]) -> None:
        self._lua.globals()[name] = self._table(functions)

    # --- as a client sees it

    def register_script(self, text: str) -> Script:
        if text not in self._scripts:
            body = "\n".join(line for line in text.splitlines() if not line.startswith("#!"))
            self._scripts[text] = Script(
                self, text, self._lua.execute(f"return function(KEYS, ARGV)\n{body}\nend".encode())
            )
        return self._scripts[text]

    def pipeline(self, *, transaction: bool) -> Pipeline:
        assert not transaction
        return Pipeline(self)

    def heard(self, channel: str) -> int:
        """How many hear it."""
        return len(self._heard.get(channel.encode(), ()))

    async def client_list(self) -> list[dict[str, str]]:
        self.calls["clients"] += 1
        clients = [{"name": name} for name in self.clients]
        return await self._ask("clients", lambda: (clients, self._cost("clients", (), clients)))  # type: ignore[no-any-return]

    def listen(self, channel: str, who: object, told: Callable[[], None]) -> None:
        self._heard.setdefault(channel.encode(), {})[who] = told

    def deafen(self, channel: str, who: object) -> None:
        """Its connection is gone."""
        self._heard.get(channel.encode(), {}).pop(who, None)

    # --- as it works

    def ask(self, script: Script, keys: Sequence[str], args: Sequence[Any]) -> asyncio.Future[Any]:
        """The reply to a script, when it is there."""

        def work() -> tuple[Any, float]:
            words = self._table([key.encode() for key in keys]), self._table([_word(arg) for arg in args])
            reply = _reply(script.function(*words))
            return reply, self._cost(script.name, args, reply)

        self.calls[script.name] += 1
        return self._ask(script.name, work)

    def _ask(self, name: str, work: Callable[[], tuple[Any, float]]) -> asyncio.Future[Any]:
        future: asyncio.Future[Any] = self._loop.create_future()

        def timed() -> tuple[Any, float]:
            before = self._told
            reply, seconds = work()
            seconds += (self._told - before) * self._each_told
            self.seconds[name] += seconds  # type: ignore[assignment]
            self.busy_by_second[int(self._loop.time())] += seconds  # type: ignore[assignment]
            return reply, seconds

        self._loop.call_later(WAY_SECONDS, self._comes, timed, future)
        return future

    def _comes(self, work: Callable[[], tuple[Any, float]], future: asyncio.Future[Any]) -> None:
        self._asked.append((work, future))
        if not self._busy:
            self._next()

    def _next(self) -> None:
        self._busy = bool(self._asked)
        if self._busy:
            work, future = self._asked.popleft()
            try:
                reply, seconds = work()
            except Exception as error:  # noqa: BLE001 - a command that the keyspace has not: whoever asked is told
                future.set_exception(error)
                reply, seconds = None, 0.0
            self._loop.call_later(seconds + WAY_SECONDS, _answer, future, reply)
            self._loop.call_later(seconds, self._next)

    def _tell(self, channel: bytes, _payload: bytes) -> int:
        heard = self._heard.get(channel, {})
        self._told += len(heard)
        if heard:
            self._loop.call_later(WAY_SECONDS, _tell_all, list(heard.values()))
        return len(heard)

    def _call(self, name: bytes, *arguments: Any) -> Any:
        return self._shown(self.keyspace.run(name, *arguments))

    def _shown(self, reply: Any) -> Any:
        """As Redis hands it to Lua: nothing is `false`."""
        if reply is None:
            return False
        return self._table([False if one is None else one for one in reply]) if type(reply) is list else reply


class Script:
    """As redis-py's: to be called, and named by its digest."""

    def __init__(self, server: Server, text: str, function: Any) -> None:
        self.script = text
        self.sha = digest_of(text)
        self.name = NAMES[self.sha]
        self.function = function
        self.registered_client = self._server = server

    async def __call__(self, *, keys: Sequence[str], args: Sequence[Any]) -> Any:
        return await self._server.ask(self, keys, args)


class Pipeline:
    """Scripts in one trip."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._asked: list[tuple[Script, Sequence[Any], Sequence[Any]]] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Nothing is left open."""

    def eval(self, text: str, number: int, *words: Any) -> None:
        self._asked.append((self._server.register_script(text), words[:number], words[number:]))

    async def execute(self, *, raise_on_error: bool) -> list[Any]:
        del raise_on_error  # no script of the queue fails
        return list(await asyncio.gather(*[self._server.ask(*one) for one in self._asked]))


def _tell_all(heard: Sequence[Callable[[], None]]) -> None:
    for told in heard:
        told()


def _answer(future: asyncio.Future[Any], reply: Any) -> None:
    if not future.done():
        future.set_result(reply)


def _word(one: Any) -> bytes:
    return one if isinstance(one, bytes) else str(one).encode()


def _reply(told: Any) -> Any:
    """As a client gets it: tables are lists, whole numbers whole, strings bytes."""
    if lupa.lua51.lua_type(told) == "table":
        return [_reply(one) for one in told.values()]
    if isinstance(told, bool):
        return 1 if told else None
    return int(told) if isinstance(told, float) else told


def _encode(table: Any) -> bytes:
    return orjson.dumps([one.decode() if isinstance(one, bytes) else one for one in table.values()])
