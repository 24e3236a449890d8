"""What the commands that judge servers rest on."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

PROBE = (
    Mutation(
        "a probe compares ids alone",
        "app/terminal/probe/seen/compared.py",
        "            if self._events[found] != one:",
        "            if False:",
    ),
    Mutation(
        "a probe takes what came before for what follows",
        "app/terminal/probe/seen/compared.py",
        "            elif found < self._place:",
        "            elif False:",
    ),
    Mutation(
        "a probe takes the word of an id for what stands before it",
        "app/terminal/probe/seen/id_chain.py",
        "if begins < place or crc32(raw[:-_ID_LINE_BYTES], crc) != int(match[2], 16):",
        "if begins < place:",
    ),
    Mutation(
        "a probe takes a clean end amid an event for an end",
        "app/terminal/probe/judging.py",
        "        case How.CLEAN if reading.amid:",
        "        case How.CLEAN if False:",
    ),
    Mutation(
        "a probe holds whatever a server sends",
        "app/terminal/probe/seen/sse_blocks.py",
        "            if self._held > BLOCK_BYTES or len(self._lines) > BLOCK_LINES:",
        "            if False:",
    ),
    Mutation(
        "a probe cuts what has ended near its beginning alone",
        "app/terminal/probe/reading/rounds.py",
        "self.plan.again(uncut.bytes)",
        "self.plan.again(16)",
    ),
    Mutation(
        "a probe takes what follows a reset for the beginning, whatever it is",
        "app/terminal/probe/seen/compared.py",
        "            place = self._beginning(place)",
        "            pass",
    ),
    Mutation(
        "a probe takes a reset without a reason",
        "app/terminal/probe/reading/cursor.py",
        "    except (ValueError, LookupError, TypeError):\n        return False",
        "    except (ValueError, LookupError, TypeError):\n        return True",
    ),
    Mutation(
        "a probe repeats a key that a server repeats",
        "app/terminal/probe/telling.py",
        "        if len(secret) >= SECRET_CHARS_MIN:",
        "        if False:",
    ),
    Mutation(
        "a probe lets somebody pay who did not say so",
        "app/terminal/probe/probe.py",
        "        if not await canary.is_simulated(http, asking.url):",
        "        if False:",
    ),
)
DRILL = (
    Mutation(
        "what a drill has stopped stands still when the drill is killed",
        "app/terminal/drill/guard.py",
        "    await asyncio.wait({orphaned}, timeout=seconds)",
        "    await asyncio.sleep(seconds)",
    ),
    Mutation(
        "what a drill has stopped stands still when its guard is killed",
        "app/terminal/drill/doing.py",
        "    if status not in (0, NOT_DONE):  # somebody",
        "    if False:  # somebody",
    ),
    Mutation(
        "a guard hears what a terminal says to a drill",
        "app/terminal/drill/guard.py",
        "        signal.signal(number, signal.SIG_IGN)",
        "        signal.signal(number, signal.SIG_DFL)",
    ),
    Mutation(
        "a drill takes the word of a stream that it is complete",
        "app/terminal/drill/guarantees.py",
        """if story.outcome == "completed" and canary.text and "".join(story.text) != canary.text:""",
        "if False:",
    ),
    Mutation(
        "a drill does not look into the ids of what a reader saw",
        "app/terminal/drill/guarantees.py",
        "            if stretch.unchained is not None:",
        "            if False:",
    ),
    Mutation(
        "a drill lets somebody pay who did not say so",
        "app/terminal/drill/drill.py",
        "        if not simulated and not options.real:",
        "        if False:",
    ),
    Mutation(
        "a drill kills the last worker that there is",
        "app/terminal/drill/drill.py",
        "    if left < 2:",
        "    if left < 0:",
    ),
)
