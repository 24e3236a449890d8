from __future__ import annotations

from tests.mutations.mutation import Mutation

ROWS = (
    Mutation(
        "another owner's conversation is one that was deleted",
        "app/faces/conversations/keeping.py",
        "        if found is None or found.owner != owner:  #",
        "        if found is None:  #",
    ),
    Mutation(
        "a title is made of all words of a text",
        "app/faces/conversations/history.py",
        "TITLE_LOOKED_AT = 1000",
        "TITLE_LOOKED_AT = 10**9",
    ),
    Mutation(
        "the stream of a deleted conversation runs on where the reply was lost",
        "app/faces/conversations/keeping.py",
        "        finally:\n            await self._or_later(partial(self._clear, found))",
        "        finally:\n            pass",
    ),
    Mutation(
        "what was made for nobody stays",
        "app/faces/conversations/answer.py",
        "            conversing.forget(made.owner, made.id)\n",
        "",
    ),
    Mutation(
        "half an answer passes for a whole one upstream",
        "app/faces/conversations/history.py",
        '    if message.get("partial"):  # what else',
        "    if False:  # what else",
    ),
    Mutation(
        "a call of the API's own that was cut off is sent for ever",
        "app/faces/conversations/history.py",
        "if not _calls_a_tool(block) or",
        'if block.get("type") != "tool_use" or',
    ),
    Mutation(
        "a result is looked for in the next message alone",
        "app/faces/conversations/history.py",
        "            replies = blocks + replies",
        "            replies = blocks",
    ),
    Mutation(
        "a long conversation is counted before the screen has seen it",
        "app/faces/conversations/saying.py",
        "        prompt = replace(prompt, body=with_messages(rest, messages))",
        "        await self._context.check(prompt.model, rest, messages, headers)\n"
        "        prompt = replace(prompt, body=with_messages(rest, messages))",
    ),
    Mutation(
        "a title that a person gives meanwhile is replaced",
        "app/faces/conversations/listed/naming.py",
        '        while found.text("provisional") and made:',
        "        while made:",
    ),
    Mutation(
        "each who asks for a title is a call",
        "app/faces/conversations/listed/naming.py",
        "idempotency_key=key,",
        "idempotency_key=None,",
    ),
    Mutation(
        "a title may be of many lines and characters that nobody sees",
        "app/faces/conversations/listed/titles.py",
        '    shown = "".join(one for one in line if unicodedata.category(one)[0] != "C")',
        "    shown = text",
    ),
    Mutation(
        "a search goes on for who has left",
        "app/faces/conversations/listed/searching.py",
        " or left():",
        ":",
    ),
    Mutation(
        "a search looks at everything in one call",
        "app/faces/conversations/listed/searching.py",
        "                if len(rows) == limit or room <= 0 or time.monotonic() > until or left():",
        "                if False:",
    ),
    Mutation(
        "a letter is found only as it was composed",
        "app/faces/conversations/listed/matching.py",
        "_composed(text.casefold())",
        "text.casefold()",
    ),
    Mutation(
        "a letter has as many marks as somebody puts on it",
        "app/faces/conversations/listed/matching.py",
        "        if marks <= MARKS:",
        "        if True:",
    ),
    Mutation(
        "an owner has as many searches under way as there are",
        "app/faces/conversations/listed/searching.py",
        "                    await held.enter_async_context(mine)",
        "                    # not one of each",
    ),
    Mutation(
        "what stands where a long text is cut is not found",
        "app/faces/conversations/listed/matching.py",
        "    overlap = 4 * len(query) + 16",
        "    overlap = 0",
    ),
    Mutation(
        "a version is chosen while an answer is written",
        "app/faces/conversations/choosing.py",
        "            if found.stream_id is not None:",
        "            if False:",
    ),
    Mutation(
        "versions have room of their own beside the active branch",
        "app/faces/conversations/branches.py",
        "    versions, gone = versions.within(room)",
        "    versions, gone = versions.within(10**9)",
    ),
    Mutation(
        "an answer that says nothing is kept as a version",
        "app/faces/conversations/branches.py",
        "    if dropped and is_worth_keeping(dropped):",
        "    if dropped:",
    ),
    Mutation(
        "what is taken back stands twice, as the active branch and as a version",
        "app/faces/conversations/saying.py",
        "gone=[said.left.put] if said.left.put else [])",
        "gone=[])",
    ),
    Mutation(
        "to go over to another version costs the oldest",
        "app/faces/conversations/branches.py",
        "    events = [turns.removed(before or None), *told(versions.marked(path, before))]",
        "    versions = versions.within(found.versions.size - 1)[0]\n"
        "    events = [turns.removed(before or None), *told(versions.marked(path, before))]",
    ),
    Mutation(
        "a refused message takes along the title that a person gave",
        "app/faces/conversations/saying.py",
        'not said.keep and found.text("provisional"):',
        'not said.keep and found.text("title"):',
    ),
    Mutation(
        "whatever is owed holds up who is told that a stream runs",
        "app/faces/conversations/saying.py",
        "self._streams.owed.owes(withdrawal_of(found.stream_id)):",
        "self._streams.owed:",
    ),
    Mutation(
        "conversations say all again without reading it from a cache",
        "app/faces/conversations/saying.py",
        "cache_prompt=CACHE_PROMPT[0]",
        'cache_prompt=""',
    ),
    Mutation(
        "a call without its result is heard again",
        "app/faces/conversations/history.py",
        'said = _answered(list(filter(says_something, step["content"])), results)',
        'said = list(filter(says_something, step["content"]))',
    ),
    Mutation(
        "the turns of a failed answer are heard",
        "app/faces/conversations/history.py",
        '    if answer.get("outcome") in _UNHEARD:\n        return []\n    steps, found',
        "    steps, found",
    ),
    Mutation(
        "results are taken where nothing was called",
        "app/faces/conversations/history.py",
        'or last.get("stop_reason") != "tool_use" or not calls:',
        "or not calls:",
    ),
)
