from __future__ import annotations

from tests.mutations.mutation import Mutation

ROWS = (
    Mutation(
        "what was written to a client counts as heard",
        "app/faces/chat/answer.py",
        "            when_heard(scope, partial(self._note_shown, *self._chat))",
        "            self._note_shown(*self._chat)",
    ),
    Mutation(
        "a chat's stream is resumed by whoever knows its id",
        "app/faces/chat/routes.py",
        "    meta = await meta_of_owner(front, caller.owner, stream_id,",
        "    meta = await front.streams.log.meta(stream_id,",
    ),
    Mutation(
        "a stop that names a stream stops whichever the chat shows",
        "app/faces/chat/routes.py",
        '    if chat is None or request.query_params.get("stream", chat.stream_id) != chat.stream_id:',
        "    if chat is None:",
    ),
    Mutation(
        "a message that a stream goes on with is another when its stream is resumed",
        "app/faces/chat/routes.py",
        "    if asked.continues:",
        "    if False:",
    ),
    Mutation(
        "a large chunk of a chat is held for each client",
        "app/faces/chat/answer.py",
        "if len(shown) > PART_BYTES:",
        "if False:",
    ),
    Mutation(
        "a message's id in a chat may be of any length",
        "app/faces/chat/prompt.py",
        'if not isinstance(message.get("id"), str) or len(message["id"]) > CHAT_ID_MAX:',
        'if not isinstance(message.get("id"), str):',
    ),
    Mutation(
        "a chat may not be called `resume`",
        "app/faces/chat/routes.py",
        '    Route("/api/chat/{chat_id:anything}/stream", resume, methods=["GET"]),',
        '    Route("/api/chat/resume/{id}", resume_stream, methods=["GET"]),\n'
        '    Route("/api/chat/{chat_id:anything}/stream", resume, methods=["GET"]),',
    ),
    Mutation(
        "a page is told to run what the worker runs",
        "app/faces/chat/view_blocks.py",
        'if is_ours or self.start["type"] != "tool_use":',
        'if self.start["type"] != "tool_use":',
    ),
    Mutation(
        "any page may choose the worker's tools",
        "app/faces/chat/prompt_tools.py",
        "if RELAY_TOOLS not in fields:",
        "if not RELAY_TOOLS:",
    ),
    Mutation(
        "what the worker ran is left out of what a chat says next",
        "app/faces/chat/prompt.py",
        "and (origin or kind is not None):",
        ":",
    ),
)
