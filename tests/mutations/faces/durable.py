from __future__ import annotations

from tests.mutations.mutation import Mutation

ROWS = (
    Mutation(
        "a Durable Stream begins with what is void",
        "app/faces/durable/routes.py",
        "read = await front.hub.log.read(stream_id, asked.after, READ_BYTES)",
        "read = await front.hub.log.read(stream_id, asked.after or origin(stream_id), READ_BYTES)",
    ),
    Mutation(
        "a place that the log does not have is taken for its beginning",
        "app/faces/durable/routes.py",
        "    if not read.proven and asked.after is not None:",
        "    if False:",
    ),
    Mutation(
        "what a key opened may be kept by a cache for all",
        "app/faces/durable/view.py",
        "    return PUBLIC if by_ticket else PRIVATE",
        "    return PUBLIC",
    ),
    Mutation(
        "what is said of an open end may be kept",
        "app/faces/durable/view.py",
        "    if now or (answered.start == answered.end and not answered.closed):",
        "    if now:",
    ),
    Mutation(
        "the ending changes no tag",
        "app/faces/durable/view.py",
        """{":c" if self.closed else ""}""",
        "",
    ),
    Mutation(
        "a cursor may stand still",
        "app/faces/durable/view.py",
        "str(sent + 1 + int(",
        "str(sent + int(",
    ),
    Mutation(
        "a stream that is read along here is read by whoever asks",
        "app/faces/durable/routes.py",
        "    if tail is None or tail.owner != owner or tail.ended or tail.told_all:",
        "    if tail is None or tail.ended or tail.told_all:",
    ),
    Mutation(
        "each client holds a page of its own",
        "app/faces/durable/answer.py",
        "    if data is not None and length <= WHOLE_BYTES:",
        "    if data is not None:",
    ),
    Mutation(
        "an SSE of a Durable Stream has no end",
        "app/faces/durable/answer.py",
        "            if told and now() >= self._until and not inside:",
        "            if False:",
    ),
    Mutation(
        "the ending of a Durable Stream comes without its word",
        "app/faces/durable/answer.py",
        "            await self._say(reader, send, self._control(reader, closed=True))",
        "            await self._say(reader, send, self._control(reader))",
    ),
    Mutation(
        "a wait in which nobody could look says that nothing came",
        "app/faces/durable/answer.py",
        "            return False\n        return read.proven",
        "            return True\n        return read.proven",
    ),
    Mutation(
        "head takes whatever is asked",
        "app/faces/durable/routes.py",
        "    if asked.after is not None and not (await front",
        "    if False and not (await front",
    ),
    Mutation(
        "the end of a log is told that shows nothing",
        "app/faces/durable/routes.py",
        "        if read.sealed is not None:\n",
        "        if False:\n",
    ),
)
