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
)
