"""The body of `POST /v1/messages`: the Messages API's own, and what our field in it may say here.

Pure. The rule: a client that is streamed an answer cannot take back what it was shown, so nothing is restarted for it,
unless it is shown nothing before the answer is whole.
"""

from __future__ import annotations

from dataclasses import replace

from app.intake.prompt import InvalidPromptError, Prompt, prompt_of
from app.intake.raw_json import Fields, kind_of

# A streamed answer that nobody reads for so long is cancelled, unless an Idempotency-Key says that somebody comes back.
ABANDON_SECONDS = 30.0
NOT_TAKEN_BACK = "a streamed answer cannot be taken back; use fail, or delivery final, or /v1/streams"


def is_streamed(fields: Fields) -> bool:
    return "stream" in fields and kind_of(fields["stream"]) == "true"


def messages_prompt(fields: Fields, *, streamed: bool, comes_back: bool) -> Prompt:
    """The prompt of a client; `comes_back`: with an Idempotency-Key. Raises `InvalidPromptError`."""
    prompt = prompt_of(fields, None)
    if prompt.relay.ticket:
        raise InvalidPromptError("relay.ticket: is for /v1/streams; here the answer is the message itself")
    if prompt.relay.tools:
        raise InvalidPromptError("relay.tools: is for /v1/streams and conversations; here tools are the client's")
    if not streamed:
        return prompt
    if not prompt.relay.is_final:
        if prompt.relay.on_interrupt not in ("", "fail"):
            raise InvalidPromptError(f"relay.on_interrupt: {NOT_TAKEN_BACK}")
        prompt = replace(prompt, on_interrupt="fail")
    if not comes_back and prompt.relay.abandon_after is None:
        return replace(prompt, relay=replace(prompt.relay, abandon_after=ABANDON_SECONDS))
    return prompt
