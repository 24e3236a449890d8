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
        "app/watch/log_observer.py",
        "        self._said[key] = now\n",
        "        pass\n",
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
)
