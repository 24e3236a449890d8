"""The body of `POST /v1/messages`: the Messages API's own, and what our field in it may say here.

Pure. The rule: a client that is streamed an answer cannot take back what it was shown, so nothing is restarted for it.
"""

from __future__ import annotations

from dataclasses import replace

from app.intake.prompt import InvalidPromptError, Prompt, prompt_of
from app.intake.raw_json import Fields, kind_of

# A streamed answer that nobody reads for so long is cancelled, unless an Idempotency-Key says that somebody comes back.
ABANDON_SECONDS = 30.0


def is_streamed(fields: Fields) -> bool:
    return "stream" in fields and kind_of(fields["stream"]) == "true"


def messages_prompt(fields: Fields, *, streamed: bool, comes_back: bool) -> Prompt:
    """The prompt of a client; `comes_back`: with an Idempotency-Key. Raises `InvalidPromptError`."""
    prompt = prompt_of(fields, None, on_interrupt="fail" if streamed else "restart")
    if prompt.relay.ticket:
        raise InvalidPromptError("relay.ticket: is for /v1/streams; here the answer is the message itself")
    if not streamed:
        return prompt
    if prompt.on_interrupt != "fail":
        raise InvalidPromptError("relay.on_interrupt: a streamed answer cannot be taken back; use fail, or /v1/streams")
    if not comes_back and prompt.relay.abandon_after is None:
        return replace(prompt, relay=replace(prompt.relay, abandon_after=ABANDON_SECONDS))
    return prompt
