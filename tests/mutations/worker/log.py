from __future__ import annotations

from tests.mutations.mutation import Mutation

ROWS = (
    Mutation(
        "a tail that was lost is not healed",
        "worker/log/writer.py",
        "case Status.SHORT if reply.length >= self._kept_from:",
        "case Status.SHORT if False:",
    ),
    Mutation(
        "what waits to be sent takes the place of what is kept",
        "worker/log/writer.py",
        "while self._kept and self._sent - self._kept_from - len(self._kept[0]) >= KEPT_BYTES:",
        "while self._kept and self._offset - self._kept_from - len(self._kept[0]) >= KEPT_BYTES:",
    ),
    Mutation(
        "a whole attempt is kept in memory",
        "worker/log/writer.py",
        "while self._kept and self._sent - self._kept_from - len(self._kept[0]) >= KEPT_BYTES:",
        "while self._kept and self._sent - self._kept_from - len(self._kept[0]) >= 2**60:",
    ),
    Mutation(
        "an ending has to stay below the limit",
        "worker/log/writer.py",
        "        if offset > frames.MAX_OFFSET:\n",
        "        if offset > self._limit:\n",
    ),
    Mutation(
        "one append that cannot be packed stops the writing of all",
        "worker/log/commit.py",
        "parts.append(self._scripts.packed(writer, append))\n            except Exception as error:",
        "parts.append(self._scripts.packed(writer, append))\n            except ZeroDivisionError as error:",
    ),
    Mutation(
        "a later mark gets into the append under way",
        "worker/log/writer.py",
        "        self._fields = {}\n        older = ",
        "        self._fields = {} if self._fields else self._fields\n        older = ",
    ),
    Mutation(
        "whose every event is refused comes back at once each time",
        "worker/log/commit.py",
        "            if loop.time() - since >= STEADY_SECONDS:\n                pause = 0.0",
        "            if True:\n                pause = 0.0",
    ),
    Mutation(
        "who failed once, and has nothing to write, is broken for ever",
        "worker/log/commit.py",
        "            if not batch:  # and nobody is kept from writing\n                self._broken_since = None",
        "            if not batch:",
    ),
    Mutation(
        "a deadline stands of what was never sent",
        "worker/log/commit.py",
        "            if out.transport.is_closing():",
        "            self._due = loop.time()\n            if out.transport.is_closing():",
    ),
    Mutation(
        "what is refused for now holds up all others",
        "worker/log/commit.py",
        "            self._refused += refused\n",
        "            self._unanswered, self._again_at = refused + self._unanswered, 0.0\n",
    ),
    Mutation(
        "what was refused for now waits for somebody to write",
        "worker/log/commit.py",
        "loop.call_at(self._again_at, self._stir) if self._refused else None",
        "None",
    ),
    Mutation(
        "what a node sends elsewhere is refused for good",
        "worker/log/lanes.py",
        "        return not self._of.sent_elsewhere(self._node, item, error) and super()._is_kept(item, error)",
        "        return super()._is_kept(item, error)",
    ),
    Mutation(
        "what lay in the lane of a node that is gone is forgotten",
        "worker/log/lanes.py",
        "            items += lane.left\n",
        "",
    ),
    Mutation(
        "an append that is half on its way is sent by nobody",
        "worker/log/lanes.py",
        '            task = asyncio.create_task(self._run_errand(*item), name="commit-errand")',
        "            task = asyncio.create_task(asyncio.sleep(0))",
    ),
)
