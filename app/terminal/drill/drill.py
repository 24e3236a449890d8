"""The `keepstream drill` command: a deployment and how to reach its parts in, a verdict out, an exit code."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from secrets import randbelow

import httpx
import orjson

from app.terminal.drill.actions import NotDoneError
from app.terminal.drill.concluding import Outcome, as_json, code_of, lines, shown
from app.terminal.drill.deeds import WORDS, Part
from app.terminal.drill.doing import perform
from app.terminal.drill.drill_options import SEED_MAX, check, means_of, outline, parser_of_drill
from app.terminal.drill.guarantees import Canary
from app.terminal.drill.means import Holder, Means
from app.terminal.drill.waves import Load, Waves
from app.terminal.exits import Exit
from app.terminal.once import write
from app.terminal.options import complain, guarded, parse
from app.terminal.probe import canary
from app.terminal.probe.canary import NotAskedError
from app.terminal.probe.reading.connecting import a_client
from app.terminal.probe.targets import bare

# For what was killed to be back.
BACK_SECONDS = 90.0
# For the last look: whoever has ended is known to have within that.
LOOK_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Standing:
    """How many there are, for who may know."""

    workers: int
    fronts: int


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit code."""
    parser = parser_of_drill()
    options = parse(parser, argv)
    check(parser, options)
    means = means_of(parser, options)
    if options.dry_run:
        write("\n".join(outline(means, options.only)))
        return Exit.COMPLETED
    return guarded(lambda: asyncio.run(_heeding(_Drill(options, means).run())), bare(options.url))


async def _heeding(work: Awaitable[Exit]) -> Exit:
    """SIGTERM as Ctrl-C: what was begun is undone first."""
    task = asyncio.ensure_future(work)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        return await task
    except asyncio.CancelledError:
        return Exit.INTERRUPTED


class _Drill:
    """One drill, from its first question to its verdict."""

    def __init__(self, options: argparse.Namespace, means: Means | None) -> None:
        self._options = options
        self._means = means
        self._urls = [options.url, *options.others]
        self._secrets = [options.key or ""]
        self._show: Callable[[str], None] = self._to_stderr if options.json else self._to_stdout

    async def run(self) -> Exit:
        options = self._options
        headers = {"x-api-key": options.key} if options.key else {}
        try:
            async with a_client(headers) as http:
                load = await self._load(http)
                outcome = await self._drill(http, load)
        except NotAskedError as error:
            complain(shown(f"{bare(options.url)} {error}", self._secrets))
            return error.code
        told = as_json(outcome, self._secrets) if options.json else "\n".join(lines(outcome, self._secrets))
        write(told)
        return code_of(outcome)

    async def _load(self, http: httpx.AsyncClient) -> Load:
        """Raises `NotAskedError`, also where somebody would pay for it who did not say so."""
        options = self._options
        simulated = await canary.is_simulated(http, options.url)
        seed = randbelow(SEED_MAX) if options.seed is None else options.seed
        load = Load(options.streams, options.seconds, options.patience, seed, simulated)
        waves = 1 + len(options.only)
        answers = (load.streams + max(load.streams // 2, 1)) * waves
        if not simulated and not options.real:
            what = f"about {answers} answers of {load.words} words each would be paid: --real says that they may be"
            raise NotAskedError(f"does not say that its Claude is simulated; {what}", Exit.USAGE)
        if simulated and not await self._answers_as_simulated(http):
            raise NotAskedError("says that its Claude is simulated, and its workers ask another one", Exit.USAGE)
        paid = "is simulated" if simulated else f"may be the real one: about {answers} answers are paid"
        self._show(f"{bare(options.url)}: Claude {paid}; {load.streams} streams at a time, seed {seed}")
        return load

    async def _answers_as_simulated(self, http: httpx.AsyncClient) -> bool:
        """One canary of a few words: the simulated Claude says exactly what it is told to, and no other does."""
        text = canary.text_of(5)
        prompt = canary.prompt_of(text, "rate=0 first=0")
        url = f"{self._options.url}/v1/streams?wait=30"
        answer = await canary.ask(http, "POST", url, body={"prompt": prompt, "max_tokens": 100})
        if answer.status not in (httpx.codes.OK, httpx.codes.ACCEPTED):
            raise NotAskedError(canary.refused(answer), Exit.FAILED)
        try:
            content = orjson.loads(answer.body)["message"]["content"]
            return "".join(block["text"] for block in content) == text
        except (ValueError, LookupError, TypeError):
            raise NotAskedError("has not answered a first canary within 30 s", Exit.FAILED) from None

    async def _drill(self, http: httpx.AsyncClient, load: Load) -> Outcome:
        waves = Waves(http, self._urls, load)
        outcome = Outcome(waves.course)
        before = await self._standing(http)
        self._show("- nothing is disturbed")
        await waves.wave(_nothing)
        for part in self._options.only:
            if self._means is not None:
                await self._disturb(waves, self._means, part, outcome)
        self._show("- everything is read once more")
        await waves.look_again()
        if missing := await self._missing(http, before, LOOK_SECONDS):
            outcome.absent.append(missing)
        return outcome

    async def _disturb(self, waves: Waves, means: Means, part: Part, outcome: Outcome) -> None:
        self._show(f"- {WORDS[part]}")
        before = await self._standing(waves.http)
        try:
            deed = await means.deed(part)
            _alone(part, before, returns=deed.returns)
        except NotDoneError as error:
            outcome.undone[part] = str(error)
            self._show(f"  not done: {error}")
            return
        sent_away = waves.course.sent_away
        failed: list[str] = []

        async def meanwhile(running: Sequence[Canary]) -> None:
            try:  # whoever is there by now
                holders = await self._holders(waves.http, running) if part is Part.WORKER else ()
                await perform(await means.deed(part, holders), self._show)
            except NotDoneError as error:
                failed.append(str(error))

        canaries = await waves.wave(meanwhile)
        if failed:
            outcome.undone[part] = failed[0]
            self._show(f"  not done: {failed[0]}")
        elif seen := _seen(part, canaries, waves.course.sent_away - sent_away):
            outcome.done[part] = seen
            self._show(f"  {seen}")
        else:
            outcome.undone[part] = "it was done, and no stream of ours was there: nothing was shown (more --streams)"
            self._show(f"  {outcome.undone[part]}")
        if deed.returns:
            await self._missing(waves.http, before, BACK_SECONDS)

    async def _holders(self, http: httpx.AsyncClient, canaries: Sequence[Canary]) -> list[Holder]:
        """The workers that have streams of ours, whoever has most first; nobody where that is not told."""
        names: Counter[str] = Counter()
        for one in canaries:
            with suppress(NotAskedError, ValueError, LookupError, TypeError, StopIteration):
                url = f"{self._options.url}/v1/streams/{one.stream_id}/timeline"
                told = orjson.loads((await canary.ask(http, "GET", url)).body)["data"]
                names[next(str(entry["worker"]) for entry in reversed(told) if entry.get("worker"))] += 1
        words = [name.rsplit(":", 2) for name, _ in names.most_common()]
        return [Holder(one[0], int(one[1])) for one in words if len(one) > 1 and one[1].isdecimal()]

    async def _standing(self, http: httpx.AsyncClient) -> Standing | None:
        """None where that is not ours to know."""
        try:
            answer = await canary.ask(http, "GET", f"{self._options.url}/v1/queue")
            told = orjson.loads(answer.body)
            return Standing(int(told["workers"]), int(told["fronts"]))
        except (NotAskedError, ValueError, LookupError, TypeError):
            return None

    async def _missing(self, http: httpx.AsyncClient, before: Standing | None, seconds: float) -> str:
        """Who is not back after so long, or ''."""
        until = asyncio.get_running_loop().time() + seconds
        now: Standing | None = None
        while before is not None and asyncio.get_running_loop().time() < until:
            now = await self._standing(http)
            if now is not None and now.workers >= before.workers and now.fronts >= before.fronts:
                return ""
            await asyncio.sleep(0.5)
        if before is None:
            return ""
        there = "nobody says how many there are" if now is None else f"{now.workers} workers, {now.fronts} fronts"
        return f"{there}; before there were {before.workers} and {before.fronts}: start what is missing"

    def _to_stdout(self, what: str) -> None:
        write(shown(what, self._secrets))

    def _to_stderr(self, what: str) -> None:
        sys.stderr.write(shown(what, self._secrets) + "\n")


async def _nothing(_: Sequence[Canary]) -> None:
    """Is done."""


def _alone(part: Part, before: Standing | None, *, returns: bool) -> None:
    """Raises `NotDoneError` where what is ended would be the last of its kind, and nothing brings it back."""
    if before is None or returns:
        return
    left = {Part.WORKER: before.workers, Part.FRONT: before.fronts}.get(part, 2)
    if left < 2:  # noqa: PLR2004  # one, and another that goes on
        raise NotDoneError(f"it is the only {part}, and nothing here would start another")


def _seen(part: Part, canaries: Sequence[Canary], sent_away: int) -> str:
    """By what one sees that it happened; '' where nothing of ours was there."""
    match part:
        case Part.WORKER:
            again = sum(canary.again > 0 for canary in canaries)
            return f"{again} of {len(canaries)} streams were begun again elsewhere" if again else ""
        case Part.FRONT:
            return f"{sent_away} readers were sent away by it"
        case Part.REDIS:
            return f"{len(canaries)} streams went on"
