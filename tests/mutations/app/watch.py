from __future__ import annotations

from tests.mutations.mutation import Mutation

ROWS = (
    Mutation(
        "an observer's fault reaches who tells",
        "app/watch/observers.py",
        "            except Exception as error:",
        "            except ZeroDivisionError as error:",
    ),
    Mutation(
        "an outage is a line for each who asks",
        "app/watch/logs/outages.py",
        "        self._said[key] = now\n",
        "        pass\n",
    ),
    Mutation(
        "a stranger fills a disk by asking",
        "app/watch/logs/floods.py",
        "        too_many = left < 1",
        "        too_many = False",
    ),
    Mutation(
        "what was left out of the log is said by nobody",
        "app/watch/logs/floods.py",
        "        found = list(self._left_out.items())",
        "        found: list[tuple[str, int]] = []",
    ),
    Mutation(
        "what nobody listens to is written all the same",
        "app/watch/logs/observer.py",
        "if level >= self._threshold and not (",
        "if not (",
    ),
    Mutation(
        "a worker's line is of an id alone",
        "app/watch/logs/observer.py",
        "            self._remember(event.of)",
        "            pass",
    ),
    Mutation(
        "a line of the log paints a terminal",
        "app/watch/logs/rendering.py",
        'if told.isascii() and b"\\x7f" not in told:',
        "if True:",
    ),
    Mutation(
        "a value for people may be taken for another field",
        "app/watch/logs/rendering.py",
        "[A-Za-z0-9_.:/@+%*-]+",
        "[ -~]+",
    ),
    Mutation(
        "what a library puts into its words is written",
        "app/watch/logs/foreign.py",
        "return record.msg in frame.f_code.co_consts",
        "return True",
    ),
    Mutation(
        "a log that nobody reads is kept without bound",
        "app/watch/logs/writer.py",
        "len(self._lines) >= LINES_MAX or self._fd is None",
        "self._fd is None",
    ),
    Mutation(
        "that lines were lost is said by nobody",
        "app/watch/logs/writer.py",
        "                self._tell_lost()\n",
        "                pass\n",
    ),
    Mutation(
        "half a line and the next one are one",
        "app/watch/logs/writer.py",
        "            if self._torn:",
        "            if False:",
    ),
    Mutation(
        "what nobody foresaw ends a process with its words",
        "app/watch/wiring.py",
        "        raise SystemExit(FELL) from None\n",
        "        raise\n",
    ),
    Mutation(
        "what an upstream says in the place of a name is told",
        "app/watch/events/subjects.py",
        "_WORD.fullmatch(text)",
        "text.strip()",
    ),
    Mutation(
        "an exception's words are told",
        "app/watch/events/of_processes.py",
        "type(error).__name__, place_of(error), of)",
        "repr(error), place_of(error), of)",
    ),
    Mutation(
        "what a callback raised is written with its words",
        "app/watch/strays.py",
        "asyncio.get_running_loop().set_exception_handler(_met)",
        "asyncio.get_running_loop()",
    ),
    Mutation(
        "of two parents that a request names one is believed",
        "app/watch/traces/carried.py",
        "if len(parents) == 1 else NO_TRACE",
        "if parents else NO_TRACE",
    ),
    Mutation(
        "a call's attempt is not where the SDK looks for it",
        "app/watch/traces/observer.py",
        "        life.entered = contexts.attach(trace.set_span_in_context(life.attempt))\n",
        "",
    ),
    Mutation(
        "any library's spans leave the process",
        "app/watch/traces/sieve.py",
        "if scope != SDK_SCOPE:",
        "if not scope:",
    ),
    Mutation(
        "all that the SDK notes of a call leaves the process",
        "app/watch/traces/sieve.py",
        " if name in _SDK_ATTRIBUTES",
        "",
    ),
    Mutation(
        "an endpoint that is away is told with every batch",
        "app/watch/traces/sending.py",
        "        if self._away_since is None:\n",
        "        if spans:\n",
    ),
    Mutation(
        "an exit waits for an endpoint that hangs",
        "app/watch/traces/sending.py",
        "leaving.join(LEAVE_AWAY_SECONDS if self._sender.is_away else LEAVE_SECONDS)",
        "leaving.join()",
    ),
    Mutation(
        "a full disk behind stdout is a reason not to serve",
        "app/watch/announcing.py",
        "with contextlib.suppress(OSError):",
        "with contextlib.suppress(ZeroDivisionError):",
    ),
    Mutation(
        "what was left in vain is counted anew under another number",
        "app/watch/tallies.py",
        "            if self._batch is None:",
        "            if True:",
    ),
    Mutation(
        "an answer's bytes count as it comes and again when it has ended",
        "app/watch/tallies.py",
        "max(ended.output_bytes - self._said.get(stream_id, 0), 0)",
        "ended.output_bytes",
    ),
    Mutation(
        "a Redis without room is given timelines",
        "app/watch/timeline/keeper.py",
        "return self._full_until > 0 and self._clock() < self._full_until",
        "return False",
    ),
    Mutation(
        "what nobody took of a claim is told of the next",
        "app/watch/timeline/keeper.py",
        "self._waiting.pop(event.of.stream_id, None)",
        "pass",
    ),
    Mutation(
        "the upstream's words are told as why",
        "app/watch/timeline/story.py",
        '    if "failure" not in kept.meta:\n',
        "    if error:\n",
    ),
)
